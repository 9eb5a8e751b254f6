"""Owns the unit of 3D positions, found by the size of the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.formats.base import UNITS
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import Skeleton

# From the ankles over knee and hip to the shoulders: three quarters of an adult's height.
_CHAIN = (("Ankle", "Knee"), ("Knee", "Hip"), ("Hip", "Shoulder"))
_USUAL_M = 1.3
# A body this many times larger or smaller than usual is in another unit.
_OFF = 2.2


def to_metres(
    positions: NDArray[np.float64], skeleton: Skeleton, unit: str | None = None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(frames, joints, 3) in metres, and what to say: the unit is the given one, else the one in which the body has a usual
    size. Metres are taken where too little of a body is there to tell."""
    if unit is not None:
        return positions * UNITS[unit], ()
    mapped = map_to_mpm16(skeleton).apply(np.nan_to_num(positions), np.all(np.isfinite(positions), axis=-1))
    joints = np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float64)
    index = map_to_mpm16(skeleton).target.index
    sides = []
    for side in "LR":
        bones = [joints[:, index(side + begin)] - joints[:, index(side + end)] for begin, end in _CHAIN]
        lengths = np.linalg.norm(np.stack(bones), axis=-1).sum(0)
        sides += lengths[np.isfinite(lengths)].tolist()
    size = float(np.median(sides)) if sides else _USUAL_M
    if size <= 0 or 1 / _OFF < size / _USUAL_M < _OFF:
        return positions, ()
    found = min(UNITS, key=lambda name: abs(np.log(size * UNITS[name] / _USUAL_M)))
    if not 1 / _OFF < size * UNITS[found] / _USUAL_M < _OFF:
        return positions, (f"the body is {size / 0.75:.3g} m tall, if its unit is metres (--unit can name another)",)
    height = size * UNITS[found] / 0.75
    return positions * UNITS[found], (f"positions taken as {found}, in which the body is about {height:.2f} m tall",)
