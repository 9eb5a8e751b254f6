"""Owns what makes answers steady in time: how much keypoints tremble, the smoothing that takes this away, and what is not known
filled from the frames around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.lifters.body_fit import thinned

_TOLERATED_TREMBLE_M_S2 = 4.0
"""Acceleration along an axis that the tremble of keypoints from frame to frame may give to the answer. That of people who
walk is around four times as much."""

_FOURTH_DIFFERENCE = (1.0, -4.0, 6.0, -4.0, 1.0)

_MAD_TO_SIGMA = 1.4826
"""Makes the median size of normally distributed errors their standard deviation."""

REACH = 4.0
"""Times its spread, as far as smoothing looks."""


def tremble_of(rays: NDArray[np.floating], seen: NDArray[np.bool_]) -> float:
    """Standard deviation of what changes keypoints from frame to frame and is no movement, along an axis of the rays (frames,
    16, 2) of joints that are seen (frames, 16).

    People move so smoothly that fourth differences of their keypoints are of noise alone: the median of their size, so that
    outliers and exchanged sides do not count, tells how large it is (a difference-based estimator of variance: Hall, Kay
    and Titterington, Biometrika 1990).
    """
    if len(seen) < len(_FOURTH_DIFFERENCE):
        return 0.0
    frames = thinned(np.ones(len(seen) - len(_FOURTH_DIFFERENCE) + 1, bool))
    differences, whole = np.zeros((len(frames), *rays.shape[1:])), np.ones((len(frames), seen.shape[1]), bool)
    for later, factor in enumerate(_FOURTH_DIFFERENCE):
        differences += factor * rays[frames + later]
        whole &= seen[frames + later]
    differences = differences[whole]
    if not differences.size:
        return 0.0
    return float(np.median(np.abs(differences)) * _MAD_TO_SIGMA / np.linalg.norm(_FOURTH_DIFFERENCE))


def steadying_frames(tremble: float, fps: float) -> float:
    """Standard deviation in frames of the Gaussian that takes enough of a tremble, in metres, away; 0 when it is small.

    White noise has the acceleration sqrt(6) as large as itself, times fps squared, and behind a Gaussian of s frames still
    sqrt(3 / (8 sqrt(pi))) / s^2.5.
    """
    times = np.sqrt(6.0) * tremble * fps**2 / _TOLERATED_TREMBLE_M_S2
    return float((0.46 / np.sqrt(6.0) * np.sqrt(max(times**2 - 1, 0.0))) ** 0.4)


def steadied(positions: NDArray[np.floating], answered: NDArray[np.bool_], spread: float) -> NDArray[np.floating]:
    """(frames, 16, 3) smoothed by a Gaussian of so many frames, over those that are answered."""

    def smooth(values: NDArray[np.floating]) -> NDArray[np.floating]:
        return gaussian_filter1d(values, spread, axis=0, mode="nearest", truncate=REACH)

    there = answered[:, None, None]
    return smooth(np.where(there, positions, np.float32(0))) / np.maximum(smooth(there.astype(np.float32)), np.float32(1e-6))


def from_nearest(values: NDArray[np.floating], known: NDArray[np.bool_], spread: float) -> NDArray[np.floating]:
    """Values (frames, 16, 3) in between the nearest known (frames, 16) before and after, fading out with the distance in
    time, of which `spread` frames is the standard deviation."""
    numbers, count = np.arange(len(values))[:, None], len(values)
    before = np.maximum.accumulate(np.where(known, numbers, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, numbers, count)[::-1], axis=0)[::-1]
    total, weights = np.zeros(values.shape, np.float32), np.zeros(known.shape, np.float32)
    strength = np.zeros(known.shape, np.float32)
    for there in (before, after):
        apart = np.abs(there - numbers).astype(np.float32)
        fading = np.where((there < 0) | (there == count), 0, np.exp(-0.5 * np.square(apart / np.float32(spread))))
        weight = fading / np.maximum(apart, 1)
        total += weight[..., None] * np.take_along_axis(values, np.clip(there, 0, count - 1)[..., None], axis=0)
        weights += weight
        strength = np.maximum(strength, fading)
    return total * (strength / np.maximum(weights, np.float32(1e-9)))[..., None]
