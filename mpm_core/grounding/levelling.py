"""Owns up as standing feet tell it: a network tells it from poses, one by one, and a floor is level between them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mpm_core.grounding.floor import FEET

_LEAST_STANCES = 3

_LEAST_CONTACT = 0.3
"""Of a foot that is taken to stand: as long as up is wrong, feet that stand seem to hover."""

_SHORTEST_S, _WHOLE_S = 0.06, 0.5
"""A stance counts from so long on, and wholly from so long on: its frames err together."""

_UNEVEN_M, _DEPTH_M = 0.05, 0.3
"""By how much the places of stances are wrong, upwards and along the line of sight (standard deviations)."""

_STEP_M = 0.4
"""What is higher or lower stands on something else."""

_PASSES = 5
_MEDIAN_OF_TWO = math.sqrt(2 * math.log(2))
"""The median length of two errors, in their standard deviations (Rayleigh's distribution)."""

_LARGEST_ERROR_DEG = 30.0

Floats = NDArray[np.floating]


def level_by_feet(
    places: Floats, up: Floats, error_deg: float, contact: Floats, fps: float
) -> tuple[NDArray[np.float64], float]:
    """Up and its error, improved by the places at which feet stand, as far as these tell anything.

    places: (frames, 16, 3) metres where the person is; up: (3,) unit vector, off by about error_deg; contact: (frames, 2)
    probability that a foot stands. The most probable direction, of errors that are normal, by least squares whose weights
    are found anew in each pass (Geman and McClure's): up stays as it is where nobody walks.
    """
    told: NDArray[np.float64] = np.asarray(up, np.float64)
    points, weights = _stances(places, contact, fps)
    if len(points) < _LEAST_STANCES:
        return told, error_deg
    side = np.cross(told, np.eye(3)[np.abs(told).argmin()])
    side /= np.linalg.norm(side)
    turns = np.stack((side, np.cross(told, side)))  # (2, 3)
    told_by = np.eye(2) * (_MEDIAN_OF_TWO / math.radians(min(error_deg, _LARGEST_ERROR_DEG))) ** 2
    rays = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-6)
    found, agrees = told, np.ones(len(points))
    for _ in range(_PASSES):
        weight = weights * agrees / (_UNEVEN_M**2 + np.square(_DEPTH_M * (rays @ found)))
        from_middle = points - weight @ points / weight.sum()
        across = from_middle @ turns.T  # (stances, 2)
        sureness = across.T @ (weight[:, None] * across) + told_by
        turn = np.linalg.solve(sureness, -across.T @ (weight * (from_middle @ told)))
        found = told + turn @ turns
        found /= np.linalg.norm(found)
        agrees = 1 / np.square(1 + np.square(from_middle @ found / _STEP_M))
    left = math.sqrt(float(np.trace(np.linalg.inv(sureness))) / 2)
    return found, min(math.degrees(left * _MEDIAN_OF_TWO), error_deg)


def _stances(places: Floats, contact: Floats, fps: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(stances, 3) metres where a foot stood, and (stances,) how much each counts."""
    points, weights = [], []
    for foot, ankle in enumerate(FEET):
        stands = np.concatenate(([False], contact[:, foot] > _LEAST_CONTACT, [False]))
        changes = np.flatnonzero(stands[1:] != stands[:-1])
        for first, end in zip(changes[::2], changes[1::2], strict=True):
            seconds = (end - first) / fps
            if seconds >= _SHORTEST_S:
                points.append(np.average(places[first:end, ankle].astype(np.float64), axis=0, weights=contact[first:end, foot]))
                weights.append(min(seconds / _WHOLE_S, 1.0))
    return np.array(points).reshape(-1, 3), np.array(weights)
