"""What leaves the tool, read back by somebody else's program: TRC, C3D, GLB, CSV, joint angles, and BVH's options."""

import csv
import json
import time
from dataclasses import replace

import numpy as np
import pybvh
import pytest
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from mpm_core import UserError, read_clip, write
from mpm_core.clip import Clip
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import motion_of
from mpm_core.formats.motion.world import world_of
from mpm_core.rig.angles import joint_angles, pelvis_in_opensim
from mpm_core.rig.joints import RigMotion, build_joints
from mpm_core.skeleton import MPM16

FRAMES = 120
ARM = list(MPM16.limb("left arm"))
HIDDEN = slice(20, 60)


@pytest.fixture(scope="module")
def clip(demo):
    return demo.cut(150, 150 + FRAMES - 1)


@pytest.fixture(scope="module")
def prediction(clip, lifter):
    mask = np.zeros((FRAMES, 16), bool)
    mask[HIDDEN, ARM] = True
    return lifter.lift(clip, mask)


@pytest.fixture(scope="module")
def gappy(clip):
    """A clip whose true left wrist is unknown for a while."""
    truth = clip.ground_truth.copy()
    truth[30:40, MPM16.index("LWrist")] = np.nan
    return replace(clip, ground_truth=truth)


def test_the_world_stands_on_the_floor(prediction, clip):
    world = world_of(prediction, WriteOptions(clip=clip))
    assert world.positions[0, MPM16.root, [0, 2]] == pytest.approx(0, abs=1e-9)
    ankles = world.positions[:, MPM16.indices(("LAnkle", "RAnkle")), 1]
    assert 0.05 < ankles.min() < 0.15 and world.positions[:, MPM16.index("Head"), 1].mean() > 1.3
    assert (world.completed == prediction.hidden).all() and world.completed[HIDDEN, ARM].all()


def test_in_place_keeps_the_height_and_gives_up_the_way(prediction, clip):
    plain, still = (world_of(prediction, WriteOptions(clip=clip, in_place=i)).positions for i in (False, True))
    assert np.abs(still[:, MPM16.root, [0, 2]]).max() < 1e-9 and np.ptp(plain[:, MPM16.root, [0, 2]]) > 0.2
    assert np.allclose(still[..., 1], plain[..., 1])
    assert np.allclose(still - still[:, :1], plain - plain[:, :1])


@pytest.mark.parametrize("fps", [25, 30, 60, 120])
def test_resampling_goes_through_the_motion(prediction, clip, fps):
    plain = world_of(prediction, WriteOptions(clip=clip))
    other = world_of(prediction, WriteOptions(clip=clip, fps=fps))
    assert other.frame_time == 1 / fps and len(other) == int((FRAMES - 1) / 50 * fps) + 1
    smooth = CubicSpline(plain.times, plain.positions)(other.times)
    assert np.abs(other.positions - smooth).max() < 0.004
    assert np.allclose(other.positions[0], plain.positions[0], atol=1e-3)


def test_what_is_unknown_stays_unknown_when_it_is_resampled(gappy):
    world = world_of(gappy, WriteOptions(fps=60))
    lost = ~np.isfinite(world.positions[:, MPM16.index("LWrist"), 0])
    assert (world.times[lost] > 29 / 50).all() and (world.times[lost] < 40 / 50).all() and lost.sum() == 13
    assert np.isfinite(np.delete(world.positions, MPM16.index("LWrist"), axis=1)).all()


@pytest.mark.parametrize(("unit", "up", "scale"), [(None, None, 1.0), ("mm", None, 1000.0), ("cm", "z", 100.0)])
def test_trc_is_what_opensim_documents(tmp_path, prediction, clip, unit, up, scale):
    options = WriteOptions(clip=clip, unit=unit, up_axis=up)
    write(prediction, tmp_path / "walk.trc", options)
    lines = (tmp_path / "walk.trc").read_text().split("\n")
    facts = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    assert lines[0].startswith("PathFileType\t4\t(X/Y/Z)\t") and lines[5] == ""
    assert (facts["NumFrames"], facts["NumMarkers"], facts["Units"]) == (str(FRAMES), "16", unit or "m")
    assert [name for name in lines[3].split("\t")[2:] if name] == list(MPM16.joints) and lines[4].split("\t")[2] == "X1"
    rows = np.array([line.split("\t") for line in lines[6:] if line], float)
    world = world_of(prediction, options).positions * scale
    wanted = world if up is None else np.stack((world[..., 0], -world[..., 2], world[..., 1]), -1)
    assert np.allclose(rows[:, 2:].reshape(FRAMES, 16, 3), wanted, atol=1e-3 * scale / 1000 + 1e-6)
    assert np.allclose(rows[:, 0], np.arange(1, FRAMES + 1)) and np.allclose(rows[:, 1], np.arange(FRAMES) / 50)


