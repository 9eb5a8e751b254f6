"""Hours in which nobody is seen: times keep them, frames do not, and nothing is carried from one side to the other."""

import json
import tracemalloc

import numpy as np
import pytest

from mpm_core import UserError, load_lifter, read_clip, write
from mpm_core.clip import Clip
from mpm_core.formats.keypoints.frames import frames_at, number_frames
from mpm_core.lifters.aids import Aids
from mpm_core.pauses import goes_on, pieces
from mpm_core.refiners import REFINERS
from mpm_core.skeleton import COCO17, MPM16
from tests.bodies import body_in, flat

HOURS_S = 9 * 3600


def alphapose(path, demo, frames):
    body = body_in(demo, COCO17)
    people = [{"image_id": f"{n}.jpg", "keypoints": flat(body[n % 24])} for n in frames]
    path.write_text(json.dumps(people))
    return path


def test_two_frames_hours_apart_are_a_clip_of_two_frames(tmp_path, demo):
    clip = read_clip(alphapose(tmp_path / "pause.json", demo, [0, 999_999]))
    assert len(clip) == 2 and clip.times == pytest.approx([0, 999_999 / 30])
    assert any("pause of 9.3 hours" in note and "left out" in note for note in clip.notes)
    assert any("taken for the same" in note for note in clip.notes)


def test_a_folder_with_a_night_between_its_frames(tmp_path, demo):
    body = body_in(demo, COCO17)
    for n in [*range(40), *range(2_000_000, 2_000_030)]:
        people = {"people": [{"pose_keypoints_2d": flat(body[n % 24])}]}
        (tmp_path / f"cam_{n:012d}_keypoints.json").write_text(json.dumps(people))
    clip = read_clip(tmp_path, fps=60)
    assert len(clip) == 70 and pieces(clip.times, clip.fps) == [slice(0, 40), slice(40, 70)]
    assert clip.times[40] - clip.times[39] == pytest.approx((2_000_000 - 39) / 60)


@pytest.mark.parametrize("separator", [",", ";"])
def test_own_tables_with_a_pause(tmp_path, separator):
    frames = [*range(20), 700_000, 700_001, 700_005]
    header = ["frame"] + [f"{joint}_{axis}" for joint in MPM16.joints for axis in "xy"]
    lines = [separator.join(header)] + [separator.join([str(n)] + ["100", "200"] * 8 + ["150", "300"] * 8) for n in frames]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    clip = read_clip(tmp_path / "own.csv", fps=25, image_size=(640, 480))
    assert len(clip) == 26 and clip.visible.any(1).sum() == 23  # a gap of three frames stays hidden frames
    assert clip.times[20] == pytest.approx(700_000 / 25)
    assert any("pause of 7.8 hours" in note for note in clip.notes)


def test_times_in_names_with_a_pause():
    frames = [*range(30), *range(1_000_000, 1_000_030)]
    names = [f"{1_305_031_102_175 + round(n * 1001 / 30)}.png" for n in frames]
    numbered = number_frames(names, "x")
    assert np.diff(numbered.numbers)[[*range(29), *range(30, 59)]].tolist() == [1] * 58
    assert numbered.numbers[30] / numbered.fps == pytest.approx(1_000_000 * 1.001 / 30, rel=1e-3)


def test_columns_of_another_program_with_times(tmp_path):
    seconds = [*np.round(np.arange(30) / 29.97, 3), *np.round(HOURS_S + np.arange(30) / 29.97, 3)]
    names = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_ankle", "right_ankle")
    rows = ["time," + ",".join(f"{name}_{axis}" for name in names for axis in "xy")]
    rows += [f"{t:.3f}," + ",".join(f"{300 + 20 * (n % 3)},{100 + 40 * n}" for n in range(7)) for t in seconds]
    (tmp_path / "other.csv").write_text("\n".join(rows))
    clip = read_clip(tmp_path / "other.csv", image_size=(640, 480))
    assert len(clip) == 60 and clip.fps == pytest.approx(29.97, rel=1e-3)
    assert clip.times[30] == pytest.approx(HOURS_S, rel=1e-4)


