"""Writes curves to files: a picture or a drawing of what is in view, or a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QRectF
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView

from mpm_core.comparison import number_text
from mpm_core.errors import UserError
from mpm_core.files import written_whole

SUFFIXES = {".png": "PNG picture", ".svg": "SVG drawing", ".csv": "CSV table"}
"""What curves can be saved as."""

_PICTURE_SCALE = 2
_DIGITS = 4


def write_picture(path: Path, plot: QGraphicsView, title: str) -> None:
    """What is in view, as a picture with twice the pixels of the screen, or a drawing. UserError where it cannot be written."""
    with written_whole(path) as partial:
        if path.suffix.lower() == ".svg":
            _draw(plot, partial, title)
        else:
            _paint(plot, partial, path)


def _paint(plot: QGraphicsView, place: Path, path: Path) -> None:
    image = QImage(plot.size() * _PICTURE_SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_PICTURE_SCALE)  # a painter that is scaled leaves lines and the key as they are
    painter = QPainter(image)
    plot.render(painter, QRectF(0, 0, plot.width(), plot.height()))
    painter.end()
    writer = QImageWriter(str(place), QByteArray(b"png"))
    if not writer.write(image):
        raise UserError(f"{path}: the picture cannot be written ({writer.errorString()})")


def _draw(plot: QGraphicsView, place: Path, title: str) -> None:
    area = QRectF(0, 0, plot.width(), plot.height())
    drawing = QSvgGenerator()
    drawing.setFileName(str(place))
    drawing.setSize(plot.size())
    drawing.setResolution(plot.logicalDpiX())  # axes, which are kept as pictures, would else be smaller than the curves
    drawing.setViewBox(area)
    drawing.setTitle(title)
    painter = QPainter(drawing)
    plot.render(painter, area)
    painter.end()


def write_table(
    path: Path, columns: Mapping[str, NDArray[np.floating]], times: NDArray[np.float64], frames: tuple[int, int]
) -> None:
    """A row for each of the frames, both ends included, with its number and time; empty cells where a curve has no value."""
    with written_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", "time_s", *columns])
        for frame in range(frames[0], frames[1] + 1):
            cells = [number_text(float(values[frame]), _DIGITS) for values in columns.values()]
            writer.writerow([frame, f"{times[frame]:.6f}", *cells])