def test_trc_leaves_empty_what_is_unknown_and_comes_back(tmp_path, gappy):
    write(gappy, tmp_path / "gap.trc")
    back = read_clip(tmp_path / "gap.trc").to_mpm16()
    known = np.isfinite(gappy.ground_truth).all(-1)
    assert (np.isfinite(back.ground_truth).all(-1) == known).all() and back.fps == gappy.fps
    here, there = (clip.ground_truth - clip.ground_truth[:, :1] for clip in (gappy, back))
    sides = [np.linalg.norm(points[:, 3] - points[:, 6], axis=-1) for points in (here, there)]
    assert np.allclose(*sides, atol=1e-5)


def test_c3d_is_read_by_ezc3d(tmp_path, prediction, clip):
    import ezc3d

    write(prediction, tmp_path / "walk.c3d", WriteOptions(clip=clip))
    file = ezc3d.c3d(str(tmp_path / "walk.c3d"))
    points, about = file["data"]["points"], file["parameters"]["POINT"]
    assert about["LABELS"]["value"] == list(MPM16.joints) and about["UNITS"]["value"] == ["mm"]
    assert about["RATE"]["value"][0] == pytest.approx(50) and points.shape == (4, 16, FRAMES)
    world = world_of(prediction, WriteOptions(clip=clip)).positions * 1000
    assert np.allclose(points[:3].T.transpose(0, 1, 2), np.stack((world[..., 0], -world[..., 2], world[..., 1]), -1), atol=0.01)
    residuals = file["data"]["meta_points"]["residuals"][0].T
    assert ((residuals == 0) == prediction.hidden).all()  # made by software, not measured


def test_c3d_says_what_was_not_seen(tmp_path, gappy):
    import ezc3d

    write(gappy, tmp_path / "gap.c3d", WriteOptions(unit="m", up_axis="y"))
    file = ezc3d.c3d(str(tmp_path / "gap.c3d"))
    lost = np.isnan(file["data"]["points"][0]).T
    assert (lost == ~np.isfinite(gappy.ground_truth).all(-1)).all() and lost.any()
    assert file["parameters"]["POINT"]["UNITS"]["value"] == ["m"]
    assert read_clip(tmp_path / "gap.c3d").to_mpm16().ground_truth.shape == gappy.ground_truth.shape


def joints_of_glb(path):
    """(frames, joints, 3) of a GLB's animation by forward kinematics, and the joints' names; scipy and pygltflib alone."""
    import pygltflib

    file = pygltflib.GLTF2().load(str(path))
    blob, kinds = file.binary_blob(), {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}

    def array(number):
        accessor = file.accessors[number]
        view = file.bufferViews[accessor.bufferView]
        assert accessor.componentType == 5126
        count = accessor.count * kinds[accessor.type]
        return np.frombuffer(blob, np.float32, count, view.byteOffset).reshape(accessor.count, -1)

    (animation,), (skin,) = file.animations, file.skins
    samplers, channels = animation.samplers, {(c.target.node, c.target.path): c.sampler for c in animation.channels}
    times = array(samplers[0].input)[:, 0]
    parents = {child: n for n, node in enumerate(file.nodes) for child in node.children or ()}
    turns, places = {}, {}
    for n in skin.joints:
        own = Rotation.from_quat(array(samplers[channels[n, "rotation"]].output)).as_matrix()
        if n in parents:
            above = parents[n]
            places[n] = places[above] + turns[above] @ np.array(file.nodes[n].translation)
            turns[n] = turns[above] @ own
        else:
            places[n], turns[n] = array(samplers[channels[n, "translation"]].output), own
    inverse = array(skin.inverseBindMatrices).reshape(-1, 4, 4)
    return np.stack([places[n] for n in skin.joints], 1), [file.nodes[n].name for n in skin.joints], times, inverse


