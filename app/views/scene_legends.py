"""The legends that lie over the scene."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.look import theme as look
from app.look.theme import Theme


class ErrorLegend(QWidget):
    """The scale of the error colours."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setFixedSize(190, 40)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(8, 6, self.width() - 16, 9)
        colours = look.error_colours(np.linspace(0, look.LARGEST_ERROR_MM, 64), self.theme)
        step = bar.width() / len(colours)
        for n, colour in enumerate(colours):
            painter.fillRect(
                QRectF(bar.x() + n * step, bar.y(), step + 1, bar.height()), QColor.fromRgbF(*(float(c) for c in colour))
            )
        painter.setPen(QColor(self.theme.text))
        below = QRectF(bar.x(), bar.bottom() + 2, bar.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, f"{look.LARGEST_ERROR_MM / 2:.0f}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"≥ {look.LARGEST_ERROR_MM:.0f} mm")


class SolidityKey(QWidget):
    """Says which skeleton is which."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setFixedSize(210, 22)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = 4.0
        for text, alpha in (("prediction", 1.0), ("ground truth", look.TRUTH_ALPHA)):
            colour = QColor(self.theme.text)
            colour.setAlphaF(alpha)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(x, 8, 18, 6), 3, 3)
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(QRectF(x + 24, 0, 90, 22), Qt.AlignmentFlag.AlignVCenter, text)
            x += 104
