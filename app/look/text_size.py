"""Owns the size of all text: the desktop's, or so many per cent of it."""

from __future__ import annotations

from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication, QWidget

TEXT_PERCENTS = (80, 90, 100, 110, 125, 150, 175, 200)

_PROPERTY = "usual_point_size"
_USUAL_LINE_PX = 16.0
"""Of a line of text that the sizes in theme.py are made for."""


def as_percent(stored: object) -> int:
    """What a settings file holds, if it is a size that there is."""
    text = str(stored)
    return int(text) if text.isdigit() and int(text) in TEXT_PERCENTS else 100


def set_text_size(percent: int) -> None:
    """All text of the application at so many per cent of what the desktop has."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    font = app.font()
    if app.property(_PROPERTY) is None:
        app.setProperty(_PROPERTY, font.pointSizeF())
    size = float(app.property(_PROPERTY)) * percent / 100
    if font.pointSizeF() == size:
        return
    font.setPointSizeF(size)
    # Widgets that a style sheet has looked after take no other font until it is put on anew.
    sheet = app.styleSheet()
    app.setStyleSheet("")
    app.setFont(font)
    app.setStyleSheet(sheet)


def line_scale(widget: QWidget) -> float:
    """By how much sizes that hold a line of text grow with a widget's font; never below 1."""
    return max(QFontMetricsF(widget.font()).height() / _USUAL_LINE_PX, 1.0)
