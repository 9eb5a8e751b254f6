"""Owns which axis of a motion file points up, as the body in it stands, and turning its track so that Y does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.formats.base import AXES
from mpm_core.formats.motion.track import Track
from mpm_core.skeleton import MPM16

_TO_Y: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)), "-y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "z": ((1, 0, 0), (0, 0, 1), (0, -1, 0)), "-z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "x": ((0, -1, 0), (1, 0, 0), (0, 0, 1)), "-x": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
}  # fmt: skip
"""Rotations that bring each axis to Y."""

# A body whose legs and trunk point along an axis by at least so much, 1 being all of it throughout, and by so much more than
# along any other, stands on the ground that the axis is normal to.
_STANDS, _AHEAD = 0.5, 0.2

# Feet are on the floor within this share of the body's height, and make the usual axis doubtful when they are on another
# axis's floor in so many more frames.
_ON_FLOOR, _MORE_OFTEN = 0.04, 0.3


@dataclass(frozen=True)
class UpAxis:
    """axis: a name of AXES. why: for people."""

    axis: str
    why: str


def direction(axis: str) -> NDArray[np.float64]:
    """(3,) unit vector of an axis."""
    return np.eye(3)["xyz".index(axis[-1])] * (-1 if axis.startswith("-") else 1)


def find_up_axis(joints: NDArray[np.floating], usual: str, told: str | None = None) -> UpAxis:
    """The axis that points away from the ground, of MPM-16 joints (frames, 16, 3) with NaN where unknown.

    told: what a person says. Otherwise the body tells by standing (head over hips over feet), else, when it hardly stands, by
    feet that come back to one floor, else the axis is the usual one.
    """
    if told is not None:
        return UpAxis(told, "as was said")
    stands = _standing(joints)
    along = {axis: float(stands @ direction(axis)) for axis in AXES}
    ranked = sorted(along, key=lambda axis: -along[axis])
    if along[ranked[0]] >= _STANDS and along[ranked[0]] - along[ranked[1]] >= _AHEAD:
        return UpAxis(ranked[0], "as the body stands")
    floors = {axis: _on_floor(joints, axis) for axis in AXES}
    best = max(floors, key=lambda axis: floors[axis])
    if floors[best] > floors[usual] + _MORE_OFTEN:
        return UpAxis(best, "as the feet stand; the body hardly does, so it may be wrong (--up-axis)")
    return UpAxis(usual, "as in most files of this kind; the body does not tell, as it hardly stands (--up-axis)")


def with_y_up(track: Track, axis: str) -> Track:
    """The track turned so that an axis becomes Y."""
    turn = np.array(_TO_Y[axis], np.float64)
    turns = None if track.turns is None else turn @ track.turns @ turn.T
    return replace(track, positions=track.positions @ turn.T, turns=turns)


def _standing(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) mean of the directions of legs and trunk, upwards."""
    at = {name: joints[:, n] for n, name in enumerate(MPM16.joints)}
    chains = [("Thorax", "Hip"), ("Head", "Thorax"), ("LHip", "LAnkle"), ("RHip", "RAnkle")]
    means = []
    for upper, lower in chains:
        bone = at[upper].astype(np.float64) - at[lower]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        known = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
        if known.any():
            means.append((bone[known] / length[known]).mean(0))
    return np.mean(means, axis=0) if means else np.zeros(3)


def extents(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(frames,) diagonal of the box of points (frames, points, axes), NaN where none is known."""
    high, low = (np.where(np.isfinite(points), points, fill).astype(np.float64) for fill in (-np.inf, np.inf))
    sizes = np.linalg.norm(high.max(1) - low.min(1), axis=-1)
    return np.where(np.isfinite(sizes), sizes, np.nan)


def _on_floor(joints: NDArray[np.floating], axis: str) -> float:
    """The share of frames in which the lower foot is on the lowest level that feet come back to."""
    feet = joints[:, list(MPM16.indices(("LAnkle", "RAnkle")))].astype(np.float64)
    feet = feet[np.isfinite(feet).all((1, 2))]
    size = extents(joints)
    if not len(feet) or not np.isfinite(size).any():
        return 0.0
    heights = (feet @ direction(axis)).min(1)
    level = np.percentile(heights, 10)
    return float((np.abs(heights - level) < _ON_FLOOR * np.nanmedian(size)).mean())
