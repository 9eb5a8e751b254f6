"""Owns the picture of a film: the video's frame, or a blank one, with the answer over it as the camera sees it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.document.session import Session
from app.look.theme import Palette, Theme
from app.views.skeleton_item import SkeletonState, draw_skeleton
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_LINES = 480.0
"""Skeletons are drawn as in a view so high, and as much larger as the film is."""

_NEAREST_M = 0.05


class Overlay:
    """Draws into a part of a picture: the whole image of the clip, as large as it fits."""

    def __init__(self, session: Session, theme: Theme, palette: Palette, place: QRectF) -> None:
        assert session.clip is not None
        self._session, self._theme, self._palette = session, theme, palette
        self._clip: Clip = session.clip
        width, height = self._clip.image_size
        scale = min(place.width() / width, place.height() / height)
        size = (width * scale, height * scale)
        self._rect = QRectF(place.center().x() - size[0] / 2, place.center().y() - size[1] / 2, *size)
        self._place = place
        self._larger = place.height() / _LINES

    def draw(self, canvas: QImage, picture: QImage | None) -> None:
        """The frame at hand. picture: of the video, None where it has none."""
        painter = QPainter(canvas)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self._place, QColor(self._theme.window))
        if picture is None:
            painter.fillRect(self._rect, QColor(self._theme.scene))
            painter.setPen(QPen(QColor(self._theme.border), 1))
            painter.drawRect(self._rect.adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.drawImage(self._rect, picture)
        painter.setClipRect(self._place)
        painter.scale(self._larger, self._larger)
        draw_skeleton(painter, self._state(), self._theme, self._palette)
        painter.end()

    def _state(self) -> SkeletonState:
        session, frame = self._session, self._session.frame
        assert session.prediction is not None
        hidden = session.hidden[frame]
        pixels = seen_by_camera(session.prediction, self._clip, frame)
        if not np.isfinite(pixels).any() and self._clip.keypoints is not None:  # nobody was lifted here
            pixels = np.where(self._clip.visible[frame][:, None], self._clip.keypoints[frame], np.nan)
        scale = self._rect.width() / self._clip.image_size[0]
        points = (pixels * scale + np.array([self._rect.x(), self._rect.y()])) / self._larger
        shown = np.where(hidden[:, None], np.nan, points)
        return SkeletonState(shown, hidden, np.zeros(len(MPM16), bool), np.where(hidden[:, None], points, np.nan))


def seen_by_camera(prediction: Prediction, clip: Clip, frame: int) -> NDArray[np.float64]:
    """(16, 2) pixels of the clip's image; NaN in frames in which the camera does not see the whole answer."""
    places = prediction.positions[frame] + prediction.root[frame]
    if not np.isfinite(places).all() or (places[:, 2] <= _NEAREST_M).any():
        return np.full((len(MPM16), 2), np.nan)
    return clip.camera.project(places).astype(np.float64)


def check_overlay(clip: Clip, prediction: Prediction, has_video: bool, where: str) -> None:
    """UserError for an answer of which nobody knows where in which picture it is."""
    if clip.keypoints is None and not has_video:
        raise UserError(f"{where}: holds 3D alone, of no picture: --video names the one to draw it over")
    if not any(np.isfinite(seen_by_camera(prediction, clip, frame)).any() for frame in range(len(clip))):
        raise UserError(f"{where}: nobody knows where its 3D is in front of the camera, so it cannot be drawn over a video")
