"""Owns the virtual camera through which a motion file is seen that no camera took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, to_camera
from mpm_core.grounding.up import Direction, up_of_camera
from mpm_core.skeleton import MPM16

_IMAGE_SIZE = (1000, 1000)
_PITCH_DEG = 8.0
_ASIDE_DEG = 30.0
"""How far from straight in front the camera stands: where fewer joints hide one another."""

_NEAREST_M = 3.5
_FILLED = 0.85  # of the picture, at most


@dataclass(frozen=True)
class View:
    """rotation (3, 3), translation (3,): from a world with Y up to camera axes. up: in camera axes."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    intrinsics: Intrinsics
    image_size: tuple[int, int]
    up: Direction


def view_of(positions: NDArray[np.floating], image_size: tuple[int, int] | None = None) -> View:
    """A still camera that sees all of MPM-16 joints (frames, 16, 3) in metres, Y up, NaN where unknown: half from the side
    that the person mostly faces, looking down a little."""
    size = image_size or _IMAGE_SIZE
    assumed = Intrinsics.assumed(size)
    intrinsics = Intrinsics(assumed.focal, assumed.centre)
    backward = _turned(_facing(positions), np.radians(_ASIDE_DEG))
    pitch = np.radians(_PITCH_DEG)
    forward = np.array([-backward[0] * np.cos(pitch), -np.sin(pitch), -backward[2] * np.cos(pitch)])
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack((right, np.cross(forward, right), forward))
    points = positions[np.isfinite(positions).all(-1)].astype(np.float64)
    middle = (points.min(0) + points.max(0)) / 2
    x, y, z = ((points - middle) @ rotation.T).T
    reach = [size[axis] / 2 / intrinsics.focal[axis] * _FILLED for axis in range(2)]
    distance = max(_NEAREST_M, float((np.abs(x) / reach[0] - z).max()), float((np.abs(y) / reach[1] - z).max()))
    translation = np.array([0.0, 0.0, distance]) - rotation @ middle
    return View(rotation, translation, intrinsics, size, up_of_camera(_PITCH_DEG))


def seen_by(view: View, positions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Positions (..., 3) in metres, Y up, in the axes of the view's camera."""
    return to_camera(positions, view.rotation, view.translation)


def _facing(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) unit vector in the plane of the ground, where the person mostly faces."""
    across = np.zeros(len(positions))[:, None] + np.zeros(3)
    for part in ("Hip", "Shoulder"):
        left, right = (positions[:, MPM16.index(side + part)] for side in "LR")
        across = across + np.nan_to_num(left - right)
    front = np.cross(across, [0.0, 1.0, 0.0])
    lengths = np.linalg.norm(front, axis=-1)
    if not (lengths > 0).any():
        return np.array([0.0, 0.0, 1.0])
    mean = (front[lengths > 0] / lengths[lengths > 0, None]).mean(0)
    size = float(np.linalg.norm(mean))
    return mean / size if size > 1e-6 else np.array([0.0, 0.0, 1.0])


def _turned(vector: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """A vector in the plane of the ground turned about Y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * vector[0] + s * vector[2], 0.0, -s * vector[0] + c * vector[2]])
