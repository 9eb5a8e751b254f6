"""Feet that stand do not slide and are not under the floor, and flights stay flights."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from mpm_core import write
from mpm_core.cli import main
from mpm_core.grounding.floor import ANKLE_HEIGHT_M, FEET, find_floor
from mpm_core.grounding.legs import LEGS, bend_legs
from mpm_core.grounding.levelling import level_by_feet
from mpm_core.grounding.path import stand_on_ground
from mpm_core.grounding.standing import standing_feet
from mpm_core.grounding.up import up_of_camera
from mpm_core.lifters.aids import Aids
from mpm_core.metrics import angle_deg
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see

FPS = 50.0


@pytest.fixture(scope="module")
def motion():
    return demo_motion()[:500].astype(np.float64)


def seen_from(pitch, roll=0.0):
    return replace(see(demo_motion()[:400], FPS, Viewpoint(60.0, pitch, roll), "walk"), up=None)


def as_seen(motion, pitch=20.0):
    rotation = Viewpoint(60.0, pitch).rotation()
    return (motion - motion[:, :1].mean(0)) @ rotation.T + [0, 0, 6.0], rotation[:, 2]


def jumping(motion):
    """Three jumps on the spot: (150, 16, 3), and (150,) how high."""
    flight = np.zeros(150)
    for first in (20, 60, 100):
        flight[first : first + 25] = 0.45 * np.sin(np.linspace(0, np.pi, 25))
    places, up = as_seen(np.repeat(motion[:1], 150, axis=0))
    return places + flight[:, None, None] * up, up, flight


def grounded(places, up, contact, fps=FPS):
    """(frames, 16, 3) the places on the ground."""
    *_, correction = stand_on_ground(places, up, contact, fps)
    return bend_legs(places, correction.ankles, fps) + correction.root[:, None]


def slides(places, standing, fps=FPS):
    """Mean speed in m/s of ankles that stand."""
    speed = np.linalg.norm(np.diff(places[:, list(FEET)], axis=0), axis=-1) * fps
    return speed[standing[1:] & standing[:-1]].mean()


def bones_of_legs(places):
    return np.stack([np.linalg.norm(places[:, b] - places[:, a], axis=-1) for leg in LEGS for a, b in pairwise(leg)], 1)


def shaky(places, rng, along=0.08, of_feet=0.02):
    """To and fro along the line of sight, and each ankle beside that as well."""
    swaying = gaussian_filter1d(rng.normal(0, 1, len(places)), 12)
    seen = places * (1 + swaying / swaying.std() * along / 6)[:, None, None]
    for leg in LEGS:
        off = gaussian_filter1d(rng.normal(0, 1, (len(places), 3)), 3, axis=0)
        seen[:, leg[2]] += off / off.std() * of_feet
        seen[:, leg[1]] += off / off.std() * of_feet / 2
    return seen


def test_standing_feet_do_not_slide_and_stand_on_one_floor(motion):
    places, up = as_seen(motion)
    standing, _ = standing_feet(places, up, FPS)
    seen = shaky(places, np.random.default_rng(3))
    contact = standing.astype(np.float64)
    after = grounded(seen, up, contact)
    assert slides(after, standing) < 0.15 * slides(seen, standing) and slides(after, standing) < 0.05
    heights = [(p[:, list(FEET)] @ up)[standing].std() for p in (seen, after)]
    assert heights[1] < 0.4 * heights[0]
    moved = (after - seen)[:, 0]
    ray = seen[:, 0] / np.linalg.norm(seen[:, 0], axis=1, keepdims=True)
    across = moved - (moved * ray).sum(1, keepdims=True) * ray
    assert np.linalg.norm(across, axis=1).mean() < 0.02  # it is still where it is seen
    error = [np.linalg.norm((p - places)[:, 0] - (p - places)[:, 0].mean(0), axis=1).mean() for p in (seen, after)]
    assert error[1] < error[0]
    assert np.allclose(bones_of_legs(after), bones_of_legs(seen), atol=1e-6)
    others = [joint for joint in range(len(MPM16)) if joint not in LEGS[0][1:] + LEGS[1][1:]]
    assert np.allclose((after - after[:, :1])[:, others], (seen - seen[:, :1])[:, others])


def test_one_foot_in_the_air_and_one_in_the_floor_both_stand(motion):
    """Moving the person alone can put right either."""
    places, up = as_seen(np.repeat(motion[:1], 100, axis=0))
    seen = places.copy()
    seen[50:, FEET[0]] += 0.04 * up
    seen[50:, FEET[1]] -= 0.04 * up
    after = grounded(seen, up, np.ones((100, 2)))
    level, before = (p[:, list(FEET)] @ up for p in (after, seen))
    assert np.ptp(before) == pytest.approx(0.08, abs=1e-6) and np.ptp(level) < 0.03
    floor = find_floor(after, up, np.ones((100, 2)))
    assert level.min() > floor + ANKLE_HEIGHT_M - 0.005


def test_no_foot_is_under_the_floor_but_in_the_air_it_stays(motion):
    places, up = as_seen(motion)
    standing, _ = standing_feet(places, up, FPS)
    seen = places.copy()
    swings = gaussian_filter1d((~standing[:, 0]).astype(float), 3)
    seen[:, FEET[0]] -= 0.12 * swings[:, None] * up
    after = grounded(seen, up, standing.astype(float))
    floor = find_floor(after, up, standing.astype(float))
    low = [((p[:, list(FEET)] @ up).min(1) < floor + ANKLE_HEIGHT_M - 0.01).mean() for p in (seen, after)]
    assert low[0] > 0.1 and low[1] < 0.01
    swinging = ~standing[:, 1] & ((places[:, FEET[1]] @ up) > floor + ANKLE_HEIGHT_M + 0.05)
    assert np.abs((after - seen)[swinging, FEET[1]]).max() < 0.06


def test_true_motion_is_left_alone_and_a_jump_stays_a_jump(motion):
    places, up = as_seen(motion)
    standing, _ = standing_feet(places, up, FPS)
    assert np.abs(grounded(places, up, standing.astype(float)) - places).max() < 0.06
    seen, up, flight = jumping(motion)
    contact = np.repeat((flight == 0)[:, None], 2, axis=1).astype(float)
    noisy = shaky(seen, np.random.default_rng(1), of_feet=0.01)
    for before in (seen, noisy):
        after = grounded(before, up, contact)
        risen = (after - after[flight == 0].mean(0)) @ up
        assert np.abs(risen[:, [0, *FEET]] - flight[:, None]).max() < 0.05
    assert slides(grounded(noisy, up, contact), contact > 0) < 0.06 < slides(noisy, contact > 0)


def test_two_shots_are_not_glued_together(motion):
    """At the cut both feet stand, and are elsewhere from one frame to the next."""
    places, up = as_seen(np.repeat(motion[:1], 200, axis=0))
    places[100:] += [1.5, 0, 1.0]
    after = grounded(places, up, np.ones((200, 2)))
    step = (after[100] - after[99])[0]
    assert np.abs(step - [1.5, 0, 1.0]).max() < 0.1


def test_frames_that_do_not_follow_are_not_glued_together(motion):
    places, up = as_seen(np.repeat(motion[:1], 100, axis=0))
    places[50:] += [0.3, 0, 0]
    follows = np.arange(99) != 49
    *_, moved = stand_on_ground(places, up, np.ones((100, 2)), FPS, follows)
    assert np.abs(moved.root).max() < 1e-3 and np.abs(moved.ankles).max() < 1e-3


@pytest.mark.parametrize("fps", [0.01, 1, 3600, 1e6])
def test_any_frame_rate_gives_a_path(motion, fps):
    places, up = as_seen(motion)
    contact = np.random.default_rng(0).random((500, 2))
    assert np.isfinite(grounded(places, up, contact, fps)).all()


def test_a_leg_reaches_as_far_as_it_is_long(motion):
    poses = motion[::25]
    rng = np.random.default_rng(0)
    for size in (0.0, 0.02, 0.3, 5.0):
        moved = rng.normal(0, size, (len(poses), 2, 3))
        bent = bend_legs(poses, moved, FPS)
        assert np.isfinite(bent).all() and np.allclose(bones_of_legs(bent), bones_of_legs(poses), atol=1e-6)
        if size <= 0.02:
            reached = np.linalg.norm(bent[:, list(FEET)] - poses[:, list(FEET)] - moved, axis=-1)
            assert np.median(reached) < 1e-6
    assert np.allclose(bend_legs(poses, np.zeros((len(poses), 2, 3)), FPS), poses, atol=1e-6)
    folded = poses.copy()
    for hip, knee, ankle in LEGS:  # an ankle on its hip, and a leg without length
        folded[0, ankle] = folded[0, hip]
        folded[1, [knee, ankle]] = folded[1, hip]
    assert np.isfinite(bend_legs(folded, np.full((len(poses), 2, 3), 0.01), FPS)).all()


def legs_with_knees(forward_m):
    """(frames, 16, 3) with knees (frames,) metres in front of the line from hip to ankle."""
    poses = np.zeros((len(forward_m), 16, 3))
    for (hip, knee, ankle), x in zip(LEGS, (-0.1, 0.1), strict=True):  # camera axes: y down; who looks away looks along z
        poses[:, hip], poses[:, ankle] = [x, 0, 5], [x, 0.85, 5]
        poses[:, knee] = [x, 0.43, 5]
        poses[:, knee, 2] += forward_m
    return poses


def test_a_knee_that_was_lifted_through_straight_does_not_jump():
    """A leg that bends backwards by a hair, then forwards, and gives way by a centimetre: its knee goes forwards throughout."""
    bent = bend_legs(legs_with_knees(np.linspace(-0.01, 0.01, 21)), np.full((21, 2, 3), [0.0, -0.02, 0.0]), FPS)
    for _, knee, _ in LEGS:
        assert np.linalg.norm(np.diff(bent[:, knee], axis=0), axis=1).max() < 0.02
        assert bent[0, knee, 2] > 5.05


def test_a_knee_that_lies_behind_its_leg_stays_there_however_little_the_leg_gives_way():
    """Somebody stands still with stretched knees, and what puts the feet on the floor is uneven by millimetres."""
    poses = legs_with_knees(np.full(100, -0.037))
    moved = np.zeros((100, 2, 3))
    moved[:, :, 1] = -0.006 + 0.004 * np.cos(np.linspace(0, 6 * np.pi, 100))[:, None]
    bent = bend_legs(poses, moved, FPS)
    for _, knee, _ in LEGS:
        assert np.linalg.norm(np.diff(bent[:, knee], axis=0), axis=1).max() < 0.02
        assert bent[:, knee, 2].max() < 5 - 0.03


def test_a_knee_that_goes_over_to_the_other_side_does_so_before_it_is_far_away():
    """Lifted by less behind the line than it is thought to be before it, while the leg gives way ever more."""
    poses, moved = legs_with_knees(np.full(150, -0.008)), np.zeros((150, 2, 3))
    moved[:, :, 1] = -np.linspace(0, 0.002, 150)[:, None]
    bent = bend_legs(poses, moved, FPS)
    for _, knee, _ in LEGS:
        assert np.linalg.norm(np.diff(bent[:, knee], axis=0), axis=1).max() < 0.02
        assert bent[0, knee, 2] < 5 and bent[-1, knee, 2] > 5.02


def test_a_leg_held_right_to_the_side_keeps_its_bones():
    poses = legs_with_knees(np.full(5, 0.03))
    for side, (hip, knee, ankle) in zip((-1, 1), LEGS, strict=True):
        poses[:, ankle] = poses[:, hip] + [side * 0.85, 0, 0]
        poses[:, knee] = poses[:, hip] + [side * 0.43, 0, 0.03]
    bent = bend_legs(poses, np.full((5, 2, 3), [[0.02, 0, 0], [-0.02, 0, 0]]), FPS)
    assert np.allclose(bones_of_legs(bent), bones_of_legs(poses), atol=1e-6)


def test_knees_of_two_shots_are_bent_each_as_if_it_was_alone():
    first, second = legs_with_knees(np.full(10, -0.015)), legs_with_knees(np.full(10, 0.1))
    moved, follows = np.full((20, 2, 3), [0.0, -0.02, 0.0]), np.arange(19) != 9
    together = bend_legs(np.concatenate((first, second)), moved, FPS, follows)
    apart = [bend_legs(shot, moved[:10], FPS) for shot in (first, second)]
    assert np.abs(together - np.concatenate(apart)).max() < 1e-3


def test_the_floor_is_under_standing_feet_whatever_few_frames_say(motion):
    places, up = as_seen(motion)
    standing, _ = standing_feet(places, up, FPS)
    contact = standing.astype(float)
    floor = find_floor(places, up, contact)
    true = np.median((places[:, list(FEET)] @ up)[standing]) - ANKLE_HEIGHT_M
    assert abs(floor - true) < 0.02
    wrong = places.copy()
    wrong[::40] -= 0.7 * up  # one frame in forty is a storey lower
    assert abs(find_floor(wrong, up, contact) - floor) < 0.02
    assert abs(find_floor(places, up, None) - floor) < 0.03
    unknown = places.copy()
    unknown[:100] = np.nan
    assert abs(find_floor(unknown, up, contact) - floor) < 0.02
    assert find_floor(places, up, np.zeros((500, 2))) is None


def test_far_below_the_floor_is_elsewhere(motion):
    """As where the camera has moved: the person is not pulled up by metres, nor are the frames before."""
    places, up = as_seen(motion)
    standing, _ = standing_feet(places, up, FPS)
    seen = places.copy()
    sinking = 2.5 / (1 + np.exp(-(np.arange(500) - 440) / 6))
    seen -= sinking[:, None, None] * up
    contact = standing * (np.arange(500) < 420)[:, None]
    moved = grounded(seen, up, contact.astype(float)) - seen
    assert np.linalg.norm(moved[480:], axis=-1).max() < 0.1
    assert np.linalg.norm(moved, axis=-1).max() < 0.5 and np.linalg.norm(moved[:400], axis=-1).max() < 0.1


def walk_in_circles():
    """(600, 16, 3) the demo's steps, turned as they go on, so that feet stand all over a floor."""
    return np.concatenate([demo_motion()[:300] @ [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], demo_motion()[:300]]).astype(np.float64)


