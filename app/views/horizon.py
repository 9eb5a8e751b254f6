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
_BEHIND_ALPHA = 0.6


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
    seen = rect & painter.viewport().toRectF()
    line = _within(to_widget(ends), seen)
    if line is None:
        return
    painter.save()
    painter.setClipRect(rect)
    behind = QColor(theme.base)  # a picture may be as light or as dark as the line
    behind.setAlphaF(_BEHIND_ALPHA)
    painter.setPen(QPen(behind, 3))
    painter.drawLine(*line)
    painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
    painter.drawLine(*line)
    _draw_name(painter, seen, *line, behind)
    painter.restore()


def _within(ends: NDArray[np.float64], seen: QRectF) -> tuple[QPointF, QPointF] | None:
    """The part of a line between two points (2, 2) that is in a rectangle, or None: Qt gives up dashing a line that is much
    longer than what is seen of it."""
    start, step = ends[0], ends[1] - ends[0]
    low, high = np.array([seen.left(), seen.top()]), np.array([seen.right(), seen.bottom()])
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = np.stack((low - start, high - start)) / step  # (2 sides, 2 axes) shares of the way
    along = np.where(step == 0, np.where((low <= start) & (start <= high), [[-np.inf], [np.inf]], np.nan), meets)
    first, last = max(along.min(0).max(), 0.0), min(along.max(0).min(), 1.0)
    if not first < last:
        return None
    one, other = start + first * step, start + last * step
    return QPointF(*one), QPointF(*other)


def _draw_name(painter: QPainter, seen: QRectF, one: QPointF, other: QPointF, behind: QColor) -> None:
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
    painter.fillRect(QRectF(right - size.width() - _GAP_PX, top, size.width() + 2 * _GAP_PX, size.height()), behind)
    painter.drawText(QPointF(right - size.width(), top + painter.fontMetrics().ascent()), _NAME)
