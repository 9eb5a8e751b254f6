"""The video behind the skeleton: each frame its own picture, from a cache that is bounded and runs ahead of the cursor."""

import weakref

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.document.commands import SetRate
from app.document.session import Session
from app.look.pictures import to_screen_image
from app.workers.backdrop import Backdrop
from app.workers.frame_cache import FrameCache
from mpm_core import Clip, read_clip, write
from mpm_core.formats.project import Project, write_project
from mpm_core.rates import at_rate, own_times
from tests.app.conftest import WAIT_MS
from tests.videos import SIDE, square_at, write_video

SIZE = (160, 120)


def picture(width=10, height=10):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0)
    return image


def test_the_cache_keeps_to_its_bytes_and_gives_up_what_is_farthest():
    cache = FrameCache(4 * picture().sizeInBytes())
    for frame in range(10):
        cache.put(frame, picture(), cursor=frame)
    assert [n for n in range(10) if cache.get(n) is not None] == [6, 7, 8, 9]
    cache.put(2, picture(), cursor=2)
    assert cache.get(2) is not None and cache.get(9) is None
    assert cache.size_bytes() <= 4 * picture().sizeInBytes()


def test_a_picture_that_was_being_decoded_when_another_video_came_is_not_among_its_pictures():
    cache = FrameCache(4 * picture().sizeInBytes())
    before = cache.number
    cache.clear()
    cache.put(3, picture(), cursor=3, number=before)
    assert cache.get(3) is None and cache.size_bytes() == 0
    cache.put(3, picture(), cursor=3, number=cache.number)
    assert cache.get(3) is not None


@pytest.mark.parametrize(("direction", "first"), [(1, 51), (-1, 38)])
def test_what_comes_next_is_decoded_first(direction, first):
    cache = FrameCache(40 * picture().sizeInBytes())
    cache.put(50, picture(), cursor=50)
    wanted = cache.wanted(50, direction, 100)
    assert wanted[0] == first and len(wanted) == len(set(wanted)) <= 39 and 50 not in wanted
    # Backwards in whole stretches that are read forwards, the nearest first.
    assert [n for n in wanted if n < 50] == ([49, *range(42, 49)] if direction > 0 else [*range(38, 50)])
    assert min(cache.wanted(0, direction, 100)) == 1 and max(cache.wanted(99, direction, 100)) == 98


@pytest.mark.parametrize("frames", [8, 48])
@pytest.mark.parametrize("direction", [1, -1])
def test_going_on_decodes_each_frame_once_and_seldom_seeks(frames, direction):
    cache, decoded, seeks = FrameCache(frames * picture().sizeInBytes()), [], 0
    path = range(300) if direction > 0 else range(299, -1, -1)
    for cursor in path:
        for frame in ([] if cache.get(cursor) is not None else [cursor]) + cache.wanted(cursor, direction, 300):
            seeks += bool(decoded) and frame != decoded[-1] + 1
            decoded.append(frame)
            cache.put(frame, picture(), cursor, direction)
    assert len(decoded) <= 1.15 * 300 and seeks <= (1 if direction > 0 else 300 / min(frames / 3, 12))


@pytest.fixture
def backdrop(qtbot, tmp_path):
    """A video of 120 frames at uneven times, and the clip that is from it."""
    times = np.cumsum(np.r_[0, np.tile([0.03, 0.05, 0.04], 40)[:119]])
    write_video(tmp_path / "square.mp4", times, SIZE)
    session = Session()
    points = np.random.default_rng(0).random((120, 16, 2)) * 100
    session.open_clip(Clip.from_arrays(points, SIZE, 25, times=times))
    backdrop = Backdrop(session)
    backdrop.open(tmp_path / "square.mp4", is_source=True)
    yield session, backdrop
    backdrop.stop()


def frame_of(image):
    """Where the square is tells which frame an image is of."""
    bits = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    white = bits[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., 0] > 170
    left = np.flatnonzero(white.sum(0) > SIDE / 2)[0]
    return next(n for n in range(120) if square_at(n, SIZE)[0] == left)