@pytest.mark.parametrize("off_deg", [0.0, 6.0, 12.0])
def test_up_is_levelled_by_where_feet_stand(off_deg):
    places, up = as_seen(walk_in_circles())
    standing = standing_feet(places, up, FPS)[0].astype(float)
    noisy = places + gaussian_filter1d(np.random.default_rng(0).normal(0, 0.1, (600, 1, 3)), 10, axis=0)
    for axis in ([1.0, 0, 0], np.cross(up, [1.0, 0, 0])):
        told = np.cos(np.radians(off_deg)) * up + np.sin(np.radians(off_deg)) * np.array(axis)
        found, error = level_by_feet(noisy, told, 8.0, standing, FPS)
        assert angle_deg(found, up) < 2.5 and error < 4 and np.linalg.norm(found) == pytest.approx(1)
        assert level_by_feet(noisy, told, 1e-3, standing, FPS)[0] == pytest.approx(told, abs=1e-4)  # it is known for certain


def test_feet_that_stand_in_one_place_tell_nothing_of_up(motion):
    places, _ = as_seen(np.repeat(motion[:1], 100, axis=0))
    told = up_of_camera(30.0)
    found, error = level_by_feet(places, np.array(told), 5.0, np.ones((100, 2)), FPS)
    assert found == pytest.approx(told) and error == 5.0


