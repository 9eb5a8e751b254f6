"""How a person moves on the ground, in figures of known motions."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core.clip import Clip
from mpm_core.ground_metrics import on_ground, path_errors, sliding_speeds, summarise_motion, under_floor
from mpm_core.grounding.floor import FEET
from mpm_core.prediction import Prediction
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see

FPS = 50.0
UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def clip():
    return see(demo_motion()[:300], FPS, Viewpoint(60.0, 20.0), "walk")


def answer_of(clip, places, task="lift", contact=None):
    """A prediction of these places, whose feet stand as they are told to."""
    positions, frames = (places - places[:, :1]).astype(np.float32), len(places)
    told = np.zeros((frames, 2), np.float32) if contact is None else np.where(contact, 20.0, -20.0).astype(np.float32)
    nothing = np.zeros((frames, 16), bool)
    root = places[:, 0].astype(np.float32)
    up = np.array(clip.up, np.float32)
    return Prediction(
        positions, root, nothing, nothing[:, 0], clip.times, FPS, "known", task, "fast", up=up, up_error_deg=2.0, foot_odds=told
    )


def standing_still(frames=100):
    return np.repeat(demo_motion()[:1].astype(np.float64), frames, axis=0)


def test_a_foot_that_slides_by_a_known_speed_gives_that_speed():
    places = standing_still()
    places[:, FEET[0], 0] += 0.3 / FPS * np.arange(100)
    stands = np.ones((100, 2), bool)
    assert sliding_speeds(places, stands, FPS).mean() == pytest.approx(0.15)  # the other foot stands still
    stands[:, 1] = False
    assert sliding_speeds(places, stands, FPS).mean() == pytest.approx(0.3)
    stands[::2] = False
    assert not len(sliding_speeds(places, stands, FPS))  # no step begins and ends with it standing


def test_feet_under_the_floor_are_counted_by_frames():
    places, contact = standing_still(), np.ones((100, 2))
    assert not under_floor(places, UP, contact).any()
    places[10:14, FEET[0]] -= 0.02 * UP
    places[20:24, FEET[1]] -= 0.005 * UP
    places[40:44, FEET[1]] += 0.3 * UP  # in the air
    assert np.flatnonzero(under_floor(places, UP, contact)).tolist() == [10, 11, 12, 13]
    assert not len(under_floor(places, UP, np.zeros((100, 2))))


def test_a_path_is_compared_about_its_middle():
    truth = demo_motion()[:200, 0].astype(np.float64)
    assert path_errors(truth + [3, 1, -2], truth) == pytest.approx(np.zeros(200), abs=1e-9)
    swaying = truth.copy()
    swaying[::2, 0] += 0.1
    assert path_errors(swaying, truth) == pytest.approx(np.full(200, 50.0))
    swaying[0] = np.nan
    assert len(path_errors(swaying, truth)) == 199


def test_the_truth_itself_has_no_errors_and_hardly_slides(clip):
    truth = clip.ground_truth
    figures = summarise_motion(answer_of(clip, truth), clip)
    assert figures.acceleration < 0.02 and figures.jumps == 0 and figures.up < 0.1 and figures.path < 0.1
    assert 0 < figures.sliding < 0.12 and figures.under < 3
    swaying = truth.copy()
    swaying[:, :, 2] += 0.1 * np.sin(np.arange(300) / 5)[:, None]
    worse = summarise_motion(answer_of(clip, swaying), clip)
    assert worse.path == pytest.approx(100 * 2 / np.pi, rel=0.1) and worse.sliding > 0.4
    assert worse.acceleration < 0.02  # the pose is right


def test_without_ground_truth_feet_are_measured_where_the_answer_says_that_they_stand(clip):
    places, unknown = clip.ground_truth.copy(), replace(clip, ground_truth=None)
    places[:, :, 0] += (0.2 / FPS * np.arange(300))[:, None]
    contact = np.zeros((300, 2), bool)
    contact[50:60, 0] = True
    figures = summarise_motion(answer_of(clip, places, contact=contact), unknown)
    steps = np.diff(places[50:60, FEET[0]], axis=0)
    assert figures.sliding == pytest.approx(np.linalg.norm(steps, axis=-1).mean() * FPS, rel=0.02)
    assert np.isnan([figures.acceleration, figures.jumps, figures.path]).all()


def test_a_range_counts_alone(clip):
    truth = clip.ground_truth.copy()
    truth[200:, 0] += [0.0, 0.0, 1.0]
    assert summarise_motion(answer_of(clip, truth), clip, slice(0, 150)).path < 0.1
    assert summarise_motion(answer_of(clip, truth), clip).path > 100


def test_where_nobody_knows_where_the_person_is_nothing_is_said_of_the_ground(clip):
    truth = clip.ground_truth
    for answer, of in (
        (answer_of(clip, truth, "complete"), clip),
        (replace(answer_of(clip, truth), root=np.zeros((300, 3), np.float32)), clip),
        (replace(answer_of(clip, truth), foot_odds=None), replace(clip, ground_truth=None)),
    ):
        ground = on_ground(answer, of)
        assert not len(ground.slides) and not len(ground.under) and not len(ground.path)
    from_hip = replace(clip, ground_truth=truth - truth[:, :1])
    contact = np.ones((300, 2), bool)
    figures = summarise_motion(answer_of(clip, truth, contact=contact), from_hip)
    assert np.isnan(figures.path) and np.isfinite([figures.acceleration, figures.sliding, figures.under]).all()
    short = Clip.from_arrays(clip.keypoints[:2], clip.image_size, FPS, ground_truth=truth[:2], camera=clip.camera)
    assert np.isnan(summarise_motion(replace(answer_of(clip, truth), up=None), short, slice(0, 2)).acceleration)
