"""Where the picture lies in the image view: filled with the person and following, whole, or as a person has put it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter

from app.look import theme as look
from app.look.theme import Theme
from mpm_core.clip import Clip
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

MODES = ("person", "whole", "free")

_ZOOM_STEP = 1.2
_SMALLEST_ZOOM, _LARGEST_ZOOM = 0.2, 20.0

_PERSON_SHARE = 0.78
"""How much of the view the person takes, across or down, most of the time."""

_WHOLE_SHARE = 0.96
"""How much of it whoever jumps or reaches out takes at most: the calm view goes farther off rather than cut them."""

_NAME_PX = 20
_FAR_OFF = 2.0
"""A person that is for moments so many of their own sizes from where they usually are is somebody else, or nobody."""

_FEW = 0.05
"""Of the frames around: where the person is seen in fewer, nobody is followed."""

_CALM_S = 0.5
"""Standard deviation in time by which the view follows: a step must not shake it."""

_REACH = 3.0  # times that

_LARGEST_SCALE = 6.0
"""Pixels of the view to one of the picture, at most: a person far off becomes no clearer than that."""


class PicturePlace:
    """mode: one of MODES: 'person' (fills the view, which follows), 'whole' or 'free' (zoomed and moved by hand)."""

    def __init__(self) -> None:
        self.mode = "person"
        self._zoom, self._offset = 1.0, QPointF(0, 0)
        self._held: QRectF | None = None

    def reset(self) -> None:
        """What another clip begins with: the person, unless the whole picture is wanted."""
        self.mode = "whole" if self.mode == "whole" else "person"
        self._zoom, self._offset, self._held = 1.0, QPointF(0, 0), None

    @property
    def kept(self) -> tuple[str, float, QPointF]:
        """The mode, by how much the picture is larger than it fits, and where its middle is from the view's, in pixels."""
        return self.mode, self._zoom, self._offset

    def put(self, mode: str, zoom: float, offset: QPointF) -> None:
        """What `kept` gave."""
        self.mode, self._zoom, self._offset = mode, min(max(zoom, _SMALLEST_ZOOM), _LARGEST_ZOOM), offset

    def words(self) -> str:
        """How much of the picture is on show, for people."""
        return {"person": "following the person", "whole": "whole picture", "free": "zoomed by hand"}[self.mode]

    def show_person(self) -> None:
        """The person fills the view."""
        self.mode, self._zoom, self._offset = "person", 1.0, QPointF(0, 0)

    def show_whole(self) -> None:
        """The whole picture."""
        self.mode, self._zoom, self._offset = "whole", 1.0, QPointF(0, 0)

    def hold(self, rect: QRectF | None) -> None:
        """Keep the picture where it is, as while a joint is dragged; None to let it go."""
        self._held = rect

    def rect(self, image: tuple[int, int], view: QSize, person: NDArray[np.float64] | None) -> QRectF:
        """Where an image (width, height) lies in a view. person: (2, 2) corners of the person in image pixels, if known."""
        if self._held is not None:
            return self._held
        fit = min(view.width() / image[0], view.height() / image[1])
        if self.mode == "person" and person is not None:
            size, top = np.maximum(person[1] - person[0], 1.0), look.MARGIN + _NAME_PX  # under what is written there
            room = np.array([view.width(), max(view.height() - top, 1)])
            scale = float((room * _PERSON_SHARE / size).min())
            scale = max(min(scale, _LARGEST_SCALE), fit)
            # In the middle, also at the picture's edge: what leaves the picture is still the person.
            corner = np.array([0, top]) + room / 2 - person.mean(0) * scale
            return QRectF(float(corner[0]), float(corner[1]), image[0] * scale, image[1] * scale)
        scale = fit * self._zoom
        size_px = QPointF(image[0] * scale, image[1] * scale)
        start = QPointF(view.width() / 2, view.height() / 2) + self._offset - size_px / 2
        return QRectF(start.x(), start.y(), size_px.x(), size_px.y())

    def pan(self, step: QPointF, rect: QRectF, view: QSize, image: tuple[int, int]) -> None:
        """Move the picture, from where it is."""
        self._free(rect, view, image)
        self._offset += step

    def zoom(self, steps: float, place: QPointF, rect: QRectF, view: QSize, image: tuple[int, int]) -> None:
        """Zoom about a place of the view, from where the picture is."""
        self._free(rect, view, image)
        zoom = min(max(self._zoom * _ZOOM_STEP**steps, _SMALLEST_ZOOM), _LARGEST_ZOOM)
        from_middle = place - QPointF(view.width() / 2, view.height() / 2)
        self._offset = from_middle - (from_middle - self._offset) * (zoom / self._zoom)
        self._zoom = zoom

    def _free(self, rect: QRectF, view: QSize, image: tuple[int, int]) -> None:
        """Go on by hand from a place of the picture."""
        self.mode = "free"
        self._zoom = rect.width() / image[0] / min(view.width() / image[0], view.height() / image[1])
        self._offset = rect.center() - QPointF(view.width() / 2, view.height() / 2)


