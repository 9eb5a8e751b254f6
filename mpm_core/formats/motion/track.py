"""Owns what every motion file comes down to: the places, and perhaps the axes, of named nodes over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.people import Person


@dataclass(frozen=True)
class Track:
    """Nodes of one skeleton, or markers of one person, over time, in the file's own unit and axes.

    names: one per node. positions: (frames, nodes, 3), NaN where missing. turns: (frames, nodes, 3, 3), whose columns are the
    node's axes, None where the file holds places alone. fps: frames per second, None when the file does not say. unit_m:
    metres per unit, None when the file does not say. usual_up: the axis that points up in most files of this kind. people: all
    of a file that may hold several. completed: (frames, nodes) bool, places that a lifter filled in, None
    where the file tells of none. confidence: (frames, nodes), None where the file has none. notes: what the reader has to say.
    """

    names: tuple[str, ...]
    positions: NDArray[np.float64]
    turns: NDArray[np.float64] | None
    fps: float | None
    unit_m: float | None = None
    usual_up: str = "y"
    people: tuple[Person, ...] = ()
    notes: tuple[str, ...] = ()
    completed: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float64] | None = None


def rotate_in_order(order: Sequence[int], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(frames, 3, 3) products of rotations about the axes `order` (0 x, 1 y, 2 z), left to right, by (frames, len(order))."""
    result = np.broadcast_to(np.eye(3), (len(degrees), 3, 3))
    for axis, angles in zip(order, np.radians(degrees).T, strict=True):
        turn = np.zeros((len(angles), 3, 3))
        one, two = (axis + 1) % 3, (axis + 2) % 3
        turn[:, axis, axis] = 1.0
        turn[:, one, one] = turn[:, two, two] = np.cos(angles)
        turn[:, two, one], turn[:, one, two] = np.sin(angles), -np.sin(angles)
        result = result @ turn
    return result
