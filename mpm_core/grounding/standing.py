"""Owns when a foot stands: it is slow, and about as low as feet are around that time. Known motion tells for certain, a
lifted one by its odds.

Lifted ankles seem faster than they are, where keypoints tremble several times as fast as feet that stand. How fast feet go by
that the network, which knows them by the pose, tells to stand says how much of a speed is such noise, and how much the odds
are worth that are made of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, median_filter, minimum_filter1d
from scipy.special import expit

from mpm_core.grounding.floor import FEET
from mpm_core.pauses import pieces

_STANDING_M_S = 0.25
"""An ankle that stands is slower. It turns about the ball of the foot, so it is not at rest."""

_STANDING_M = 0.10
"""An ankle that stands is at most so far above where ankles stand."""

_FLOOR_S = 1.0
"""Where feet stand is told by the lowest ankle within so many seconds to either side: floors may be uneven, and no jump
takes longer."""

_SPEED_S = 0.04
"""Speeds are taken from so long before to so long after."""

_SMOOTHING_S = 0.03
"""Standard deviation by which lifted ankles are smoothed."""

_NOISE_SHARE, _LARGEST_NOISE_M_S = 0.25, 0.3
"""Of the time in which feet are told to stand they are slower than what is taken for noise: they do rest in so many frames,
if anything does. Faster than the second they go by because the camera moves (see drifting.py)."""

_SLOW_POWER, _NOISE_OF_SPEED, _NOISE_OF_LIMIT = 2.0, 3.3, 6.8
_HEIGHT_POWER, _HALF_LOW_M, _DOUBT_OF_HEIGHT = 6.2, 0.178, 6.7
_BESIDE, _TOLD_SHARE = 0.1, 0.34
"""The odds that the true ankle is slow, that it is low, and what is added to those of both: a little, since slow feet mostly
are low, and a share of the network's own. Found on training clips (see docs/studies.md), but for the share, which these
cannot tell, since the network knows them."""

_LEAST_SPEED_M_S, _LEAST_HEIGHT_M = 0.01, 0.02
"""Below these nothing changes."""

_HALF_WAY = 0.5
"""Of the way of that time, as far from here as its lowest ankle is, about."""

_SHORTEST_S = 0.06
"""What changes for less than about this time is chance."""


def standing_feet(
    positions: NDArray[np.floating], up: NDArray[np.floating], fps: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """(frames, 2) whether a foot stands, and (frames, 2) metres above where ankles stand; left first.

    positions: (frames, 16, 3) metres where the person is (not from Hip), up: (3,) unit vector in their axes.
    """
    ankles = positions[:, list(FEET)].astype(np.float64)
    above = _above_floor(ankles, up, fps)
    standing = (_speeds(ankles, fps) < _STANDING_M_S) & (above < _STANDING_M)
    size = 2 * round(_SHORTEST_S * fps / 2) + 1
    return median_filter(standing, size=(size, 1), mode="nearest"), above.astype(np.float32)


def contact_odds(
    positions: NDArray[np.floating],
    up: NDArray[np.floating],
    told: NDArray[np.floating],
    hidden: NDArray[np.bool_],
    times: NDArray[np.float64],
    fps: float,
    up_error_deg: float = 0.0,
) -> NDArray[np.float64]:
    """(frames, 2) log odds that a foot of lifted motion stands, by how it moves and by what the network tells.

    told: (frames, 2) the network's log odds, left first; hidden: (frames, 2) whether it was not shown that ankle; times:
    (frames,) seconds, whose pauses part the motion; up_error_deg: by about how much up is off; for the rest see standing_feet.
    """
    parts = pieces(times, fps)
    speeds = np.concatenate([speeds_across(positions[part], fps) for part in parts])
    noise = np.empty(speeds.shape)
    for alike in (hidden, ~hidden):  # an ankle that is guessed may go wrong much faster than one that is seen
        noise[alike] = noise_speed(speeds[alike], told[alike])
    odds = [standing_odds(positions[part], up, fps, noise[part], up_error_deg) + _TOLD_SHARE * told[part] for part in parts]
    return np.concatenate([gaussian_filter1d(part, _SMOOTHING_S * fps, axis=0, mode="nearest") for part in odds])


def noise_speed(speeds: NDArray[np.floating], told: NDArray[np.floating]) -> float:
    """m/s by which ankles of a clip seem to move although their feet rest: what the slower quarter of those that the network
    tells to stand, by log odds (feet,), come to in speeds (feet,) across the line of sight."""
    known = np.isfinite(speeds)
    if not known.any():
        return _LARGEST_NOISE_M_S
    speeds, stands = speeds[known], expit(told[known].astype(np.float64))
    order = np.argsort(speeds)
    so_far = np.cumsum(stands[order])
    return min(float(speeds[order[np.searchsorted(so_far, _NOISE_SHARE * so_far[-1])]]), _LARGEST_NOISE_M_S)


def standing_odds(
    positions: NDArray[np.floating],
    up: NDArray[np.floating],
    fps: float,
    noise: NDArray[np.floating] | float,
    up_error_deg: float = 0.0,
) -> NDArray[np.float64]:
    """(frames, 2) log odds that a foot of lifted motion stands by how it moves, in which how far a joint is away is known much
    worse than where it is seen: only movement across the line of sight counts. noise: (frames, 2) m/s, see noise_speed;
    up_error_deg: by which a level walk seems to climb; for the rest see standing_feet."""
    ankles = _smooth_ankles(positions, fps)
    limit = _STANDING_M_S**2 + _NOISE_OF_LIMIT * noise**2
    speed = np.square(_across(ankles, fps)) + _NOISE_OF_SPEED * noise**2 + _LEAST_SPEED_M_S**2
    is_slow = _SLOW_POWER * np.log(limit / speed)
    climb = np.sin(np.radians(up_error_deg)) * _HALF_WAY * _way(ankles, up, fps)
    height = np.maximum(_above_floor(ankles, up, fps) - climb[:, None], 0) + _LEAST_HEIGHT_M
    is_low = _HEIGHT_POWER / (1 + _DOUBT_OF_HEIGHT * noise) * np.log(_HALF_LOW_M / height)
    return _BESIDE - np.logaddexp(np.logaddexp(-is_slow, -is_low), -is_slow - is_low)  # the odds of both at once


def speeds_across(positions: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(frames, 2) m/s of the ankles of lifted motion across the line of sight, left first; positions: see standing_feet."""
    return _across(_smooth_ankles(positions, fps), fps)