def test_glb_moves_as_the_rig_does(tmp_path, prediction, clip):
    import trimesh

    options = WriteOptions(clip=clip, prefix="mixamorig:")
    write(prediction, tmp_path / "walk.glb", options)
    places, names, times, inverse = joints_of_glb(tmp_path / "walk.glb")
    motion, _ = motion_of(prediction, options)
    assert names == ["mixamorig:" + joint.name for joint in motion.joints]
    assert np.abs(places - motion.joint_positions()).max() < 1e-4 and np.allclose(times, np.arange(FRAMES) / 50, atol=1e-5)
    # The skin is bound where the rest pose has its joints: a T.
    rest = -inverse[:, 3, :3]
    assert rest[names.index("mixamorig:LeftHand"), 0] > 0.4 and rest[names.index("mixamorig:LeftHand"), 1] > 0.3
    body = trimesh.load(tmp_path / "walk.glb", force="mesh")
    assert len(body.faces) > 1000 and 1.4 < np.ptp(body.vertices[:, 1]) < 2.0 and np.ptp(body.vertices[:, 0]) > 1.2


def test_bvh_takes_a_prefix_another_axis_and_another_rate(tmp_path, prediction, clip):
    options = WriteOptions(clip=clip, prefix="mixamorig:", up_axis="z", fps=30, unit="m")
    write(prediction, tmp_path / "z.bvh", options)
    write(prediction, tmp_path / "y.bvh", replace(options, up_axis="y"))
    up_z, up_y = (pybvh.read_bvh_file(tmp_path / f"{axis}.bvh", world_up=f"+{axis}") for axis in "zy")
    assert up_z.frame_time == pytest.approx(1 / 30) and all(name.startswith("mixamorig:") for name in up_z.joint_names)
    x, y, z = np.moveaxis(np.asarray(up_y.joint_positions()), -1, 0)
    assert np.allclose(np.asarray(up_z.joint_positions()), np.stack((x, -z, y), -1), atol=1e-4)


@pytest.mark.parametrize("long", [False, True])
def test_tidy_csv_is_read_as_it_is(tmp_path, prediction, clip, long):
    import pandas

    options = WriteOptions(clip=clip, tidy=True, long=long, unit="mm")
    write(prediction, tmp_path / "tidy.csv", options)
    table = pandas.read_csv(tmp_path / "tidy.csv")
    world = world_of(prediction, options)
    if long:
        assert list(table.columns) == ["frame", "time_s", "joint", "x_mm", "y_mm", "z_mm", "confidence", "source"]
        wrist = table[table.joint == "LWrist"]
        assert len(table) == 16 * FRAMES and (wrist.source[wrist.frame.between(20, 59)] == "completed").all()
        assert np.allclose(wrist[["x_mm", "y_mm", "z_mm"]], 1000 * world.positions[:, MPM16.index("LWrist")], atol=1e-3)
    else:
        assert len(table) == FRAMES and table.LWrist_source.tolist() == world.sources[:, MPM16.index("LWrist")].tolist()
        assert np.allclose(table.Head_y_mm, 1000 * world.positions[:, MPM16.index("Head"), 1], atol=1e-3)
    assert table.select_dtypes("number").notna().all().all()


def test_tidy_csv_of_keypoints_alone(tmp_path, clip):
    flat = replace(clip, ground_truth=None, visible=clip.visible & (np.arange(16) != 12))
    write(flat, tmp_path / "flat.csv", WriteOptions(tidy=True, first=10, last=19))
    rows = list(csv.DictReader((tmp_path / "flat.csv").open()))
    assert len(rows) == 10 and float(rows[0]["Head_x_px"]) == pytest.approx(
        clip.keypoints[10, MPM16.index("Head"), 0], abs=1e-4
    )
    assert rows[0][f"{MPM16.joints[12]}_x_px"] == "" and rows[0][f"{MPM16.joints[12]}_source"] == "hidden"


