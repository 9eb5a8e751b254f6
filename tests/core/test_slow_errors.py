"""Errors that go on slowly in time: depth found by the length of a bone that nobody knows exactly."""

import numpy as np
import pytest

from mpm_core.lifters.slow_errors import depth_errors

FPS, LENGTH = 50.0, 0.45
ROOT = np.tile(np.array([[0.0], [0.0], [5.0]]), 200)


@pytest.fixture(scope="module")
def swing():
    """Depth (200,) of a bone's end that swings and is hit around frame 120, and what is seen of it across the line of sight."""
    t = np.arange(200) / FPS
    angle = 0.9 + 0.3 * np.sin(2 * np.pi * 1.2 * t)
    angle += 0.25 / (1 + np.exp(-(t - t[120]) / 0.025))
    return LENGTH * np.sin(angle), LENGTH * np.cos(angle)


def found(swing, tremble_m, trust=1.0, length=1.03 * LENGTH):
    """Depth (200,), of a bone whose length is thought to be 3 % more, and that was answered far too calmly."""
    depth, across = swing
    answered = np.full_like(depth, depth.mean())
    errors = depth_errors(ROOT, FPS, trust, tremble_m, 0.0)
    noise, vague = np.zeros((15, 200)), np.ones((15, 1))
    now = answered
    for _ in range(4):
        looks = np.sqrt(across**2 + now**2)
        slope = now / looks
        surprise = length - (across**2 + now * answered) / looks
        now = answered + errors.most_likely(np.tile(slope, (15, 1)), np.tile(surprise, (15, 1)), noise, vague)[3]
    return now


def shaken(depth, truth):
    return np.abs(np.diff(depth - truth, n=2)).mean() * FPS**2


def test_exact_keypoints_tell_of_quick_movements_by_a_length_that_is_wrong(swing):
    truth = swing[0]
    exact, trembling = found(swing, 0.0), found(swing, 0.02)
    calm = shaken(np.full_like(truth, truth.mean()), truth)
    assert shaken(exact, truth) < 0.6 * calm and shaken(exact, truth) < shaken(trembling, truth)
    hits = [np.abs(np.diff(depth, n=2))[115:126].max() for depth in (truth, exact, trembling)]
    assert hits[1] > 0.5 * hits[0] and hits[1] > 1.3 * hits[2]
    assert np.abs(exact - truth).mean() < 0.03


def test_what_is_not_measured_says_nothing(swing):
    errors = depth_errors(ROOT, FPS, 1.0, 0.0, 0.0)
    slope, surprise, noise = np.full((15, 200), 0.5), np.full((15, 200), 0.05), np.full((15, 200), np.inf)
    assert np.abs(errors.most_likely(slope, surprise, noise, np.ones((15, 1)))).max() == 0
    noise[4, 100] = 0
    told = errors.most_likely(slope, surprise, noise, np.ones((15, 1)))
    assert told[4, 100] > 0.01 and np.abs(told[[3, 5]]).max() == 0 and abs(told[4, 10]) < 1e-3


def test_little_exactness_is_as_none(swing):
    """There is no step where one way of solving takes over from the other."""
    near = [found(swing, 0.0, trust) for trust in (0.00299, 0.00301)]
    assert np.abs(near[0] - near[1]).max() < 1e-4
