"""Owns the Hampel identifier: keypoints far from where their joint is just before and after are taken out of a clip."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.refiners.base import Refiner, frame_period, keypoints_of, person_height

# Makes the median absolute deviation of normally distributed errors their standard deviation.
_MAD_TO_SIGMA = 1.4826

_FEWEST_NEIGHBOURS = 2

# Of three points, two always agree on a line, and then have no deviation to compare the third one with.
_FEWEST_POINTS = 4


@dataclass(frozen=True)
class HampelConfig:
    """window_s: length of the rolling window, in seconds (two frames to each side are always looked at). n_sigma: how many
    standard deviations make an outlier. floor_heights: what is nearer to the median than this is never one, in heights of
    the person."""

    window_s: float = 0.3
    n_sigma: float = 3.0
    floor_heights: float = 0.06


def find_outliers(clip: Clip, config: HampelConfig = HampelConfig()) -> NDArray[np.bool_]:
    """Where a visible joint lies far from where it is in the frames around, (frames, joints).

    The identifier of Hampel (The influence curve and its role in robust estimation, JASA 1974), as filters of time
    series use it (Pearson, Outliers in process modeling and identification, IEEE Trans. Control Systems Technology 2002):
    an outlier is further from the rolling median than n_sigma standard deviations, which are told by the rolling median
    absolute deviation. Here the median is that of x and of y, and a deviation is a distance in the image. A moving joint
    is first levelled by its median velocity, as its own way would hide an outlier otherwise (compare the robust lines
    of Davies, Fried and Gather, Robust signal extraction for on-line monitoring data, J. Statistical Planning and
    Inference 2004). Only visible points count, and of these only those near in time: a pause in the recording is not
    bridged. The floor keeps small movements of a person who stands still, whose deviations are nearly zero. What a
    person has corrected is no outlier. UserError for a clip without 2D.
    """
    points = keypoints_of(clip)
    period = frame_period(clip)
    reach = max(_FEWEST_NEIGHBOURS, round(config.window_s / period / 2))
    offsets = _windows(clip.times, reach) - clip.times[:, None]  # (frames, window) seconds
    near = np.abs(offsets) < (reach + 0.5) * period
    floor = config.floor_heights * person_height(clip)
    outliers = np.zeros_like(clip.visible)
    for joint in range(points.shape[1]):
        holed = np.where(clip.visible[:, joint, None], points[:, joint], np.nan).T  # (2, frames)
        around = np.where(near, _windows(holed, reach), np.nan)  # (2, frames, window)
        level = around - _velocities(around, offsets)[..., None] * offsets
        centre = _medians(level)
        spread = _MAD_TO_SIGMA * _medians(np.hypot(*(level - centre[..., None])))
        can_tell = np.isfinite(around[0]).sum(axis=-1) >= _FEWEST_POINTS
        # NaN, where the joint is not visible, compares as False.
        outliers[:, joint] = can_tell & (np.hypot(*(holed - centre)) > np.maximum(floor, config.n_sigma * spread))
    return outliers & ~clip.edited


def remove_outliers(clip: Clip, config: HampelConfig = HampelConfig()) -> Clip:
    """The clip without its outliers, which become joints that were not measured; nothing is moved, and what a person has
    corrected stays. UserError for a clip without 2D."""
    gone = find_outliers(clip, config)
    return replace(
        clip,
        keypoints=np.where(gone[..., None], np.float32(0), keypoints_of(clip)),
        visible=clip.visible & ~gone,
        derived=clip.derived & ~gone,
        confidence=np.where(gone, np.float32(0), clip.confidence),
    )


def _windows(values: NDArray[np.floating], reach: int) -> NDArray[np.floating]:
    """(..., frames) -> (..., frames, 2 * reach + 1): the values around each frame, NaN beyond the ends."""
    ends = np.full((*values.shape[:-1], reach), np.nan, values.dtype)
    return sliding_window_view(np.concatenate((ends, values, ends), axis=-1), 2 * reach + 1, axis=-1)


def _velocities(around: NDArray[np.floating], offsets: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median slope between frames as far before as after: (..., frames, window) -> (..., frames); zero of none.

    The frame in question takes no part, and every other one takes part once, so that single outliers do not sway it.
    """
    reach = around.shape[-1] // 2
    rise = around[..., :reach] - around[..., :reach:-1]
    return np.nan_to_num(_medians(rise / (offsets[:, :reach] - offsets[:, :reach:-1])))


def _medians(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Medians over the last axis without its NaN, which np.nanmedian takes several times as long for; NaN of nothing."""
    ordered = np.sort(values, axis=-1)  # NaN go last
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(count + shift, 0) // 2, axis=-1) for shift in (-1, 0))
    return ((low + high) / 2)[..., 0]


REFINER = Refiner(
    "hampel",
    "Remove outliers",
    "Takes out keypoints that jump away from where the joint is just before and after (Hampel); the network then completes"
    " them.",
    remove_outliers,
)
