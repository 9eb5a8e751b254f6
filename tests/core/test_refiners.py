import time
from dataclasses import replace

import numpy as np
import pytest

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.refiners import REFINERS, refine
from mpm_core.refiners.base import person_height, visible_stretches
from mpm_core.refiners.hampel import HampelConfig, find_outliers, remove_outliers
from mpm_core.refiners.one_euro import smooth_one_euro
from mpm_core.refiners.savgol import SavgolConfig, smooth_savgol
from mpm_core.refiners.swaps import find_swaps
from mpm_core.sides import repair_sides
from mpm_core.skeleton import MPM16

SPIKE_PX = 200.0
WRIST, ANKLE = MPM16.index("LWrist"), MPM16.index("RAnkle")


def with_noise(clip, pixels, seed=0):
    rng = np.random.default_rng(seed)
    return replace(clip, keypoints=(clip.keypoints + rng.normal(0, pixels, clip.keypoints.shape)).astype(np.float32))


def without(clip, hidden):
    """The clip without the joints that `hidden` (frames, joints) marks."""
    return replace(
        clip,
        keypoints=np.where(hidden[..., None], np.float32(0), clip.keypoints),
        visible=clip.visible & ~hidden,
        confidence=np.where(hidden, np.float32(0), clip.confidence),
    )


def with_spikes(clip, share=0.01, seed=1):
    """The clip with single frames of single joints thrown off, and where."""
    rng = np.random.default_rng(seed)
    spiked = rng.random(clip.visible.shape) < share
    spiked[1:] &= ~spiked[:-1]
    angle = rng.uniform(0, 2 * np.pi, clip.visible.shape)
    offset = SPIKE_PX * np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    return replace(clip, keypoints=(clip.keypoints + spiked[..., None] * offset).astype(np.float32)), spiked


def mean_error(clip, truth):
    """Mean distance in pixels over the joints that are visible."""
    return np.linalg.norm(clip.keypoints - truth.keypoints, axis=-1)[clip.visible].mean()


def smoothness(clip):
    """Mean second difference in pixels, which noise makes large."""
    return np.linalg.norm(np.diff(clip.keypoints, 2, axis=0), axis=-1).mean()


def edited_at(clip, frame, joint):
    edited = np.zeros_like(clip.visible)
    edited[frame, joint] = True
    return replace(clip, edited=edited)


# All refiners


def test_refiners_are_applied_in_the_order_given(demo):
    clip = with_noise(with_spikes(demo)[0], 2.0)
    forth = refine(clip, ["hampel", "savgol"])
    assert np.array_equal(forth.keypoints, smooth_savgol(remove_outliers(clip)).keypoints)
    assert not np.array_equal(forth.keypoints, refine(clip, ["savgol", "hampel"]).keypoints)
    assert refine(clip, []) is clip


def test_an_unknown_refiner_is_refused_with_the_known_ones(demo):
    with pytest.raises(UserError, match=r"'kalman' \(known: hampel, one-euro, savgol\)"):
        refine(demo, ["hampel", "kalman"])


def test_a_clip_without_2d_is_refused():
    clip = Clip.from_arrays(None, (100, 100), 25, ground_truth=np.ones((5, 16, 3)))
    for use in (lambda: refine(clip, []), lambda: find_swaps(clip), lambda: repair_sides(clip)):
        with pytest.raises(UserError, match="no 2D"):
            use()


def test_entries_can_fill_a_menu():
    assert list(REFINERS) == ["hampel", "one-euro", "savgol"]
    assert all(entry.name == name and entry.label and entry.tip.endswith(".") for name, entry in REFINERS.items())


@pytest.mark.parametrize("name", REFINERS)
def test_gaps_stay_gaps_and_the_clip_given_is_untouched(demo, name):
    clip = without(with_noise(demo, 2.0), np.random.default_rng(2).random(demo.visible.shape) < 0.1)
    before = clip.keypoints.copy()
    refined = refine(clip, [name])
    assert not (refined.visible & ~clip.visible).any()
    assert (refined.keypoints[~refined.visible] == 0).all()
    assert np.isfinite(refined.keypoints).all()
    assert refined.keypoints.dtype == np.float32
    assert np.array_equal(clip.keypoints, before)


