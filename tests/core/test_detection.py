"""From a video to a clip: progress, cancelling and going on, the cache, people, parts, and the commands around them."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from mpm_core import read_clip
from mpm_core.cli import main
from mpm_core.detectors import DETECTORS, base
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.detection import Sighting, record
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.progress import Progress
from mpm_core.skeleton import COCO17, MPM16
from mpm_core.video import VideoPart
from tests.squares import SIZE, SquareFinder
from tests.videos import square_at, write_long_video, write_video

FRAMES = 60
TIMES = np.arange(FRAMES) / 25


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "squares.mp4", TIMES, SIZE, hides=range(30, 34))


def options(people=1, **part):
    return DetectOptions("squares", people, VideoPart(**part))


def last(steps):
    *_, found = steps
    assert isinstance(found, Recording)
    return found


def test_a_clip_has_the_videos_times_and_the_squares_way(squares, cache, video):
    recording = last(record(video, options()))
    clip = recording.clip()
    assert recording.is_whole and clip.skeleton is MPM16 and clip.image_size == SIZE and clip.fps == 25
    assert np.allclose(clip.times, TIMES, atol=1e-4)
    shoulder = MPM16.index("LShoulder")
    moved = clip.keypoints[:, shoulder] - clip.keypoints[0, shoulder]
    expected = np.array([square_at(n, SIZE) for n in range(FRAMES)]) - square_at(0, SIZE)
    seen = clip.visible[:, shoulder]
    assert not seen[30:34].any() and seen[:30].all() and seen[34:].all()
    assert np.abs(moved - expected)[seen].max() <= 1.5
    assert clip.derived[0, MPM16.root] and not clip.derived[0, shoulder]
    assert clip.confidence[0, shoulder] == pytest.approx(np.linspace(0.1, 1, 17)[COCO17.index("LShoulder")], abs=1e-3)
    assert any("field of view" in note for note in clip.notes)


def test_progress_is_honest(squares, cache, video):
    steps = list(record(video, options()))
    sightings = [step for step in steps if isinstance(step, Sighting)]
    assert [step.done for step in sightings] == list(range(1, FRAMES + 1))
    assert all(step.total == FRAMES for step in sightings) and sightings[-1].left_s == 0
    assert sightings[5].picture.shape == (120, 160, 3) and len(sightings[5].poses) == 1 and not sightings[31].poses


def test_cancelling_keeps_what_was_seen_and_the_next_run_goes_on(squares, cache, video):
    steps = record(video, options(), should_stop=lambda: SquareFinder.looks in (25, 30))
    seen = next(step for step in steps if isinstance(step, Recording))
    assert len(next(step for step in steps if isinstance(step, Recording))) == 30  # as if nothing had happened
    steps.close()
    assert len(seen) == 25 and not seen.is_whole and any("cancelled" in note for note in seen.clip().notes)
    steps = record(video, options())  # the other way to cancel
    while not (isinstance(step := next(steps), Sighting) and step.done == 40):
        pass
    steps.close()
    assert SquareFinder.looks == 40 and step.done == 40
    whole = last(record(video, options()))
    assert SquareFinder.looks == FRAMES and whole.is_whole
    fresh = last(record(video, options(), is_fresh=True))
    assert SquareFinder.looks == 2 * FRAMES
    assert np.array_equal(whole.clip().keypoints, fresh.clip().keypoints)


def test_a_fresh_look_that_is_cancelled_leaves_what_was_seen_before(squares, cache, video):
    before = last(record(video, options()))
    steps = record(video, options(), is_fresh=True, should_stop=lambda: SquareFinder.looks == FRAMES + 20)
    part = next(step for step in steps if isinstance(step, Recording))
    steps.close()
    assert len(part) == 20 and not part.is_whole
    again = last(record(video, options()))
    assert SquareFinder.looks == FRAMES + 20 and again.is_whole  # nothing is looked at: the recording from before is there
    assert np.array_equal(again.clip().keypoints, before.clip().keypoints)
    assert last(record(video, options(), is_fresh=True)).is_whole and SquareFinder.looks == 2 * FRAMES  # it went on at 20
    assert len(list(cache.iterdir())) == 1


def test_a_video_is_looked_at_once_for_each_set_of_options(squares, cache, video, tmp_path):
    last(record(video, options()))
    copy = tmp_path / "renamed.mp4"
    copy.write_bytes(video.read_bytes())
    again = list(record(copy, options()))
    assert SquareFinder.looks == FRAMES and isinstance(again[0], Progress) and again[-1].clip().source == str(copy)
    last(record(video, options(people=2)))
    assert SquareFinder.looks == 2 * FRAMES


def test_a_damaged_or_unwritable_cache_is_no_obstacle(squares, cache, video, caplog):
    last(record(video, options()))
    (file,) = cache.iterdir()
    file.write_bytes(b"broken")
    assert len(last(record(video, options()))) == FRAMES
    assert "damaged" in caplog.text
    for path in cache.iterdir():
        path.unlink()
    cache.rmdir()
    cache.write_text("a file where the folder should be")
    assert last(record(video, options())).is_whole
    assert "cannot be kept" in caplog.text
    seen = SquareFinder.looks
    steps = record(video, options(), should_stop=lambda: SquareFinder.looks == seen + 9)
    assert len(next(step for step in steps if isinstance(step, Recording))) == 9


def test_frames_between_looks_are_interpolated_and_marked(squares, cache, video):
    clip = last(record(video, options(every=4))).clip()
    assert SquareFinder.looks == 15 and len(clip) == FRAMES
    shoulder = MPM16.index("LShoulder")
    dense = last(record(video, options())).clip()
    between = np.arange(FRAMES) % 4 != 0
    assert clip.derived[between[:28].nonzero()[0], shoulder].all() and not clip.derived[0, shoulder]
    assert np.abs(clip.keypoints[:28, shoulder] - dense.keypoints[:28, shoulder]).max() < 1.5
    assert not clip.visible[29:36, shoulder].any()  # nothing to interpolate to
    assert clip.visible[56, shoulder] and not clip.visible[57:, shoulder].any()  # nor after the last look


def test_a_region_and_a_span_keep_the_places_of_the_whole_picture(squares, cache, video):
    whole = last(record(video, options())).clip()
    part = last(record(video, options(first_s=0.4, last_s=0.8, region=(10, 6, 140, 110)))).clip()
    assert np.allclose(part.times, TIMES[10:21], atol=1e-4)
    assert np.abs(part.keypoints - whole.keypoints[10:21]).max() < 1.5


def test_people_are_followed_and_told_apart(squares, cache, video):
    recording = last(record(video, options(people=2)))
    assert [track.person.frames for track in recording.people] == [56, 56]
    first, second = recording.clip(0), recording.clip(1)
    shoulder = MPM16.index("LShoulder")
    seen = first.visible[:, shoulder] & second.visible[:, shoulder]
    assert np.ptp((second.keypoints - first.keypoints)[seen][:, shoulder], axis=0).max() < 0.5  # side by side all along
    numbers, poses = recording.others_at(10, first.keypoints[10])
    assert numbers == (1,) and np.allclose(poses[0, shoulder], second.keypoints[10, shoulder])
    mirrored = first.keypoints[10][list(MPM16.mirror)]
    assert recording.others_at(10, mirrored)[0] == (1,)  # his sides exchanged, he is still the same
    with pytest.raises(UserError, match="no person 2"):
        recording.clip(2)


def test_nobody_is_taken_for_another_between_looks(squares, cache, video):
    recording = last(record(video, options(people=2, every=5)))
    clip = recording.clip(0)
    for frame in range(26):
        assert recording.others_at(frame, clip.keypoints[frame])[0] == (1,), frame


def test_one_person_found_twice_is_one_person(monkeypatch, squares, cache, video):
    def find_twice(self, picture, time_s, find=SquareFinder.find):
        return [(points + shift, scores) for points, scores in find(self, picture, time_s) for shift in (0, 0.7)]

    monkeypatch.setattr(SquareFinder, "find", find_twice)
    assert len(last(record(video, options())).people) == 1


def test_a_video_without_anybody_says_so(squares, cache, tmp_path):
    empty = write_video(tmp_path / "nobody.mp4", TIMES[:10], SIZE, hides=range(10))
    with pytest.raises(UserError, match="no person was found in any of the 10 frames"):
        last(record(empty, options())).clip()


def test_a_video_that_breaks_off_says_so(squares, cache, tmp_path):
    whole = write_video(tmp_path / "whole.mp4", np.arange(200) / 25, SIZE, fast_start=True)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    clip = last(record(tmp_path / "cut.mp4", options())).clip()
    assert len(clip) < 190 and any("breaks off" in note for note in clip.notes)
    # Where it breaks off it is tried again, for it may be the network drive that was gone.
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes())
    assert len(last(record(tmp_path / "cut.mp4", options()))) == 200


def test_a_detector_that_is_not_installed_says_how_to_install_it(monkeypatch, video):
    entry = base.Detector("absent", "Absent Pose", COCO17, (), "no_such_package", "video", SquareFinder)
    monkeypatch.setitem(DETECTORS, "absent", entry)
    with pytest.raises(UserError, match=r"Absent Pose is not installed: pip install 'mpm-viewer\[video\]'"):
        next(record(video, DetectOptions("absent")))
    with pytest.raises(UserError, match="unknown detector 'nobody'"):
        next(record(video, DetectOptions("nobody")))


def test_detect_and_lift_from_the_command_line(squares, cache, video, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    target = tmp_path / "clip.npz"
    shared = ["--detector", "squares", "--people", "1", "--no-repair-swaps"]
    assert main(["detect", str(video), "-o", str(target), "--field-of-view", "70", *shared]) == 0
    clip = read_clip(target)
    assert len(clip) == FRAMES and clip.camera.field_of_view_deg(SIZE) == pytest.approx(70) and not clip.camera.is_assumed
    assert main(["lift", str(video), "-o", str(tmp_path / "out.csv"), *shared, "--threshold", "0.4", "--no-mirror"]) == 0
    assert SquareFinder.looks == FRAMES  # seen once for both
    table = (tmp_path / "out.csv").read_text()
    # What detect has written is lifted like the video itself, with the threshold that it holds.
    assert main(["detect", str(video), "-o", str(target), *shared, "--threshold", "0.4"]) == 0
    assert main(["lift", str(target), "-o", str(tmp_path / "two.csv"), "--no-mirror"]) == 0
    kept = [line for line in (tmp_path / "two.csv").read_text().splitlines() if not line.startswith("#")]
    assert kept == [line for line in table.splitlines() if not line.startswith("#")]
    assert "completed" in table and "from the keypoints" in caplog.text


def test_a_folder_of_videos_with_one_that_is_broken(squares, cache, video, tmp_path, caplog):
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(video.read_bytes())
    (folder / "broken.mp4").write_text("no video")
    out = tmp_path / "out"
    assert main(["detect", str(folder), "-o", str(out), "--detector", "squares", "--all-people"]) == 2
    assert sorted(p.name for p in out.glob("[!.]*.npz")) == ["a-0.npz", "a-1.npz", "b-0.npz", "b-1.npz"]
    assert "broken.mp4: cannot be read" in caplog.text and "1 of 3" in caplog.text
    assert main(["detect", str(folder / "[ab].mp4"), "-o", str(tmp_path / "two"), "--detector", "squares"]) == 0
    assert len(list((tmp_path / "two").glob("*.npz"))) == 2
    assert main(["detect", str(folder / "*.mov"), "-o", str(out), "--detector", "squares"]) == 2
    assert "nothing matches" in caplog.text


def test_everybodys_files_spare_the_video_too(squares, cache, tmp_path, caplog):
    path = write_video(tmp_path / "walk.mp4", np.arange(5) / 25, SIZE)
    (tmp_path / "out-0.csv").symlink_to(path)
    before = path.read_bytes()
    assert main(["detect", str(path), "-o", str(tmp_path / "out.csv"), "--detector", "squares", "--all-people"]) == 2
    assert "out-0.csv: is an input" in caplog.text and path.read_bytes() == before


def test_several_clips_are_lifted_beside_each_other(tmp_path, demo):
    from mpm_core import write

    for name in ("one", "two", "three"):
        write(demo.cut(0, 60), tmp_path / f"{name}.npz")
    files = [str(tmp_path / f"{name}.npz") for name in ("one", "two", "three")]
    command = [sys.executable, "-m", "mpm_core.cli", "lift", *files, "-o", str(tmp_path / "out"), "--jobs", "2", "--to", "csv"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").glob("*.csv")) == ["one.csv", "three.csv", "two.csv"]
    assert (tmp_path / "out" / "mpm.log").read_text().count("wrote") == 3 and "3 done" in done.stdout


def test_the_real_detector_finds_the_person_on_the_roof(shared, cache, pose_model):
    video = shared / "video" / "person_outdoor.mp4"
    part = VideoPart(first_s=1.8, last_s=2.8)
    clip = last(record(video, DetectOptions(people=1, part=part))).clip()
    seen = clip.visible.all(1)
    assert len(clip) == 31 and seen.sum() >= 28 and clip.fps == 30
    heights = np.ptp(clip.keypoints[seen][..., 1], axis=1)
    assert 300 < np.median(heights) < 480  # he jumps with his arms up
    ankles = clip.keypoints[seen][:, [MPM16.index("LAnkle"), MPM16.index("RAnkle")]]
    assert np.abs(ankles.mean((0, 1)) - (650, 425)).max() < 60  # at the edge of the roof


def test_a_camera_is_answered_as_it_comes(squares, video, lifter):
    from mpm_core.detectors.live import LiveFrame, LiveOptions, as_clip, watch

    frames = [f for f in watch(LiveOptions(str(video), "squares", 0.0), lifter) if isinstance(f, LiveFrame)]
    assert 3 <= len(frames) <= FRAMES  # a stream does not wait: what comes while one is at work is left out
    shown = [f for f in frames if f.clip is not None]
    assert shown and all(len(f.clip) == 1 and np.isfinite(f.prediction.positions).all() for f in shown)
    assert all(f.latency_ms > 0 for f in frames)
    clip = as_clip([f.seen for f in frames], SIZE, squares.skeleton, "camera 0")
    assert clip.times[0] == 0 and clip.visible[[0, -1]].any(1).all() and (np.diff(clip.times) > 0).all()
    with pytest.raises(UserError, match="cannot be opened"):
        next(watch(LiveOptions("77", "squares"), lifter))


_MEASURE = """
import resource, sys
from pathlib import Path
from mpm_core.detectors import DETECTORS, base
from mpm_core.detectors.detection import DetectOptions, Sighting, record
from mpm_core.skeleton import COCO17
from tests.squares import SquareFinder

