"""Owns how tall a person is: told by the bones of a body, or said by somebody, within what people can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.skeleton import MPM16

SMALLEST_M, TALLEST_M = 0.3, 2.8
"""Of a person: a newborn who is half as long as others, and somewhat more than the tallest man who was ever measured."""

_SHORTEST_BONE_M, _LONGEST_BONE_M = 0.02, 2.0
"""Of the longest bone of a body, whether a newborn's or a giant's: what is beyond is in another unit."""

_BONES_UPWARD = ("Hip", "Spine", "Thorax", "Head")
_BONES_OF_A_LEG = ("Hip", "Knee", "Ankle")

_ANKLE_HEIGHT = 0.039
"""Of a person's height: from the sole to the ankle, after Drillis & Contini, Body segment parameters, 1966, as in Winter,
Biomechanics and motor control of human movement, figure 4.1. The rest are the bones from ankle to crown, which is where Head
is: in the people of the training motions who stand upright they are as long, one after the other, as the crown is above the
ankles, to within 1 %."""


def stature(positions: NDArray[np.floating], hidden: NDArray[np.bool_] | None = None) -> float | None:
    """Metres from sole to crown of the body that these poses (frames, 16, 3) in metres are of; None where nothing is known.

    Each bone counts with its median length over the frames in which both its ends were not `hidden` (frames, 16), so that
    what is hidden for a while changes nothing; one that is hidden throughout with its median over all frames. A left and a
    right leg count half each. Frames with NaN are left out.
    """
    known = np.isfinite(positions).all((1, 2))
    if not known.any():
        return None
    poses = positions[known]
    seen = np.ones(poses.shape[:2], bool) if hidden is None else ~hidden[known]
    legs = [_length_along([f"{side}{joint}" for joint in _BONES_OF_A_LEG], poses, seen) for side in "LR"]
    above_ankles = _length_along(_BONES_UPWARD, poses, seen) + sum(legs) / 2
    return above_ankles / (1 - _ANKLE_HEIGHT) if above_ankles > 0 else None


def check_height(height_m: float | None, where: str = "") -> None:
    """UserError, which begins with `where`, for a height in metres that no person has; None is no height and passes."""
    if height_m is not None and not SMALLEST_M <= height_m <= TALLEST_M:
        raise UserError(f"{where}a person is {SMALLEST_M:g} to {TALLEST_M:g} m tall, not {height_m:g} m")


def check_metres(positions: NDArray[np.floating], where: str) -> None:
    """UserError, which begins with `where`, for poses (frames, 16, 3), NaN where unknown, whose longest bone no person has."""
    ends = np.array(MPM16.bones)
    lengths = np.linalg.norm(positions[:, ends[:, 0]] - positions[:, ends[:, 1]], axis=-1)
    medians = [float(np.median(bone[known])) for bone in lengths.T if (known := np.isfinite(bone)).any()]
    longest = max(medians, default=0.0)
    if longest > _LONGEST_BONE_M or 0 < longest < _SHORTEST_BONE_M:
        raise UserError(
            f"{where}positions must be in metres: the longest bone is {longest:.3g} long, so they are in another unit"
        )


def _length_along(joints: Sequence[str], poses: NDArray[np.floating], seen: NDArray[np.bool_]) -> float:
    """Metres from the first joint to the last along the bones between them."""
    places = MPM16.indices(joints)
    total = 0.0
    for upper, lower in pairwise(places):
        lengths = np.linalg.norm(poses[:, upper] - poses[:, lower], axis=-1)
        both = seen[:, upper] & seen[:, lower]
        total += float(np.median(lengths[both] if both.any() else lengths))
    return total
