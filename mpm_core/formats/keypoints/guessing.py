"""Owns guesses of which joint an unknown name may be: by the name, else by where the point lies in a body."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mpm_core.formats.keypoints.naming import joint_of

# Where joints lie in the box of somebody who stands and faces the camera: shares of its width and height from the top left.
_STANDING: Mapping[str, tuple[float, float]] = {
    "Head": (0.5, 0.0), "Nose": (0.5, 0.08), "Thorax": (0.5, 0.18), "RShoulder": (0.2, 0.19), "LShoulder": (0.8, 0.19),
    "RElbow": (0.08, 0.34), "LElbow": (0.92, 0.34), "RWrist": (0.0, 0.48), "LWrist": (1.0, 0.48), "Spine": (0.5, 0.34),
    "Hip": (0.5, 0.5), "RHip": (0.33, 0.51), "LHip": (0.67, 0.51), "RKnee": (0.33, 0.74), "LKnee": (0.67, 0.74),
    "RAnkle": (0.33, 0.97), "LAnkle": (0.67, 0.97),
}  # fmt: skip

# A point that lies farther from where a joint should be, in box sizes, is not guessed.
_FARTHEST = 0.25


def guess_joints(names: Sequence[str], points: NDArray[np.float64]) -> dict[str, str]:
    """Our names for some of a file's: a suggestion for a person to correct, never used unseen.

    points: (people, joints, 2), NaN where missing.
    """
    guesses: dict[str, str] = {}
    for name in names:
        joint = joint_of(name)
        if joint is not None and joint not in guesses.values():
            guesses[name] = joint
    places = _usual_places(points)
    free = [joint for joint in _STANDING if joint not in guesses.values()]
    open_names = [n for n, name in enumerate(names) if name not in guesses and np.isfinite(places[n]).all()]
    if not free or not open_names:
        return guesses
    from scipy.optimize import linear_sum_assignment  # slow to import, and few files need it

    standing = np.array([_STANDING[joint] for joint in free])
    distances = np.linalg.norm(places[open_names][:, None] - standing[None], axis=-1)
    for row, column in zip(*linear_sum_assignment(distances), strict=True):
        if distances[row, column] <= _FARTHEST:
            guesses[names[open_names[row]]] = free[column]
    return guesses


def _usual_places(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(joints, 2) median place of each point in the box of all of its pose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # joints that are never seen
        low, high = np.nanmin(points, axis=1, keepdims=True), np.nanmax(points, axis=1, keepdims=True)
        places = np.nanmedian((points - low) / np.maximum(high - low, 1e-9), axis=0)
    return np.asarray(places, np.float64)
