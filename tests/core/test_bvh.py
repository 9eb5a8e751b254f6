import numpy as np
import pybvh
import pytest

from mpm_core import Clip, UserError, write
from mpm_core.camera import upright
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import euler_zxy, motion_of
from mpm_core.rig.fitting import fit_rig
from mpm_core.skeleton import MPM16

# How pybvh reads a file is its own; it shares no code with the writer.


def read_positions(path, names):
    bvh = pybvh.read_bvh_file(path, world_up="+y")
    order = [bvh.joint_names.index(name) for name in names]
    return bvh, np.asarray(bvh.joint_positions())[:, order]


def test_positions_survive_the_file(tmp_path, demo, lifter):
    mask = np.zeros((len(demo), 16), bool)
    mask[100:200, list(MPM16.limb("left arm"))] = True
    prediction = lifter.lift(demo, mask)
    options = WriteOptions(clip=demo)
    write(prediction, tmp_path / "walk.bvh", options)
    motion, frame_time = motion_of(prediction, options)
    names = [joint.name for joint in motion.joints]
    bvh, positions = read_positions(tmp_path / "walk.bvh", names)
    assert bvh.frame_count == len(demo) and bvh.frame_time == pytest.approx(0.02) and frame_time == pytest.approx(0.02)
    assert np.abs(positions / 100 - motion.joint_positions()).max() < 0.010 / 1000  # the limit is 10 mm; this is 0.01


def test_the_rig_follows_what_it_is_fitted_to(demo):
    """Bones of the demo are rigid, so a rig of constant lengths can follow it closely."""
    truth = np.asarray(upright(demo.ground_truth, demo.up), float)
    motion = fit_rig(truth, demo.fps)
    fitted = motion.joint_positions()
    for n, joint in enumerate(motion.joints):
        if joint.follows is not None:
            distance = np.linalg.norm(fitted[:, n] - truth[:, MPM16.index(joint.follows)], axis=-1)
            assert distance.max() < 0.012, joint.name


def test_bones_keep_their_length_and_sides_are_alike(demo, lifter):
    motion, _ = motion_of(lifter.lift(demo), WriteOptions(clip=demo))
    positions = motion.joint_positions()
    index = {joint.name: n for n, joint in enumerate(motion.joints)}
    for side in ("Left", "Right"):
        shin = np.linalg.norm(positions[:, index[f"{side}Foot"]] - positions[:, index[f"{side}Leg"]], axis=-1)
        assert np.ptp(shin) < 1e-9
    rest = {joint.name: np.abs(joint.rest) for joint in motion.joints}
    assert np.allclose(rest["LeftLeg"], rest["RightLeg"]) and np.allclose(rest["LeftArm"], rest["RightArm"])


def test_names_channels_and_units_are_what_other_programs_expect(tmp_path, demo):
    write(demo, tmp_path / "d.bvh")
    write(demo, tmp_path / "m.bvh", WriteOptions(unit="m"))
    text = (tmp_path / "d.bvh").read_text()
    names = {line.split()[1] for line in text.splitlines() if line.strip().startswith(("ROOT", "JOINT"))}
    both = {f"{side}{part}" for side in ("Left", "Right") for part in
            ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")}  # fmt: skip
    assert names == {"Hips", "Spine", "Spine1", "Neck", "Head"} | both
    assert text.count("End Site") == 5
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in text
    assert "Frame Time: 0.02\n" in text
    centimetres, metres = (np.array(_offset(tmp_path / name, "LeftLeg")) for name in ("d.bvh", "m.bvh"))
    assert np.allclose(centimetres, metres * 100, atol=1e-3) and 30 < np.abs(centimetres).max() < 60


def _offset(path, joint):
    lines = path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip() == f"JOINT {joint}")
    return [float(v) for v in lines[at + 2].split()[1:]]


def test_frame_time_has_ten_digits(tmp_path, demo):
    clip = Clip.from_arrays(None, (1, 1), 29.97, ground_truth=demo.ground_truth[:40])
    write(clip, tmp_path / "d.bvh")
    assert f"Frame Time: {1 / 29.97:.10g}" in (tmp_path / "d.bvh").read_text()


