from time import perf_counter

import numpy as np
import pytest

from app.document.playback import Playback
from app.document.session import Session
from mpm_core import Clip
from tests.app.conftest import WAIT_MS


def make(times, **changes):
    session = Session()
    points = np.random.default_rng(0).random((len(times), 16, 2)) * 100
    session.open_clip(Clip.from_arrays(points, (100, 100), 30, times=times))
    playback = Playback(session)
    for name, value in changes.items():
        setattr(playback, name, value)
    return session, playback


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_each_frame_is_on_at_its_own_time(qapp, speed):
    times = np.array([0, 0.04, 0.08, 0.2, 0.24])
    _, playback = make(times, speed=speed)
    for frame, start in enumerate(times):
        assert playback.frame_at(start / speed)[0] == frame
        assert playback.frame_at((start + 0.03) / speed)[0] == frame


def test_a_pause_of_an_hour_takes_a_second(qapp):
    _, playback = make(np.array([0, 0.04, 0.08, 3600, 3600.04]))
    assert [playback.frame_at(t)[0] for t in (0.05, 0.5, 1.07, 1.09, 1.13)] == [1, 2, 2, 3, 4]


def test_loops_over_the_range(qapp):
    session, playback = make(np.arange(100) / 50)
    session.set_range(20, 29)
    session.set_frame(20)
    playback.play()
    frames = [playback.frame_at(t / 50)[0] for t in range(25)]
    assert frames == [20 + n % 10 for n in range(25)]
    playback.pause()


def test_without_looping_it_stops_at_the_end(qtbot):
    session, playback = make(np.arange(10) / 100, loops=False)
    playback.play()
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=WAIT_MS)
    assert session.frame == 9


def test_a_second_of_clip_takes_a_second(qtbot, monkeypatch):
    """Frames may be left out on a busy machine, but time is kept."""
    tick, ticks = Playback._tick, []

    def timed(playback):
        asked = perf_counter()
        tick(playback)
        ticks.append((asked, playback._session.frame, perf_counter()))

    monkeypatch.setattr(Playback, "_tick", timed)
    session, playback = make(np.arange(5000) / 50)
    before = perf_counter()
    playback.play()
    after = perf_counter()
    qtbot.waitUntil(lambda: session.frame >= 30, timeout=WAIT_MS)
    playback.pause()
    shown = [frame for _, frame, _ in ticks]
    assert shown == sorted(shown)
    assert all((asked - after) * 50 - 1 <= frame <= (told - before) * 50 for asked, frame, told in ticks)


def test_scrubbing_while_playing_goes_on_from_there(qtbot):
    session, playback = make(np.arange(5000) / 50)
    begun = perf_counter()
    playback.play()
    session.set_frame(300)
    qtbot.waitUntil(lambda: session.frame > 302, timeout=WAIT_MS)
    playback.pause()
    assert session.frame <= 300 + (perf_counter() - begun) * 50


def test_a_single_frame_does_not_hang(qtbot):
    session, playback = make(np.array([0.0]))
    playback.play()
    qtbot.wait(50)
    playback.pause()
    assert session.frame == 0
