"""Whether the camera moves, told by the background of a video."""

import numpy as np
import pytest

from mpm_core import read_clip, write
from mpm_core.cli import main
from mpm_core.detectors.background import BackgroundPath, BackgroundWatch
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.detection import record
from mpm_core.detectors.recording import Recording
from mpm_core.video import VideoPart, inspect_video, read_frames
from tests.squares import SquareFinder
from tests.videos import write_scene

FRAMES = 60


def recorded(path, cache, **part):
    *_, found = record(path, DetectOptions("squares", 1, VideoPart(**part)), cache=cache)
    assert isinstance(found, Recording)
    return found


def shaking(size):
    places = np.random.default_rng(2).normal(0, size, (FRAMES, 2))
    return lambda n: (*places[n], 1.0)


@pytest.mark.parametrize(
    ("view", "mover"),
    [
        (lambda n: (0, 0, 1), None),
        (shaking(0.6), None),  # a tripod in the wind
        (lambda n: (0, 0, 1), lambda n: (5 * n - 90, 5 * n)),  # somebody walks by whom no detector sees
        (lambda n: (0, 0, 1), lambda n: (8 * n - 400, 8 * n - 200) if n > 10 else None),  # a lorry, for a while
    ],
    ids=["standing", "trembling", "passer-by", "lorry"],
)
def test_nothing_is_said_of_a_camera_that_stands(squares, tmp_path, view, mover):
    recording = recorded(write_scene(tmp_path / "v.mp4", FRAMES, view, mover), tmp_path / "cache")
    assert len(recording.background.shots) >= 8 and recording.background.motion is None
    assert not recording.clip().lasting_notes


@pytest.mark.parametrize(
    ("view", "kind", "share"),
    [
        (lambda n: (0.5 * n, 0, 1), "pan", 0.09),
        (lambda n: (60 * np.sin(n / 10), 0, 1), "pan", 0.37),  # there and back
        (lambda n: (110 * np.sin(n / 10), 0, 1), "pan", 0.6),  # farther from look to look than corners are looked for
        (lambda n: (3 * n, -n, 1), "pan", 0.58),  # over more than half of the picture
        (lambda n: (0, 0, 1 + 0.004 * n), "zoom", 0.145),
        (shaking(4), "shake", 0.032),
    ],
    ids=["slow pan", "there and back", "swift", "far pan", "zoom", "hand-held"],
)
def test_a_moving_camera_is_noticed(squares, tmp_path, view, kind, share):
    recording = recorded(write_scene(tmp_path / "v.mp4", FRAMES, view), tmp_path / "cache")
    motion = recording.background.motion
    assert motion.kind == kind and motion.share == pytest.approx(share, rel=0.35)
    (note,) = recording.clip().lasting_notes
    assert note.startswith("the camera moves") and f"{100 * motion.share:.0f} % of the picture" in note


def test_people_are_left_out(tmp_path):
    """A person who fills half of the picture does not count as the background while the camera stands."""
    path = write_scene(tmp_path / "v.mp4", FRAMES, mover=lambda n: (2 * n, 2 * n + 110))
    told = []
    for masks in (True, False):
        watch = BackgroundWatch()
        for number, frame in enumerate(read_frames(inspect_video(path), VideoPart())):
            box = np.array([[2 * number + 20, 60], [2 * number + 90, 190]], np.float32)
            watch.look(frame.picture, frame.time_s, [(box, np.ones(2, np.float32))] if masks else [])
        told.append(watch.path())
    assert told[0].motion is None and len(set(told[0].shots.tolist())) == 1 and len(told[0].shots) >= 10
    assert len(set(told[1].shots.tolist())) > 1  # else there is nothing to leave out


def test_where_there_is_nothing_to_hold_on_to_nothing_is_said():
    watch = BackgroundWatch()
    for number in range(20):
        watch.look(np.full((120, 160, 3), 90, np.uint8), 0.2 * number, [])
    assert watch.path().motion is None and not len(watch.path().shots)


def test_another_shot_is_no_motion(squares, tmp_path):
    path = write_scene(tmp_path / "v.mp4", FRAMES, lambda n: (0, 0, 1) if n < 30 else (150, 90, 1))
    background = recorded(path, tmp_path / "cache").background
    assert background.motion is None and len(set(background.shots.tolist())) == 2


def test_it_is_kept_with_the_recording_and_goes_on_with_it(squares, tmp_path):
    path, cache = write_scene(tmp_path / "v.mp4", FRAMES, lambda n: (n, 0, 1)), tmp_path / "cache"
    steps = record(path, DetectOptions("squares", 1), cache=cache)
    for _ in range(40):
        next(steps)
    steps.close()
    first = recorded(path, cache)
    again = recorded(path, cache)
    assert len(set(first.background.shots.tolist())) == 2 and first.is_whole
    assert again.background.motion == first.background.motion is not None
    (kept,) = cache.glob("*.npz")
    with np.load(kept) as file:
        old = {name: file[name] for name in file.files if name not in ("gone", "shots")}
    np.savez(kept, **old)  # as version 0.1.0 kept it: the background is looked at now, and nobody is detected anew
    looks = SquareFinder.looks
    stopped = list(record(path, DetectOptions("squares", 1), cache=cache, should_stop=lambda: True))[-1]
    assert stopped.background is None and stopped.is_whole and stopped.clip().lasting_notes == ()
    later = recorded(path, cache)
    assert later.background.motion.kind == "pan" and SquareFinder.looks == looks
    assert later.background.motion.share == pytest.approx(0.15, rel=0.2)
    with np.load(kept) as file:
        assert np.array_equal(file["gone"], later.background.gone)


def test_the_command_line_says_it_and_files_keep_it(squares, cache, tmp_path, caplog):
    path = write_scene(tmp_path / "v.mp4", FRAMES, lambda n: (1.5 * n, 0, 1))
    with caplog.at_level("WARNING", "mpm"):
        assert main(["detect", str(path), "-o", str(tmp_path / "a.npz"), "--detector", "squares"]) == 0
    assert "the camera moves: it pans or is carried" in caplog.text
    clip = read_clip(tmp_path / "a.npz")
    assert len(clip.lasting_notes) == 1
    write(clip, tmp_path / "a.csv")
    assert read_clip(tmp_path / "a.csv").lasting_notes == clip.lasting_notes
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", **(arrays | {"notes": np.arange(3)}))  # notes of another program
    assert read_clip(tmp_path / "b.npz").notes == ()


def test_one_wrong_look_is_no_motion():
    gone = np.zeros((20, 5, 2), np.float32)
    gone[7] = 0.4
    assert BackgroundPath(np.zeros(20, np.int64), gone).motion is None
    gone[9:] = 0.4
    assert BackgroundPath(np.zeros(20, np.int64), gone).motion is not None
