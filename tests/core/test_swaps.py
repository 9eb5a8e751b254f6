from dataclasses import replace

import numpy as np
import pytest

from mpm_core.clip import Clip
from mpm_core.refiners.swaps import SWAP_GROUPS, exchange_sides, find_breaks, find_swaps
from mpm_core.skeleton import MPM16
from tests.conftest import body25_from_mpm16
from tests.core.test_refiners import WRIST, edited_at, with_noise, with_spikes, without

ARMS, LEGS = range(len(SWAP_GROUPS))


def repaired_by_tracks(clip):
    """The clip with all exchanged that its tracks alone tell of, and where."""
    found = find_swaps(clip)
    return exchange_sides(clip, found), found.any(axis=1)


def with_swaps(clip, swapped):
    """The clip with left and right exchanged where `swapped` (frames, groups) says so."""
    points, visible, confidence = clip.keypoints.copy(), clip.visible.copy(), clip.confidence.copy()
    for group, (left, right) in enumerate(SWAP_GROUPS.values()):
        rows = np.flatnonzero(swapped[:, group])[:, None]
        here, there = clip.skeleton.limb(left), clip.skeleton.limb(right)
        for array, original in ((points, clip.keypoints), (visible, clip.visible), (confidence, clip.confidence)):
            array[rows, here], array[rows, there] = original[rows, there], original[rows, here]
    return replace(clip, keypoints=points, visible=visible, confidence=confidence)


def marks(clip, *stretches):
    """(frames, groups) bool from (group, first frame, number of frames)."""
    swapped = np.zeros((len(clip), len(SWAP_GROUPS)), bool)
    for group, first, count in stretches:
        swapped[first : first + count, group] = True
    return swapped


def test_a_person_who_walks_and_turns_around_has_no_swaps(demo):
    hip = demo.keypoints[:, MPM16.index("LHip"), 0] - demo.keypoints[:, MPM16.index("RHip"), 0]
    assert (hip > 10).any() and (hip < -5).any(), "the demo no longer turns around"
    for clip in (demo, with_noise(demo, 7.0), replace(demo, times=demo.times * 2)):
        assert not find_swaps(clip).any()
    same, flagged = repaired_by_tracks(demo)
    assert not flagged.any()
    assert np.array_equal(same.keypoints, demo.keypoints)


@pytest.mark.parametrize(
    "stretches",
    [
        [(ARMS, 120, 1), (LEGS, 120, 1)],
        [(ARMS, 300, 50), (LEGS, 300, 50)],
        [(ARMS, 200, 30)],
        [(LEGS, 420, 5)],
        [(ARMS, 0, 40), (LEGS, 0, 40)],
        [(ARMS, 0, 1)],
        [(LEGS, 680, 50)],
        [(ARMS, 100, 20), (LEGS, 110, 20), (ARMS, 500, 1), (LEGS, 502, 3)],
    ],
)
def test_swaps_are_found_exactly_and_repaired(demo, stretches):
    swapped = marks(demo, *stretches)
    for clean in (demo, with_noise(demo, 1.0), replace(demo, keypoints=demo.keypoints / 5)):
        clip = with_swaps(clean, swapped)
        assert np.array_equal(find_swaps(clip), swapped)
        repaired, flagged = repaired_by_tracks(clip)
        assert np.array_equal(repaired.keypoints, clean.keypoints)
        assert np.array_equal(flagged, swapped.any(axis=1))


def test_what_belongs_to_a_joint_moves_with_it(demo):
    confidence = np.random.default_rng(9).uniform(0.5, 1, demo.visible.shape).astype(np.float32)
    derived = np.zeros_like(demo.visible)
    derived[:, WRIST] = True
    hidden = np.zeros_like(derived)
    hidden[300:350, MPM16.index("LAnkle")] = True
    clean = without(replace(demo, confidence=confidence, derived=derived & ~hidden), hidden)
    swapped = marks(demo, (ARMS, 310, 20), (LEGS, 310, 20))
    clip = with_swaps(clean, swapped)
    other = clip.derived.copy()
    other[310:330, WRIST], other[310:330, MPM16.mirror[WRIST]] = False, True
    repaired, flagged = repaired_by_tracks(replace(clip, derived=other))
    assert np.array_equal(flagged, swapped.any(axis=1))
    for name in ("keypoints", "visible", "confidence", "derived"):
        assert np.array_equal(getattr(repaired, name), getattr(clean, name)), name