def test_every_frame_has_its_own_picture_forwards_backwards_and_in_jumps(qtbot, backdrop):
    session, job = backdrop
    shown = []
    job.picture_changed.connect(shown.append)
    for frame in [*range(0, 30), *range(60, 30, -3), 119, 5, 88]:
        session.set_frame(frame)
        qtbot.waitUntil(lambda frame=frame: job.shown_frame == frame, timeout=WAIT_MS)
        assert not shown or square_at(frame_of(shown[-1]), SIZE)[0] == square_at(frame, SIZE)[0]


def test_a_frame_that_is_there_is_shown_at_once(qtbot, backdrop):
    session, job = backdrop
    qtbot.waitUntil(lambda: all(job.cache.get(n) is not None for n in range(20)), timeout=WAIT_MS)
    for frame in range(1, 20):
        session.set_frame(frame)
        assert job.shown_frame == frame  # without waiting for the worker


def test_another_clip_takes_the_picture_away(qtbot, backdrop):
    session, job = backdrop
    qtbot.waitUntil(lambda: job.shown_frame == 0, timeout=WAIT_MS)
    shown = []
    job.picture_changed.connect(shown.append)
    session.open_clip(Clip.from_arrays(np.ones((5, 16, 2)), SIZE, 25))
    assert shown == [None] and job.shown_frame == -1 and job.cache.size_bytes() == 0
    qtbot.wait(50)
    assert shown == [None]


@pytest.mark.parametrize("kept_as", ["walk.npz", "walk.csv", "walk.mpmproj"])
@pytest.mark.parametrize("told", ["in the session", "when the file was read"])
def test_a_clip_that_was_saved_at_another_rate_has_the_pictures_of_its_frames(qtbot, tmp_path, kept_as, told):
    video = write_video(tmp_path / "square.mp4", np.arange(60) / 30, SIZE)
    clip = Clip.from_arrays(np.random.default_rng(0).random((60, 16, 2)) * 100, SIZE, 30)
    path = tmp_path / kept_as

    def keep(clip):
        if kept_as.endswith("proj"):
            write_project(Project(clip, np.zeros((60, 16), bool), np.zeros(60, bool)), path)
        else:
            write(clip, path)

    if told == "in the session":  # as mpm detect --fps and the Video panel do
        slow = at_rate(at_rate(clip, 240, "somebody says"), 120, "another one says", clip)
    else:
        keep(clip)
        slow = read_clip(path, fps=120)
    assert slow.times[-1] == pytest.approx(59 / 120) and own_times(slow) == pytest.approx(clip.times)
    keep(slow)
    again = read_clip(path)
    assert again.fps == 120 and again.own_fps == 30
    session = Session()
    session.open_clip(again)
    job, shown = Backdrop(session), []
    job.picture_changed.connect(shown.append)
    job.open(video)
    for frame in (7, 40, 59):
        shown.clear()
        session.set_frame(frame)
        qtbot.waitUntil(lambda frame=frame, shown=shown: job.shown_frame == frame and bool(shown), timeout=WAIT_MS)
        assert frame_of(shown[-1]) == frame
    session.undo_stack.push(SetRate(session, 60))  # said anew: the pictures stay
    qtbot.waitUntil(lambda: job.shown_frame == 59, timeout=WAIT_MS)
    assert frame_of(shown[-1]) == 59 and session.clip.own_fps == 30
    job.stop()


def test_a_picture_of_the_screen_shares_the_pixels_and_keeps_them():
    pixels = np.full((4, 6, 4), 255, np.uint8)
    image = to_screen_image(pixels)
    pixels[1, 2] = (10, 20, 30, 255)
    assert image.pixelColor(2, 1).getRgb() == (30, 20, 10, 255)
    gone, shared = weakref.ref(pixels), QImage(image)
    del pixels, image
    assert gone() is not None and shared.pixelColor(2, 1).getRgb() == (30, 20, 10, 255)
    del shared
    assert gone() is None


def test_memory_for_pictures_goes_back_although_none_had_come_yet(qtbot, backdrop, monkeypatch):
    """Closed in between: the picture that was being decoded kept the memory of all later ones at hand."""
    _, job = backdrop
    returned = []
    monkeypatch.setattr("app.workers.backdrop.return_pictures", lambda: returned.append(True))
    qtbot.waitUntil(lambda: job.shown_frame == 0, timeout=WAIT_MS)
    job.cache.clear()
    job.close()
    qtbot.waitUntil(lambda: bool(returned), timeout=WAIT_MS)
    assert job._reader is None