def test_mmpose_json_marks_what_was_filled_in(tmp_path, prediction, clip):
    write(prediction, tmp_path / "walk.json", WriteOptions(clip=clip))
    file = json.loads((tmp_path / "walk.json").read_text())
    assert [frame["frame_id"] for frame in file["instance_info"]] == list(range(1, FRAMES + 1))
    scores = np.array([frame["instances"][0]["keypoint_scores"] for frame in file["instance_info"]])
    assert (scores[prediction.hidden] == 0).all() and (scores[~prediction.hidden] > 0).all()
    points = np.array([frame["instances"][0]["keypoints"] for frame in file["instance_info"]])
    world = world_of(prediction, WriteOptions(clip=clip)).positions
    assert np.allclose(points[..., 2], world[..., 1], atol=1e-5)
    assert file["instance_info"][30]["instances"][0]["completed"] == sorted(ARM)


def bent(turns):
    """A rig of two frames in its rest pose, but for some joints: {name: rotation}."""
    positions = np.zeros((2, 16, 3))
    for n, (name, height) in enumerate(zip(MPM16.joints, np.linspace(0.2, 1.7, 16), strict=True)):
        positions[:, n] = (0.2 * (name[0] == "L") - 0.2 * (name[0] == "R"), height, 0.0)
    joints = build_joints(positions)
    rotations = np.tile(np.eye(3), (2, len(joints), 1, 1))
    motion = RigMotion(joints, rotations, np.tile([0.0, 0.9, 0.0], (2, 1)))
    for name, turn in turns.items():
        rotations[:, motion.index(name)] = turn.as_matrix()
    return motion


def angles(turns):
    found = {angle.name: angle.degrees[0] for angle in joint_angles(bent(turns))}
    return {name: value for name, value in found.items() if abs(value) > 1e-6 and "shoulder" not in name}


def about(axis, degrees):
    """A turn in the rig's axes: X left, Y up, Z forward."""
    return Rotation.from_rotvec(np.radians(degrees) * np.eye(3)["xyz".index(axis)])


@pytest.mark.parametrize(("turns", "wanted"), [
    ({}, {}),
    ({"LeftUpLeg": about("x", -30)}, {"left_hip_flexion": 30}),  # the thigh, which points down, goes forward
    ({"RightUpLeg": about("x", -30)}, {"right_hip_flexion": 30}),
    ({"LeftUpLeg": about("z", 20)}, {"left_hip_adduction": -20}),  # to the left, away from the other leg
    ({"RightUpLeg": about("z", -20)}, {"right_hip_adduction": -20}),
    ({"LeftUpLeg": about("y", -15)}, {"left_hip_rotation": 15}),  # toes to the right, inwards
    ({"RightUpLeg": about("y", 15)}, {"right_hip_rotation": 15}),
    ({"LeftLeg": about("x", 70)}, {"left_knee_flexion": 70}),  # the shank goes back
    ({"RightFoot": about("x", -12)}, {"right_ankle_dorsiflexion": 12}),  # toes up
    ({"Spine1": about("x", 25)}, {"trunk_extension": -25}),  # bowing
    ({"Spine": about("y", 25)}, {"trunk_rotation": 25}),
    ({"Hips": about("y", 100)}, {"pelvis_rotation": 100}),
    ({"Hips": about("x", 10)}, {"pelvis_tilt": -10}),  # the front down
    ({"LeftForeArm": about("y", -60)}, {"left_elbow_flexion": 60}),  # of level arms the hand goes forward
    ({"RightForeArm": about("y", 60)}, {"right_elbow_flexion": 60}),
])  # fmt: skip
def test_angles_are_what_they_are_called(turns, wanted):
    assert angles(turns) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_shoulders_count_from_arms_that_hang(side, sign):
    def shoulder(turn):
        found = {angle.name: angle.degrees[0] for angle in joint_angles(bent({f"{side.title()}Arm": turn}))}
        return {name.removeprefix(f"{side}_shoulder_"): value for name, value in found.items() if "shoulder" in name}

    level = shoulder(about("z", 0))
    assert (
        level["elevation"] == pytest.approx(90)
        and level["plane"] == pytest.approx(0)
        and level["adduction"] == pytest.approx(-90)
    )
    hanging = shoulder(about("z", -90 * sign))
    assert hanging["elevation"] == pytest.approx(0, abs=1e-5) and hanging["flexion"] == pytest.approx(0, abs=1e-5)
    forward = shoulder(about("y", -90 * sign))  # level, straight ahead
    assert forward["elevation"] == pytest.approx(90) and forward["plane"] == pytest.approx(90)
    raised = shoulder(about("x", -40) * about("z", -90 * sign))  # hanging, then swung forward
    assert raised["flexion"] == pytest.approx(40) and raised["plane"] == pytest.approx(90)
    assert raised["elevation"] == pytest.approx(40)