def test_swaps_are_found_among_missing_joints(demo):
    rng = np.random.default_rng(10)
    hidden = rng.random(demo.visible.shape) < 0.2
    hidden[200:215] = True
    clean = without(demo, hidden)
    assert not find_swaps(clean).any()
    # One begins as the person is seen again after 0.3 s.
    swapped = marks(demo, (ARMS, 215, 25), (LEGS, 215, 25), (LEGS, 600, 4))
    repaired, flagged = repaired_by_tracks(with_swaps(clean, swapped))
    assert np.array_equal(flagged, swapped.any(axis=1))
    assert np.array_equal(repaired.keypoints, clean.keypoints)


def test_a_swap_that_begins_out_of_sight_is_told_by_the_last_positions(demo):
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[648:655] = True
    clean = without(demo, hidden)
    swapped = marks(demo, (ARMS, 655, 75), (LEGS, 655, 75))
    assert np.array_equal(find_swaps(with_swaps(clean, swapped)), swapped)


def test_a_person_who_was_long_out_of_sight_may_come_back_turned_round(demo):
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[300:690] = True
    turned = marks(demo, (ARMS, 690, 40), (LEGS, 690, 40))
    assert not find_swaps(without(with_swaps(demo, turned), hidden)).any()


def test_arms_that_really_cross_are_left_alone(demo):
    # Both wrists and elbows of a standing person swing past each other and back, once in 0.6 s.
    frames = 200
    points = np.tile(demo.keypoints[:1], (frames, 1, 1))
    swing = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(frames) / 30)
    for joint in ("LElbow", "LWrist"):
        left, right = MPM16.index(joint), MPM16.mirror[MPM16.index(joint)]
        centre = points[0, MPM16.root] + [0, -60]
        points[:, left, 0] = centre[0] + 50 - 100 * (1 - swing)
        points[:, right, 0] = centre[0] - 50 + 100 * (1 - swing)
        points[:, left, 1] = points[:, right, 1] = centre[1]
    for seed, pixels in enumerate((0.0, 2.0)):
        clip = with_noise(Clip.from_arrays(points, demo.image_size, 50), pixels, seed)
        assert not find_swaps(clip).any()


def test_outliers_and_jumps_of_the_whole_person_are_no_swaps(demo):
    for seed in range(4):
        assert not find_swaps(with_spikes(demo, 0.06, seed)[0]).any()
    points = demo.keypoints.copy()
    points[350:] += [400, 0]
    assert not find_swaps(replace(demo, keypoints=points)).any()


def test_a_pair_that_a_person_has_corrected_is_not_exchanged(demo):
    swapped = marks(demo, (ARMS, 600, 10))
    pair = [WRIST, MPM16.mirror[WRIST]]
    points = with_swaps(demo, swapped).keypoints.copy()
    points[:, pair] = demo.keypoints[:, pair]
    clip = edited_at(replace(demo, keypoints=points), slice(600, 610), WRIST)
    repaired, flagged = repaired_by_tracks(clip)
    assert np.array_equal(flagged, swapped.any(axis=1))
    assert np.array_equal(repaired.keypoints, demo.keypoints)
    assert np.array_equal(repaired.edited, clip.edited)


def test_swaps_are_found_in_other_skeletons(demo):
    points = body25_from_mpm16(demo.keypoints)
    clean = Clip.from_arrays(points[..., :2], demo.image_size, demo.fps, "body25", confidence=points[..., 2])
    swapped = marks(clean, (ARMS, 300, 50), (LEGS, 320, 1))
    repaired, flagged = repaired_by_tracks(with_swaps(clean, swapped))
    assert np.array_equal(flagged, swapped.any(axis=1))
    assert np.array_equal(repaired.keypoints, clean.keypoints)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips_have_no_swaps(demo, frames):
    clip = demo.cut(100, 99 + frames)
    assert not find_swaps(clip).any()
    repaired, flagged = repaired_by_tracks(clip)
    assert flagged.shape == (frames,)
    assert np.array_equal(repaired.keypoints, clip.keypoints)


def test_tracks_break_where_sides_are_exchanged_and_where_they_were_long_lost(demo):
    assert np.argwhere(find_breaks(demo)).tolist() == [[0, ARMS], [0, LEGS]]
    assert not find_breaks(with_noise(demo, 4.0))[1:].any()
    swapped = marks(demo, (ARMS, 200, 20), (LEGS, 420, 5))
    expected = [[0, ARMS], [0, LEGS], [200, ARMS], [220, ARMS], [420, LEGS], [425, LEGS]]
    assert np.argwhere(find_breaks(with_swaps(demo, swapped))).tolist() == expected
    hidden = np.zeros(demo.visible.shape, bool)
    hidden[300:310], hidden[500:560] = True, True
    assert np.argwhere(find_breaks(without(demo, hidden))).tolist() == [[0, ARMS], [0, LEGS], [560, ARMS], [560, LEGS]]
