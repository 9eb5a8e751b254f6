"""Draws what lies under the 2D skeleton: a blank image, or the video's frame, dimmed while it is that of another frame."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.look.theme import Theme

_DIM_ALPHA = 165


def draw_backdrop(painter: QPainter, picture: QImage | None, rect: QRectF, is_old: bool, theme: Theme) -> None:
    """The picture, or a blank image where there is none, in a rectangle. is_old: it belongs to another frame."""
    if picture is None:
        painter.fillRect(rect, QColor(theme.scene))
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.drawRect(rect)
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(rect, picture)
    if is_old:
        veil = QColor(theme.scene)
        veil.setAlpha(_DIM_ALPHA)
        painter.fillRect(rect, veil)
