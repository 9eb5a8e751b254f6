"""The horizon on the picture: where what is as high as the camera would be seen, which shows which way up is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.look.theme import Theme
from mpm_core.camera import Intrinsics
from mpm_core.grounding.up import Up

_LONG = 100.0  # image widths to either side: beyond any widget
_NAME = "horizon"
_MARGIN_PX, _GAP_PX = 6.0, 2.0


def horizon_pixels(camera: Intrinsics, up: Up) -> NDArray[np.float64] | None:
    """(2, 2) two far ends of it on the image plane, in pixels; None where the camera looks straight up or down."""
    x, y, z = up.direction
    across = np.hypot(x, y)
    if across < 1e-3:
        return None
    # Rays (u, v) with x u + y v + z = 0: the nearest to the middle, and from there along the line.
    nearest = np.array([x, y]) * (-z / across**2)
    along = np.array([-y, x]) / across
    rays = np.stack((nearest - _LONG * along, nearest + _LONG * along))
    return rays * np.array(camera.focal) + np.array(camera.centre)


def draw_horizon(
    painter: QPainter,
    camera: Intrinsics,
    up: Up,
    rect: QRectF,
    to_widget: Callable[[NDArray[np.floating]], NDArray[np.float64]],
    theme: Theme,
) -> None:
    """Dashed, within the picture's rectangle; nothing where nobody knows of up."""
    ends = None if up.source == "level" else horizon_pixels(camera, up)
    if ends is None:
        return
    (x0, y0), (x1, y1) = to_widget(ends)
    painter.save()
    painter.setClipRect(rect)
    painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))
    _draw_name(painter, rect & painter.viewport().toRectF(), QPointF(x0, y0), QPointF(x1, y1))
    painter.restore()


def _draw_name(painter: QPainter, seen: QRectF, one: QPointF, other: QPointF) -> None:
    """Over the line's right end in what of the picture is seen, or under it where there is no room over it."""
    if one.x() == other.x() or seen.isEmpty():
        return
    size = painter.fontMetrics().boundingRect(_NAME).size()
    right = seen.right() - _MARGIN_PX

    def height_at(x: float) -> float:
        return one.y() + (x - one.x()) / (other.x() - one.x()) * (other.y() - one.y())

    ends = height_at(right), height_at(right - size.width())
    top = min(ends) - size.height() - _GAP_PX
    top = top if top >= seen.top() else max(ends) + _GAP_PX
    painter.drawText(QPointF(right - size.width(), top + painter.fontMetrics().ascent()), _NAME)
