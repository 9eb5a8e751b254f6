"""Draws what is around the lanes of the timeline: overview, ruler, flags, feet, legend, range and cursor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QImage, QPainter, QPen

from app.document.answer_curves import AnswerCurves
from app.look.theme import Theme
from app.views.keys_lane import draw_key
from app.views.lanes import Rows
from app.views.time_scale import TimeScale
from mpm_core.clip import Clip
from mpm_core.masking import Mask
from mpm_core.pauses import duration, pieces

LegendEntry = tuple[str, QColor | QBrush, Qt.BrushStyle | None]
"""What it means, its colour, and the pattern that is drawn with that over a shown cell, if any."""

KEY_ENTRY = "key"
"""In the legend: what a person has corrected."""

RIGHT_PX = 6.0
"""Beside the frames."""

RULER_TIP = "Drag: go through the frames. Shift+drag: choose a range (Esc lets it go). Wheel: zoom."
OVERVIEW_TIP = "The whole clip. Drag: scroll to another part. Shift+drag: choose a range (Esc lets it go)."
CELL_TIP = "Click: hide or show it here, or over the range. Drag: over more frames. Shift+click: from the last click to here."
JOINT_TIP = "Click: hide or show the joint in this frame, or over the range."
LIMB_TIP = "Click: hide or show the limb in this frame, or over the range. Arrow: its joints."
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
_LABEL_SPACING_PX = 70
_NARROWEST_PX = 3.0
_NEAR_PX = 4.0
_LEAST_SPACING_PX = 34.0
_SWATCH_PX, _SCALE_PX = 12.0, 36.0
_LEGEND_GAP_PX = 14.0
_MORE = "…"
_OVERVIEW_COLUMNS = 300
_GUESSED_ALPHA = 90


def draw_ruler(painter: QPainter, scale: TimeScale, times: NDArray[np.float64] | None, rows: Rows, theme: Theme) -> None:
    """Marks with frame numbers, from 1, as close as they fit; with seconds where `times` (frames,) is given."""
    top, bottom = rows.ruler
    painter.setPen(QColor(theme.muted))
    label = QRectF(6, top, scale.left - 10, bottom - top)
    painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, "Frames ⇄" if times is None else "Seconds ⇄")
    for frame, text in ruler_marks(scale, times):
        x = scale.x_of(frame)
        painter.drawLine(QPointF(x, bottom - 5), QPointF(x, bottom))
        if x + 3 + painter.fontMetrics().horizontalAdvance(text) > scale.right + RIGHT_PX:
            continue  # a number that is cut would be read as another one
        painter.drawText(QRectF(x + 3, top + 1, 80, bottom - top - 3), Qt.AlignmentFlag.AlignVCenter, text)


def clear_beside_cursor(
    painter: QPainter, frame: int, text: str, times: NDArray[np.float64] | None, scale: TimeScale, rows: Rows, theme: Theme
) -> None:  # fmt: skip
    """Take away what of the ruler's numbers the cursor's own would leave: 50 of 150."""
    top, bottom = rows.ruler
    badge, metrics = _badge(painter, frame, text, scale, rows), painter.fontMetrics()
    for place, label in ruler_marks(scale, times):
        written = QRectF(scale.x_of(place) + 3, top + 1, metrics.horizontalAdvance(label) + 1, bottom - top - 6)
        if written.intersects(badge):
            painter.fillRect(written, QColor(theme.panel))


def ruler_marks(scale: TimeScale, times: NDArray[np.float64] | None) -> Iterator[tuple[float, str]]:
    """Where the ruler has marks, and what they say: frames, or seconds where `times` (frames,) is given. Not too close, as many
    seconds of a pause stand at one place."""
    last = -np.inf
    for frame, text in frame_marks(scale) if times is None else second_marks(scale, times):
        x = scale.x_of(frame)
        if scale.left - 1 <= x <= scale.right and x - last >= _LEAST_SPACING_PX:
            last = x
            yield frame, text


def frame_marks(scale: TimeScale) -> list[tuple[float, str]]:
    """Where frame numbers stand, and what they say: the first frame is 1."""
    wanted = _LABEL_SPACING_PX / scale.frame_px
    step = next((s for s in _STEPS if s >= wanted), _STEPS[-1])
    first, last = scale.in_view
    numbers = [1, *range(step, last + 1, step)] if step > 1 else [*range(first + 1, last + 1)]
    return [(number - 1, str(number)) for number in numbers if first <= number - 1 < last]


def second_marks(scale: TimeScale, times: NDArray[np.float64]) -> list[tuple[float, str]]:
    """Where seconds stand: at the frame that is on then."""
    first, last = scale.in_view
    if last - first < 2:
        return [(first, f"{times[first]:.2f} s")]
    begin, end = float(times[first]), float(times[last - 1])
    wanted = (end - begin) / max(scale.width / _LABEL_SPACING_PX, 1)
    step = next((s for s in _STEPS_S if s >= wanted), _STEPS_S[-1])
    seconds = np.arange(np.ceil(begin / step), np.floor(end / step) + 1) * step
    # Between two frames their share, so that marks are evenly spaced.
    frames = np.interp(seconds, times, np.arange(len(times)))
    return [(float(frame), _clock(float(s), step)) for frame, s in zip(frames, seconds, strict=True)]


def _clock(seconds: float, step: float) -> str:
    if seconds >= 60 and step >= 1:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d}"
    return f"{seconds:.1f} s" if step < 1 else f"{seconds:.0f} s"


def draw_labels(painter: QPainter, rows: Rows, unfolded: Collection[str], scale: TimeScale, theme: Theme) -> None:
    """The lanes' names, and whether a limb is unfolded."""
    for lane in rows.lanes:
        painter.setPen(QColor(theme.muted if lane.is_joint else theme.text))
        indent = 26 if lane.is_joint else 20
        box = QRectF(indent, lane.top, scale.left - indent - 4, lane.height)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, lane.label)
        if not lane.is_joint:
            painter.setPen(QColor(theme.muted))
            arrow = "▾" if lane.limb in unfolded else "▸"
            painter.drawText(QRectF(6, lane.top, 14, lane.height), Qt.AlignmentFlag.AlignCenter, arrow)


