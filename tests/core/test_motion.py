"""BVH, ASF/AMC, C3D, TRC, MMPose's 3D and arrays of 3D, opened on their own."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions, WriteOptions
from mpm_core.skeleton import MPM16
from tests.motion_files import CENTRES, h36m_of, pose_error_mm, resampled, world_of, write_c3d, write_mmpose, write_trc

PART = slice(0, 200)
LIMBS = tuple(CENTRES.values())


def noted(clip, *words):
    return any(all(word in note for word in words) for note in clip.notes)


def centres(world):
    return {marker: world[joint] for marker, joint in CENTRES.items()}


def test_our_own_bvh_comes_back_as_a_clip(tmp_path, demo):
    write(demo, tmp_path / "walk.bvh")
    clip = read_clip(tmp_path / "walk.bvh")
    assert clip.skeleton is MPM16 and clip.visible.all() and clip.fps == pytest.approx(demo.fps) and len(clip) == len(demo)
    assert np.median(pose_error_mm(clip, demo)) < 2
    assert noted(clip, "unit: cm", "1.72 m", "y axis", "as the body stands") and noted(clip, "virtual camera")
    assert clip.is_virtual and not clip.camera.is_assumed
    assert np.abs(clip.camera.project(clip.ground_truth) - clip.keypoints).max() < 0.01
    inside = (clip.keypoints >= 0) & (clip.keypoints <= clip.image_size)
    assert inside.all() and np.ptp(clip.keypoints[..., 1], axis=1).min() > 100


@pytest.mark.parametrize("up", ["z", "-y"])
@pytest.mark.parametrize("unit", ["m", "mm", "inch"])
def test_bvh_in_any_unit_and_axes(tmp_path, demo, unit, up):
    """The root is turned, and with it everything: Blender writes such files."""
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 199, unit=unit))
    text = (tmp_path / "d.bvh").read_text()
    turn = {"z": "90", "-y": "180"}[up]
    head = text.replace("ROOT Hips\n{", "ROOT world\n{\n\tOFFSET 0 0 0\n\tCHANNELS 1 Xrotation\n\tJOINT Hips\n{").replace(
        "MOTION", "}\nMOTION"
    )
    head, motion = head.split("Frame Time: ")
    first, *rows = motion.splitlines()
    (tmp_path / "t.bvh").write_text(head + f"Frame Time: {first}\n" + "\n".join(f"{turn} {row}" for row in rows))
    clip = read_clip(tmp_path / "t.bvh")
    assert noted(clip, f"unit: {unit},", f"{up} axis", "as the body stands")
    assert np.median(pose_error_mm(clip, demo, PART, LIMBS)) < 3


def test_bvh_of_other_writers(tmp_path, demo):
    """Windows' line ends, decimal commas, capitals in channels, a brace on the joint's line, nodes without channels."""
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 99))
    good = read_clip(tmp_path / "d.bvh")
    text = (tmp_path / "d.bvh").read_text()
    still = text.replace("\tEnd Site\n", "\tJOINT Extra\n\t{\n\tOFFSET 0 1 0\n\tCHANNELS 0\n\t}\n\tEnd Site\n", 1)
    for number, other in enumerate((
        text.replace("\n", "\r\n"), text.replace(".", ","), text.replace("position", "POSITION"), "\ufeff\n" + text,
        text.replace("ROOT Hips\n{", "ROOT Hips {"),
    )):  # fmt: skip
        (tmp_path / f"{number}.bvh").write_text(other, newline="")
        again = read_clip(tmp_path / f"{number}.bvh")
        assert np.allclose(again.ground_truth, good.ground_truth, atol=1e-4), number
    (tmp_path / "still.bvh").write_text(still)
    assert np.median(pose_error_mm(read_clip(tmp_path / "still.bvh"), demo, slice(0, 100), LIMBS)) < 3


def test_rotations_in_any_order(tmp_path, demo):
    """The order of the channels is the order of the rotations: the same turns written as X Y Z are the same motion."""
    from scipy.spatial.transform import Rotation

    write(demo, tmp_path / "d.bvh", WriteOptions(0, 49))
    text = (tmp_path / "d.bvh").read_text()
    head, _, rows = text.partition("Frame Time: 0.02\n")
    values = np.array([row.split() for row in rows.splitlines()], float)
    angles = values[:, 3:].reshape(len(values), -1, 3)
    other = Rotation.from_euler("ZXY", angles.reshape(-1, 3), degrees=True).as_euler("XYZ", degrees=True)
    body = np.concatenate((values[:, :3], other.reshape(len(values), -1)), axis=1)
    head = head.replace("Zrotation Xrotation Yrotation", "Xrotation Yrotation Zrotation")
    (tmp_path / "x.bvh").write_text(head + "Frame Time: 0.02\n" + "\n".join(" ".join(f"{v:.6f}" for v in row) for row in body))
    first, second = (read_clip(tmp_path / name) for name in ("d.bvh", "x.bvh"))
    assert np.abs(first.ground_truth - second.ground_truth).max() < 1e-3


def test_shoulders_of_an_unknown_rig_are_the_arms_and_a_skull_is_no_crown(tmp_path, demo):
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 99))
    text = (tmp_path / "d.bvh").read_text()
    for old, new in (("Spine1", "Chest"), ("Neck", "Nape"), ("Head\n", "Skull\n")):
        text = text.replace(old, new)
    (tmp_path / "other.bvh").write_text(text)
    clip = read_clip(tmp_path / "other.bvh").to_mpm16()
    assert np.median(pose_error_mm(clip, demo, slice(0, 100), ("LShoulder", "RShoulder", "LElbow", "RKnee"))) < 3
    assert not clip.visible[:, MPM16.index("Head")].any()


def test_names_of_nobody_are_asked_for(tmp_path, demo):
    text = "HIERARCHY\nROOT a1\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nJOINT a2\n{\nOFFSET 0 9 0\n"
    text += "CHANNELS 0\n}\n}\nMOTION\nFrames: 2\nFrame Time: 0.02\n0 0 0\n0 1 0\n"
    (tmp_path / "odd.bvh").write_text(text)
    with pytest.raises(UserError, match="--joint-map"):
        read_clip(tmp_path / "odd.bvh")
    asked = inspect_file(tmp_path / "odd.bvh").unknown_joints
    assert asked is not None and asked.names == ("a1", "a2") and asked.pose.shape == (2, 2)


@pytest.mark.parametrize("kind", ["trc", "c3d"])
def test_markers_of_any_name_come_in_by_a_joint_map(tmp_path, demo, kind):
    world = world_of(demo, "y", slice(0, 60))
    names = {f"m{n:02d}": joint for n, joint in enumerate(LIMBS)}
    markers = {name: world[joint] for name, joint in names.items()}
    if kind == "c3d":
        pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
        path = write_c3d(tmp_path / "w.c3d", markers, 50.0, "m")
    else:
        path = write_trc(tmp_path / "w.trc", markers)
    asked = inspect_file(path).unknown_joints
    assert asked is not None and asked.names == tuple(names) and np.isfinite(asked.pose).all()
    with pytest.raises(UserError, match="only 0 of 12 joint names are understood"):
        read_clip(path)
    clip = read_clip(path, options=ReadOptions(joint_map=names)).to_mpm16()
    assert np.median(pose_error_mm(clip, demo, slice(0, 60), ("Hip", *LIMBS))) < 0.1


def test_amc_opens_with_the_skeleton_beside_it(tmp_path):
    from tests.fuzz.samples import amc

    path = amc(tmp_path)
    clip = read_clip(path)
    assert len(clip) == 60 and clip.fps == 120 and noted(clip, "120 frames/s assumed")
    assert noted(clip, "unit: inch, as the file says") and read_clip(path, fps=60).fps == 60
    assert inspect_file(path).lacks == ("fps",)
    with pytest.raises(UserError, match="the skeleton alone; open the .amc with its motion, such as body_01.amc"):
        read_clip(tmp_path / "body.asf")
    (tmp_path / "body.asf").unlink()
    with pytest.raises(UserError, match=r"no .asf skeleton beside it"):
        read_clip(path)


@pytest.mark.parametrize(("up", "units", "says", "taken"), [
    ("z", 1000.0, "mm", "mm, as the file says"), ("y", 1.0, "m", "m, as the file says"),
    ("x", 100.0, "cm", "cm, as the file says"), ("z", 1.0, "mm", "m, although the file says mm"),
])  # fmt: skip
def test_c3d_in_any_unit_and_axes(tmp_path, demo, up, units, says, taken):
    pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
    markers = {f"Anna:{name}": places for name, places in centres(world_of(demo, up, PART, units)).items()}
    markers["Anna:LHJC"][20:30] = np.nan
    markers["LKneeAngles"] = np.full((200, 3), 45.0)
    clip = read_clip(write_c3d(tmp_path / "w.c3d", markers, 50.0, says)).to_mpm16()
    assert noted(clip, f"unit: {taken}", "1.77 m", f"{up} axis, as the body stands")
    hip = clip.visible[:, MPM16.index("LHip")]
    assert not hip[20:30].any() and hip.sum() == 190 and not clip.visible[:, MPM16.index("Head")].any()
    assert np.nanmedian(pose_error_mm(clip, demo, PART, ("Hip", *LIMBS))) < 1


def test_plug_in_gait_markers_become_joints(tmp_path, demo):
    """Skin markers round the demo's joints: the pelvis gives the hips, pairs give the middle, a band gives the crown."""
    pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
    world = world_of(demo, "z", PART, 1000.0)
    across = world["RHip"] - world["LHip"]
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    up = world["Thorax"] - world["Hip"]
    forward = np.cross(up, across)
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    up = np.cross(across, forward)
    width = np.linalg.norm(world["RHip"] - world["LHip"], axis=-1, keepdims=True) / (1 - 2 * 0.14)
    spines = {side: world[f"{side}Hip"] + sign * 0.14 * width * across + width * (0.3 * up + 0.22 * forward)
              for side, sign in (("L", -1), ("R", 1))}  # fmt: skip
    markers = {f"{side}ASI": place for side, place in spines.items()}
    markers |= {f"{side}PSI": place - 0.6 * width * forward for side, place in spines.items()}
    for side in "LR":
        for name, joint in (("KNE", "Knee"), ("ANK", "Ankle"), ("SHO", "Shoulder"), ("ELB", "Elbow")):
            markers[side + name] = world[side + joint] + 20 * across
        markers[f"{side}WRA"], markers[f"{side}WRB"] = (world[f"{side}Wrist"] + off * across for off in (-25, 25))
    clip = read_clip(write_c3d(tmp_path / "w.c3d", markers)).to_mpm16()
    assert np.nanmedian(pose_error_mm(clip, demo, PART, ("LHip", "RHip", "LWrist", "RWrist"))) < 2
    assert noted(clip, "the hips are computed from the pelvis's markers") and noted(clip, "markers on the skin", "LKnee")
    assert clip.derived[:, MPM16.index("LHip")].all() and not clip.derived[:, MPM16.index("LKnee")].any()


