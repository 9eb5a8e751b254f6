"""Owns finding a camera from points whose world and image places are both known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import rq
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mpm_core.camera import Intrinsics
from mpm_core.errors import UserError

_FEWEST_POINTS = 20
_MOST_POINTS = 3000
_OUTLIER_PX = 5.0


@dataclass(frozen=True)
class CameraFit:
    """rotation (3, 3), translation (3,): world to camera axes. error_px: median distance of the points in the image."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    intrinsics: Intrinsics
    error_px: float


def fit_camera(world: NDArray[np.floating], pixels: NDArray[np.floating]) -> CameraFit:
    """The pinhole camera with square pixels that sees (points, 3) world metres nearest to (points, 2) pixels.

    A direct linear transform (Abdel-Aziz and Karara, 1971) starts a least squares fit that plays down outliers.
    UserError with fewer than 20 points.
    """
    if len(world) < _FEWEST_POINTS:
        raise UserError(f"a camera cannot be fitted to {len(world)} points (at least {_FEWEST_POINTS} are needed)")
    chosen = np.linspace(0, len(world) - 1, min(len(world), _MOST_POINTS)).astype(int)
    places, seen = np.asarray(world[chosen], np.float64), np.asarray(pixels[chosen], np.float64)
    matrix, rotation, translation = _decompose(_direct_linear_transform(places, seen))
    focal = (matrix[0, 0] + matrix[1, 1]) / 2
    turn = Rotation.from_matrix(rotation).as_rotvec()
    start = np.concatenate(([focal, matrix[0, 2], matrix[1, 2]], turn, translation))

    def residuals(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return (_project(p, places) - seen).ravel()

    fit = least_squares(residuals, start, loss="soft_l1", f_scale=_OUTLIER_PX, x_scale="jac")
    error = float(np.median(np.linalg.norm(_project(fit.x, places) - seen, axis=1)))
    focal, x, y = (float(v) for v in fit.x[:3])
    return CameraFit(
        Rotation.from_rotvec(fit.x[3:6]).as_matrix(), fit.x[6:9], Intrinsics((focal, focal), (x, y)), error
    )  # fmt: skip


def _project(parameters: NDArray[np.float64], world: NDArray[np.float64]) -> NDArray[np.float64]:
    focal, centre = parameters[0], parameters[1:3]
    seen = Rotation.from_rotvec(parameters[3:6]).apply(world) + parameters[6:9]
    return seen[:, :2] / seen[:, 2:] * focal + centre


def _direct_linear_transform(world: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 4) projection matrix from at least six points, with both sets moved and scaled for a good condition."""
    to_unit_3d, to_unit_2d = _unit_frame(world), _unit_frame(pixels)
    homogeneous = np.c_[world, np.ones(len(world))] @ to_unit_3d.T
    u, v = (np.c_[pixels, np.ones(len(pixels))] @ to_unit_2d.T)[:, :2].T
    zero = np.zeros_like(homogeneous)
    rows = np.concatenate(
        (np.c_[homogeneous, zero, -u[:, None] * homogeneous], np.c_[zero, homogeneous, -v[:, None] * homogeneous])
    )
    projection = np.linalg.svd(rows, full_matrices=False)[2][-1].reshape(3, 4)
    return np.linalg.inv(to_unit_2d) @ projection @ to_unit_3d


def _unit_frame(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Homogeneous matrix that brings the points' mean to zero and their spread to one."""
    axes = points.shape[1]
    scale = 1 / max(float(points.std()), 1e-9)
    matrix = np.eye(axes + 1) * scale
    matrix[:axes, axes] = -points.mean(0) * scale
    matrix[axes, axes] = 1
    return matrix


def _decompose(projection: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """K, R, t of a projection matrix, with a right-handed R and a positive focal length."""
    matrix, rotation = rq(projection[:, :3])
    signs = np.diag(np.sign(np.diag(matrix)))
    matrix, rotation = matrix @ signs, signs @ rotation
    if np.linalg.det(rotation) < 0:
        projection, rotation = -projection, -rotation
    translation = np.linalg.solve(matrix, projection[:, 3])
    return matrix / matrix[2, 2], rotation, translation
