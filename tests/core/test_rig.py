"""The animation rig: hinges, feet, constant bones, and how near it stays to the positions."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mpm_core.camera import upright
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import motion_of
from mpm_core.grounding.floor import ANKLE_HEIGHT_M, FEET
from mpm_core.grounding.standing import standing_feet
from mpm_core.rig.fitting import fit_rig
from mpm_core.rig.joints import SIDES, build_joints
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion

FPS = 50.0
UP = np.array([0.0, 1.0, 0.0])


def on_the_floor(places):
    return places - [0, np.percentile(places[:, list(FEET), 1].min(1), 5) - ANKLE_HEIGHT_M, 0]


@pytest.fixture(scope="module")
def walk():
    """(frames, 16, 3), Y up, the floor at 0."""
    return on_the_floor(np.asarray(upright(demo_motion()[:400].astype(float), (0, 0, 1)), float))


@pytest.fixture(scope="module")
def noisy(walk):
    """The same with errors as lifters make them: slow ones of some centimetres."""
    noise = np.random.default_rng(1).normal(0, 1, walk.shape)
    slow = np.apply_along_axis(lambda row: np.convolve(row, np.hanning(15) / 15, "same"), 0, noise)
    return walk + 0.02 * slow / slow.std()


def standing(places):
    return standing_feet(places, UP, FPS)[0]


def steps_deg(rotations):
    """(frames - 1, joints) degrees from one frame to the next."""
    between = np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:]
    return np.degrees(np.arccos(np.clip((np.trace(between, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))


def leg_pose(bend_deg):
    """(frames, 16, 3) of somebody who stands and bends the left knee by (frames,) degrees, the thigh forward by as much."""
    places = np.zeros((len(bend_deg), 16, 3))
    at = {"Hip": (0, 0.95, 0), "Spine": (0, 1.15, 0), "Thorax": (0, 1.42, 0), "Head": (0, 1.7, 0)}
    for side, sign in SIDES.items():
        s = side[0]
        at |= {f"{s}Hip": (0.1 * sign, 0.95, 0), f"{s}Knee": (0.1 * sign, 0.52, 0), f"{s}Ankle": (0.1 * sign, 0.09, 0)}
        at |= {f"{s}Shoulder": (0.17 * sign, 1.42, 0), f"{s}Elbow": (0.2 * sign, 1.15, 0), f"{s}Wrist": (0.2 * sign, 0.9, 0.05)}
    for name, place in at.items():
        places[:, MPM16.index(name)] = place
    thigh, shin = np.radians(bend_deg) / 2, -np.radians(bend_deg) / 2
    along = lambda angle: 0.43 * np.stack((0 * angle, -np.cos(angle), np.sin(angle)), axis=-1)  # noqa: E731
    knee = places[:, MPM16.index("LHip")] + along(thigh)
    places[:, MPM16.index("LKnee")], places[:, MPM16.index("LAnkle")] = knee, knee + along(shin)
    return places


def test_an_engine_with_one_axis_at_elbows_and_knees_reaches_the_same_wrists_and_ankles(noisy):
    motion = fit_rig(noisy, FPS, standing(noisy))
    hinged = motion.rotations.copy()
    for side in SIDES:
        for name, axis in (("ForeArm", 1), ("Leg", 0)):
            turned = Rotation.from_matrix(hinged[:, motion.index(side + name)]).as_rotvec()
            turned[:, [k for k in range(3) if k != axis]] = 0
            hinged[:, motion.index(side + name)] = Rotation.from_rotvec(turned).as_matrix()
    places = motion.joint_positions()
    for name in (side + end for side in SIDES for end in ("Hand", "Foot")):
        engine = type(motion)(motion.joints, hinged, motion.root).joint_positions()[:, motion.index(name)]
        assert np.abs(engine - places[:, motion.index(name)]).max() < 1e-6
        target = noisy[:, MPM16.index(motion.joints[motion.index(name)].follows)]
        assert np.median(np.linalg.norm(engine - target, axis=-1)) < 0.02  # the errors alone are 35 mm


def test_knees_fold_backward_and_elbows_forward(walk):
    motion = fit_rig(walk, FPS)
    for side, sign in SIDES.items():
        knee, elbow = (
            Rotation.from_matrix(motion.rotations[:, motion.index(side + part)]).as_rotvec() for part in ("Leg", "ForeArm")
        )
        assert knee[:, 0].max() > 0.6 and knee[:, 0].min() > -0.1
        assert (-sign * elbow[:, 1] > -0.05).all() and (-sign * elbow[:, 1]).max() > 0.2


@pytest.mark.parametrize("wrong_way", [0.0, 8.0])
def test_a_knee_that_goes_through_straight_does_not_spin_the_thigh(wrong_way):
    bend = 25 - wrong_way / 2 + (25 + wrong_way / 2) * np.cos(np.linspace(0, 4 * np.pi, 200))
    places = leg_pose(bend) + np.random.default_rng(0).normal(0, 0.002, (200, 16, 3))
    motion = fit_rig(places, FPS)
    thigh, hips = motion.turns()[:, motion.index("LeftUpLeg")], motion.turns()[:, motion.index("Hips")]
    assert (thigh[:, :, 0] * hips[:, :, 0]).sum(-1).min() > np.cos(np.radians(20))
    assert steps_deg(motion.rotations)[:, motion.index("LeftUpLeg")].max() < 6
    knee = Rotation.from_matrix(motion.rotations[:, motion.index("LeftLeg")]).as_rotvec(degrees=True)[:, 0]
    assert np.abs(knee - bend).max() < 6


@pytest.mark.parametrize(("bend", "inward_m"), [(0.0, 0.0), (-8.0, 0.0), (2.0, 0.02)])
def test_the_thigh_of_a_leg_that_is_straight_or_bent_against_its_knee_turns_with_the_pelvis(bend, inward_m):
    places = leg_pose(np.full(100, bend)) + np.random.default_rng(0).normal(0, 0.002, (100, 16, 3))
    places[:, MPM16.index("LKnee"), 0] -= inward_m
    motion = fit_rig(places, FPS)
    turns = motion.turns()
    thigh, hips = turns[:, motion.index("LeftUpLeg"), :, 0], turns[:, motion.index("Hips"), :, 0]
    assert (thigh * hips).sum(-1).min() > np.cos(np.radians(20))


def test_an_arm_that_stays_straight_turns_with_the_chest():
    places = leg_pose(np.zeros(100))
    angle = np.linspace(0, 2 * np.pi, 100)
    for side, sign in SIDES.items():
        for name, drop in (("Elbow", 0.25), ("Wrist", 0.5)):
            places[:, MPM16.index(side[0] + name)] = (0.17 * sign, 1.42 - drop, 0)
    turned = Rotation.from_rotvec(angle[:, None] * UP).as_matrix() @ np.swapaxes(places, 1, 2)
    motion = fit_rig(np.swapaxes(turned, 1, 2), FPS)
    arms = [motion.index(f"{side}Arm") for side in SIDES]
    assert steps_deg(motion.rotations)[:, arms].max() < 0.1


def test_a_standing_foot_lies_on_the_floor_and_toes_are_never_under_it(noisy):
    stands = standing(noisy)
    motion = fit_rig(noisy, FPS, stands)
    turns, places = motion.turns(), motion.joint_positions()
    for column, side in enumerate(SIDES):
        foot, ball = motion.index(f"{side}Foot"), motion.index(f"{side}ToeBase")
        tip = places[:, ball, 1] + turns[:, ball, 1] @ np.array(motion.joints[ball].tip)
        assert (tip < -0.01).mean() < 0.01
        tilt = np.degrees(np.arccos(np.clip(turns[:, foot, 1, 1], -1, 1)))
        assert np.median(tilt[stands[:, column]]) < 3 and np.percentile(tilt[stands[:, column]], 90) < 15
        assert np.percentile(tilt[~stands[:, column]], 75) > 10  # in flight it is not held level
        forward = (turns[:, foot, :, 2] * turns[:, motion.index("Hips"), :, 2]).sum(-1)
        assert np.median(forward[stands[:, column]]) > 0.8


def test_feet_that_stand_hardly_slide_more_than_they_did(demo, lifter):
    prediction = lifter.lift(demo.cut(0, 249))
    motion, _ = motion_of(prediction, WriteOptions(clip=demo))
    stands = prediction.contact > 0.5
    both = stands[1:] & stands[:-1]
    feet = motion.joint_positions()[:, [motion.index(f"{side}Foot") for side in SIDES]]
    speed, before = (
        np.linalg.norm(np.diff(places, axis=0), axis=-1)[both].mean() for places in (feet, prediction.absolute()[:, list(FEET)])
    )
    assert both.mean() > 0.3 and FPS * speed < FPS * before + 0.02  # m/s


def test_the_rest_pose_is_a_t_and_no_bone_is_without_length(walk):
    joints = build_joints(walk)
    at = []
    for joint in joints:
        at.append(np.array(joint.rest) + (at[joint.parent] if joint.parent >= 0 else 0))
        assert joint.parent < 0 or np.linalg.norm(joint.rest) > 0.02, joint.name
        assert joint.tip is None or np.linalg.norm(joint.tip) > 0.02
    place = {joint.name: spot for joint, spot in zip(joints, at, strict=True)}
    for side, sign in SIDES.items():
        arm = np.array([place[side + name] for name in ("Arm", "ForeArm", "Hand")])
        leg = np.array([place[side + name] for name in ("UpLeg", "Leg", "Foot")])
        assert np.ptp(arm[:, 1:], axis=0).max() < 1e-9 and (np.diff(arm[:, 0]) * sign > 0.1).all()
        assert np.ptp(leg[:, [0, 2]], axis=0).max() < 1e-9 and (np.diff(leg[:, 1]) < -0.1).all()
        assert place[f"{side}ToeBase"][2] > 0.05  # faces +Z
    assert all(abs(place[name][0]) < 1e-9 for name in ("Hips", "Spine", "Spine1", "Neck", "Head"))


def test_a_lifted_clip_turns_no_faster_than_twice_its_truth(demo, lifter):
    short = demo.cut(0, 249)
    lifted, truth = (motion_of(content, WriteOptions(clip=short))[0] for content in (lifter.lift(short), short))
    assert steps_deg(lifted.rotations).max() < 2 * steps_deg(truth.rotations).max()


def test_positions_that_break_a_bone_are_bridged(walk):
    broken = walk.copy()
    knee = MPM16.index("LKnee")
    broken[200:204, knee] += (walk[200:204, MPM16.index("LHip")] - walk[200:204, knee]) * 0.6 + [0.2, 0, -0.2]
    whole, bridged = (fit_rig(places, FPS).joint_positions() for places in (walk, broken))
    assert np.linalg.norm(bridged - whole, axis=-1).max() < 0.06


def test_left_and_right_are_alike_and_no_direction_is_special(noisy):
    stands = standing(noisy)
    motion = fit_rig(noisy, FPS, stands)
    mirrored = fit_rig(noisy[:, list(MPM16.mirror)] * [-1, 1, 1], FPS, stands[:, ::-1])
    other = {"Left": "Right", "Right": "Left"}
    names = [joint.name for joint in motion.joints]
    swapped = [names.index(next((other[s] + n.removeprefix(s) for s in other if n.startswith(s)), n)) for n in names]
    assert np.abs(mirrored.joint_positions()[:, swapped] * [-1, 1, 1] - motion.joint_positions()).max() < 1e-6
    turn = Rotation.from_euler("y", 130, degrees=True).as_matrix()
    assert np.abs(fit_rig(noisy @ turn.T, FPS, stands).rotations[:, 1:] - motion.rotations[:, 1:]).max() < 1e-6


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("fps", [5.0, 50.0, 100_000.0])
def test_few_frames_and_odd_rates(walk, frames, fps):
    motion = fit_rig(walk[:frames], fps, np.ones((frames, 2)))
    assert np.isfinite(motion.rotations).all() and np.isfinite(motion.root).all()
    assert np.abs(np.linalg.det(motion.rotations) - 1).max() < 1e-6


def test_joints_in_one_place_give_no_nonsense():
    motion = fit_rig(np.zeros((20, 16, 3)), FPS)
    assert np.isfinite(motion.rotations).all()
