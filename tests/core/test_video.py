"""Reading videos: exact times, seeking, parts, rotation, metadata, and files that cannot be used."""

import threading

import numpy as np
import pytest

from mpm_core.errors import UserError
from mpm_core.video import VideoPart, VideoReader, inspect_video, read_frames
from tests.videos import SIDE, square_at, write_sound, write_video

SIZE = (160, 120)


def uneven_times(count):
    """As phones write them: steps that vary by a factor of four."""
    steps = np.random.default_rng(0).choice([1 / 60, 1 / 30, 1 / 24, 1 / 15], count - 1)
    return np.concatenate(([0.0], np.cumsum(steps)))


def corner_of(picture):
    """Left and top of the white square."""
    rows, columns = np.nonzero(picture[..., 1] > 200)
    return columns.min(), rows.min()


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    times = uneven_times(90)
    return write_video(tmp_path_factory.mktemp("video") / "uneven.mp4", times), times


def test_frames_come_with_their_own_times(uneven):
    path, times = uneven
    frames = list(read_frames(inspect_video(path), VideoPart()))
    assert np.abs([f.time_s for f in frames] - times).max() < 1e-4
    for number in (0, 40, 89):
        assert np.abs(np.subtract(corner_of(frames[number].picture), square_at(number, SIZE))).max() <= 1


def test_any_frame_is_found_by_its_time_in_any_order(uneven):
    path, times = uneven
    reader = VideoReader(path)
    for number in np.random.default_rng(1).permutation(90):
        picture = reader.picture_at(times[number], is_exact=True)
        assert np.abs(np.subtract(corner_of(picture), square_at(number, SIZE))).max() <= 1, number
    assert reader.picture_at(times[-1] + 5, is_exact=True) is None


def test_a_part_in_time_and_space_and_every_third(uneven):
    path, times = uneven
    part = VideoPart(first_s=times[20], last_s=times[50], every=3, region=(8, 4, 120, 100))
    frames = list(read_frames(inspect_video(path), part))
    assert [f.time_s for f in frames] == pytest.approx(times[20:51].tolist(), abs=1e-4)
    assert [n for n, f in enumerate(frames) if f.picture is not None] == list(range(0, 31, 3))
    assert frames[0].picture.shape == (100, 120, 3)
    left, top = square_at(20, SIZE)
    assert np.abs(np.subtract(corner_of(frames[0].picture), (left - 8, top - 4))).max() <= 1


def test_reading_goes_on_after_a_frame(uneven):
    path, times = uneven
    part = VideoPart(every=2)
    rest = list(read_frames(inspect_video(path), part, done=33, after_s=times[32]))
    assert len(rest) == 57 and rest[0].time_s == pytest.approx(times[33], abs=1e-4)
    assert rest[0].picture is None and rest[1].picture is not None  # the rhythm of the beginning


def test_a_reader_that_stops_early_leaves_no_thread(uneven):
    frames = read_frames(inspect_video(uneven[0]), VideoPart())
    next(frames)
    frames.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "decoder"]


def test_phones_turn_their_videos(tmp_path):
    path = write_video(tmp_path / "turned.mp4", np.arange(5) / 30, rotation=90)
    info = inspect_video(path)
    (first, *_) = read_frames(info, VideoPart())
    assert info.image_size == (120, 160) and first.picture.shape == (160, 120, 3)


def test_a_phones_focal_length_gives_the_field_of_view(tmp_path):
    key = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    known = inspect_video(write_video(tmp_path / "phone.mov", np.arange(3) / 30, (640, 360), metadata={key: "26"}))
    # 26 mm on film of 43.27 mm diagonal: the diagonal is seen under 2 atan(43.27 / 52) = 79.5 degrees.
    diagonal = 2 * np.degrees(np.arctan(np.hypot(640, 360) / 2 / known.camera.focal[0]))
    assert diagonal == pytest.approx(79.5, abs=0.1) and not known.camera.is_assumed
    assert inspect_video(write_video(tmp_path / "other.mov", np.arange(3) / 30)).camera.is_assumed


def test_a_file_that_was_cut_short_gives_the_frames_that_are_there(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", np.arange(200) / 30, fast_start=True)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    info = inspect_video(tmp_path / "cut.mp4")
    assert info.frames == 200 and 20 < len(list(read_frames(info, VideoPart()))) < 180


def broken_files(folder):
    good = write_video(folder / "good.mp4", np.arange(30) / 30).read_bytes()
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "text.mp4").write_text("this is no video")
    (folder / "headless.mp4").write_bytes(good[: len(good) // 2])  # its index stands at the end
    (folder / "folder.mp4").mkdir()
    write_sound(folder / "sound.mp4")
    write_video(folder / "frameless.mkv", [])
    write_video(folder / "wide.mp4", [0.0, 0.04], (10_000, 64))
    return {
        "empty.mp4": "is empty",
        "noise.mp4": "cannot be read as a video",
        "text.mp4": "cannot be read as a video",
        "headless.mp4": "cut short",
        "folder.mp4": "is a folder",
        "sound.mp4": "sound but no picture",
        "frameless.mkv": "frame",
        "wide.mp4": "10000 x 64 pixels",
        "vanished.mp4": "there is no such file",
    }


def test_what_is_no_usable_video_gets_one_sentence(tmp_path):
    for name, reason in broken_files(tmp_path).items():
        with pytest.raises(UserError, match=reason) as caught:
            list(read_frames(inspect_video(tmp_path / name), VideoPart()))
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_parts_outside_the_video_are_refused(uneven):
    info = inspect_video(uneven[0])
    for part in (VideoPart(first_s=99), VideoPart(2, 1), VideoPart(every=0), VideoPart(region=(100, 0, 100, 50))):
        with pytest.raises(UserError):
            list(read_frames(info, part))


def test_the_square_is_seen_as_it_was_drawn(uneven):
    """The helpers of these tests: without them the others would prove little."""
    (first, *_) = read_frames(inspect_video(uneven[0]), VideoPart())
    white = (first.picture[..., 1] > 200).sum()
    assert abs(white - SIDE * SIDE) < 80
