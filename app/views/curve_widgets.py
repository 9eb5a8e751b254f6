"""Small things that the curves' view is made of: pieces of lines, and buttons with a menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, SignalInstance
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from app.look import theme as look

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


def bar_of(choices: Sequence[QWidget], hint: QWidget, closed: SignalInstance) -> QWidget:
    """What stands above the curves, in place of a title, which would take as much of their height again: choices, a hint, and a
    cross that tells `closed`."""
    bar, cross = QWidget(), QToolButton()
    cross.setText("×")
    cross.setToolTip("Close the curves (V shows them again)")
    cross.clicked.connect(lambda _=False: closed.emit())
    row = QHBoxLayout(bar)
    row.setContentsMargins(look.MARGIN, 4, look.MARGIN, 2)
    for widget in choices:
        row.addWidget(widget)
    row.addWidget(hint, 1)
    row.addWidget(cross)
    return bar