@pytest.mark.parametrize("name", REFINERS)
def test_what_a_person_has_corrected_is_neither_moved_nor_dropped(demo, name):
    spiked = demo.keypoints.copy()
    spiked[100, WRIST] += SPIKE_PX
    clip = replace(demo, keypoints=spiked)
    changed = refine(clip, [name])
    assert not changed.visible[100, WRIST] or not np.allclose(changed.keypoints[100, WRIST], spiked[100, WRIST], atol=1)
    kept = refine(edited_at(clip, 100, WRIST), [name])
    assert kept.visible[100, WRIST]
    assert kept.edited[100, WRIST]
    assert np.array_equal(kept.keypoints[100, WRIST], spiked[100, WRIST])


@pytest.mark.parametrize("name", REFINERS)
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips_are_refined(demo, name, frames):
    clip = without(demo.cut(0, frames - 1), np.arange(len(MPM16)) == np.full((frames, 1), WRIST))
    refined = refine(clip, [name])
    assert np.array_equal(refined.visible, clip.visible)
    assert mean_error(refined, clip) < 1


@pytest.mark.parametrize("name", REFINERS)
def test_the_size_of_the_image_does_not_matter(demo, name):
    clip = with_noise(with_spikes(demo)[0], 2.0)
    large = replace(clip, keypoints=clip.keypoints * 4)
    one, other = refine(clip, [name]), refine(large, [name])
    assert np.array_equal(one.visible, other.visible)
    assert np.allclose(one.keypoints * 4, other.keypoints, atol=0.05)


@pytest.mark.parametrize("work", [*(entry.apply for entry in REFINERS.values()), find_swaps])
def test_ten_minutes_of_video_take_seconds(demo, work):
    frames = 30_000
    points = np.tile(demo.keypoints, (frames // len(demo) + 1, 1, 1))[:frames]
    confidence = np.random.default_rng(3).random(points.shape[:2]) > 0.05
    clip = Clip.from_arrays(points, demo.image_size, demo.fps, confidence=confidence)
    start = time.process_time()
    work(clip)
    assert time.process_time() - start < 10, "0.5 to 1.5 s when written"


def test_the_height_of_a_person_is_not_that_of_frames_that_show_a_part(demo):
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[:500] = ~np.isin(np.arange(len(MPM16)), MPM16.indices(("LElbow", "LWrist")))
    assert person_height(without(demo, hidden)) == pytest.approx(person_height(demo.cut(500, len(demo) - 1)))
    single = np.broadcast_to(np.arange(len(MPM16)) != WRIST, demo.visible.shape)
    assert person_height(without(demo, single)) == max(demo.image_size)


def test_stretches_are_the_runs_of_visible_frames():
    visible = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], bool)
    runs = [tuple(int(n) for n in run) for run in zip(*visible_stretches(visible), strict=True)]
    assert runs == [(0, 0, 2), (0, 3, 1), (1, 1, 2)]


# Outliers


def test_spikes_are_found_and_nothing_else(demo):
    clip, spiked = with_spikes(demo)
    found = find_outliers(clip)
    assert spiked.sum() > 100
    assert found[spiked].mean() > 0.99
    assert found[~spiked].mean() < 0.001
    assert not find_outliers(demo).any()


def test_outliers_are_no_longer_measured(demo):
    clip, _ = with_spikes(demo)
    cleaned = remove_outliers(replace(clip, derived=np.ones_like(clip.visible)))
    gone = ~cleaned.visible
    assert np.array_equal(gone, find_outliers(clip))
    assert (cleaned.keypoints[gone] == 0).all()
    assert (cleaned.confidence[gone] == 0).all()
    assert not cleaned.derived[gone].any()
    assert np.array_equal(cleaned.keypoints[~gone], clip.keypoints[~gone])


