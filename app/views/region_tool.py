"""The tool that draws a part of the picture to look at: a drag from corner to corner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.look.theme import Theme


class RegionTool:
    """is_on: whether the next drag draws. corners: (2, 2) image pixels of what is drawn, or None."""

    def __init__(self) -> None:
        self.is_on = False
        self.corners: NDArray[np.float64] | None = None

    def begin(self, is_on: bool) -> None:
        """Switch on or off; what was drawn goes away."""
        self.is_on, self.corners = is_on, None

    def press(self, x: float, y: float) -> None:
        self.corners = np.array([[x, y], [x, y]])

    def move(self, x: float, y: float) -> None:
        if self.corners is not None:
            self.corners = np.array([self.corners[0], [x, y]])

    def finish(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, width and height of what was drawn, cut to an image of this size; it stays on show."""
        assert self.corners is not None
        self.is_on = False
        low = np.clip(self.corners.min(0), 0, size).round().astype(int)
        high = np.clip(self.corners.max(0), 0, size).round().astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def draw_region(painter: QPainter, corners: NDArray[np.float64], theme: Theme) -> None:
    """A rectangle between two corners (2, 2), in pixels of the view."""
    painter.setPen(QPen(QColor(theme.accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(QPointF(*corners[0]), QPointF(*corners[1])).normalized())
