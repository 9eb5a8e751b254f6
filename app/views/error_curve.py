"""The error curve of the timeline: what is drawn over the frames, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.document.session import Session
from mpm_core.metrics import reprojection_errors

_TOP_MM = 60.0  # the axis reaches at least so high
_TOP_PX = 20.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One value per frame, NaN where there is none, under a name. colour: the name of one in the theme."""

    name: str
    values: NDArray[np.floating]
    colour: str


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves that share an axis from 0 to `highest`, in `unit`."""

    curves: tuple[Curve, ...]
    highest: float
    unit: str


def curves_of(session: Session) -> Curves | None:
    """Mean error of each frame and of its hidden joints; without ground truth how far the 3D is from the 2D; else None."""
    errors, clip, prediction = session.errors, session.clip, session.prediction
    if errors is not None:
        mean = Curve("MPJPE", _mean_over(errors, np.isfinite(errors)), "curve")
        hidden = Curve("hidden joints", _mean_over(errors, session.hidden), "hidden_curve")
        return _on_one_axis((mean, hidden), _TOP_MM, "mm")
    if clip is None or prediction is None or clip.ground_truth is not None or clip.keypoints is None:
        return None
    apart = reprojection_errors(prediction, clip)
    return _on_one_axis((Curve("reprojection", _mean_over(apart, np.isfinite(apart)), "curve"),), _TOP_PX, "px")


def _on_one_axis(curves: tuple[Curve, ...], lowest_top: float, unit: str) -> Curves:
    tops = [float(np.nanmax(curve.values, initial=0)) for curve in curves]
    return Curves(curves, max(lowest_top, *tops), unit)


def _mean_over(errors: NDArray[np.floating], joints: NDArray[np.bool_]) -> NDArray[np.floating]:
    """(frames,) mean of errors (frames, 16) over the chosen joints that have one, NaN without any."""
    chosen = joints & np.isfinite(errors)
    counts = chosen.sum(1)
    return np.where(counts > 0, np.where(chosen, errors, 0).sum(1) / np.maximum(counts, 1), np.nan)


def renewed_and_old(
    values: NDArray[np.floating], outdated: NDArray[np.bool_] | None
) -> tuple[tuple[NDArray[np.floating], bool], ...]:
    """The values (frames,) of an answer where it is new, and apart where it is still the one before, with whether they are."""
    if outdated is None or len(outdated) != len(values):
        return ((values, False),)
    return (np.where(outdated, np.nan, values), False), (np.where(outdated, values, np.nan), True)


def draw_line(
    painter: QPainter,
    values: NDArray[np.floating],
    frames: tuple[int, int],
    per_pixel: int,
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
    colour: QColor,
    is_old: bool = False,
) -> None:
    """A curve over frames first to last (excluded), dotted where it is old; of so many frames under a pixel the largest value
    counts."""
    first, last = frames
    part = values[first:last]
    if per_pixel > 1:
        padded = np.pad(part, (0, -len(part) % per_pixel), constant_values=np.nan).reshape(-1, per_pixel)
        known = np.any(np.isfinite(padded), axis=1)
        part = np.where(known, np.nanmax(np.where(known[:, None], padded, 0), axis=1), np.nan)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.3, Qt.PenStyle.DotLine if is_old else Qt.PenStyle.SolidLine))
    run: list[QPointF] = []
    for n, value in enumerate(np.append(part, np.nan)):
        if np.isfinite(value):
            run.append(QPointF(x_of(first + (n + 0.5) * per_pixel), y_of(float(value))))
            continue
        if len(run) == 1:
            painter.drawPoint(run[0])
        elif run:
            painter.drawPolyline(run)
        run = []
