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
from mpm_core.runs import runs_of

_MARGIN_PX = 4.0
_LINE_PX = 14.0


def draw_names(
    painter: QPainter, curves: AnswerCurves | None, scale: TimeScale, rows: tuple[float, float], theme: Theme
) -> None:  # fmt: skip
    """The curves' names and axis beside them, between two heights; where there are none yet, that they are on their way."""
    top = rows[0] + _MARGIN_PX
    line = min(painter.fontMetrics().height(), _LINE_PX * scale.left / look.LANE_LABEL_WIDTH)
    label = QRectF(6, top - 3, scale.left - 10, line)
    if curves is None or not curves.curves:
        painter.setPen(QColor(theme.muted))
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, "lifting …" if curves is None else "nothing hidden")
        return
    lines = [(c.name, getattr(theme, c.colour)) for c in curves.curves if np.isfinite(c.values).any()]
    lines.append((f"0 – {curves.highest:.0f} {curves.unit}", theme.muted))
    if curves.beyond:
        lines.append((f"at most {curves.beyond:.0f}", theme.muted))
    for n, (text, shade) in enumerate(lines):
        if label.bottom() + n * line <= rows[1] + _MARGIN_PX:
            painter.setPen(QColor(shade))
            painter.drawText(label.translated(0, n * line), Qt.AlignmentFlag.AlignVCenter, text)


class CurveLines:
    """Draws curves. What they come to on the screen is kept as long as curves and scale are the same: in a long clip that is
    most of the work, and a click only changes where they are old."""

    def __init__(self) -> None:
        self._made_for: tuple[AnswerCurves | None, TimeScale | None] = (None, None)
        self._points: list[NDArray[np.floating]] = []

    def draw(
        self, painter: QPainter, curves: AnswerCurves, scale: TimeScale, rows: tuple[float, float], theme: Theme,
        outdated: NDArray[np.bool_] | None,
    ) -> None:  # fmt: skip
        """Between two heights. outdated: (frames,) where they are still those of the answer before, or None: dotted there."""
        first, last = scale.in_view
        per_point = max(1, int(1 / scale.frame_px))
        first -= first % per_point
        if self._made_for[0] is not curves or self._made_for[1] != scale:
            self._made_for = curves, scale
            self._points = [highest_of(curve.values[first:last], per_point) for curve in curves.curves]
        count = max((len(values) for values in self._points), default=0)
        x = scale.left + (first + (np.arange(count) + 0.5) * per_point - scale.first) * scale.frame_px
        is_old = np.zeros(count, bool)
        if outdated is not None and len(outdated) == scale.frames:
            is_old = highest_of(outdated[first:last].astype(np.float32), per_point) > 0
        top, bottom = rows[0] + _MARGIN_PX, rows[1] - _MARGIN_PX
        # Smooth edges of thousands of steep strokes cost more than all the rest, and cannot be seen.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, per_point == 1)
        for curve, values in reversed(list(zip(curves.curves, self._points, strict=True))):
            y = bottom - np.minimum(values / curves.highest, 1) * (bottom - top)
            known = np.isfinite(values) & (x >= scale.left - 1) & (x <= scale.right + 1)
            wide = 1.3 if per_point == 1 else 1.0
            painter.setPen(QPen(QColor(getattr(theme, curve.colour)), wide))
            _draw_stretches(painter, x, y, known & ~is_old)
            painter.setPen(QPen(QColor(theme.muted), wide, Qt.PenStyle.DotLine))
            _draw_stretches(painter, x, y, known & is_old)


def _draw_stretches(
    painter: QPainter, x: NDArray[np.floating], y: NDArray[np.floating], known: NDArray[np.bool_]
) -> None:  # fmt: skip
    """A line through each stretch of points that are known; a point that stands alone as such."""
    for run in runs_of(known):
        points = [QPointF(*pair) for pair in zip(x[run].tolist(), y[run].tolist(), strict=True)]
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