def draw_pauses(painter: QPainter, after: list[int], scale: TimeScale, rows: Rows, theme: Theme) -> None:
    """A broken line before each frame that comes after a pause."""
    painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DashLine))
    for x in (scale.x_of(frame) for frame in after):
        if scale.left <= x <= scale.right:
            painter.drawLine(QPointF(x, rows.ruler[0]), QPointF(x, rows.feet[1]))


def frames_after_pauses(clip: Clip) -> list[int]:
    """The first frame after each pause of a clip."""
    return [piece.start for piece in pieces(clip.times, clip.fps)[1:]]


def describe_pause(clip: Clip | None, scale: TimeScale, x: float) -> str:
    """The pause that is shown at a place; nothing where there is none."""
    after = [] if clip is None else frames_after_pauses(clip)
    near = next((frame for frame in after if abs(scale.x_of(frame) - x) <= _NEAR_PX), None)
    if clip is None or near is None:
        return ""
    return f"A pause of {duration(clip.times[near] - clip.times[near - 1])} before frame {near + 1}."


def draw_flags(painter: QPainter, flags: NDArray[np.bool_], scale: TimeScale, rows: Rows, theme: Theme, is_old: bool) -> None:
    """A mark over each stretch of frames that deserve a look, grey where they were found in an older answer."""
    top, bottom = rows.flags
    for left, right in scale.stretches(flags, _NARROWEST_PX):
        painter.fillRect(
            QRectF(left, top + 1, right - left, bottom - top - 2), QColor(theme.muted if is_old else theme.warning)
        )


def draw_feet(
    painter: QPainter, curves: AnswerCurves | None, scale: TimeScale, rows: Rows, theme: Theme, palette_name: str
) -> None:
    """When each foot stands: the left one above, the right one below; faint where nobody sees it."""
    stands = None if curves is None else curves.stands
    top, bottom = rows.feet
    middle = (top + bottom) / 2
    painter.setPen(QColor(theme.muted if stands is None else theme.text))
    box = QRectF(20, top, scale.left - 24, bottom - top)
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, "Feet stand")
    ground = QRectF(scale.left, top + 2, scale.width, bottom - top - 4)
    painter.fillRect(ground, QColor(theme.base))
    if stands is None:
        return
    palette = theme.palettes[palette_name]
    for foot, (side, y) in enumerate((("left", top + 2), ("right", middle + 0.5))):
        guessed = np.zeros(len(stands), bool) if curves is None or curves.guessed is None else curves.guessed[:, foot]
        for is_drawn, alpha in ((stands[:, foot] & ~guessed, 255), (stands[:, foot] & guessed, _GUESSED_ALPHA)):
            colour = QColor(palette.side(side))
            colour.setAlpha(alpha)
            for left, right in scale.stretches(is_drawn, 1.0):
                painter.fillRect(QRectF(left, y, right - left, middle - top - 2.5), colour)


