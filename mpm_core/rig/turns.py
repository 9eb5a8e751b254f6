"""Owns the rotations that the fitting is made of: frames from two directions, smallest turns, turns about one axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Vectors = NDArray[np.float64]

X, Y, Z = np.eye(3)


def unit(vectors: Vectors) -> Vectors:
    """(..., 3) of length 1; zero stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def frame(side: Vectors, up: Vectors, keeps_side: bool) -> Vectors:
    """(frames, 3, 3) with x to the left side and y up; exactly along `side` or exactly along `up`."""
    x, y = unit(side), unit(up)
    forward = unit(np.cross(x, y))
    if keeps_side:
        y = np.cross(forward, x)
    else:
        x = np.cross(y, forward)
    return np.stack((x, y, forward), axis=-1)


def swing(start: Vectors, end: Vectors) -> Vectors:
    """(frames, 3, 3): the smallest rotations that bring directions (frames, 3) or (3,) onto directions (frames, 3)."""
    start, end = np.broadcast_to(unit(start), end.shape), unit(end)
    cosine = (start * end).sum(-1)
    axis = np.cross(start, end)
    # Opposite directions have no smallest rotation; half a turn about any axis across will do.
    across = unit(np.cross(start, np.eye(3)[np.abs(start).argmin(-1)]))
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), cosine)
    axis = np.where((cosine < -1 + 1e-9)[:, None], across, unit(axis))
    return turn(axis, angle)


def turn(axis: Vectors, angle: Vectors) -> Vectors:
    """(frames, 3, 3): rotations by (frames,) radians about unit vectors (frames, 3) or (3,)."""
    rotations: Vectors = Rotation.from_rotvec(axis * angle[:, None]).as_matrix()
    return rotations


def apply(rotations: Vectors, vectors: Vectors) -> Vectors:
    """(frames, 3, 3) on (frames, 3) or (3,) -> (frames, 3)."""
    return np.einsum("fij,fj->fi", rotations, np.broadcast_to(vectors, (len(rotations), 3)))


def transposed(rotations: Vectors) -> Vectors:
    """The inverse rotations."""
    return np.swapaxes(rotations, -1, -2)