DETECTORS["squares"] = base.Detector("squares", "Squares", COCO17, (), "numpy", "video", SquareFinder)
peaks = []
for step in record(Path(sys.argv[1]), DetectOptions("squares", 1), cache=Path(sys.argv[2])):
    if isinstance(step, Sighting) and step.done in (2_000, 18_000):
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(len(peaks), (peaks[1] - peaks[0]) / 1024)
"""


def test_memory_does_not_grow_with_the_length(tmp_path):
    """Sixteen thousand pictures would be 900 MB; what is kept of them, a pose each, is 18 MB."""
    video = write_long_video(tmp_path / "long.mp4", 600)
    command = [sys.executable, "-c", _MEASURE, str(video), str(tmp_path / "cache")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    measured, grown_mb = done.stdout.split()
    assert measured == "2" and float(grown_mb) < 60


def test_options_that_do_not_fit_are_refused_before_anything_is_looked_at(squares, cache, video, tmp_path, caplog, demo):
    from mpm_core import write

    write(demo.cut(0, 40), tmp_path / "clip.npz")
    lift_video = ["lift", str(video), "-o", str(tmp_path / "out.csv"), "--detector", "squares"]
    lift_file = ["lift", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "out.csv")]
    for command, sentence in (
        ([*lift_video, "--hide", "lft arm"], "there is no 'lft arm'"),
        ([*lift_video, "--refine", "nonsense"], "unknown refiner 'nonsense'"),
        ([*lift_video, "--field-of-view", "999"], "between 5 and 170"),
        ([*lift_video, "--threshold", "7"], "between 0 and 1"),
        ([*lift_video, "--mode", "slow"], "unknown mode 'slow'"),
        ([*lift_video, "--fps", "-10"], "the frame rate must be a positive number"),
        ([*lift_video, "--image-size", "640x480"], "--image-size is for keypoint files"),
        ([*lift_file, "--begin", "5"], "--begin is for videos"),
        ([*lift_file, "--people", "2"], "--people is for videos"),
        (["lift", str(tmp_path / "clip.npz"), "-o", str(tmp_path), "--to", "npz"], "is an input"),
    ):
        caplog.clear()
        assert main(command) == 2 and sentence in caplog.text, command
    assert SquareFinder.looks == 0 and len(read_clip(tmp_path / "clip.npz")) == 41


def test_an_unexpected_failure_of_one_input_spares_the_others(squares, cache, video, tmp_path, caplog, monkeypatch):
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(video.read_bytes() + name.encode())

    def fail_once(self, picture, time_s, find=SquareFinder.find):
        monkeypatch.setattr(SquareFinder, "find", find)
        raise RuntimeError("the network fell over")

    monkeypatch.setattr(SquareFinder, "find", fail_once)
    assert main(["detect", str(folder), "-o", str(tmp_path / "out"), "--detector", "squares"]) == 2
    assert [p.name for p in (tmp_path / "out").glob("*.npz")] == ["b.npz"] and "a.mp4: the network fell over" in caplog.text
