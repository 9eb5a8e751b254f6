"""Owns where the floor is: one height for a clip, under the feet that stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

FEET = MPM16.indices(("LAnkle", "RAnkle"))
"""Left first, as everywhere where feet are told apart by number. There is no toe: a foot is known by its ankle."""

ANKLE_HEIGHT_M = 0.09
"""Of an ankle above the floor that its foot stands on."""

LEAST_CONTACT = 0.5
"""A foot that stands less probably does not tell where the floor is."""

_LOW_SHARE = 0.1
"""Of standing ankles is at most so low as the floor has them: some stand on something, and some frames are wrong."""

Floats = NDArray[np.floating]


def standing_level(heights: Floats, contact: Floats, but_for: float = _LOW_SHARE) -> float | None:
    """Metres of the lowest that ankles (frames, 2) stand at, but for a share of them; None where no foot stands."""
    stands = (contact > LEAST_CONTACT) & np.isfinite(heights)
    if not stands.any():
        return None
    heights, weights = heights[stands], contact[stands]
    order = np.argsort(heights)
    so_far = np.cumsum(weights[order], dtype=np.float64)
    return float(heights[order][np.searchsorted(so_far, but_for * so_far[-1])])


def floor_under(heights: Floats, contact: Floats | None) -> float | None:
    """Metres of the ground, on the scale of the heights that ankles (frames, 2) have; None where it is not known.

    contact: (frames, 2) probability that a foot stands, left first, or None where nobody tells: then the lower foot does.
    """
    if contact is None:
        heights = heights.min(1, keepdims=True)
    level = standing_level(heights, np.ones(heights.shape) if contact is None else contact)
    return None if level is None else level - ANKLE_HEIGHT_M


def ground_under(heights: Floats, contact: Floats | None) -> float | None:
    """The same for a picture or an export, which need some ground: where nobody is told to stand, the lower foot does."""
    floor = floor_under(heights, contact)
    return floor_under(heights, None) if floor is None else floor


def find_floor(places: Floats, up: Floats, contact: Floats | None) -> float | None:
    """Metres along `up` of the ground, so that places @ up - floor is how high joints are; see floor_under.

    places: (frames, 16, 3) metres where the person is; NaN frames are left out. up: (3,) unit vector in their axes.
    """
    return floor_under(places[:, list(FEET)].astype(np.float64) @ np.asarray(up, np.float64), contact)
