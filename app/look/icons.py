"""Owns the icons: SVG files in the text colour of the theme."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.look.theme import Theme
from mpm_core.assets import find_asset

_PIXELS = 48


def themed_icon(name: str, theme: Theme) -> QIcon:
    """The icon of that name, with a muted form for what is switched off and a bright one for what is on."""
    icon = QIcon()
    icon.addPixmap(_draw(name, theme.text))
    icon.addPixmap(_draw(name, theme.muted), QIcon.Mode.Disabled)
    icon.addPixmap(_draw(name, theme.accent_text), QIcon.Mode.Normal, QIcon.State.On)
    return icon


def app_icon() -> QIcon:
    """The program's own icon."""
    return QIcon(str(find_asset("icons/mpm-viewer.svg")))


def _draw(name: str, colour: str) -> QPixmap:
    text = find_asset(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    picture = QPixmap(_PIXELS, _PIXELS)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    return picture