def test_damaged_c3d_is_one_sentence(tmp_path, demo):
    pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
    path = write_c3d(tmp_path / "w.c3d", centres(world_of(demo, "z", PART, 1000.0)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="frames of 12 markers are announced, but the file is shorter"):
        read_clip(path)
    path.write_bytes(whole[:700])
    with pytest.raises(UserError, match=r"w\.c3d"):
        read_clip(path)


@pytest.mark.parametrize(("rate", "units", "unit", "newline", "comma"), [
    (100.0, 1.0, "m", "\n", False), (120.0, 1000.0, "mm", "\r\n", False), (50.0, 100.0, "", "\n", True),
])  # fmt: skip
def test_trc_in_3d(tmp_path, demo, rate, units, unit, newline, comma):
    world = resampled(world_of(demo, "y", PART, units), 50.0, rate)
    markers = {name: world[name].copy() for name in ("Hip", "Thorax", "Head", *LIMBS)}
    markers["LWrist"][3:7] = np.nan
    clip = read_clip(write_trc(tmp_path / "w.trc", markers, rate, unit, newline, comma)).to_mpm16()
    assert clip.fps == pytest.approx(rate) and noted(clip, "y axis, as the body stands")
    assert not clip.visible[3:7, MPM16.index("LWrist")].any() and clip.visible[8, MPM16.index("LWrist")]
    hip = np.linalg.norm(clip.ground_truth[:, MPM16.index("LHip")] - clip.ground_truth[:, MPM16.index("RHip")], axis=-1)
    assert np.allclose(hip, 0.2, atol=0.01)


def test_mmpose_3d_of_one_and_of_two(tmp_path, demo):
    poses = h36m_of(world_of(demo, "z", PART))
    relative = poses - poses[:, :1]
    relative[..., 2] -= relative[..., 2].min(1, keepdims=True)
    clip = read_clip(write_mmpose(tmp_path / "one.json", [[pose] for pose in relative]), fps=50)
    assert clip.skeleton.name == "h36m17" and np.median(pose_error_mm(clip, demo, PART)) < 0.1
    aside = np.array([2.0, 0.0, 0.0])
    both = [[pose, pose + aside] if n % 2 else [pose + aside, pose] for n, pose in enumerate(poses)]
    path = write_mmpose(tmp_path / "two.json", [[], *both])
    clips = [read_clip(path, fps=50, person=number) for number in (0, 1)]
    for clip in clips:
        assert not clip.visible[0].any() and clip.visible[1:].all()
        steps = np.linalg.norm(np.diff(clip.ground_truth[1:, 0], axis=0), axis=-1)
        assert steps.max() < 0.1, "the two were exchanged"
    assert len(inspect_file(path).people) == 2 and noted(read_clip(path), "2 people in the file")


def test_arrays_of_3d_are_read_by_their_bones(tmp_path, demo):
    poses = h36m_of(world_of(demo, "z", PART))
    np.save(tmp_path / "a.npy", poses * 1000)
    np.savez(tmp_path / "b.npz", poses=poses - poses[:, :1], fps=50)
    first, second = read_clip(tmp_path / "a.npy", fps=50), read_clip(tmp_path / "b.npz")
    assert first.skeleton.name == second.skeleton.name == "h36m17" and second.fps == 50
    assert noted(first, "unit: mm", "z axis") and second.visible.all()
    order = [poses[:, n] for n in (10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9)]
    np.save(tmp_path / "c.npy", np.stack(order, axis=1))
    third = read_clip(tmp_path / "c.npy", fps=50)
    assert noted(third, "MPI-INF-3DHP", "whose bones fit") and np.median(pose_error_mm(third, demo, PART)) < 0.1


def test_what_a_person_says_of_unit_and_axis_counts(tmp_path, demo):
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 49))
    clip = read_clip(tmp_path / "d.bvh", options=ReadOptions(unit="inch", up_axis="-z"))
    assert noted(clip, "unit: inch, as was said", "-z axis, as was said")
    shin = clip.ground_truth[0, MPM16.index("LKnee")] - clip.ground_truth[0, MPM16.index("LAnkle")]
    assert np.linalg.norm(shin) == pytest.approx(42 * 0.0254, rel=0.05)


