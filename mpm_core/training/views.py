"""Owns the still cameras of evaluation: known motion seen from a chosen side, pitch and roll, as a clip with ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, to_camera
from mpm_core.clip import Clip
from mpm_core.skeleton import MPM16

_IMAGE = (1000, 1000)
_FOCAL = 1145.0  # Human3.6M's, and open_val's
_MARGIN = 0.9  # of half the image, in which all joints stay


@dataclass(frozen=True)
class Viewpoint:
    """From where a person is seen, degrees: azimuth about the vertical, pitch (down is positive), roll; and metres."""

    azimuth: float
    pitch: float = 8.0
    roll: float = 0.0
    distance: float = 5.0

    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) from world axes, Z up, to camera axes."""
        azimuth, pitch, roll = (math.radians(angle) for angle in (self.azimuth, self.pitch, self.roll))
        forward = np.array([math.cos(azimuth) * math.cos(pitch), math.sin(azimuth) * math.cos(pitch), -math.sin(pitch)])
        right = np.array([math.sin(azimuth), -math.cos(azimuth), 0.0])
        down = np.cross(forward, right)
        c, s = math.cos(roll), math.sin(roll)
        return np.stack((c * right + s * down, c * down - s * right, forward))


def see(world: NDArray[np.floating], fps: float, viewpoint: Viewpoint, source: str = "") -> Clip:
    """Motion (frames, 16, 3) in world metres, Z up, as a still camera sees it that is aimed at the mean of the hips and far
    enough away for all joints to be in its image."""
    rotation = viewpoint.rotation()
    turned = (world - world[:, MPM16.root].mean(0)) @ rotation.T
    # Along the optical axis by as much as the joint needs that would be nearest to the image's border.
    needed = np.abs(turned[..., :2]).max(-1) * _FOCAL / (_MARGIN * _IMAGE[0] / 2) - turned[..., 2]
    distance = max(viewpoint.distance, float(needed.max()))
    truth = to_camera(turned, np.eye(3), np.array([0.0, 0.0, distance]))
    camera = Intrinsics((_FOCAL, _FOCAL), (_IMAGE[0] / 2, _IMAGE[1] / 2))
    up = tuple(float(value) for value in rotation[:, 2])
    return Clip.from_arrays(
        camera.project(truth), _IMAGE, fps, ground_truth=truth, camera=camera, up=(up[0], up[1], up[2]), source=source
    )
