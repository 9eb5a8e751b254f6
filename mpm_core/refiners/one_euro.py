"""Owns the One Euro filter, run both ways: it smooths slow movement much and quick movement little, and does not lag."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.refiners.base import Refiner, keypoints_of, person_height


@dataclass(frozen=True)
class OneEuroConfig:
    """min_cutoff_hz: cutoff for a joint at rest. beta_hz_s_per_height: how much the cutoff rises, in Hz, for each height
    of the person per second that the joint moves. speed_cutoff_hz: cutoff of the speed itself."""

    min_cutoff_hz: float = 1.5
    beta_hz_s_per_height: float = 12.0
    speed_cutoff_hz: float = 3.0


def smooth_one_euro(clip: Clip, config: OneEuroConfig = OneEuroConfig()) -> Clip:
    """The clip with its 2D smoothed over time; what a person has corrected stays, but is seen by the filter.

    The 1 Euro filter of Casiez, Roussel and Vogel (1 Euro filter: a simple speed-based low-pass filter for noisy input in
    interactive systems, CHI 2012). Theirs runs as the input comes, and so lags behind it. Here it runs forward and
    backward, each from the measured points, and the answers are averaged: the lags cancel (exactly so at a steady
    cutoff, where the average is a filter without phase). Every step takes the time between its two frames, whatever
    the frame rate. Speeds are measured in heights of the person, so that the size of the image does not matter. The
    filter starts anew after each gap. UserError for a clip without 2D.
    """
    points = keypoints_of(clip)
    height = person_height(clip)
    positions = points.astype(np.float64) / height
    steps = np.diff(clip.times)
    # Both ways at once, because the loop over frames costs the same for twice the joints.
    both = np.stack((positions, positions[::-1]), axis=1)  # (frames, 2 ways, joints, 2)
    visible = np.stack((clip.visible, clip.visible[::-1]), axis=1)  # (frames, 2 ways, joints)
    filtered = _filter(both, visible, np.stack((steps, steps[::-1]), axis=1), config)
    averaged = (filtered[:, 0] + filtered[::-1, 1]) / 2 * height
    moved = clip.visible & ~clip.edited
    return replace(clip, keypoints=np.where(moved[..., None], averaged, points).astype(np.float32))


def _filter(
    points: NDArray[np.float64], visible: NDArray[np.bool_], steps: NDArray[np.float64], config: OneEuroConfig
) -> NDArray[np.float64]:
    """points: (frames, ways, joints, 2) heights, visible: (frames, ways, joints), steps: (frames - 1, ways) seconds."""
    step = steps[..., None, None]
    speed_share = _share(config.speed_cutoff_hz, step)
    going_on = (visible[1:] & visible[:-1])[..., None]
    raw_speed = np.where(going_on, np.diff(points, axis=0), 0.0) / step
    out = points.copy()
    speed = np.zeros(points.shape[1:])
    for frame in range(1, len(points)):
        before = frame - 1
        speed = np.where(going_on[before], speed + speed_share[before] * (raw_speed[before] - speed), 0.0)
        size = np.hypot(speed[..., 0], speed[..., 1])[..., None]
        share = _share(config.min_cutoff_hz + config.beta_hz_s_per_height * size, step[before])
        out[frame] = np.where(going_on[before], out[before] + share * (points[frame] - out[before]), points[frame])
    return out


def _share(cutoff_hz: NDArray[np.float64] | float, step: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of a new value against the smoothed ones before it, for a cutoff and the seconds between them."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step))


REFINER = Refiner(
    "one-euro",
    "Smooth (One Euro)",
    "Smooths joints at rest much and quick ones little, forward and backward in time so that nothing lags.",
    smooth_one_euro,
)