def draw_overview(painter: QPainter, hidden: QImage, scale: TimeScale, frame: int, rows: Rows, theme: Theme) -> None:
    """The whole clip in a bar: where something is hidden (see picture_of), what is in view, where the cursor is."""
    top, bottom = rows.overview
    bar = QRectF(scale.left, top + 2, scale.width, bottom - top - 4)
    painter.fillRect(bar, QColor(theme.base))
    painter.drawImage(bar.adjusted(0, 2, 0, -2), hidden)
    to_px = scale.width / max(scale.frames, 1)
    view = QRectF(scale.left + scale.first * to_px, bar.y(), max(scale.count * to_px, 4.0), bar.height())
    painter.setPen(QPen(QColor(theme.accent), 1.0))
    shade = QColor(theme.accent)
    shade.setAlpha(40)
    painter.setBrush(shade)
    painter.drawRect(view)
    x = scale.left + (frame + 0.5) * to_px
    painter.fillRect(QRectF(x - 1, top, 2, bottom - top), QColor(theme.text))


def look_over(mask: Mask) -> NDArray[np.bool_]:
    """(columns,) bool: under which parts of the overview something is hidden by a mask (frames, 16)."""
    edges = np.linspace(0, len(mask), min(_OVERVIEW_COLUMNS, len(mask)) + 1).astype(np.int64)
    rows = np.ascontiguousarray(mask).view(np.uint64)  # 16 joints in two numbers: many frames at once
    return np.logical_or.reduceat(rows[:, 0] | rows[:, 1], edges[:-1])


def picture_of(flags: NDArray[np.bool_], colour: QColor) -> QImage:
    """Flags (columns,) as a picture of one row, transparent where they are not set."""
    pixels = np.where(flags, np.uint32(colour.rgba()), np.uint32(0)).astype(np.uint32)
    return QImage(pixels.tobytes(), len(pixels), 1, 4 * len(pixels), QImage.Format.Format_ARGB32_Premultiplied).copy()


def draw_range(painter: QPainter, chosen: tuple[int, int], scale: TimeScale, rows: Rows, theme: Theme) -> None:
    """The chosen frames: a bar under the ruler, a line at each end, and a light tint between."""
    left, right = max(scale.x_of(chosen[0]), scale.left), min(scale.x_of(chosen[1] + 1), scale.right)
    if right <= left:
        return
    fill = QColor(theme.range_fill)
    top, bottom = rows.ruler[0], rows.feet[1]
    painter.fillRect(QRectF(left, top, right - left, 4), fill)
    for x, frame in ((left, chosen[0]), (right - 1, chosen[1] + 1)):
        if scale.left <= scale.x_of(frame) <= scale.right:
            painter.fillRect(QRectF(x, top, 1, bottom - top), fill)
    fill.setAlpha(26)
    painter.fillRect(QRectF(left, top, right - left, bottom - top), fill)


