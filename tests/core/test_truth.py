"""3D of other files as ground truth of a clip: when it begins, where the clip's camera sees it, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, UserError, attach_truth, read_clip, write
from mpm_core.camera import Intrinsics
from mpm_core.cli import main
from mpm_core.skeleton import MPM16
from mpm_core.truth.sampling import at_times
from tests.motion_files import CENTRES, h36m_of, resampled, world_of, write_c3d, write_mmpose, write_trc


def without_truth(demo, first=0, last=729):
    return replace(demo.to_mpm16().cut(first, last), ground_truth=None)


def trc_of(path, demo, rate=50.0, frames=slice(None), up="y", **more):
    world = resampled(world_of(demo, up, frames, more.pop("units", 1.0)), 50.0, rate)
    return read_clip(write_trc(path, world, rate, **more))


def off_mm(clip, demo, first=0, is_relative=True):
    mine, true = clip.ground_truth, demo.ground_truth[first : first + len(clip)]
    if is_relative:
        mine, true = mine - mine[:, :1], true - true[:, :1]
    return float(np.nanmedian(np.linalg.norm(mine - true, axis=-1))) * 1000


@pytest.mark.parametrize(
    ("rate", "up", "units", "unit"), [(50, "y", 1.0, "m"), (100, "z", 1000.0, "mm"), (120, "-y", 100.0, "cm")]
)
def test_truth_is_found_in_time_and_in_the_camera(tmp_path, demo, rate, up, units, unit):
    motion = trc_of(tmp_path / "w.trc", demo, rate, up=up, units=units, unit=unit)
    found = attach_truth(without_truth(demo, 120, 420), motion)
    assert found.timing.shift_s == pytest.approx(-120 / 50, abs=0.01) and found.is_sure
    assert off_mm(found.clip, demo, 120) < 4 and off_mm(found.clip, demo, 120, is_relative=False) < 25
    assert found.error_px < 2 and any("begins 1" in note and "before the clip" in note for note in found.notes)
    assert any(f"unit: {unit}" in note for note in found.clip.notes)


def test_truth_that_begins_later_leaves_frames_without(tmp_path, demo):
    motion = trc_of(tmp_path / "w.trc", demo, frames=slice(200, 500))
    found = attach_truth(without_truth(demo), motion)
    assert found.timing.shift_s == pytest.approx(4.0, abs=0.01)
    known = np.isfinite(found.clip.ground_truth).all((1, 2))
    assert not known[:199].any() and known[201:498].all() and not known[501:].any()
    assert any("of 730 frames lie outside of it" in note for note in found.notes)


def test_noise_another_rate_and_an_unknown_camera(tmp_path, demo):
    """A detector's errors and 30 frames/s; the camera's field of view is a guess, the poses are still the true ones."""
    times = np.arange(2.0, 12.0, 1 / 30)
    frames = np.stack([[np.interp(times, demo.times, demo.keypoints[:, j, a]) for a in range(2)] for j in range(16)])
    points = frames.transpose(2, 0, 1) + np.random.default_rng(3).normal(0, 5, (len(times), 16, 2))
    clip = Clip.from_arrays(points, demo.image_size, 30, camera=Intrinsics.assumed(demo.image_size))
    found = attach_truth(clip, trc_of(tmp_path / "w.trc", demo, 100.0))
    assert found.timing.shift_s == pytest.approx(-2.0, abs=0.02) and found.is_sure
    there = Clip.from_arrays(None, (1, 1), 30, ground_truth=at_times(demo.ground_truth, demo.times, times))
    assert off_mm(found.clip, there) < 15


def test_a_given_shift_is_taken_and_judged(tmp_path, demo):
    motion = trc_of(tmp_path / "w.trc", demo)
    right = attach_truth(without_truth(demo, 100, 400), motion, shift_s=-2.0)
    assert right.timing.is_given and off_mm(right.clip, demo, 100) < 2 and "as was said" in right.notes[0]
    wrong = attach_truth(without_truth(demo, 100, 400), motion, shift_s=-7.5)
    assert not wrong.is_sure and any("that is far" in note for note in wrong.notes)
    with pytest.raises(UserError, match="only 0 frames of the clip have any"):
        attach_truth(without_truth(demo), motion, shift_s=100.0)


def test_another_motion_is_refused(tmp_path, demo):
    """The same person doing something else, backwards."""
    other = {name: places[::-1][:300] for name, places in world_of(demo).items()}
    motion = read_clip(write_trc(tmp_path / "w.trc", other))
    with pytest.raises(UserError, match=r"w\.trc: .*(does not belong to this clip|only \d+ frames)"):
        attach_truth(without_truth(demo, 0, 300), motion)


def test_one_stride_is_like_the_other(tmp_path, demo):
    """Who walks on the spot does so again and again: the shift is named, with its rivals, and called unsure."""
    period = 50
    places = np.tile(np.asarray(demo.ground_truth[40 : 40 + period], float), (8, 1, 1))
    places = places - places[:, :1]
    swing = 0.3 * np.sin(2 * np.pi * np.arange(len(places)) / period)
    places[:, MPM16.index("LKnee"), 2] += swing
    places[:, MPM16.index("RKnee"), 2] -= swing
    moved = places + [0, 0, 4.0]
    clip = Clip.from_arrays(demo.camera.project(moved)[:200], demo.image_size, 50, camera=demo.camera)
    motion = replace(Clip.from_arrays(None, (1, 1), 50, ground_truth=moved[50:]), is_virtual=True)
    found = attach_truth(clip, motion)
    assert not found.is_sure and "not sure: a shift of" in found.notes[0]


def test_nothing_moves_so_nothing_tells(demo):
    still = np.repeat(np.asarray(demo.ground_truth[:1], float), 200, axis=0)
    clip = Clip.from_arrays(demo.camera.project(still), demo.image_size, 50, camera=demo.camera)
    same = attach_truth(clip, Clip.from_arrays(None, (1, 1), 50, ground_truth=still))
    assert same.timing.shift_s == 0 and not same.is_sure and "assumed" in same.notes[0]
    with pytest.raises(UserError, match="the shift has to be given"):
        attach_truth(clip, Clip.from_arrays(None, (1, 1), 50, ground_truth=still[:120], source="s.npz"))


def test_truth_without_a_path_is_relative_to_the_hip(tmp_path, demo):
    poses = h36m_of(world_of(demo, "z"))
    poses = poses - poses[:, :1]
    motion = read_clip(write_mmpose(tmp_path / "m.json", [[pose] for pose in poses]), fps=50)
    found = attach_truth(without_truth(demo), motion)
    assert np.nanmax(np.abs(found.clip.ground_truth[:, 0])) < 1e-5 and off_mm(found.clip, demo) < 2
    assert any("relative to Hip" in note for note in found.notes)


def test_truth_in_the_cameras_own_axes_stays_as_it_is(demo):
    found = attach_truth(without_truth(demo), demo)
    assert np.array_equal(found.clip.ground_truth, demo.to_mpm16().ground_truth)
    assert any("as the file has it" in note for note in found.notes)


def test_truth_is_added_by_name_on_the_command_line(tmp_path, demo, caplog):
    pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
    markers = {name: world_of(demo, "z", units_per_metre=1000.0)[joint] for name, joint in CENTRES.items()}
    truth = write_c3d(tmp_path / "walk.c3d", markers, 50.0)
    write(without_truth(demo, 100, 400), tmp_path / "clip.npz")
    caplog.set_level("INFO", logger="mpm")
    assert main(["lift", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "o.npz"), "--truth", str(truth), "--no-mirror"]) == 0
    text = caplog.text
    assert "begins 100.0 frames (2.00 s) before the clip" in text and "MPJPE" in text
    assert (
        main(["convert", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "c.npz"), "--truth", str(truth), "--shift=-2s"]) == 0
    )
    both = read_clip(tmp_path / "c.npz")
    assert both.keypoints is not None and off_mm(both, demo, 100) < 3
    for wrong, words in (
        (["--shift", "3"], "no --truth is given"),
        (["--truth", str(tmp_path / "none.c3d")], "there is no such file"),
        (["--truth", str(truth), "--shift", "500"], "only 0 frames"),
    ):
        caplog.clear()
        assert main(["convert", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "d.npz"), *wrong]) == 2
        assert words in caplog.text and not (tmp_path / "d.npz").exists()
    write(demo, tmp_path / "t.npz")
    kept = (tmp_path / "t.npz").read_bytes()
    assert main(["convert", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "t.npz"), "--truth", str(tmp_path / "t.npz")]) == 2
    assert (tmp_path / "t.npz").read_bytes() == kept
    with pytest.raises(SystemExit):
        main(["convert", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "d.npz"), "--truth", str(truth), "--shift", "soon"])


def test_values_between_frames_and_beside_gaps():
    times = np.arange(20) / 50
    values = np.sin(times * 9)[:, None, None] * np.ones((1, 1, 3))
    assert np.abs(at_times(values, times, times) - values).max() == 0
    between = times[:-1] + 0.01
    assert np.abs(at_times(values, times, between)[:, 0, 0] - np.sin(between * 9)).max() < 2e-3
    holed = values.copy()
    holed[8] = np.nan
    found = at_times(holed, times, np.array([-0.5, times[7], times[7] + 0.005, times[8], times[9], 0.9]))[:, 0, 0]
    assert np.isnan(found[[0, 2, 3, 5]]).all() and found[1] == values[7, 0, 0] and found[4] == values[9, 0, 0]
