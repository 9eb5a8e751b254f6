"""The animation rig where positions do not tell how bones are turned, or tell it wrongly: nothing spins."""

import numpy as np
import pytest

from mpm_core.rig.feet import foot_turns
from mpm_core.rig.fitting import fit_rig
from mpm_core.rig.turns import X, turn
from mpm_core.skeleton import MPM16
from tests.core.test_rig import FPS, leg_pose, steps_deg

TOES = np.array([0.0, -0.06, 0.18])


def toe_heights(turns, ankle):
    return ankle[:, 1] + (turns @ TOES)[:, 1]


def stiff(seconds, *values):
    """From one value to the next, each reached at its share of the time, with rests before and after."""
    frames = round(seconds * FPS)
    return np.interp(np.arange(frames), np.linspace(0, frames - 1, len(values)), values)


@pytest.mark.parametrize("ankle_m", [0.09, 0.105, 0.15])
def test_the_foot_of_who_kneels_down_does_not_turn_over_through_the_floor(ankle_m):
    """A shin tips forward over a low ankle while its foot ceases to stand, comes to lie, and rises again."""
    tilt = stiff(2.0, 20, 20, 50, 85, 85, 60, 20, 20)
    stands = stiff(2.0, 1, 1, 0.5, 0, 0, 0.5, 1, 1)
    ankle = np.tile([0.0, ankle_m, 0.0], (len(tilt), 1))
    turns = foot_turns(turn(X, np.radians(tilt)), ankle, stands, TOES, FPS)
    assert steps_deg(turns[:, None]).max() < 12
    assert toe_heights(turns, ankle).min() > -0.01
    assert (turns[:, 2, 2] > 0).all()  # toes point forward throughout


def test_a_foot_gets_ready_in_time_before_it_lands():
    """The shin behind the body in a run, low over the floor; the foot stands from one frame to the next."""
    tilt, stands = stiff(1.0, 60, 60, 55, 50, 50), (np.arange(50) >= 25).astype(float)
    ankle = np.tile([0.0, 0.3, 0.0], (50, 1))
    ankle[:, 1] = np.interp(np.arange(50), [0, 15, 25, 49], [0.35, 0.3, 0.1, 0.1])
    turns = foot_turns(turn(X, np.radians(tilt)), ankle, stands, TOES, FPS)
    assert steps_deg(turns[:, None]).max() < 12
    assert toe_heights(turns, ankle).min() > -0.01
    down = np.degrees(np.arctan2(-turns[:, 1, 2], turns[:, 2, 2]))
    assert down[0] > 60 and abs(down[-5:]).max() < 20  # it hung, and it lies


def test_a_thigh_does_not_spin_where_its_shin_folds_through_it():
    """A knee of wrong depth: bent ever more until the shin lies on the thigh, then open to the other side."""
    motion = fit_rig(leg_pose(stiff(0.4, 60, 120, 240, 300)), FPS)
    assert steps_deg(motion.rotations)[:, motion.index("LeftUpLeg")].max() < 45


def test_a_stander_whose_knees_lie_behind_the_leg_has_thighs_and_feet_that_point_forward():
    """Stretched knees that were lifted or measured too far back, a little unevenly."""
    bend = -16 + np.sin(np.linspace(0, 8 * np.pi, 200))
    places = leg_pose(bend) + np.random.default_rng(0).normal(0, 0.002, (200, 16, 3))
    motion = fit_rig(places, FPS, np.ones((200, 2)))
    forward = [motion.turns()[:, motion.index(name), 2, 2] for name in ("LeftUpLeg", "LeftFoot")]
    assert np.min(forward) > np.cos(np.radians(25))
    off = np.linalg.norm(motion.joint_positions()[:, motion.index("LeftLeg")] - places[:, MPM16.index("LKnee")], axis=-1)
    assert np.median(off) < 0.01


def test_an_arm_whose_bones_are_broken_swings_evenly_to_where_it_is_known_again():
    """An arm that shrinks to nothing and comes out the other way, as where the keypoints of two people are exchanged."""
    places = leg_pose(np.zeros(60))
    shoulder, elbow, wrist = (MPM16.index(name) for name in ("LShoulder", "LElbow", "LWrist"))
    length = np.interp(np.arange(60), [0, 24, 36, 59], [1, 1, -1, -1])[:, None]
    places[:, elbow] = places[:, shoulder] + length * [0.05, -0.27, 0.02]
    places[:, wrist] = places[:, elbow] + length * [0.05, -0.2, 0.15]
    motion = fit_rig(places, FPS)
    assert steps_deg(motion.rotations)[:, motion.index("LeftArm")].max() < 40
    off = np.linalg.norm(motion.joint_positions()[:, motion.index("LeftHand")] - places[:, wrist], axis=-1)
    assert off[:23].max() < 0.03 and off[38:].max() < 0.03
