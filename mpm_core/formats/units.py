"""Owns the unit of 3D positions, found by the size of the body."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mpm_core.formats.base import UNITS
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import Skeleton

# From the ankles over knee and hip to the shoulders, or of legs alone to the hips: shares of an adult's height.
_LEG = (("Ankle", "Knee"), ("Knee", "Hip"))
_CHAINS = (((*_LEG, ("Hip", "Shoulder")), 0.75), (_LEG, 0.49))
_USUAL_M = 1.73
# A body this many times larger or smaller than usual is in another unit.
_OFF = 2.2


def to_metres(
    positions: NDArray[np.float64], skeleton: Skeleton, unit: str | None = None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(frames, joints, 3) in metres, and what to say: the unit is the given one, else the one in which the body has a usual
    size. Metres are taken where too little of a body is there to tell."""
    if unit is not None:
        return positions * UNITS[unit], ()
    height = body_height(positions, skeleton)
    if height is None or is_usual(height):
        return positions, ()
    found = usual_unit(height)
    if found is None:
        return positions, (f"the body is {height:.3g} m tall, if its unit is metres (--unit can name another)",)
    tall = height * UNITS[found]
    return positions * UNITS[found], (f"positions taken as {found}, in which the body is about {tall:.2f} m tall",)


def body_height(positions: NDArray[np.float64], skeleton: Skeleton) -> float | None:
    """How tall a body (frames, joints, 3) is in its own unit, by legs and trunk; None where too little is there to tell."""
    mapped = map_to_mpm16(skeleton).apply(np.nan_to_num(positions), np.all(np.isfinite(positions), axis=-1))
    joints = np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float64)
    index = map_to_mpm16(skeleton).target.index
    for chain, share in _CHAINS:
        sides: list[float] = []
        for side in "LR":
            bones = [joints[:, index(side + begin)] - joints[:, index(side + end)] for begin, end in chain]
            lengths = np.linalg.norm(np.stack(bones), axis=-1).sum(0)
            sides += lengths[np.isfinite(lengths)].tolist()
        if sides:
            size = float(np.median(sides))
            return size / share if size > 0 else None
    return None


def is_usual(height_m: float) -> bool:
    """Whether people can be about so tall, as far as it tells units apart."""
    return 1 / _OFF < height_m / _USUAL_M < _OFF


def usual_unit(height: float, units: Mapping[str, float] = UNITS) -> str | None:
    """The unit in which a body of such a height is of a usual one; None when there is none."""
    found = min(units, key=lambda name: abs(np.log(height * units[name] / _USUAL_M)))
    return found if is_usual(height * units[found]) else None
