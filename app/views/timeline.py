"""The timeline: error curve, a lane per limb that unfolds to joints, hidden cells, range and cursor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.document.session import Session
from app.document.suspicions import sentence_of
from app.look import theme as look
from app.look.theme import Theme
from app.views.error_curve import Curves, curves_of, draw_line, renewed_and_old
from app.views.joint_text import describe_cell
from app.views.lanes import Lane, build_lanes
from mpm_core.pauses import duration, pieces
from mpm_core.skeleton import LIMBS, MPM16
from mpm_core.suspicions import LOW_CONFIDENCE

_ZOOM_STEP = 1.25
_FEWEST_FRAMES = 12
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_LABEL_SPACING_PX = 70
_NEAR_PX = 4
_MOST_FRAMES_AT_ONCE = 3000
_CURVES_WAIT_MS = 150


class Timeline(QWidget):
    """Draws the whole clip over time. Signals tell what the mouse did; it changes nothing by itself."""

    frame_chosen = Signal(int)
    range_chosen = Signal(int, int)
    cell_pressed = Signal(tuple, int, bool)  # joints, frame, with Shift
    cell_dragged = Signal(tuple, int, int)  # joints, from frame, to frame
    limb_clicked = Signal(tuple, bool)  # joints, with Shift
    span_changed = Signal(float, float)  # first frame in view, and how many

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.theme = theme
        self.palette_name = "field"
        self._unfolded: set[str] = set()
        self._first, self._count = 0.0, 1.0  # what is in view, in frames
        self._dragging = ""
        self._drag_start = 0
        self._painted: tuple[tuple[int, ...], int] | None = None
        self._picture: QImage | None = None
        self._picture_key: tuple[object, ...] = ()
        self._curves: Curves | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        session.clip_changed.connect(self.show_all)
        for signal in (
            session.frame_changed, session.range_changed, session.flags_changed, session.renewal.changed,
            session.suspicions.changed,
        ):  # fmt: skip
            signal.connect(self.update)
        self._curves_due = QTimer(self)
        self._curves_due.setSingleShot(True)
        self._curves_due.timeout.connect(self._forget_curves)
        session.prediction_changed.connect(self._renew_curves)
        session.camera_changed.connect(self._forget_curves)
        for signal in (session.mask_changed, session.keypoints_changed, session.threshold_changed):
            signal.connect(self._renew_picture)
        for signal in (session.options_changed, session.truth_changed):
            signal.connect(self._forget_picture)

    def sizeHint(self) -> QSize:
        return QSize(900, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(400, self._height())

    def _height(self) -> int:
        lanes = self.lanes()
        return int(lanes[-1].top + lanes[-1].height + 4)

    def show_all(self) -> None:
        """The whole clip in view."""
        self._first, self._count = 0.0, float(max(len(self._session), 1))
        self._forget_picture()
        self.span_changed.emit(self._first, self._count)

    def show_span(self, first: float, count: float) -> None:
        """Bring so many frames into view, from one on."""
        if (first, count) != (self._first, self._count):
            self._count = min(max(count, 1.0), float(max(len(self._session), 1)))
            self._scroll_to(first)

    @property
    def in_view(self) -> tuple[float, float, frozenset[str]]:
        """The first frame in view, how many are, and the limbs that are unfolded."""
        return self._first, self._count, frozenset(self._unfolded)

    def show_frames(self, first: float, count: float, unfolded: Iterable[str]) -> None:
        """What in_view gave, as far as this clip has it."""
        self._unfolded = set(unfolded) & set(LIMBS)
        frames = len(self._session)
        self._count = float(min(max(count, min(_FEWEST_FRAMES, frames)), frames))
        self.updateGeometry()
        self._scroll_to(first)

    def _forget_picture(self, *_: object) -> None:
        self._picture = None
        self._forget_curves()

    def _renew_picture(self, *_: object) -> None:
        self._picture = None
        self._renew_curves()
        self.update()

    def _renew_curves(self) -> None:
        """At once for a short clip; for a long one, whose curves take a while, when the answers no longer come one by one."""
        if len(self._session) <= _MOST_FRAMES_AT_ONCE or self._session.prediction is None:
            self._forget_curves()
        else:
            self._curves_due.start(_CURVES_WAIT_MS)

    def _forget_curves(self) -> None:
        self._curves = None
        self.update()

    def lanes(self) -> list[Lane]:
        """The rows from top to bottom."""
        return build_lanes(self._unfolded)

    def _area(self) -> QRectF:
        """Where frames are drawn, right of the labels."""
        return QRectF(look.LANE_LABEL_WIDTH, 0, max(self.width() - look.LANE_LABEL_WIDTH - 6, 1), self.height())

    def x_of(self, frame: float) -> float:
        """The left edge of a frame's cell."""
        area = self._area()
        return area.x() + (frame - self._first) / self._count * area.width()

    def frame_at(self, x: float) -> int:
        """The frame under a place, within the clip."""
        area = self._area()
        frame = int(np.floor(self._first + (x - area.x()) / area.width() * self._count))
        return max(0, min(frame, len(self._session) - 1))

    def _lane_at(self, y: float) -> Lane | None:
        return next((lane for lane in self.lanes() if lane.top <= y < lane.top + lane.height), None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.panel))
        if not len(self._session):
            return
        self._draw_range(painter)
        self._draw_cells(painter)
        self._draw_labels(painter)
        self._draw_curve(painter)
        self._draw_ruler(painter)
        self._draw_pauses(painter)
        self._draw_flags(painter)
        self._draw_cursor(painter)

    def _draw_range(self, painter: QPainter) -> None:
        if self._session.range is None:
            return
        first, last = self._session.range
        fill = QColor(self.theme.range_fill)
        box = QRectF(self.x_of(first), 0, self.x_of(last + 1) - self.x_of(first), self.height()) & self._area()
        fill.setAlpha(46)
        painter.fillRect(box, fill)
        painter.fillRect(QRectF(box.x(), 0, box.width(), 4), QColor(self.theme.range_fill))

    def _draw_cells(self, painter: QPainter) -> None:
        """All lanes as one small picture, a column per pixel, so that long clips cost no more than short ones."""
        area, lanes = self._area(), self.lanes()
        key = (self._first, self._count, area.width(), len(lanes), self.theme.name, self.palette_name)
        if self._picture is None or key != self._picture_key:
            self._picture, self._picture_key = self._make_picture(lanes, int(area.width())), key
        for row, lane in enumerate(lanes):
            target = QRectF(area.x(), lane.top + 2, area.width(), lane.height - 4)
            painter.drawImage(target, self._picture, QRectF(0, row, self._picture.width(), 1))
            if lane.is_joint:
                self._hatch(painter, self._doubtful(lane.joints[0]), lane.top + 2, lane.height - 4)

    def _make_picture(self, lanes: list[Lane], width: int) -> QImage:
        """(lanes, width) pixels: the cell of the frames under each column; any hidden frame shows."""
        edges = np.clip(self._first + np.arange(width + 1) / width * self._count, 0, len(self._session)).astype(int)
        start, end = edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)
        start = np.minimum(start, len(self._session) - 1)
        masked, missing = self._session.mask, self._session.missing & ~self._session.mask
        pixels = np.zeros((len(lanes), width, 4), np.uint8)
        for row, lane in enumerate(lanes):
            columns = list(lane.joints)
            hidden = _share_hidden(masked[:, columns], start, end)
            lost = _share_hidden(missing[:, columns], start, end)
            shown = 255 * look.rgb(self._cell_colour(lane))
            dark, amber = (255 * look.rgb(QColor(c)) for c in (self.theme.hidden_cell, self.theme.missing_cell))
            colour = shown + (amber - shown) * lost[:, None]
            colour = colour + (dark - colour) * hidden[:, None]
            pixels[row, :, :3], pixels[row, :, 3] = colour, 255
        picture = QImage(pixels.tobytes(), width, len(lanes), width * 4, QImage.Format.Format_RGBA8888)
        return picture.copy()

    def _cell_colour(self, lane: Lane) -> QColor:
        """The side's colour, muted by the theme's cell colour."""
        side = self.theme.palettes[self.palette_name].side(MPM16.side(lane.joints[-1]))
        cell = QColor(self.theme.cell)
        mix = 0.55 * look.rgb(side) + 0.45 * look.rgb(cell)
        return QColor.fromRgbF(*(float(c) for c in mix))

    def _doubtful(self, joint: int) -> NDArray[np.bool_]:
        """(frames,) where the detector was unsure of a joint."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return np.zeros(len(self._session), bool)
        return clip.visible[:, joint] & (clip.confidence[:, joint] < LOW_CONFIDENCE)

    def _guessed(self) -> NDArray[np.bool_]:
        """(frames,) where the lifter saw nothing within its whole window."""
        prediction = self._session.prediction
        return np.zeros(len(self._session), bool) if prediction is None else prediction.is_prior_only

    def _hatch(self, painter: QPainter, flags: NDArray[np.bool_], top: float, height: float) -> None:
        """Hatch the flagged stretches that are in view."""
        first, last = int(self._first), min(int(self._first + self._count) + 1, len(flags))
        steps = np.flatnonzero(np.diff(np.concatenate(([0], flags[first:last].astype(np.int8), [0]))))
        brush = QBrush(QColor(self.theme.warning), Qt.BrushStyle.BDiagPattern)
        for a, b in zip(steps[::2], steps[1::2], strict=True):
            x = self.x_of(first + int(a))
            painter.fillRect(QRectF(x, top, self.x_of(first + int(b)) - x, height) & self._area(), brush)

    def event(self, event: QEvent) -> bool:
        """Explain what is hatched under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._explain(event.pos().x(), event.pos().y()), self)
            return True
        return super().event(event)

    def _explain(self, x: float, y: float) -> str:
        if not len(self._session) or x < look.LANE_LABEL_WIDTH:
            return ""
        frame, lane, clip = self.frame_at(x), self._lane_at(y), self._session.clip
        near = next((after for after in self._after_pauses() if abs(self.x_of(after) - x) <= _NEAR_PX), None)
        if near is not None and clip is not None:
            return f"A pause of {duration(clip.times[near] - clip.times[near - 1])} before frame {near}."
        if lane is not None:
            return describe_cell(self._session, lane.joints, frame, lane.label)
        found = self._session.suspicions.at(frame) if y < look.RULER_HEIGHT else ()
        if found:
            return "\n".join(sentence_of(item) for item in found)
        if y < look.RULER_HEIGHT and self._session.flags[frame]:
            return f"Frame {frame}: left and right were exchanged back here, or may have to be."
        if lane is None and self._guessed()[frame]:
            return f"Frame {frame}: no joint is visible for a second around, so the pose is a guess."
        return ""

    def _draw_labels(self, painter: QPainter) -> None:
        for lane in self.lanes():
            painter.setPen(QColor(self.theme.muted if lane.is_joint else self.theme.text))
            indent = 26 if lane.is_joint else 20
            box = QRectF(indent, lane.top, look.LANE_LABEL_WIDTH - indent - 4, lane.height)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, lane.label)
            if not lane.is_joint:
                painter.setPen(QColor(self.theme.muted))
                arrow = "▾" if lane.limb in self._unfolded else "▸"
                painter.drawText(QRectF(6, lane.top, 14, lane.height), Qt.AlignmentFlag.AlignCenter, arrow)

    def _draw_curve(self, painter: QPainter) -> None:
        """Mean error of each frame, and of its hidden joints; hatched where the pose is a guess."""
        self._hatch(painter, self._guessed(), look.RULER_HEIGHT + 2.0, look.CURVE_HEIGHT - 4.0)
        top, bottom = look.RULER_HEIGHT + 4.0, look.RULER_HEIGHT + look.CURVE_HEIGHT - 4.0
        label = QRectF(6, top - 4, look.LANE_LABEL_WIDTH - 10, 16)
        if self._curves is None:
            self._curves = curves_of(self._session)
        if self._curves is None:
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, "lifting …")
            return
        shown = self._curves
        frames = max(int(self._first), 0), min(int(np.ceil(self._first + self._count)), len(self._session))
        per_pixel = max(1, int(self._count / self._area().width()))
        for curve in reversed(shown.curves):
            for values, is_old in renewed_and_old(curve.values, self._session.renewal.marks):
                colour = QColor(self.theme.muted if is_old else getattr(self.theme, curve.colour))
                draw_line(
                    painter, values, frames, per_pixel, self.x_of,
                    lambda value: bottom - value / shown.highest * (bottom - top), colour, is_old,
                )  # fmt: skip
        for n, curve in enumerate(curve for curve in shown.curves if np.isfinite(curve.values).any()):
            painter.setPen(QColor(getattr(self.theme, curve.colour)))
            painter.drawText(label.translated(0, 16 * n), Qt.AlignmentFlag.AlignVCenter, curve.name)
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(label.translated(0, 32), Qt.AlignmentFlag.AlignVCenter, f"0 – {shown.highest:.0f} {shown.unit}")

    def _draw_flags(self, painter: QPainter) -> None:
        """A mark on the ruler over each stretch of frames that deserve a look."""
        flags = self._session.flags
        if len(self._session.suspicions.marks) == len(flags):
            flags = flags | self._session.suspicions.marks
        first, last = max(int(self._first), 0), min(int(self._first + self._count) + 1, len(flags))
        steps = np.flatnonzero(np.diff(np.concatenate(([0], flags[first:last].astype(np.int8), [0]))))
        for start, end in zip(steps[::2], steps[1::2], strict=True):
            left, right = self.x_of(first + int(start)), self.x_of(first + int(end))
            mark = QRectF(left, look.RULER_HEIGHT - 4, max(right - left, 3), 4) & self._area()
            painter.fillRect(mark, QColor(self.theme.muted if self._session.suspicions.is_outdated else self.theme.warning))

    def _draw_pauses(self, painter: QPainter) -> None:
        """A broken line before each frame that comes after a pause."""
        painter.setPen(QPen(QColor(self.theme.text), 1, Qt.PenStyle.DashLine))
        for frame in self._after_pauses():
            x = self.x_of(frame)
            if self._area().x() <= x <= self._area().right():
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _after_pauses(self) -> list[int]:
        clip = self._session.clip
        return [] if clip is None else [piece.start for piece in pieces(clip.times, clip.fps)[1:]]

    def _draw_ruler(self, painter: QPainter) -> None:
        """Frame numbers, as close as they fit."""
        area = self._area()
        wanted = self._count * _LABEL_SPACING_PX / area.width()
        step = next((s for s in _STEPS if s >= wanted), _STEPS[-1])
        painter.setPen(QColor(self.theme.muted))
        for frame in range(int(np.ceil(self._first / step)) * step, int(self._first + self._count) + 1, step):
            x = self.x_of(frame)
            if x < area.x() - 1:
                continue
            painter.drawLine(QPointF(x, look.RULER_HEIGHT - 5), QPointF(x, look.RULER_HEIGHT))
            painter.drawText(QRectF(x + 3, 2, 80, look.RULER_HEIGHT - 4), Qt.AlignmentFlag.AlignVCenter, str(frame))

    def _draw_cursor(self, painter: QPainter) -> None:
        frame = self._session.frame
        x = self.x_of(frame + 0.5)
        if not self._area().x() - 1 <= x <= self._area().right() + 1:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.theme.text), 1.4))
        painter.drawLine(QPointF(x, look.RULER_HEIGHT), QPointF(x, self.height()))
        text = str(frame)
        width = QFontMetrics(self.font()).horizontalAdvance(text) + 10
        left = min(max(x - width / 2, self._area().x()), self._area().right() - width)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.accent))
        painter.drawRoundedRect(QRectF(left, 2, width, look.RULER_HEIGHT - 3), 3, 3)
        painter.setPen(QColor(self.theme.accent_text))
        painter.drawText(QRectF(left, 2, width, look.RULER_HEIGHT - 3), Qt.AlignmentFlag.AlignCenter, text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not len(self._session) or event.button() != Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        lane = self._lane_at(y)
        if x < look.LANE_LABEL_WIDTH:
            if lane is not None and not lane.is_joint and x < 22:
                self.toggle_limb(lane.limb)
            elif lane is not None:
                self.limb_clicked.emit(lane.joints, has_shift)
            return
        frame = self.frame_at(x)
        self._drag_start = frame
        if lane is None:
            self._dragging = "range" if has_shift else "cursor"
            (self.range_chosen.emit(frame, frame) if has_shift else self.frame_chosen.emit(frame))
        else:
            self._dragging, self._painted = "cells", (lane.joints, frame)
            self.cell_pressed.emit(lane.joints, frame, has_shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not len(self._session):
            return
        frame = self.frame_at(event.position().x())
        if self._dragging == "cursor":
            self.frame_chosen.emit(frame)
        elif self._dragging == "range":
            self.range_chosen.emit(self._drag_start, frame)
        elif self._dragging == "cells" and self._painted is not None:
            joints, last = self._painted
            if frame != last:
                self._painted = (joints, frame)
                self.cell_dragged.emit(joints, last, frame)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging, self._painted = "", None

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse; with Shift, or sideways, scroll."""
        if not len(self._session):
            return
        step = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or step.x():
            self._scroll_to(self._first - (step.x() or step.y()) / 120 * self._count * 0.1)
            return
        area = self._area()
        share = min(max((event.position().x() - area.x()) / area.width(), 0), 1)
        under = self._first + share * self._count
        fewest = min(_FEWEST_FRAMES, len(self._session))
        self._count = float(min(max(self._count * _ZOOM_STEP ** (-step.y() / 120), fewest), len(self._session)))
        self._scroll_to(under - share * self._count)

    def _scroll_to(self, first: float) -> None:
        self._first = min(max(first, 0.0), max(len(self._session) - self._count, 0.0))
        self._forget_picture()
        self.span_changed.emit(self._first, self._count)

    def toggle_limb(self, limb: str) -> None:
        """Unfold a limb to its joints, or fold it."""
        self._unfolded ^= {limb}
        self.updateGeometry()
        self._forget_picture()


def _share_hidden(hidden: NDArray[np.bool_], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """(columns,) how dark a column is: hidden joints' share in the frames start to end (excluded), never invisible."""
    so_far = np.concatenate(([0], np.cumsum(hidden.sum(1))))
    count = so_far[end] - so_far[start]
    share = count / ((end - start) * hidden.shape[1])
    return np.where(count > 0, np.maximum(share, 0.35), 0.0)
