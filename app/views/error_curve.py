"""Draws the curves of an answer over the frames of the timeline, and tells their values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.document.answer_curves import AnswerCurves
from app.look import theme as look
from app.look.theme import Theme
from app.views.time_scale import TimeScale

_MARGIN_PX = 4.0
_LINE_PX = 14.0


def draw_curves(
    painter: QPainter, curves: AnswerCurves | None, scale: TimeScale, rows: tuple[float, float], theme: Theme,
    outdated: NDArray[np.bool_] | None,
) -> None:  # fmt: skip
    """Curves with their names and axis, between two heights; where there are none yet, that they are on their way. outdated:
    (frames,) where they are still those of the answer before, or None."""
    top, bottom = rows[0] + _MARGIN_PX, rows[1] - _MARGIN_PX
    line = min(painter.fontMetrics().height(), _LINE_PX * scale.left / look.LANE_LABEL_WIDTH)
    label = QRectF(6, top - 3, scale.left - 10, line)
    if curves is None:
        painter.setPen(QColor(theme.muted))
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, "lifting …")
        return
    for curve in reversed(curves.curves):
        for values, is_old in renewed_and_old(curve.values, outdated):
            colour = QColor(theme.muted if is_old else getattr(theme, curve.colour))
            _draw_line(painter, values, scale, (top, bottom), curves.highest, colour, is_old)
    lines = [(c.name, getattr(theme, c.colour)) for c in curves.curves if np.isfinite(c.values).any()]
    for n, (text, shade) in enumerate((*lines, (f"0 – {curves.highest:.0f} {curves.unit}", theme.muted))):
        if label.bottom() + n * line <= rows[1] + _MARGIN_PX:
            painter.setPen(QColor(shade))
            painter.drawText(label.translated(0, n * line), Qt.AlignmentFlag.AlignVCenter, text)


def _draw_line(
    painter: QPainter, curve: NDArray[np.floating], scale: TimeScale, rows: tuple[float, float], highest: float,
    colour: QColor, is_old: bool,
) -> None:  # fmt: skip
    """One curve (frames,), dotted where it is old; of so many frames under a pixel the largest value counts."""
    first, last = scale.in_view
    per_point = max(1, int(1 / scale.frame_px))
    first -= first % per_point
    values = highest_of(curve[first:last], per_point)
    x = scale.left + (first + (np.arange(len(values)) + 0.5) * per_point - scale.first) * scale.frame_px
    y = rows[1] - values / highest * (rows[1] - rows[0])
    known = np.isfinite(values) & (x >= scale.left - 1) & (x <= scale.right + 1)
    # Smooth edges of thousands of steep strokes cost more than all the rest, and cannot be seen.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, per_point == 1)
    painter.setPen(QPen(colour, 1.3 if per_point == 1 else 1.0, Qt.PenStyle.DotLine if is_old else Qt.PenStyle.SolidLine))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(np.int8), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        points = [QPointF(*pair) for pair in zip(x[start:end].tolist(), y[start:end].tolist(), strict=True)]
        painter.drawPolyline(points) if len(points) > 1 else painter.drawPoint(points[0])


def renewed_and_old(
    values: NDArray[np.floating], outdated: NDArray[np.bool_] | None
) -> tuple[tuple[NDArray[np.floating], bool], ...]:
    """The values (frames,) of an answer where it is new, and apart where it is still the one before, with whether they are."""
    if outdated is None or len(outdated) != len(values):
        return ((values, False),)
    return (np.where(outdated, np.nan, values), False), (np.where(outdated, values, np.nan), True)


def highest_of(values: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """The highest of every so many values, NaN where none of them is known."""
    if count == 1:
        return values
    padded = np.pad(values, (0, -len(values) % count), constant_values=np.nan).reshape(-1, count)
    return np.fmax.reduce(padded, axis=1)


def describe_curves(curves: AnswerCurves, frame: int) -> str:
    """The values of a frame, for people."""
    known = [c for c in curves.curves if frame < len(c.values) and np.isfinite(c.values[frame])]
    return ",  ".join(f"{curve.name} {curve.values[frame]:.1f} {curves.unit}" for curve in known)