def _smooth_ankles(positions: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    return gaussian_filter1d(positions[:, list(FEET)].astype(np.float64), _SMOOTHING_S * fps, axis=0, mode="nearest")


def _across(ankles: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """See speeds_across; ankles (frames, 2, 3), smoothed."""
    step = np.diff(ankles, axis=0, prepend=ankles[:1])
    ray = ankles / np.maximum(np.linalg.norm(ankles, axis=-1, keepdims=True), 1e-6)
    across = step - (step * ray).sum(-1, keepdims=True) * ray
    return gaussian_filter1d(np.linalg.norm(across, axis=-1) * fps, _SMOOTHING_S / 2 * fps, axis=0, mode="nearest")


def _above_floor(ankles: NDArray[np.float64], up: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(frames, 2) metres above the lowest that ankles (frames, 2, 3) come to around each frame."""
    height = ankles @ np.asarray(up, np.float64)
    floor = minimum_filter1d(height.min(1), 2 * round(_FLOOR_S * fps) + 1, mode="nearest")
    return height - floor[:, None]


def _way(ankles: NDArray[np.float64], up: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(frames,) metres that lie level between ankles (frames, 2, 3) in the time in which the floor is looked for."""
    level = ankles.mean(1)
    level = level - (level @ np.asarray(up, np.float64))[:, None] * up
    size = 2 * round(_FLOOR_S * fps) + 1
    ends = [each(level, size, axis=0, mode="nearest") for each in (minimum_filter1d, maximum_filter1d)]
    return np.linalg.norm(ends[1] - ends[0], axis=-1)


def _speeds(ankles: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """(frames, 2) metres a second."""
    step = max(round(_SPEED_S * fps), 1)
    now = np.arange(len(ankles))
    before, after = np.maximum(now - step, 0), np.minimum(now + step, len(ankles) - 1)
    moved = np.linalg.norm(ankles[after] - ankles[before], axis=-1)
    return moved * fps / np.maximum(after - before, 1)[:, None]