def test_who_lies_is_not_turned_upright(tmp_path, demo):
    """A body that lies throughout does not tell which way is up: what is usual is taken, and said."""
    world = world_of(demo, "z", slice(550, 600))
    lying = {name: np.stack((places[:, 2], places[:, 0], -places[:, 1] * 0.1), -1) for name, places in world.items()}
    clip = read_clip(write_trc(tmp_path / "w.trc", lying | {"Hip": lying["Hip"]}))
    assert noted(clip, "axis")
    turned = {name: places @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]).T for name, places in world_of(demo, "y").items()}
    half = {name: np.where(np.arange(730)[:, None] % 2, turned[name], places) for name, places in world_of(demo, "y").items()}
    unsure = read_clip(write_trc(tmp_path / "h.trc", half))
    assert noted(unsure, "--up-axis")


def test_3d_that_a_virtual_camera_saw_stays_3d(tmp_path, demo):
    """Keypoints that nobody measured are not written as if they were."""
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 99))
    clip = read_clip(tmp_path / "d.bvh")
    write(clip, tmp_path / "d.csv")
    again = read_clip(tmp_path / "d.csv")
    assert again.keypoints is None and np.allclose(again.ground_truth, clip.ground_truth, atol=1e-5)
    write(clip, tmp_path / "d.npz")
    kept = read_clip(tmp_path / "d.npz")
    assert kept.is_virtual and np.array_equal(kept.keypoints, clip.keypoints) and kept.up == clip.up


def test_a_motion_is_lifted_and_completed(tmp_path, demo, lifter):
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 99))
    clip = read_clip(tmp_path / "d.bvh").to_mpm16()
    lifted = lifter.lift(clip)
    error = np.linalg.norm(lifted.positions - (clip.ground_truth - clip.ground_truth[:, :1]), axis=-1).mean()
    assert error < 0.12
    mask = np.zeros((100, 16), bool)
    mask[40:60, MPM16.index("LWrist")] = True
    completed = lifter.complete(clip.ground_truth, mask)
    assert np.isfinite(completed.positions).all()
