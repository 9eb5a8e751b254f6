"""The measurement uses the real window and tells every line that it promises."""

import math
from time import perf_counter, thread_time

from app.bench.clock import Heartbeat, since_start_s
from app.bench.ui import Extent, UiBench
from tests.app.conftest import forget


def test_every_figure_is_measured(qapp, tmp_path):
    bench = UiBench(qapp, tmp_path, Extent((200,), 2, 30, 0.4, 400))
    found = {speed.what: speed for speed in bench.run()}
    assert all(math.isfinite(speed.value) and speed.value >= 0 for speed in found.values())
    for words in ("window visible", "demo lifted", "scrubbing 1080p", "playing 1080p", "frames left out", "quitting", "memory"):
        assert any(words in what for what in found), words
    for what in ("click to repaint", "click to new 3D", "longest standstill"):
        assert any(what in line and "200 frames" in line for line in found), what
    assert found["  memory"].value > 0.1 and 0 < found["window visible"].value <= found["demo lifted"].value
    assert not bench.window.isVisible()
    bench.window.deleteLater()
    forget(bench.window)


def test_a_standstill_is_noticed(qtbot):
    heart = Heartbeat()
    qtbot.wait(50)
    heart.restart()
    begun = perf_counter()
    end, end_of_work = begun + 0.2, thread_time() + 0.05  # on a busy machine the second comes long after the first
    while perf_counter() < end or thread_time() < end_of_work:
        pass
    qtbot.wait(50)
    found = heart.standstill()
    assert 180 < found.wall_ms < (perf_counter() - begun) * 1000 + 10 and 40 < found.own_ms < found.wall_ms + 20
    assert since_start_s() > 0.2
