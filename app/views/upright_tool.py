"""The tool that marks something upright in the picture: a click on each of its ends, with a line in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.look.theme import Theme

Line = tuple[float, float, float, float]
"""x and y of both ends, in image pixels."""

_END_RADIUS = 4.0
_HINTS = (
    "Click one end of something upright: a door frame, the corner of a wall, a pole",
    "Click its other end",
)


class UprightTool:
    """Where the ends are, while somebody marks them. lines: those marked before that still hold, for comparison."""

    def __init__(self) -> None:
        self.is_on = False
        self._lines: Sequence[Line] = ()
        self._start: tuple[float, float] | None = None
        self._mouse: tuple[float, float] | None = None

    def begin(self, lines: Sequence[Line]) -> None:
        """Wait for the first end."""
        self.is_on, self._lines, self._start, self._mouse = True, lines, None, None

    def end(self) -> None:
        """Mark nothing more."""
        self.is_on, self._start = False, None

    def press(self, x: float, y: float) -> Line | None:
        """A click on an end, in image pixels; the line when it was the second."""
        if self._start is None:
            self._start = self._mouse = (x, y)
            return None
        return (*self._start, x, y)

    def move(self, x: float, y: float) -> None:
        """The mouse is here, in image pixels."""
        self._mouse = (x, y)

    def paint(
        self,
        painter: QPainter,
        area: QRectF,
        to_widget: Callable[[NDArray[np.floating]], NDArray[np.float64]],
        theme: Theme,
    ) -> None:
        """The lines, and at the top of `area` what to do next."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(theme.accent))
        new = [(*self._start, *self._mouse)] if self._start is not None and self._mouse is not None else []
        for line in (*self._lines, *new):
            start, end = (QPointF(*place) for place in to_widget(np.reshape(line, (2, 2))))
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.drawLine(start, end)
            painter.setPen(Qt.PenStyle.NoPen)
            for place in (start, end):
                painter.drawEllipse(place, _END_RADIUS, _END_RADIUS)
        self._paint_hint(painter, area, theme)
        painter.restore()

    def _paint_hint(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        text = f"{_HINTS[self._start is not None]} (Esc: leave it)"
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = area.adjusted(12, 8, -12, 0)
        words = painter.fontMetrics().boundingRect(room.toRect(), int(flags), text)
        words.moveTop(round(room.top()) + 4)
        ground = QColor(theme.window)
        ground.setAlphaF(0.85)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(words).adjusted(-8, -4, 8, 4), 4, 4)
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(words), int(flags), text)