def test_a_still_person_keeps_small_movements():
    points = np.tile(np.random.default_rng(4).uniform(100, 500, (1, 16, 2)), (100, 1, 1))
    points[50, WRIST] += 3.0
    points[60, ANKLE] += 100.0
    found = find_outliers(Clip.from_arrays(points, (600, 600), 50))
    assert np.argwhere(found).tolist() == [[60, ANKLE]]


def test_missing_points_take_no_part_in_medians(demo):
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[100:400, WRIST] = np.arange(300) % 4 != 0
    # Were the zeros of missing joints counted, they would be the median of every window.
    assert not find_outliers(without(demo, hidden)).any()
    rare = np.zeros(demo.visible.shape, bool)
    rare[100:400] = (np.arange(300) % 5 != 0)[:, None]
    assert not find_outliers(without(demo, rare)).any(), "three points are too few to tell"
    spiked = demo.keypoints.copy()
    spiked[200, WRIST] += SPIKE_PX
    assert np.argwhere(find_outliers(without(replace(demo, keypoints=spiked), hidden))).tolist() == [[200, WRIST]]


def test_an_outlier_of_a_moving_joint_is_found(demo):
    # In 0.3 s the wrist goes further than the outlier lies off its way.
    points = np.tile(demo.keypoints[:1], (100, 1, 1))
    points[:, WRIST, 0] += 10 * np.arange(100)
    points[50, WRIST, 1] += 40
    assert np.argwhere(find_outliers(Clip.from_arrays(points, (2000, 2000), 50))).tolist() == [[50, WRIST]]


def test_a_pause_in_the_recording_is_not_bridged():
    points = np.tile(np.random.default_rng(5).uniform(100, 500, (1, 16, 2)), (43, 1, 1))
    points[20:23, WRIST] += SPIKE_PX
    times = np.arange(43) / 50
    assert find_outliers(Clip.from_arrays(points, (900, 900), 50, times=times))[20:23, WRIST].all()
    times[20:] += 10
    times[23:] += 10
    assert not find_outliers(Clip.from_arrays(points, (900, 900), 50, times=times)).any()


