"""Up is told by how a body is balanced on its feet: runners lean, and who gains speed leans more."""

import numpy as np
import pytest

from mpm_core.grounding.balance import balance_up
from mpm_core.grounding.up import up_of_camera
from mpm_core.lifters.aids import Aids
from mpm_core.metrics import angle_deg
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see

FPS = 50.0
UP = np.array(up_of_camera(20.0))
SIDEWAYS = np.array([1.0, 0, 0])
FORWARDS = np.cross(UP, SIDEWAYS)


def as_seen(motion):
    """Z up to the axes of a camera that looks down by 20 degrees, 6 m away."""
    return motion @ np.stack((SIDEWAYS, FORWARDS, UP)) + [0, 0, 6.0]


def tilted(up, degrees, towards):
    return np.cos(np.radians(degrees)) * up + np.sin(np.radians(degrees)) * towards


def balanced(places, told, error_deg=6.0, contact=None, follows=None, shown=None):
    contact = np.ones((len(places), 2)) if contact is None else contact
    follows = np.ones(len(places) - 1, bool) if follows is None else follows
    shown = np.ones((len(places), 2), bool) if shown is None else shown
    return balance_up(places, told, error_deg, contact, shown, follows, FPS)


def standing(degrees=0.0, frames=100):
    """(frames, 16, 3) Z up: somebody who stands and looks along Y, with the centre of mass above where the feet press, then
    leans that way about the feet."""
    height = {"Hip": 0.92, "Knee": 0.5, "Ankle": 0.09, "Spine": 1.15, "Thorax": 1.4, "Head": 1.7, "Shoulder": 1.38}
    height |= {"Elbow": 1.1, "Wrist": 0.85}
    pose = np.zeros((16, 3))
    for joint, name in enumerate(MPM16.joints):
        side = {"L": -1, "R": 1}.get(name[0], 0) if name[1:] in height else 0
        pose[joint] = 0.15 * side, 0.07, height[name[1:] if side else name]
    for ankle in MPM16.indices(("LAnkle", "RAnkle")):
        pose[ankle, 1] = 0.0
    lean = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(lean), np.sin(lean)], [0, -np.sin(lean), np.cos(lean)]])
    return np.repeat((pose @ turn.T)[None], frames, axis=0)


@pytest.mark.parametrize("off_deg", [0.0, 5.0, 10.0])
def test_who_stands_tells_where_up_is(off_deg):
    for towards in (SIDEWAYS, -SIDEWAYS, FORWARDS, -FORWARDS):
        found, error = balanced(as_seen(standing()), tilted(UP, off_deg, towards))
        assert angle_deg(found, UP) < 0.5 + 0.4 * off_deg and (error < 6 or off_deg > 6)
        assert np.linalg.norm(found) == pytest.approx(1)


def test_who_gains_speed_leans():
    """At the angle at which the ground bears and pushes; who goes on evenly does not lean so."""
    leaning = as_seen(standing(12.0))
    seconds = np.arange(100)[:, None, None] / FPS
    told = tilted(UP, 4.0, FORWARDS)
    faster = leaning + 0.5 * 9.81 * np.tan(np.radians(12.0)) * seconds**2 * FORWARDS
    even, gaining = (angle_deg(balanced(places, told)[0], UP) for places in (leaning + 2 * seconds * FORWARDS, faster))
    assert gaining < 4 < 8 < even


def test_no_speed_is_gained_by_a_pause_or_a_cut():
    there = as_seen(standing()) + np.arange(100)[:, None, None] / FPS * 3.0 * FORWARDS
    back = as_seen(standing()) - np.arange(100)[:, None, None] / FPS * 3.0 * FORWARDS
    both, follows = np.concatenate((there, back)), np.ones(199, bool)
    follows[99] = False
    assert angle_deg(balanced(both, UP, follows=follows)[0], UP) < 1
    cut = np.concatenate((there, back + 2.0 * SIDEWAYS))
    assert angle_deg(balanced(cut, UP)[0], UP) < 1
    turned = np.concatenate((there, there[-1:] + back - back[:1]))
    assert angle_deg(balanced(turned, UP)[0], UP) > 3  # who really turned back was pushed


def test_who_lies_or_stands_on_hands_tells_nothing():
    told = tilted(UP, 6.0, SIDEWAYS)
    lying = as_seen(standing(88.0))
    found, error = balanced(lying, told)
    assert angle_deg(found, told) < 0.5 and error == pytest.approx(6.0)
    on_hands = as_seen(standing() * [1, 1, -1] + [0, 0, 2.0])
    found, error = balanced(on_hands, told)
    assert angle_deg(found, told) < 0.5 and error == pytest.approx(6.0)


def test_feet_that_were_guessed_tell_nothing():
    """Not those of a leg that is hidden, nor in frames in which it is."""
    places, told = as_seen(standing()), tilted(UP, 5.0, FORWARDS)
    nobody = np.zeros((100, 2), bool)
    found, error = balanced(places, told, shown=nobody)
    assert angle_deg(found, told) < 1e-4 and error == 6.0
    left, left_error = balanced(places, told, shown=nobody | [True, False])
    both, both_error = balanced(places, told)
    assert angle_deg(both, UP) + 0.5 < angle_deg(left, UP) < 5 and both_error < left_error
    guessed = as_seen(standing(12.0))
    part = nobody.copy()
    part[:50] = True
    found, _ = balanced(np.concatenate((places[:50], guessed[50:])), told, shown=part)
    assert angle_deg(found, balanced(places, told, shown=part)[0]) < 0.1


def test_balance_that_contradicts_what_is_sure_is_doubted():
    """The farther off it is beside what both claim, the less up follows."""
    places = as_seen(standing())
    near, far = tilted(UP, 2.0, FORWARDS), tilted(UP, 30.0, FORWARDS)
    moved = [angle_deg(balanced(places, told, error_deg=2.0)[0], told) for told in (near, far)]
    assert moved[0] > 2 * 0.5 and moved[1] < 30 * 0.15


def test_a_long_clip_is_looked_at_here_and_there():
    swaying = np.concatenate([standing(degrees, 1) for degrees in 3 * np.sin(np.arange(300) * 2 * np.pi / 300)])
    short, long = as_seen(swaying), as_seen(np.concatenate([swaying] * 100))
    told = tilted(UP, 5.0, FORWARDS)
    assert angle_deg(balanced(long, told)[0], balanced(short, told)[0]) < 0.3


def test_a_lifted_answer_is_balanced(lifter):
    """Up of a grounded answer is that of the lifter, corrected."""
    clip = see(demo_motion()[:300], FPS, Viewpoint(200.0, 35.0, 8.0), "walk")
    bare = clip.from_arrays(clip.keypoints, clip.image_size, clip.fps, confidence=clip.confidence, camera=clip.camera)
    plain, on_ground = lifter.lift(bare, aids=Aids(ground=False)), lifter.lift(bare)
    assert angle_deg(on_ground.up, np.array(clip.up)) < 4
    assert angle_deg(on_ground.up, plain.up) > 0.2 and on_ground.up_error_deg <= plain.up_error_deg
