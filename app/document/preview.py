"""What to show of a video before there is a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage


@dataclass(frozen=True, eq=False)
class Preview:
    """What to show while there is no clip yet. picture: drawn into `place`, in pixels of the video; poses: (people, 16, 2)
    pixels of the video in MPM-16 joints, NaN where there is none. size: (width, height) of the video's frames."""

    picture: QImage
    place: QRectF
    poses: NDArray[np.float64]
    size: tuple[int, int]