def test_people_stand_on_the_floor_with_y_up(tmp_path, demo):
    motion, _ = motion_of(demo, WriteOptions())
    positions = motion.joint_positions()
    index = {joint.name: n for n, joint in enumerate(motion.joints)}
    ankles = positions[:, [index["LeftFoot"], index["RightFoot"]], 1]
    assert 0.05 < ankles.min() < 0.1
    assert (positions[:, index["Head"], 1] > positions[:, index["Hips"], 1]).all()
    assert np.abs(motion.root[0, [0, 2]]).max() < 1e-3


def test_the_floor_is_where_feet_stand_and_not_where_a_few_frames_sink(demo):
    truth = demo.ground_truth.copy()
    sunk = np.arange(len(truth)) % 50 < 5
    truth[sunk] -= 0.04 * np.array(demo.up, np.float32)
    motion, _ = motion_of(Clip.from_arrays(None, (1, 1), demo.fps, ground_truth=truth, up=demo.up), WriteOptions())
    feet = motion.joint_positions()[~sunk][:, [motion.index("LeftFoot"), motion.index("RightFoot")], 1]
    assert np.median(feet.min(1)) == pytest.approx(0.09, abs=0.015)


def test_angles_never_jump_between_equal_readings():
    """A spin through several turns, past the pole where two of the angles coincide."""
    from scipy.spatial.transform import Rotation

    frames = 400
    spin = np.linspace(0, 5 * np.pi, frames)
    tilt = np.linspace(-np.pi * 0.55, np.pi * 0.55, frames)
    rotations = Rotation.from_euler("ZXY", np.stack((spin, tilt, np.zeros(frames)), axis=-1)).as_matrix()
    angles = euler_zxy(rotations[:, None])[:, 0]
    again = Rotation.from_euler("ZXY", angles, degrees=True).as_matrix()
    assert np.abs(again - rotations).max() < 1e-6
    assert np.abs(np.diff(angles, axis=0)).max() < 30


def test_uneven_times_are_resampled(tmp_path, demo):
    keep = np.sort(np.random.default_rng(0).choice(300, 200, replace=False))
    clip = Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth[keep], times=demo.times[keep])
    write(clip, tmp_path / "u.bvh")
    bvh = pybvh.read_bvh_file(tmp_path / "u.bvh", world_up="+y")
    assert bvh.frame_count * bvh.frame_time == pytest.approx(float(np.ptp(demo.times[keep])), abs=0.05)


def test_truth_with_gaps_is_bridged_but_a_joint_that_is_never_known_is_refused(tmp_path, demo):
    truth = demo.ground_truth.copy()
    truth[50:60, 3] = np.nan
    write(Clip.from_arrays(None, (1, 1), 50, ground_truth=truth), tmp_path / "g.bvh")
    assert "nan" not in (tmp_path / "g.bvh").read_text()
    truth[:, 3] = np.nan
    with pytest.raises(UserError, match="RAnkle"):
        write(Clip.from_arrays(None, (1, 1), 50, ground_truth=truth), tmp_path / "h.bvh")


@pytest.mark.parametrize(("times", "frames"), [([0, 0.001, 0.002, 500], 1003), ([0, 0.02, 0.04, 30_000], 53)])
def test_pauses_that_a_bvh_cannot_hold_are_made_short(tmp_path, demo, times, frames):
    clip = Clip.from_arrays(None, (500, 500), 50, ground_truth=demo.ground_truth[:4], times=times)
    (note,) = write(clip, tmp_path / "x.bvh")
    assert "1 s long" in note
    assert f"Frames: {frames}\n" in (tmp_path / "x.bvh").read_text()


def test_a_rate_at_which_a_second_is_too_long_is_refused(tmp_path, demo):
    clip = Clip.from_arrays(None, (500, 500), 50, ground_truth=demo.ground_truth[:4], times=[0, 1e-5, 2e-5, 30])
    with pytest.raises(UserError, match="one frame time"):
        write(clip, tmp_path / "x.bvh")
    assert not list(tmp_path.iterdir())