def draw_cursor(painter: QPainter, frame: int, text: str, scale: TimeScale, rows: Rows, theme: Theme) -> None:
    """A line through the frame at hand, with its number."""
    x = scale.x_of(frame + 0.5)
    if not scale.left - 1 <= x <= scale.right + 1:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.text), 1.4))
    painter.drawLine(QPointF(x, rows.ruler[1]), QPointF(x, rows.feet[1]))
    box = _badge(painter, frame, text, scale, rows)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.accent))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QColor(theme.accent_text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _badge(painter: QPainter, frame: int, text: str, scale: TimeScale, rows: Rows) -> QRectF:
    """Where the number of the frame at hand stands on the ruler."""
    width = painter.fontMetrics().horizontalAdvance(text) + 10
    left = min(max(scale.x_of(frame + 0.5) - width / 2, scale.left), scale.right - width)
    return QRectF(left, rows.ruler[0] + 1, width, rows.ruler[1] - rows.ruler[0] - 2)


def draw_value(painter: QPainter, text: str, frame: int, scale: TimeScale, rows: Rows, theme: Theme) -> None:
    """What the curve has in a frame, beside a line through it."""
    x = scale.x_of(frame + 0.5)
    painter.setPen(QPen(QColor(theme.muted), 1.0, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, rows.curve[0]), QPointF(x, rows.curve[1]))
    width = painter.fontMetrics().horizontalAdvance(text) + 12
    left = x + 6 if x + 6 + width < scale.right else x - 6 - width
    box = QRectF(left, rows.curve[0] + 3, width, 18)
    painter.setPen(QColor(theme.border))
    painter.setBrush(QColor(theme.raised))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QColor(theme.text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def legend_entries(theme: Theme, more: Sequence[tuple[str, QBrush]]) -> Sequence[LegendEntry]:
    """What the colours and stripes mean; what is there for the moment first. more: marks_legend."""
    return (
        *((text, brush, None) for text, brush in more),
        ("shown", QColor(theme.cell), None),
        ("hidden", QColor(theme.hidden_cell), None),
        ("partly", QColor(theme.hidden_cell), Qt.BrushStyle.BDiagPattern),
        (KEY_ENTRY, QColor(theme.cell), None),
        ("not measured", QColor(theme.missing_cell), None),
        ("unsure", QColor(theme.warning), Qt.BrushStyle.FDiagPattern),
        ("a guess, or old", QColor(theme.muted), Qt.BrushStyle.Dense6Pattern),
        ("flagged", QColor(theme.warning), None),
        ("range", QColor(theme.range_fill), None),
    )


def _legend_width(entry: LegendEntry, metrics: QFontMetrics) -> float:
    return _swatch_width(entry) + 5 + metrics.horizontalAdvance(entry[0]) + _LEGEND_GAP_PX


def _swatch_width(entry: LegendEntry) -> float:
    """A scale of colours is so wide that one sees which end is which."""
    return _SCALE_PX if isinstance(entry[1], QBrush) and entry[1].gradient() is not None else _SWATCH_PX


def fitting_entries(entries: Sequence[LegendEntry], metrics: QFontMetrics, scale: TimeScale) -> int:
    """How many of the legend's entries there is room for, with an ellipsis after them unless they are all."""
    ends = np.cumsum([_legend_width(entry, metrics) for entry in entries])
    room = scale.width + _LEGEND_GAP_PX
    if ends[-1] <= room:
        return len(entries)
    return int((ends <= room - _LEGEND_GAP_PX - metrics.horizontalAdvance(_MORE)).sum())


def describe_legend(entries: Sequence[LegendEntry]) -> str:
    """Entries of the legend for a tooltip, each with its colour."""
    lines = []
    for text, colour, _ in entries:
        shade = colour.color() if isinstance(colour, QBrush) else colour
        lines.append(f'<span style="background-color: {shade.name()}">&nbsp;&nbsp;&nbsp;&nbsp;</span>&nbsp;&nbsp;{text}')
    return "<br>".join(lines)


def draw_legend(painter: QPainter, scale: TimeScale, rows: Rows, theme: Theme, entries: Sequence[LegendEntry]) -> None:
    """The entries that there is room for, and an ellipsis for those that there is not."""
    top, bottom = rows.legend
    middle = (top + bottom) / 2
    metrics = QFontMetrics(painter.font())
    count, x = fitting_entries(entries, metrics, scale), scale.left
    for entry in entries[:count]:
        (text, colour, pattern), width, swatch = entry, _legend_width(entry, metrics), _swatch_width(entry)
        box = QRectF(x, middle - 4, swatch, 8)
        if pattern is not None:
            painter.fillRect(box, QColor(theme.cell))
        painter.fillRect(box, QBrush(colour, pattern) if pattern is not None else colour)
        painter.setPen(QPen(QColor(theme.border), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        if text == KEY_ENTRY:
            draw_key(painter, box.center().x(), middle, theme, bottom - top)
        painter.setPen(QColor(theme.muted))
        painter.drawText(QRectF(x + swatch + 5, top, width, bottom - top), Qt.AlignmentFlag.AlignVCenter, text)
        x += width
    if count < len(entries):
        painter.drawText(QRectF(x, top, scale.right - x, bottom - top), Qt.AlignmentFlag.AlignVCenter, _MORE)
