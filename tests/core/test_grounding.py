"""Which way is up, and when a foot stands."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from mpm_core import UserError, read_clip, write
from mpm_core.cli import main
from mpm_core.formats.base import WriteOptions
from mpm_core.grounding.floor import FEET
from mpm_core.grounding.standing import contact_odds, noise_speed, speeds_across, standing_feet, standing_odds
from mpm_core.grounding.up import find_up, up_as_given, up_of_camera
from mpm_core.metrics import angle_deg, f1_score
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see
from tests.core.test_bvh import read_positions

UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def motion():
    return demo_motion()[:500].astype(np.float64)


def seen_from(pitch, roll=0.0):
    return replace(see(demo_motion()[:400], 50.0, Viewpoint(60.0, pitch, roll), "walk"), up=None)


def test_a_foot_stands_where_it_is_slow_and_low(motion):
    standing, height = standing_feet(motion, UP, 50.0)
    assert standing.shape == height.shape == (500, 2) and 0.3 < standing.mean() < 0.95
    ankles = motion[:, list(FEET)]
    speed = np.linalg.norm(np.diff(ankles, axis=0), axis=-1) * 50
    assert speed[standing[1:]].mean() < 0.1 and speed[~standing[1:]].mean() > 0.5
    assert height.min() >= 0 and height[standing].max() < 0.1
    assert (np.diff(np.flatnonzero(np.diff(standing[:, 0].astype(int)))) > 1).all()  # no flicker


def test_standing_does_not_depend_on_which_axis_is_up(motion):
    turned = motion[..., [0, 2, 1]] * [1, -1, 1]
    standing, height = standing_feet(turned, np.array([0.0, -1.0, 0.0]), 50.0)
    expected, heights = standing_feet(motion, UP, 50.0)
    assert np.array_equal(standing, expected) and np.allclose(height, heights, atol=1e-6)


def test_a_jump_is_no_standing(motion):
    still = np.repeat(motion[:1], 150, axis=0)
    flight = np.maximum(0, 0.4 * np.sin(np.linspace(0, np.pi, 30)))
    still[60:90, :, 2] += flight[:, None]
    standing, height = standing_feet(still, UP, 50.0)
    assert standing[:55].all() and standing[95:].all() and not standing[66:84].any()
    assert height[75].min() > 0.35


def before_a_camera(motion):
    """The motion 5 m before a level camera, up in its axes, and which feet truly stand."""
    rotation = Viewpoint(60.0).rotation()
    places = (motion - motion[:, :1].mean(0)) @ rotation.T + [0, 0, 5.0]
    return places, rotation[:, 2], standing_feet(motion, UP, 50.0)[0]


def trembling(places, size_m):
    """With joints that are off by so much, differently from about a twelfth of a second to the next."""
    error = gaussian_filter1d(np.random.default_rng(0).normal(size=places.shape), 2.0, axis=0)
    return places + size_m * error / error.std()


def odds_of(places, up, told, hidden=(False, False)):
    return contact_odds(places, up, told, np.broadcast_to(hidden, told.shape), np.arange(len(places)) / 50, 50.0)


def test_the_odds_of_a_lifted_foot_ignore_how_far_away_it_is(motion):
    places, up, truth = before_a_camera(motion)
    rng = np.random.default_rng(0)
    deep = places * (1 + rng.normal(0, 0.01, (len(places), 1, 1)))  # 5 cm nearer and farther in each frame
    for seen in (places, deep):
        told = odds_of(seen, up, np.zeros(truth.shape)) > 0
        assert f1_score(int((told & truth).sum()), int((told & ~truth).sum()), int((~told & truth).sum())) > 0.85


def test_a_foot_that_stands_does_so_although_its_keypoints_tremble(motion):
    places, up, truth = before_a_camera(motion)
    seen = trembling(places, 0.015)
    weak = np.where(truth, 1.0, -1.0)  # what the network tells
    speeds = speeds_across(seen, 50.0)
    assert speeds[truth].mean() > 0.2 > 0.05 > speeds_across(places, 50.0)[truth].mean()
    assert noise_speed(speeds_across(places, 50.0), weak) < 0.05 < 0.1 < (noise := noise_speed(speeds, weak)) < 0.25
    assert (odds_of(seen, up, weak) > 0)[truth].mean() > 0.95
    assert (standing_odds(seen, up, 50.0, noise) > 0)[truth].mean() > 0.85
    assert (standing_odds(seen, up, 50.0, 0.0) > 0)[truth].mean() < 0.75  # taken for movement


def test_a_foot_in_mid_swing_does_not_stand_however_keypoints_tremble(motion):
    places, up, truth = before_a_camera(motion)
    height, speed = standing_feet(motion, UP, 50.0)[1], speeds_across(places, 50.0)
    swings = ~truth & ((height > 0.15) | (speed > 1.0))
    assert swings.sum() > 50
    for size in (0.0, 0.01):
        stands = odds_of(trembling(places, size), up, np.where(truth, 1.0, -1.0)) > 0
        assert stands[swings].mean() < 0.03


def test_a_foot_that_slides_slowly_does_not_stand(motion):
    still, up, _ = before_a_camera(np.repeat(motion[:1], 200, axis=0))
    sliding = still.copy()
    ankle = MPM16.index("RAnkle")
    sliding[:, ankle, 0] += 0.45 / 50 * np.arange(200)  # across the line of sight, on the floor
    for size in (0.0, 0.004):
        stands = odds_of(trembling(sliding, size), up, np.zeros((200, 2))) > 0
        assert stands[10:-10, 0].mean() > 0.95 and stands[10:-10, 1].mean() < 0.05


def test_noise_is_what_feet_told_to_stand_move_by():
    told = np.repeat([4.0, -4.0], 100)
    speeds = np.concatenate([np.linspace(0.1, 0.2, 100), np.linspace(0.0, 0.02, 100)])
    assert noise_speed(speeds, told) == pytest.approx(0.125, abs=0.005)  # not the slower ones, which are not told to stand
    assert noise_speed(speeds, -told) < 0.01
    assert noise_speed(speeds * 100, told) == 0.3  # it is the camera that moves
    unknown = np.where(np.arange(200) < 50, np.nan, speeds)
    assert noise_speed(unknown, told) == pytest.approx(0.16, abs=0.01)
    assert noise_speed(np.full(3, np.nan), told[:3]) == 0.3


def test_a_foot_that_is_guessed_does_not_put_the_other_in_doubt(motion):
    places, up, truth = before_a_camera(motion)
    guessed, weak = places.copy(), np.where(truth, 1.0, -1.0)
    ankle = FEET[0]
    guessed[:, ankle] = trembling(places, 0.02)[:, ankle]
    odds, alone = odds_of(guessed, up, weak, (True, False)), odds_of(places, up, weak)
    assert np.array_equal(odds[:, 1] > 0, alone[:, 1] > 0)
    stands = truth[:, 0]
    assert 0 < np.median(odds[stands, 0]) < 0.6 * np.median(alone[stands, 0])  # less sure of the guess, yet it stands


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (30, 0), (-20, 10), (45, -25)])
def test_pitch_and_roll_say_which_way_is_up(pitch, roll):
    up = up_of_camera(pitch, roll)
    assert np.allclose(up, Viewpoint(123.0, pitch, roll).rotation()[:, 2], atol=1e-9)
    found = find_up(replace(seen_from(10), up=up))
    assert (found.pitch_deg, found.roll_deg) == pytest.approx((pitch, roll))
    assert found.source == "clip" and "known" in found.sentence()


def test_nonsense_is_no_direction():
    assert up_as_given(None, None, None) is None
    assert up_as_given((0.0, -2.0, 0.0), None, None) == (0.0, -1.0, 0.0)
    assert up_as_given(None, 20.0, None) == up_of_camera(20.0)
    for wrong in (
        ((0.0, 0.0, 0.0), None, None),
        ((0.0, float("nan"), 1.0), None, None),
        (None, 91.0, None),
        (None, None, 181.0),
    ):
        with pytest.raises(UserError):
            up_as_given(*wrong)
    with pytest.raises(UserError, match="not by both"):
        up_as_given((0.0, 1.0, 0.0), 3.0, None)


@pytest.mark.parametrize("pitch", [0.0, 25.0, 40.0])
def test_the_lifter_tells_which_way_is_up_whatever_is_hidden(lifter, pitch):
    clip = seen_from(pitch, 5.0)
    true = np.array(up_of_camera(pitch, 5.0))
    mask = np.zeros((len(clip), 16), bool)
    for hidden in ((), (4, 5, 6), (10, 11, 12, 13, 14, 15)):
        mask[:] = False
        mask[:, list(hidden)] = True
        prediction = lifter.lift(clip, mask)
        up = find_up(clip, prediction)
        assert up.source == "lifter" and angle_deg(np.array(up.direction), true) < 12
        assert up.error_deg is not None and f"about {up.error_deg:.0f}°" in up.sentence()
        assert prediction.contact.shape == prediction.foot_height.shape == (len(clip), 2)
    completed = lifter.complete(clip.ground_truth, mask)
    assert angle_deg(completed.up, true) < 12


def test_the_lifter_tells_which_feet_stand(lifter):
    clip = see(demo_motion()[:500], 50.0, Viewpoint(60.0, 20.0), "walk")
    truth = standing_feet(clip.ground_truth, np.array(clip.up), 50.0)[0]
    told = lifter.lift(clip).contact > 0.5
    assert f1_score(int((told & truth).sum()), int((told & ~truth).sum()), int((~told & truth).sum())) > 0.8
    mirrored = replace(clip, keypoints=(clip.keypoints * [-1, 1] + [1000, 0]).astype(np.float32)[:, list(MPM16.mirror)])
    assert np.abs(lifter.lift(mirrored).contact[:, ::-1] - lifter.lift(clip).contact).mean() < 0.03


def test_where_nothing_is_told_the_camera_is_taken_to_be_level():
    up = find_up(seen_from(30))
    assert up.direction == (0.0, -1.0, 0.0) and up.source == "level" and "level" in up.sentence()


def test_up_is_written_and_found_again(lifter, tmp_path):
    clip = seen_from(30)
    prediction = lifter.lift(clip)
    write(prediction, tmp_path / "answer.npz", WriteOptions(clip=clip))
    again = read_clip(tmp_path / "answer.npz")
    assert again.up == pytest.approx(tuple(float(v) for v in prediction.up), abs=1e-6)
    write(prediction, tmp_path / "answer.csv", WriteOptions(clip=clip))
    assert read_clip(tmp_path / "answer.csv").up == pytest.approx(again.up, abs=1e-5)
    stored = np.load(tmp_path / "answer.npz")
    assert stored["contact"].shape == (400, 2) and 0 < float(stored["up_error_deg"]) < 90
    write(replace(clip, up=up_of_camera(30)), tmp_path / "clip.npz")
    assert read_clip(tmp_path / "clip.npz").up == pytest.approx(up_of_camera(30))
    for name in ("unknown.npz", "unknown.csv"):
        write(clip, tmp_path / name)
        assert read_clip(tmp_path / name).up is None
    text = (tmp_path / "answer.csv").read_text()
    for wrong in ("0 0 0", "1 2", "nan 0 1", "up"):
        (tmp_path / "wrong.csv").write_text(re.sub("# up: .*", f"# up: {wrong}", text))
        with pytest.raises(UserError, match=r"wrong\.csv: 'up' must be"):
            read_clip(tmp_path / "wrong.csv")


def test_the_bvh_of_a_camera_that_looks_down_stands_upright(lifter, tmp_path):
    clip = seen_from(35)
    leaning, upright = (tmp_path / name for name in ("level.bvh", "told.bvh"))
    prediction = lifter.lift(clip)
    write(prediction, upright, WriteOptions(clip=clip))
    write(prediction, leaning, WriteOptions(clip=replace(clip, up=(0.0, -1.0, 0.0))))

    def lean(path):
        _, places = read_positions(path, ("Hips", "Head"))
        trunk = places[:, 1] - places[:, 0]
        return angle_deg(trunk[:100].mean(0), np.array([0.0, 1.0, 0.0]))

    assert lean(upright) < 15 < lean(leaning)


def test_the_command_line_takes_up_and_says_where_it_is_from(tmp_path, caplog):
    clip = seen_from(30)
    write(replace(clip, ground_truth=None), tmp_path / "walk.npz")
    with caplog.at_level("INFO", "mpm"):
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "a.npz")]) == 0
        assert "up as the lifter tells it, off by about" in caplog.text
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "b.npz"), "--pitch", "30", "--roll=-2"]) == 0
        assert "the camera looks down by 30° and is rolled by -2°" in caplog.text
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "c.npz"), "--up=0,-1,-1"]) == 0
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "d.npz"), "--up=0,0,0"]) == 2
    assert read_clip(tmp_path / "b.npz").up == pytest.approx(up_of_camera(30, -2))
    assert read_clip(tmp_path / "c.npz").up == pytest.approx((0, -(0.5**0.5), -(0.5**0.5)))