def person_box(clip: Clip, frame: int) -> NDArray[np.float64] | None:
    """(2, 2) the corners around the person of a frame in image pixels, calmed over the frames around; None where nobody is
    seen, or only for moments."""
    if clip.keypoints is None:
        return None
    reach = max(int(_CALM_S * _REACH * clip.fps), 1)
    first, last = max(frame - reach, 0), min(frame + reach + 1, len(clip))
    visible = clip.visible[first:last]
    seen = np.flatnonzero(visible.sum(1) > 1)
    if len(seen) < max(_FEW * len(visible), 1):
        return None
    points, there = clip.keypoints[first:last][seen].astype(np.float64), visible[seen][..., None]
    low = np.where(there, points, np.inf).min(1)
    high = np.where(there, points, -np.inf).max(1)
    middles, sizes = (low + high) / 2, high - low
    off = np.linalg.norm(middles - np.median(middles, axis=0), axis=1)
    near = off <= max(_FAR_OFF * float(np.median(sizes.max(1))), float(np.median(off)))
    seen, low, high, middles, sizes = (each[near] for each in (seen, low, high, middles, sizes))
    apart = clip.times[first:last][seen] - clip.times[frame]
    weights = np.exp(-0.5 * (apart / _CALM_S) ** 2)
    if not weights.sum() > 0:
        return None
    weights /= weights.sum()
    middle, size = _now(middles, weights, apart), weights @ sizes
    here = np.flatnonzero(seen == frame - first)
    if len(here):
        farthest = np.maximum(middle - low[here[0]], high[here[0]] - middle)
        size = np.maximum(size, 2 * farthest * _PERSON_SHARE / _WHOLE_SHARE)
    return np.stack((middle - size / 2, middle + size / 2))


def _now(values: NDArray[np.float64], weights: NDArray[np.float64], apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) what values (n, 2) are by a weighted line through them at the time that they are so many seconds `apart` from: at
    the ends of a clip their mean would lag behind whoever walks. Where all lie on one side of that time, at the nearest."""
    mean, mean_time = weights @ values, float(weights @ apart)
    spread = float(weights @ (apart - mean_time) ** 2)
    if spread == 0:
        return mean
    slope = weights @ ((apart - mean_time)[:, None] * (values - mean)) / spread
    return mean + slope * (min(max(0.0, float(apart.min())), float(apart.max())) - mean_time)


def flat_pose(clip: Clip, prediction: Prediction | None, frame: int) -> NDArray[np.floating]:
    """(16, 2) metres from Hip, x right and y down as the camera sees them, of a clip that has no 2D."""
    assert clip.ground_truth is not None
    pose = clip.ground_truth[frame] - np.nan_to_num(clip.ground_truth[frame, MPM16.root])
    if prediction is not None:
        pose = np.where(np.isfinite(pose), pose, prediction.positions[frame])
    return pose[:, :2]


def name_box(text: str, metrics: QFontMetrics) -> QRectF:
    """Where draw_name writes a text."""
    width = metrics.horizontalAdvance(text) + 14
    return QRectF(look.MARGIN, look.MARGIN, width, max(_NAME_PX, metrics.height() + 2))


def draw_name(painter: QPainter, text: str, theme: Theme) -> None:
    """A few words in the corner of the view, readable on any picture."""
    box = name_box(text, painter.fontMetrics())
    ground = QColor(theme.panel)
    ground.setAlpha(200)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(theme.muted))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
