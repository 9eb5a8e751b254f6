"""The measurement uses the real window and tells every line that it promises."""

import math

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
    from time import perf_counter

    heart = Heartbeat()
    qtbot.wait(50)
    heart.restart()
    end = perf_counter() + 0.2
    while perf_counter() < end:
        pass
    qtbot.wait(50)
    assert 180 < heart.standstill().wall_ms < 2000 and heart.standstill().own_ms > 20
    assert since_start_s() > 0.2