def test_a_lifted_person_is_grounded_unless_told_otherwise(lifter):
    clip = seen_from(25)
    plain, on_ground = lifter.lift(clip, aids=Aids(ground=False)), lifter.lift(clip)
    assert plain.moved is None and not plain.moved_by()
    standing = standing_feet(clip.ground_truth, np.array(up_of_camera(25)), FPS)[0]
    assert slides(on_ground.absolute(), standing) < 0.4 * slides(plain.absolute(), standing)
    moved = np.linalg.norm(on_ground.absolute() - plain.absolute(), axis=-1)
    assert np.allclose(on_ground.moved, moved, atol=1e-5) and 0.001 < moved.mean() < 0.15
    assert f"{1000 * moved.mean():.0f} mm on average and {1000 * moved.max():.0f} at most" in on_ground.moved_by()
    assert np.allclose(bones_of_legs(on_ground.positions), bones_of_legs(plain.positions), atol=1e-4)
    assert np.abs(on_ground.contact - plain.contact).mean() < 0.02  # feet made to stand still are not told to stand longer
    nobody = np.ones((len(clip), 16), bool)
    assert np.isfinite(lifter.lift(clip, nobody).root).all()


def test_a_grounded_answer_is_the_same_however_it_came_about(lifter):
    clip = seen_from(25)
    task = lifter.start(clip)
    mask = np.zeros((len(clip), 16), bool)
    for joints in ((4, 5, 6), (), (10, 11, 12)):
        mask = np.zeros((len(clip), 16), bool)
        mask[100:200, list(joints)] = True
        for _ in task.update(mask, 150):
            task.prediction()
    fresh = lifter.lift(clip, mask)
    assert np.abs(task.prediction().absolute() - fresh.absolute()).max() < 1e-3


