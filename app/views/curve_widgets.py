"""Small things that the curves' view is made of: pieces of lines, and buttons with a menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton

SWATCH = QSize(22, 12)


def swatch(pen: QPen, outline: QPen | None) -> QPixmap:
    """A piece of a line."""
    picture = QPixmap(SWATCH)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    for one in (outline, pen):
        if one is not None:
            painter.setPen(one)
            painter.drawLine(1, SWATCH.height() // 2, SWATCH.width() - 1, SWATCH.height() // 2)
    painter.end()
    return picture


def menu_button(text: str, tip: str) -> QToolButton:
    """One that does nothing but show its menu."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setMenu(QMenu(button))
    return button
