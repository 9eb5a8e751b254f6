"""Draws what is seen of a video before there is a clip: its frame and everybody who was found."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from app.document.preview import Preview
from app.look.theme import Palette, Theme
from app.views.skeleton_item import SkeletonState, draw_skeleton
from mpm_core.skeleton import MPM16


def draw_preview(painter: QPainter, preview: Preview, rect: QRectF, theme: Theme, palette: Palette) -> None:
    """The video's frame in `rect`, and the people on it."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    scale = rect.width() / preview.size[0]
    place = preview.place
    corner = rect.topLeft() + place.topLeft() * scale
    painter.fillRect(rect, QColor(theme.scene))
    painter.drawImage(QRectF(corner.x(), corner.y(), place.width() * scale, place.height() * scale), preview.picture)
    nothing = np.zeros(len(MPM16), bool)
    for pose in preview.poses:
        points = pose * scale + np.array([rect.x(), rect.y()])
        draw_skeleton(painter, SkeletonState(points, nothing, nothing, np.full_like(points, np.nan)), theme, palette)
