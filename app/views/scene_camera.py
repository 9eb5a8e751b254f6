"""The camera in the scene: a pyramid at the origin, with what it sees in it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.opengl import GLGraphicsItem, GLImageItem, GLLinePlotItem
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QMatrix4x4, QVector3D

from app.look.theme import Theme
from mpm_core.camera import upright
from mpm_core.clip import Clip

_FAR_M = 0.5
_AROUND = 1.3  # the person is wider than the point that is looked at
_PICTURE_PX = 320


class _Picture(GLImageItem):
    """What the camera sees, but for eyes from which it would hide what they look at. axes: (3, 3) the columns half across, half
    down and to its middle, metres."""

    axes = np.eye(3)

    def paint(self) -> None:
        """See GLGraphicsItem.paint."""
        view = self.view()
        eye, looked_at = (np.array(place.toTuple()) for place in (view.cameraPosition(), view.opts["center"]))
        if np.linalg.norm(eye) > _FAR_M and not self._is_between(eye, looked_at):
            super().paint()

    def _is_between(self, eye: NDArray[np.float64], looked_at: NDArray[np.float64]) -> bool:
        """Whether the way from the eye to what it looks at leads through the picture."""
        start, end = np.linalg.solve(self.axes, np.stack((eye, looked_at), axis=1)).T
        if (start[2] - 1) * (end[2] - 1) >= 0:  # both on one side of it
            return False
        through = start + (end - start) * ((1 - start[2]) / (end[2] - start[2]))
        return bool(np.abs(through[:2]).max() < _AROUND)


class CameraPyramid:
    """Drawn when the person's place is known, so that the camera's is too."""

    def __init__(self) -> None:
        self._lines = GLLinePlotItem(mode="lines", antialias=True)
        self._image = _Picture(np.zeros((1, 1, 4), np.uint8), smooth=True)
        self._has_picture = False
        self._size = (1, 1)
        self._drawn: tuple[object, ...] = ()
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = (self._image, self._lines)

    def set_picture(self, picture: QImage | None) -> None:
        """What the camera sees now; None for nothing."""
        self._has_picture = picture is not None
        if picture is None:
            return
        small = picture.scaledToWidth(_PICTURE_PX, Qt.TransformationMode.FastTransformation)  # for every frame of a video
        small = small.convertToFormat(QImage.Format.Format_RGBA8888)
        rows = np.frombuffer(small.constBits(), np.uint8).reshape(small.height(), small.bytesPerLine())
        pixels = rows[:, : 4 * small.width()].reshape(small.height(), small.width(), 4)
        self._image.setData(pixels.copy().transpose(1, 0, 2))
        self._size = (small.width(), small.height())

    def show(self, clip: Clip | None, axes: tuple[NDArray[np.float64], ...] | None, theme: Theme) -> None:
        """With the camera's right, forward and down in the scene; nothing without them."""
        is_known = clip is not None and axes is not None
        self._lines.setVisible(is_known)
        self._image.setVisible(is_known and self._has_picture)
        if clip is None or axes is None:
            return
        drawn = (clip.image_size, clip.camera, self._size, theme.name, *(tuple(axis) for axis in axes))
        if drawn == self._drawn:  # it stands still, whatever the person does
            return
        self._drawn = drawn
        right, forward, down = axes
        across, high = (size / focal for size, focal in zip(clip.image_size, clip.camera.focal, strict=True))
        corners = [
            (forward + sx * across / 2 * right + sy * high / 2 * down) * _FAR_M
            for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        lines = [p for k in range(4) for p in (np.zeros(3), corners[k], corners[k], corners[(k + 1) % 4])]
        self._lines.setData(pos=np.array(lines, np.float32), color=QColor(theme.muted), width=1.0)
        along, downward = right * across * _FAR_M / self._size[0], down * high * _FAR_M / self._size[1]
        self._image.axes = np.column_stack((right * across / 2, down * high / 2, forward)) * _FAR_M
        columns = np.column_stack((along, downward, forward * _FAR_M, corners[0]))
        self._image.setTransform(QMatrix4x4([*(float(v) for v in columns.ravel()), 0.0, 0.0, 0.0, 1.0]))


def eye_of_camera(
    clip: Clip, up: tuple[float, float, float], centre: NDArray[np.float64], shape: float
) -> tuple[float, dict[str, Any]]:
    """The field of view in degrees, and the place as setCameraPosition takes it, that show the camera's whole picture in a view
    of a shape (width to height). centre: (3,) where the person is, which is as far away as what is looked at."""
    _, forward, _ = camera_axes(up)
    reach = float(centre @ forward)
    across, high = (size / focal for size, focal in zip(clip.image_size, clip.camera.focal, strict=True))
    across = max(across, high * shape)  # the field of view counts across the view
    azimuth, elevation = math.degrees(math.atan2(-forward[1], -forward[0])), math.degrees(math.asin(-forward[2]))
    place = {"pos": QVector3D(*(forward * reach)), "distance": reach, "elevation": elevation, "azimuth": azimuth}
    return math.degrees(2 * math.atan(across / 2)), place


@lru_cache(maxsize=8)
def camera_axes(up: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The camera's right, forward and down in the scene."""
    x, y, z = np.moveaxis(upright(np.eye(3), up), -1, 0)
    right, down, forward = np.stack((x, -z, y), axis=-1)
    return right, forward, down
