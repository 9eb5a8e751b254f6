"""Draws corrections on the timeline: a diamond for each key, a line along the frames that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.document.session import Session
from app.look.theme import Theme
from app.views.lanes import Lane
from app.views.time_scale import TimeScale
from mpm_core.runs import runs_of

_HALF_PX = 4.0
_LINE_PX = 2.0
_NEAREST_PX = 3.0
"""Diamonds nearer to each other than this are one."""


def draw_keys(painter: QPainter, session: Session, lanes: Sequence[Lane], scale: TimeScale, theme: Theme) -> None:
    """In all lanes, for the frames in view."""
    clip, (first, last), x_of = session.clip, scale.in_view, scale.x_of
    if clip is None or clip.keys is None or last <= first or not clip.edited[first:last].any():
        return
    painter.save()
    painter.setClipRect(QRectF(scale.left, 0, scale.width, painter.viewport().height()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for lane in lanes:
        columns, middle = list(lane.joints), lane.top + lane.height / 2
        edited = np.any(clip.edited[first:last, columns], axis=1)
        runs = runs_of(edited)
        for colour, width in ((theme.key_edge, 2 * _LINE_PX), (theme.key_mark, _LINE_PX)):
            painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            for run in runs:
                start, end = float(first + run.start), float(first + run.stop)
                painter.drawLine(QPointF(x_of(start), middle), QPointF(x_of(end), middle))
        before = -np.inf
        for frame in np.flatnonzero(np.any(clip.keys[first:last, columns] > 0, axis=1)) + first:
            x = x_of(float(frame) + 0.5)
            if x - before >= _NEAREST_PX:
                before = x
                draw_key(painter, x, middle, theme, lane.height)
    painter.restore()


def draw_key(painter: QPainter, x: float, y: float, theme: Theme, height: float) -> None:
    """A diamond in a lane of some height."""
    half = min(_HALF_PX, height / 2 - 1)
    painter.setPen(QPen(QColor(theme.key_edge), 1.0))
    painter.setBrush(QColor(theme.key_mark))
    corners = ((0.0, -half), (half, 0.0), (0.0, half), (-half, 0.0))
    painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