def test_times_of_a_long_recording_do_not_go_off_by_a_frame():
    places, fps = frames_at(np.round(np.arange(20_000) / 29.97, 3))
    assert (places == np.arange(20_000)).all() and fps == pytest.approx(29.97, rel=1e-4)


def test_another_rate_keeps_pauses_in_proportion(tmp_path):
    times = np.concatenate([np.arange(5) / 50, 3600 + np.arange(5) / 50])
    np.savez(tmp_path / "c.npz", keypoints=np.full((10, 16, 2), 9.0), times=times, image_size=(640, 480))
    clip = read_clip(tmp_path / "c.npz", fps=100)
    assert np.diff(clip.times) == pytest.approx([0.01] * 4 + [(3600 - 4 / 50) / 2] + [0.01] * 4)


def test_short_gaps_stay_hidden_frames(tmp_path, demo):
    clip = read_clip(alphapose(tmp_path / "gap.json", demo, [*range(20), *range(900, 920)]))
    assert len(clip) == 920 and clip.visible.any(1).sum() == 40


def test_memory_does_not_grow_with_the_pause(tmp_path, demo):
    path = alphapose(tmp_path / "pause.json", demo, [*range(50), *range(5_000_000, 5_000_050)])
    read_clip(path)
    tracemalloc.start()
    read_clip(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@pytest.mark.parametrize("last", [10**8, 10**15])
def test_a_number_weeks_away_is_no_pause(tmp_path, demo, last):
    with pytest.raises(UserError, match="which cannot be right"):
        read_clip(alphapose(tmp_path / "c.json", demo, [*range(20), last]))


@pytest.fixture(scope="module")
def two_parts(demo):
    """A walk, and after an hour another; the same after another walk; and the parts of the first."""
    demo, times = demo.to_mpm16(), np.concatenate([np.arange(120) / 50, 3600 + np.arange(120) / 50])

    def after(first):
        points = np.concatenate([demo.keypoints[first : first + 120], demo.keypoints[400:520]])
        return Clip.from_arrays(points, demo.image_size, 50, times=times)

    return after(0), after(200), (after(0).cut(0, 119), after(0).cut(120, 239))


def test_what_was_before_a_pause_changes_nothing_after_it(two_parts):
    """But for what is the same in all of a clip: bones, up, and the level of the floor."""
    lifter = load_lifter("mpm", device="cpu")
    one, other = (lifter.lift(clip, aids=Aids(fit=False, ground=False)) for clip in two_parts[:2])
    assert one.absolute()[120:] == pytest.approx(other.absolute()[120:], abs=1e-5)
    assert one.contact[120:] == pytest.approx(other.contact[120:], abs=0.05)  # up differs a little
    grounded = lifter.lift(two_parts[0])
    assert not goes_on(grounded.times, grounded.fps)[119]
    jumps = [np.linalg.norm(np.diff(answer.absolute()[[119, 120], 0], axis=0)) for answer in (one, grounded)]
    assert jumps[0] > 0.3 and jumps[1] == pytest.approx(jumps[0], abs=0.15)


@pytest.mark.parametrize("name", ["savgol", "one-euro", "hampel"])
def test_cleaning_carries_nothing_over_a_pause(two_parts, name):
    together, _, parts = two_parts
    clean = REFINERS[name].apply
    alone = np.concatenate([clean(part).keypoints for part in parts])
    assert np.abs(clean(together).keypoints - alone)[[118, 119, 120, 121]].max() < 0.5


@pytest.fixture(scope="module")
def answer(two_parts):
    return load_lifter("mpm", device="cpu").lift(two_parts[0])


def test_a_bvh_makes_the_pause_short_and_says_so(tmp_path, answer):
    notes = write(answer, tmp_path / "c.bvh")
    frames = int((tmp_path / "c.bvh").read_text().split("Frames:")[1].split()[0])
    assert frames == 240 + 49  # a second between the parts
    assert len(notes) == 1 and "60.0 minutes" in notes[0] and "1 s long" in notes[0]


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_other_files_keep_the_times(tmp_path, answer, suffix):
    assert write(answer, tmp_path / f"c{suffix}") == ()
    again = read_clip(tmp_path / f"c{suffix}")
    assert again.times == pytest.approx(answer.times, abs=1e-5)