def test_the_command_line_says_by_how_much_and_the_file_where_the_floor_is(tmp_path, caplog):
    write(replace(seen_from(30), ground_truth=None), tmp_path / "walk.npz")
    with caplog.at_level("INFO", "mpm"):
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "a.npz")]) == 0
        assert "standing feet do not slide, joints were moved by" in caplog.text
        caplog.clear()
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "b.npz"), "--no-grounding"]) == 0
        assert "moved" not in caplog.text
    stored = np.load(tmp_path / "a.npz")
    heights = (stored["positions"] + stored["root"][:, None])[:, list(FEET)] @ stored["up"] - float(stored["floor"])
    assert heights[stored["contact"] > 0.5].mean() == pytest.approx(ANKLE_HEIGHT_M, abs=0.02)


def test_a_long_answer_shows_what_is_under_the_cursor_before_it_is_grounded(lifter):
    clip = see(demo_motion()[:600], FPS, Viewpoint(60.0, 20.0), "walk")
    task = lifter.start(clip)
    steps = [(progress, task.prediction()) for progress in task.update(None)]
    assert steps[-1][0].done == steps[-1][0].total > steps[-2][0].done
    assert steps[-2][1].moved is None and steps[-1][1].moved.max() > 0.001
    mask = np.zeros((600, 16), bool)
    mask[300, 5] = True
    before = steps[-1][1]
    shown = [task.prediction() for _ in task.update(mask, 300)]
    assert np.array_equal(shown[0].moved, before.moved)  # as it was, until it is known anew
    far = np.r_[0:100, 500:600]
    assert np.allclose(shown[0].absolute()[far], before.absolute()[far], atol=1e-4)


@pytest.mark.parametrize("before_the_end", [1, 2, 3, 4])
def test_grounding_that_is_stopped_leaves_what_was_known_and_is_made_up_for(lifter, demo, before_the_end):
    mask = np.zeros((len(demo), 16), bool)
    mask[100:200, MPM16.index("RAnkle")] = True
    task, other = lifter.start(demo), lifter.start(demo)
    for each in (task, other):
        for _ in each.update(None):
            pass
    before, steps = task.prediction(), task.update(mask)
    for _ in range(sum(1 for _ in other.update(mask)) - before_the_end):
        next(steps)
    steps.close()
    assert np.array_equal(task.prediction().moved, before.moved)
    for _ in task.update(mask):
        pass
    assert np.array_equal(task.prediction().positions, other.prediction().positions)
    assert not np.array_equal(task.prediction().moved, before.moved)
