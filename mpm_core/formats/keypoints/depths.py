"""Owns what the third number of joints is: a depth, or a score that goes beyond 1."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

_MOST_LOOKED_AT, _FEWEST_FRAMES, _USUALLY = 200, 5, 0.7
# Bones of a body keep their length in space; with scores in place of depths nothing does. Both as shares of the length.
_LESS_RIGID, _HARDLY_RIGID, _MORE_RIGID, _LOOSE = 1.5, 0.003, 0.7, 0.05
# Places in a picture are hardly ever below zero.
_FEW = 0.01
# A body reaches so far along its depth, on average over time, where that is the axis along which it stands.
_STANDS_ALONG = 0.5
# No body is so flat, in its longest side.
_FLAT = 0.02
# The depth that MediaPipe guesses is zero between the hips, to this share of the body's size.
_AT_HIPS, _MOSTLY = 0.1, 0.8


class Third(Enum):
    """What a third number is. OPEN: the numbers allow both."""

    SCORE, DEPTH, OPEN = range(3)


def third_of(array: NDArray[np.float64]) -> Third:
    """What the third numbers of (..., joints, 3) are, of which some lie beyond 1 or below 0.

    They are depths where distances between joints keep their length better with them than without, where the body stands along
    them, or lies far away; scores where they make no distance keep its length, of joints that may be in a picture. Below zero
    are depths about a joint, mostly, and scores without a limit.
    """
    points = array.reshape(-1, array.shape[-2], 3)
    known = (np.isfinite(points) & (points != 0)).all(-1)
    usual = known.mean(0) > _USUALLY  # a joint that is hardly ever there says nothing, and is to hide no frame
    points = points[known[:, usual].all(1)][:, usual]
    if not points.size:
        return Third.DEPTH
    points = points[:: max(1, len(points) // _MOST_LOOKED_AT)]
    extent = float(np.median(np.ptp(points[..., :2], axis=1).max(-1)))
    flat, solid = _unsteadiness(points[..., :2], extent), _unsteadiness(points, extent)
    is_timed, third = len(points) >= _FEWEST_FRAMES, points[..., 2]
    if is_timed and solid > max(_LESS_RIGID * flat, _HARDLY_RIGID) and np.mean(points[..., :2] < 0) < _FEW:
        return Third.SCORE if solid > _LOOSE or not (third < 0).any() else Third.OPEN
    along = float(np.ptp((third - third.mean(1, keepdims=True)).mean(0)))
    if (third < 0).any() or along > _STANDS_ALONG * extent or third.min() > extent:
        return Third.DEPTH
    return Third.DEPTH if is_timed and solid < _MORE_RIGID * flat else Third.OPEN


def _unsteadiness(points: NDArray[np.float64], extent: float) -> float:
    """By how much the distance of a joint from the joint to which it keeps it best varies, in shares of it; median over joints
    of (frames, joints, axes)."""
    lengths = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    mean = lengths.mean(0)
    varies = np.divide(lengths.std(0), mean, out=np.full(mean.shape, np.inf), where=mean > _FLAT * extent)
    return float(np.median(varies.min(1)))


def is_guessed(points: NDArray[np.float64], hips: Sequence[int]) -> bool:
    """Whether the third of (frames, joints, 3) is a depth by guess beside places in a picture: hardly any, or zero between the
    hips, of which `hips` are the numbers, none where they are not known."""
    known = np.where(np.isfinite(points).all(-1, keepdims=True), points, np.nan)
    known = known[np.isfinite(known[..., 0]).sum(1) > 1]
    if not len(known):
        return True
    reach = np.nanmax(known, axis=1) - np.nanmin(known, axis=1)
    across, depth = reach[:, :2].max(-1), reach[:, 2]
    if float(np.median(depth)) < _FLAT * float(np.median(across)):
        return True
    off = np.abs(known[:, list(hips), 2].mean(1)) / across if hips else np.full(1, np.nan)
    return bool(np.isfinite(off).any()) and bool(np.mean(off[np.isfinite(off)] < _AT_HIPS) > _MOSTLY)
