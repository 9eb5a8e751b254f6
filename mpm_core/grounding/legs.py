"""Owns legs that give way: an ankle goes where it is wanted and the knee follows, by the geometry of two bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

LEGS = (MPM16.indices(("LHip", "LKnee", "LAnkle")), MPM16.indices(("RHip", "RKnee", "RAnkle")))
"""Left first, as FEET."""

_STRAIGHT = 0.999
"""Of thigh and shin together, as far as a leg is stretched that was not stretched farther before."""

_LEAST_M = 1e-4

Floats = NDArray[np.floating]


def bend_legs(positions: Floats, moved: Floats) -> NDArray[np.float64]:
    """(frames, 16, 3) metres: the same poses with their ankles moved by (frames, 2, 3) metres, left first.

    Thigh and shin keep their lengths, and the knee stays on the side to which it bends; by as much as it bends more it goes
    forwards, since the side to which a nearly straight leg was lifted is chance, and changes from frame to frame. An ankle out
    of reach goes as far as the leg does.
    """
    bent = positions.astype(np.float64)
    (left_hip, *_), (right_hip, *_) = LEGS
    rightwards = bent[:, right_hip] - bent[:, left_hip]
    rightwards /= np.maximum(_length(rightwards), _LEAST_M)
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        thigh, shin = bent[:, knee] - bent[:, hip], bent[:, ankle] - bent[:, knee]
        before = bent[:, ankle] - bent[:, hip]
        upper, lower = _length(thigh), _length(shin)
        wanted = before + moved[:, foot]
        farthest = np.maximum(_STRAIGHT * (upper + lower), _length(before))
        reach = np.clip(_length(wanted), np.abs(upper - lower) + _LEAST_M, farthest)
        along = wanted / np.maximum(_length(wanted), _LEAST_M)
        down = np.clip((upper**2 + reach**2 - lower**2) / (2 * np.maximum(reach, _LEAST_M)), -upper, upper)
        aside = thigh - (thigh * along).sum(1, keepdims=True) * along
        bends = np.sqrt(upper**2 - down**2)
        aside += np.maximum(bends - _length(aside), 0) * np.cross(rightwards, along)
        aside *= bends / np.maximum(_length(aside), _LEAST_M)
        bent[:, knee] = bent[:, hip] + down * along + aside
        bent[:, ankle] = bent[:, hip] + reach * along
    return bent


def _length(vectors: Floats) -> NDArray[np.float64]:
    """(frames, 1)."""
    return np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
