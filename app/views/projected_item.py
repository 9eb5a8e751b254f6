"""Draws the 3D answer back over the picture, as the camera sees it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.look import theme as look
from app.look.theme import Palette, Theme
from mpm_core.clip import Clip
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_NEAREST_M = 0.05
_NEAR_SHARE, _FAR_SHARE = 1.25, 0.75
"""Of a bone's usual width, for the nearest and the farthest one: so it can be seen which arm is in front."""


def projected(prediction: Prediction, clip: Clip, frame: int) -> NDArray[np.float64]:
    """(16, 2) image pixels where the camera sees the answer of a frame; NaN where it does not, or where nobody knows."""
    places = prediction.positions[frame] + prediction.root[frame]
    if clip.keypoints is None or not np.isfinite(places).all() or (places[:, 2] <= _NEAREST_M).any():
        return np.full((len(MPM16), 2), np.nan)
    return clip.camera.project(places).astype(np.float64)


def draw_projected(
    painter: QPainter, points: NDArray[np.float64], depths: NDArray[np.floating], theme: Theme, palette: Palette
) -> None:
    """Bones between points (16, 2) of the view, nearer ones wider and last; depths: (16,) metres along the line of sight."""
    if not np.isfinite(points).all():
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    near, far = float(depths.min()), float(depths.max())
    bones = sorted(MPM16.bones, key=lambda bone: -float(depths[list(bone)].mean()))
    for parent, child in bones:
        share = (far - float(depths[[parent, child]].mean())) / max(far - near, 1e-6)
        width = look.BONE_WIDTH * (_FAR_SHARE + share * (_NEAR_SHARE - _FAR_SHARE))
        for extra, colour in ((2.5, QColor(theme.scene)), (0.0, palette.side(MPM16.side(child)))):
            painter.setPen(QPen(colour, width + extra, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(*points[parent]), QPointF(*points[child]))
