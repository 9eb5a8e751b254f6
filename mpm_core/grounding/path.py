"""Owns the path of a person on the ground: moved so that feet that stand do not slide, and stand on one floor.

How far away the person is is known worst, so a standing foot slides to and fro along the line of sight although the keypoints
say where it is across. All frames of a clip are moved at once, by least squares in one banded system: standing ankles keep
their place and height, the movement added is smooth, small across the line of sight and larger along it. The pose itself
stays as it is, and so do flights, in which no foot stands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mpm_core.grounding.standing import FEET

_ALONG_M, _ACROSS_M = 0.08, 0.01
"""By how much the person may be moved along the line of sight and across it (standard deviations)."""

_SHAKE_M_S2 = 3.0
"""Acceleration that may be added."""

_STANDING_M_S = 0.08
"""Speed of an ankle that stands: it turns about the ball of the foot."""

_FLOOR_M = 0.03
"""How level the floor is."""

_STEP_M = 0.15
"""Feet that stand higher or lower than this stand on something else."""

_LEAST_CONTACT = 0.5
"""Frames in which a foot stands less probably do not tell where the floor is."""

_FASTEST_RATE = 1000.0
"""Frames a second that are told apart: beyond it the system has too large and too small numbers side by side."""

_OTHER_PLACE_M = 0.5
"""From one frame to the next; beyond it is another person or another shot."""

Floats = NDArray[np.floating]


def path_correction(places: Floats, up: Floats, contact: Floats, fps: float) -> NDArray[np.float32]:
    """(frames, 3) metres to add to where the person is.

    places: (frames, 16, 3) metres in camera axes; up: (3,) unit vector; contact: (frames, 2) probability that a foot stands.
    """
    frames, fps = len(places), min(fps, _FASTEST_RATE)
    if frames < 3:
        return np.zeros((frames, 3), np.float32)
    ankles = places[:, list(FEET)].astype(np.float64)  # (frames, 2, 3)
    upward = np.asarray(up, np.float64)
    follows = np.linalg.norm(np.diff(places[:, 0], axis=0), axis=-1) < _OTHER_PLACE_M
    own, pull = _prior(places[:, 0].astype(np.float64)), np.zeros((frames, 3))
    _stand_on_floor(own, pull, ankles, upward, contact)
    bands = np.zeros((9, 3 * frames))  # lower ones: row k holds what lies k below the diagonal
    _put_blocks(bands, own)
    _stand_still(bands, pull, ankles, contact, follows, fps)
    _go_smoothly(bands, follows, fps)
    solved = solveh_banded(bands, pull.ravel(), lower=True, overwrite_ab=True, check_finite=False)
    return solved.reshape(frames, 3).astype(np.float32)


def _prior(root: NDArray[np.float64]) -> NDArray[np.float64]:
    """(frames, 3, 3) how surely the person is where the lifter has them."""
    ray = root / np.maximum(np.linalg.norm(root, axis=-1, keepdims=True), 1e-6)
    along = ray[:, :, None] * ray[:, None, :]
    return np.eye(3) / _ACROSS_M**2 + along * (_ALONG_M**-2 - _ACROSS_M**-2)


def _stand_on_floor(
    own: NDArray[np.float64], pull: NDArray[np.float64], ankles: NDArray[np.float64], up: NDArray[np.float64], contact: Floats
) -> None:
    """Standing ankles are as high as standing ankles mostly are."""
    height = ankles @ up  # (frames, 2)
    stands = contact > _LEAST_CONTACT
    if not stands.any():
        return
    above = height - np.median(height[stands])
    weight = np.where(np.abs(above) < _STEP_M, np.square(contact), 0) / _FLOOR_M**2
    own += weight.sum(1)[:, None, None] * np.outer(up, up)
    pull -= (weight * above).sum(1)[:, None] * up


def _put_blocks(bands: NDArray[np.float64], own: NDArray[np.float64]) -> None:
    for column in range(3):
        for row in range(column, 3):
            bands[row - column, column::3] += own[:, row, column]


def _stand_still(
    bands: NDArray[np.float64],
    pull: NDArray[np.float64],
    ankles: NDArray[np.float64],
    contact: Floats,
    follows: NDArray[np.bool_],
    fps: float,
) -> None:
    """From one frame to the next, ankles that stand in both stay where they are."""
    both = np.square(np.minimum(contact[1:], contact[:-1])) * follows[:, None] * (fps / _STANDING_M_S) ** 2  # (frames - 1, 2)
    moved = (both[..., None] * np.diff(ankles, axis=0)).sum(1)
    pull[1:] -= moved
    pull[:-1] += moved
    weight = np.repeat(both.sum(1), 3)
    bands[0, 3:] += weight
    bands[0, :-3] += weight
    bands[3, :-3] -= weight


def _go_smoothly(bands: NDArray[np.float64], follows: NDArray[np.bool_], fps: float) -> None:
    """What is added has little acceleration."""
    weight = np.repeat((follows[1:] & follows[:-1]) * (fps**2 / _SHAKE_M_S2) ** 2, 3)
    for shift, factor in ((0, 1.0), (3, -2.0), (6, 1.0)):
        for other, times in ((0, 1.0), (3, -2.0), (6, 1.0)):
            if other >= shift:
                bands[other - shift, shift : shift + len(weight)] += weight * factor * times
