"""Owns the way from arrays of pixels to Qt's images."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from mpm_core.decoding import Picture, ScreenPicture


def to_image(picture: Picture) -> QImage:
    """A picture (height, width, 3) as an image that owns its pixels."""
    rgb = np.ascontiguousarray(picture)
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()


def to_screen_image(picture: ScreenPicture) -> QImage:
    """The same in the form that is drawn fastest, without a copy: the image holds on to the picture's pixels."""
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, width * 4, QImage.Format.Format_RGB32)


def to_small_image(picture: Picture, longest_px: int) -> QImage:
    """The same, with so many pixels along its longer side at most."""
    step = -(-max(picture.shape[:2]) // longest_px)
    return to_image(picture[::step, ::step])