def test_the_window_is_in_seconds(demo):
    # An excursion of 0.12 s is an outlier in a window of 0.6 s, and movement in one of 0.2 s, at every frame rate.
    for fps in (25, 100):
        points = np.tile(demo.keypoints[:1], (2 * fps, 1, 1))
        away = slice(fps, fps + 3 * fps // 25)
        points[away, WRIST] += SPIKE_PX
        clip = Clip.from_arrays(points, demo.image_size, fps)
        assert find_outliers(clip, HampelConfig(window_s=0.6))[away, WRIST].all()
        assert not find_outliers(clip, HampelConfig(window_s=0.2))[away, WRIST].all()


# Smoothing


@pytest.mark.parametrize(("name", "factor"), [("one-euro", 1.9), ("savgol", 2.2)])
def test_noise_shrinks(demo, name, factor):
    noisy = with_noise(demo, 2.5)
    refined = refine(noisy, [name])
    assert mean_error(noisy, demo) > factor * mean_error(refined, demo)
    assert smoothness(noisy) > 3 * smoothness(refined)


@pytest.mark.parametrize("name", ["one-euro", "savgol"])
def test_clean_movement_is_hardly_changed(demo, name):
    refined = refine(demo, [name])
    assert 0 < mean_error(refined, demo) < 0.002 * person_height(demo)


@pytest.mark.parametrize("name", ["one-euro", "savgol"])
def test_smoothing_does_not_lag(demo, name):
    # A lag of one frame would leave an error as large as the step from frame to frame.
    refined = refine(demo, [name])
    velocity = np.gradient(demo.keypoints, axis=0)
    error = refined.keypoints - demo.keypoints
    lag = -(error * velocity).sum() / np.square(velocity).sum()
    assert abs(lag) < 0.05


@pytest.mark.parametrize("name", ["one-euro", "savgol"])
def test_each_stretch_is_smoothed_by_itself(demo, name):
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[300:310] = True
    noisy = without(with_noise(demo, 2.5), hidden)
    other = noisy.keypoints.copy()
    other[310:] += np.where(noisy.visible[310:, :, None], 20, 0)
    refined, again = refine(noisy, [name]), refine(replace(noisy, keypoints=other), [name])
    assert np.array_equal(refined.keypoints[:300], again.keypoints[:300])
    assert np.allclose(refined.keypoints[310:] + 20, again.keypoints[310:], atol=1e-3)


def test_one_euro_smooths_rest_more_than_quick_movement():
    points = np.tile(np.random.default_rng(6).uniform(100, 500, (1, 16, 2)), (500, 1, 1))
    points[:, WRIST, 0] += 150 * np.sin(np.arange(500) / 50 * 2 * np.pi * 2)
    clean = Clip.from_arrays(points, (900, 900), 50)
    noise = smooth_one_euro(with_noise(clean, 2.0)).keypoints - smooth_one_euro(clean).keypoints
    left = np.linalg.norm(noise, axis=-1).mean(axis=0)
    assert left[WRIST] > 1.5 * np.delete(left, WRIST).max()
    # 2.5 px is the mean length of the noise itself.
    assert np.delete(left, WRIST).max() < 2.5 / 2.4


def test_one_euro_takes_the_times_of_frames_as_they_are(demo):
    # Of a steady movement filmed at uneven times nothing is to be smoothed away but at the ends.
    rng = np.random.default_rng(7)
    steps = rng.choice([0.01, 0.02, 0.05], 400)
    times = np.concatenate(([0.0], np.cumsum(steps)))
    points = demo.keypoints[:1] + times[:, None, None] * np.array([60.0, 20.0])
    clip = Clip.from_arrays(points, (2000, 2000), 50, times=times)
    uneven = np.linalg.norm(smooth_one_euro(clip).keypoints - points, axis=-1)[50:-50]
    as_if_even = np.linalg.norm(smooth_one_euro(replace(clip, times=np.arange(401) / 50)).keypoints - points, axis=-1)[50:-50]
    assert uneven.mean() < as_if_even.mean() / 2


def test_frames_filmed_four_times_as_fast_are_smoothed_over_the_same_time(demo):
    still = np.tile(demo.keypoints[:1], (2000, 1, 1))
    for name in ("one-euro", "savgol"):
        errors = []
        for fps in (25, 100):
            truth = Clip.from_arrays(still, demo.image_size, fps)
            errors.append(mean_error(refine(with_noise(truth, 2.0), [name]), truth))
        assert errors[1] < 0.75 * errors[0]


def test_savgol_passes_parabolas_and_leaves_stretches_that_are_too_short(demo):
    t = np.arange(60)[:, None, None] / 50
    points = demo.keypoints[:1] + 40 * t + np.array([80.0, -60.0]) * t**2
    clip = Clip.from_arrays(points, (2000, 2000), 50)
    assert np.allclose(smooth_savgol(clip).keypoints, points, atol=1e-3)
    noisy = with_noise(clip, 3.0)
    hidden = np.zeros(clip.visible.shape, bool)
    hidden[3::4] = True
    scraps = without(noisy, hidden)
    assert np.array_equal(smooth_savgol(scraps).keypoints, scraps.keypoints)
    hidden[:] = False
    hidden[7::8] = True
    runs = without(noisy, hidden)
    assert mean_error(smooth_savgol(runs), clip) < 0.9 * mean_error(runs, clip)
    cubic = smooth_savgol(noisy, SavgolConfig(polyorder=3)).keypoints
    assert not np.allclose(cubic, smooth_savgol(noisy).keypoints, atol=0.1)