def test_opensim_gets_its_coordinates(tmp_path, prediction, clip):
    write(prediction, tmp_path / "walk.mot", WriteOptions(clip=clip))
    lines = (tmp_path / "walk.mot").read_text().splitlines()
    end = lines.index("endheader")
    assert f"nRows={FRAMES}" in lines[:end] and "inDegrees=yes" in lines[:end]
    names = lines[end + 1].split("\t")
    rows = np.array([line.split("\t") for line in lines[end + 2 :]], float)
    assert rows.shape == (FRAMES, len(names)) and f"nColumns={len(names)}" in lines[:end] and len(set(names)) == len(names)
    motion, _ = motion_of(prediction, WriteOptions(clip=clip))
    assert np.allclose(rows[:, names.index("pelvis_ty")], motion.root[:, 1], atol=1e-5)
    tilt, obliquity, rotation = (rows[:, names.index(f"pelvis_{name}")] for name in ("tilt", "list", "rotation"))
    turned = Rotation.from_euler("ZXY", np.stack((tilt, obliquity, rotation), -1), degrees=True).as_matrix()
    forward = motion.turns()[:, 0] @ [0.0, 0.0, 1.0]
    assert np.allclose(turned @ [1.0, 0.0, 0.0], forward, atol=1e-5)  # OpenSim's pelvis faces along its X
    assert set(pelvis_in_opensim(motion)) <= set(names) and (rows[:, names.index("knee_angle_r")] > -1).all()


def test_a_table_of_angles_defines_them(tmp_path, prediction, clip):
    import pandas

    write(prediction, tmp_path / "walk.angles.csv", WriteOptions(clip=clip))
    text = (tmp_path / "walk.angles.csv").read_text()
    table = pandas.read_csv(tmp_path / "walk.angles.csv", comment="#")
    assert len(table) == FRAMES and all(f"# {name}: " in text for name in table.columns[2:])
    write(prediction, tmp_path / "tidy.angles.csv", WriteOptions(clip=clip, tidy=True))
    assert pandas.read_csv(tmp_path / "tidy.angles.csv").equals(table)
    with pytest.raises(UserError, match="3D"):
        write(replace(clip, ground_truth=None), tmp_path / "flat.angles.csv")


@pytest.mark.parametrize(("name", "options", "sentence"), [
    ("a.npz", {"unit": "mm"}, "no choice of --out-unit"),
    ("a.glb", {"up_axis": "z"}, "no choice of --out-up"),
    ("a.bvh", {"tidy": True}, "no choice of --tidy"),
    ("a.trc", {"prefix": "mixamorig:", "long": True}, "no choice of --prefix and --long"),
    ("a.csv", {"in_place": True}, "only tidy CSV"),
])  # fmt: skip
def test_an_option_that_a_format_does_not_have_is_refused(tmp_path, clip, name, options, sentence):
    with pytest.raises(UserError, match=sentence):
        write(clip, tmp_path / name, WriteOptions(**options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "options", "limit_s"), [
    ("a.bvh", {}, 3), ("a.csv", {}, 2), ("a.csv", {"long": True}, 2), ("a.csv", {"tidy": True}, 2),
    ("a.csv", {"tidy": True, "long": True}, 2),
])  # fmt: skip
def test_ten_thousand_frames_are_written_in_seconds(tmp_path, demo, name, options, limit_s):
    """Seconds of this process's CPU time, which other programs hardly change."""
    truth = np.concatenate([demo.ground_truth, demo.ground_truth[::-1]] * 7)[:10_000]
    long = Clip.from_arrays(None, demo.image_size, 50, ground_truth=truth, up=demo.up)
    begin = time.process_time()
    write(long, tmp_path / name, WriteOptions(**options))
    assert time.process_time() - begin < limit_s and len(long) == 10_000
