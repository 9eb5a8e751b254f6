"""Owns up as it follows from things that stand upright in the picture, each marked by a line along it.

The rays of a line span a plane through the camera, and whatever is upright lies in it. One line leaves open how up leans within
its plane: there the direction nearest to what was known before is taken. Planes of several lines meet in up, whose image is
their vanishing point (Hartley & Zisserman, Multiple view geometry, section 8.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.errors import UserError
from mpm_core.grounding.up import Direction
from mpm_core.metrics import angle_deg

_SHORTEST_DEG = 1.5
"""Of a line, as the camera sees it: a shorter one's direction hangs on where exactly it was clicked."""

_LEAST_APART_DEG = 6.0
"""Between the planes of two lines: where they are closer, an error of a pixel in one turns their intersection by far."""

_FARTHEST_DEG = 60.0
"""From what was known of up before: beyond it, something else than an upright was marked."""


@dataclass(frozen=True)
class MarkedUp:
    """direction: up in camera axes. is_fixed: whether the lines say it wholly, or leave its lean along the line of sight."""

    direction: Direction
    is_fixed: bool


def up_of_marks(lines: NDArray[np.floating], camera: Intrinsics, before: Direction) -> MarkedUp:
    """Up from lines (count, 2 ends, 2) in pixels along things that stand upright.

    before: what was known of up until now, for what the lines leave open. UserError for a line that is too short, or lines that
    nothing upright can lie along.
    """
    ends = _unit(np.concatenate((camera.rays(lines), np.ones((*lines.shape[:2], 1))), axis=-1).astype(np.float64))
    normals = np.cross(ends[:, 0], ends[:, 1])  # (count, 3)
    lengths = np.linalg.norm(normals, axis=-1)  # sines of the angles that the lines span
    if lengths.min() < np.sin(np.radians(_SHORTEST_DEG)):
        raise UserError("the line is too short to tell a direction: mark something longer, or zoom in")
    normals /= lengths[:, None]
    widest = max(float(np.linalg.norm(np.cross(one, other))) for one in normals for other in normals)
    is_fixed = widest > np.sin(np.radians(_LEAST_APART_DEG))
    axes = np.linalg.svd(normals)[2]
    known = _unit(np.array(before, np.float64))
    up = axes[2] * np.sign(axes[2] @ known) if is_fixed else known - axes[0] * (axes[0] @ known)
    if not np.any(up) or angle_deg(up, known) > _FARTHEST_DEG:
        raise UserError(
            f"up would be more than {_FARTHEST_DEG:.0f}° from where it is now: mark things that stand upright, or first say by"
            " how much the camera is rolled"
        )
    x, y, z = (float(value) for value in _unit(up))
    return MarkedUp((x, y, z), is_fixed)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
