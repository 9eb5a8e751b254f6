"""Owns where the person stands when another pose takes the place of an answer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.camera import solve_root
from mpm_core.pauses import pieces

if TYPE_CHECKING:
    from mpm_core.prediction import Prediction

_SMOOTHING_S = 0.04
_SAME_M = 1e-6


def placed_like(answer: Prediction, positions: NDArray[np.floating]) -> NDArray[np.float32]:
    """(frames, 3) metres in camera axes: Hip of other positions (frames, 16, 3), so that the joints that were visible to an
    answer are where it has them, or else are seen where it has them."""
    visible = ~answer.hidden & np.isfinite(positions).all(-1) & np.isfinite(answer.positions).all(-1)
    apart = np.where(visible[..., None], answer.absolute() - positions, 0)  # where Hip is by each joint
    count = np.maximum(visible.sum(1), 1)[:, None]
    mean = apart.sum(1) / count
    spread = np.where(visible[..., None], np.abs(apart - mean[:, None]), 0).max((1, 2))
    is_same = (spread < _SAME_M * (1 + np.abs(mean).max(1))) & visible.any(1)
    root = np.where(is_same[:, None], mean, answer.root)
    depth = answer.absolute()[..., 2]
    open_frames = ~is_same & np.where(visible, depth > 0, True).all(1) & answer.root.any(1)
    if open_frames.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            rays = np.where(visible[..., None], answer.absolute()[..., :2] / depth[..., None], 0)
        solved = solve_root(np.nan_to_num(positions), rays, visible) - answer.root
        moved = np.where(open_frames[:, None] & np.isfinite(solved), solved, 0)
        for piece in pieces(answer.times, answer.fps):
            smooth = gaussian_filter1d(moved[piece], _SMOOTHING_S * answer.fps, axis=0, mode="nearest")
            root[piece] = np.where(is_same[piece, None], root[piece], answer.root[piece] + smooth)
    return root.astype(np.float32)
