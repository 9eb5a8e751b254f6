"""The timeline: ruler, error curve, a lane per limb that unfolds to joints, when feet stand, and an overview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.document.answer_curves import AnswerCurves
from app.document.session import Session
from app.document.suspicions import sentence_of
from app.document.words import with_times
from app.look import theme as look
from app.look.text_size import line_scale
from app.look.theme import Theme
from app.views import timeline_parts as parts
from app.views.error_curve import describe_curves
from app.views.joint_text import describe_cell
from app.views.lane_marks import draw_marks, marks_legend
from app.views.lanes import Lane, Rows, arrange, lowest_height, natural_height
from app.views.time_scale import TimeScale
from app.views.timeline_layers import Frame, TimelineLayers
from mpm_core.skeleton import LIMBS

_ZOOM_STEP = 1.25
_FEWEST_FRAMES = 12
_EDGE_PX = 4.0


class Timeline(QWidget):
    """Draws the whole clip over time. Signals tell what the mouse did; it changes nothing by itself.

    What depends on the cursor alone is drawn anew with every frame, everything else only when it changes.
    """

    frame_chosen = Signal(int)
    range_chosen = Signal(int, int)
    cell_pressed = Signal(tuple, int, bool)  # joints, frame, with Shift
    cell_dragged = Signal(tuple, int, int)  # joints, from frame, to frame
    limb_clicked = Signal(tuple, bool)  # joints, with Shift
    ruler_clicked = Signal()  # beside the ruler, where its unit stands
    span_changed = Signal(float, float)  # first frame in view, and how many
    rows_changed = Signal()  # there are more or fewer, or larger ones
    edges_changed = Signal(float, float)  # left and right of all frames, in pixels
    unit_changed = Signal(bool)  # whether the ruler counts seconds

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.theme = theme
        self.palette_name = "field"
        self.shows_seconds = False
        self.next_step = ""
        self._unfolded: set[str] = set()
        self._first, self._count = 0.0, 1.0  # what is in view, in frames
        self._wanted_curve = float(look.CURVE_HEIGHT)
        self._dragging = ""
        self._drag_start = 0
        self._painted: tuple[tuple[int, ...], int] | None = None
        self._hovered: QPointF | None = None
        self._layers = TimelineLayers(session)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        session.clip_changed.connect(self.show_all)
        session.range_changed.connect(self.update)
        session.frame_changed.connect(self._on_frame_changed)
        for signal in (session.flags_changed, session.suspicions.changed):
            signal.connect(self._forget_around)
        for signal in (session.rate_changed, session.alternatives.changed):
            signal.connect(self._forget_ground)
        session.renewal.changed.connect(self._forget_curve)
        session.prediction_changed.connect(self._on_prediction_changed)
        for signal in (
            session.mask_changed, session.options_changed, session.truth_changed, session.keypoints_changed,
            session.threshold_changed,
        ):  # fmt: skip
            signal.connect(self._forget_cells)

    def sizeHint(self) -> QSize:
        return QSize(900, int(natural_height(self._unfolded, line_scale(self))))

    def minimumSizeHint(self) -> QSize:
        return QSize(400, int(lowest_height(self._unfolded, line_scale(self))))

    def rows(self) -> Rows:
        """Where everything is."""
        return arrange(self.height(), self._unfolded, self._wanted_curve, line_scale(self))

    def lanes(self) -> Sequence[Lane]:
        """The rows of cells from top to bottom."""
        return self.rows().lanes

    def scale(self) -> TimeScale:
        """What is in view, right of the labels."""
        left = look.LANE_LABEL_WIDTH * line_scale(self)
        return TimeScale(self._first, self._count, left, max(self.width() - left - parts.RIGHT_PX, 1), len(self._session))

    def x_of(self, frame: float) -> float:
        """The left edge of a frame's cell."""
        return self.scale().x_of(frame)

    def frame_at(self, x: float) -> int:
        """The frame under a place, within the clip."""
        return self.scale().frame_at(x)

    # What is shown

    def show_all(self) -> None:
        """The whole clip in view."""
        self._first, self._count = 0.0, float(max(len(self._session), 1))
        self._layers.forget_all()
        self.update()
        self.span_changed.emit(self._first, self._count)

    def show_span(self, first: float, count: float) -> None:
        """Bring so many frames into view, from one on."""
        if (first, count) != (self._first, self._count):
            self._count = min(max(count, 1.0), float(max(len(self._session), 1)))
            self._scroll_to(first)

    @property
    def curves(self) -> AnswerCurves | None:
        """What is known of the answer on show."""
        return self._layers.curves

    def show_curves(self, curves: AnswerCurves | None) -> None:
        """Take over what is known of an answer; None when there is none."""
        self._layers.curves = curves
        self._forget_around()

    @property
    def in_view(self) -> tuple[float, float, frozenset[str], float]:
        """The first frame in view, how many are, the limbs that are unfolded, and the height that the curve wants."""
        return self._first, self._count, frozenset(self._unfolded), self._wanted_curve

    def show_frames(self, first: float, count: float, unfolded: Iterable[str], curve: float | None = None) -> None:
        """What in_view gave, as far as this clip has it."""
        self._unfolded, self._wanted_curve = set(unfolded) & set(LIMBS), curve or self._wanted_curve
        self._on_rows_changed()
        self.show_span(first, max(count, _FEWEST_FRAMES))

    def set_seconds(self, shows_seconds: bool) -> None:
        """Whether the ruler counts seconds, not frames."""
        self.shows_seconds = shows_seconds
        self._forget_ground()
        self.unit_changed.emit(shows_seconds)

    def say_next_step(self, text: str) -> None:
        """What a person can do as long as there is no clip."""
        self.next_step = text
        self.update()

    def restyle(self, theme: Theme, palette_name: str) -> None:
        """Take over the colours of a theme."""
        self.theme, self.palette_name = theme, palette_name
        self._layers.forget_all()
        self.update()

    def _forget_cells(self, *_: object) -> None:
        self._layers.forget_cells()
        self.update()

    def _forget_ground(self) -> None:
        self._layers.forget_ground()
        self.update()

    def _forget_around(self) -> None:
        self._layers.forget_around()
        self.update()

    def _forget_curve(self) -> None:
        self._layers.forget_curve()
        self.update()

    def _on_prediction_changed(self) -> None:
        if self._session.prediction is None:
            self._layers.curves = None
            self._layers.forget_around()
        self._forget_curve()

    def _on_frame_changed(self, frame: int) -> None:
        """Keep the cursor in view."""
        if not self._first <= frame <= self._first + self._count - 1 and not self._dragging:
            self._scroll_to(frame - self._count / 2)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_edges()

    def _tell_edges(self) -> None:
        self.edges_changed.emit(self.scale().left, self.scale().right)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._session):
            painter.fillRect(self.rect(), QColor(self.theme.panel))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.next_step)
            return
        rows, scale = self.rows(), self.scale()
        drawn = Frame(
            self.size(), self.devicePixelRatioF(), self.font(), rows, scale, self.theme, self.palette_name,
            self.shows_seconds, self._unfolded,
        )  # fmt: skip
        self._layers.paint(painter, drawn)
        draw_marks(painter, self._session, rows.lanes, scale, self.theme)
        frame, clip = self._session.frame, self._session.clip
        times = clip.times if clip is not None and self.shows_seconds else None
        parts.clear_beside_cursor(painter, frame, self._label_of(frame), times, scale, rows, self.theme)
        if self._session.range is not None:
            parts.draw_range(painter, self._session.range, scale, rows, self.theme)
        self._layers.paint_overview(painter, drawn)
        parts.draw_cursor(painter, frame, self._label_of(frame), scale, rows, self.theme)
        self._draw_hovered(painter, rows, scale)

    def _label_of(self, frame: int) -> str:
        clip = self._session.clip
        return f"{clip.times[frame]:.2f} s" if self.shows_seconds and clip is not None else str(frame + 1)

    def as_it_counts(self, text: str) -> str:
        """A sentence, with times beside its frames where the ruler has seconds."""
        clip = self._session.clip
        return text if clip is None or not self.shows_seconds else with_times(text, clip.times)

    def _draw_hovered(self, painter: QPainter, rows: Rows, scale: TimeScale) -> None:
        """The values of the curve under the mouse."""
        place, curves = self._hovered, self._layers.curves
        if place is None or curves is None or not rows.curve[0] <= place.y() < rows.curve[1] or place.x() < scale.left:
            return
        frame = scale.frame_at(place.x())
        values = describe_curves(curves, frame)
        parts.draw_value(painter, ":  ".join(filter(None, (self._label_of(frame), values))), frame, scale, rows, self.theme)

    def event(self, event: QEvent) -> bool:
        """Explain what is striped under the mouse; make room for text of another size."""
        if event.type() == QEvent.Type.FontChange:
            self._wanted_curve = look.CURVE_HEIGHT * line_scale(self)
            self._on_rows_changed()
            self._tell_edges()
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self._explain(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self.as_it_counts(text), self)
            return True
        return super().event(event)

    def _explain(self, x: float, y: float) -> str:
        rows, scale = self.rows(), self.scale()
        if not len(self._session):
            return ""
        frame, lane = scale.frame_at(x), rows.lane_at(y)
        if x < scale.left and lane is not None:
            return parts.LIMB_TIP if not lane.is_joint else parts.JOINT_TIP
        if x < scale.left:
            return "Count seconds or frames" if rows.ruler[0] <= y < rows.ruler[1] else ""
        if rows.overview[0] <= y < rows.overview[1]:
            return parts.OVERVIEW_TIP
        if pause := parts.describe_pause(self._session.clip, scale, x):
            return pause
        if lane is not None:
            return f"{describe_cell(self._session, lane.joints, frame, lane.label)}\n{parts.CELL_TIP}"
        is_flag = rows.flags[0] - 4 <= y < rows.flags[1]
        if is_flag and (found := self._session.suspicions.at(frame)):
            return "\n".join(sentence_of(item) for item in found)
        if is_flag and self._session.flags[frame]:
            return f"Frame {frame + 1}: left and right were exchanged back here, or may have to be."
        if rows.ruler[0] <= y < rows.ruler[1]:
            return parts.RULER_TIP
        if rows.legend[0] <= y < rows.legend[1]:
            entries = parts.legend_entries(self.theme, marks_legend(self._session, self.theme))
            return parts.describe_legend(entries[parts.fitting_entries(entries, self.fontMetrics(), scale) :])
        prediction = self._session.prediction
        if rows.curve[0] <= y < rows.curve[1] and prediction is not None and prediction.is_prior_only[frame]:
            return f"Frame {frame + 1}: no joint is visible for a second around, so the pose is a guess."
        return ""

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not len(self._session) or event.button() != Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        has_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        rows = self.rows()
        lane = rows.lane_at(y)
        if self._is_edge(rows, y):
            self._dragging = "edge"
            return
        if x < self.scale().left:
            if lane is not None and not lane.is_joint and x < 22:
                self.toggle_limb(lane.limb)
            elif lane is not None:
                self.limb_clicked.emit(lane.joints, has_shift)
            elif rows.ruler[0] <= y < rows.ruler[1]:
                self.ruler_clicked.emit()
            return
        frame = self.frame_at(x)
        self._drag_start = frame
        if rows.overview[0] <= y < rows.overview[1] and not has_shift:
            self._dragging = "overview"
            self._scroll_overview(x)
        elif rows.overview[0] <= y < rows.overview[1]:
            self._dragging, self._drag_start = "overview range", self._frame_over(x)
            self.range_chosen.emit(self._drag_start, self._drag_start)
        elif lane is None:
            self._dragging = "range" if has_shift else "cursor"
            (self.range_chosen.emit(frame, frame) if has_shift else self.frame_chosen.emit(frame))
        else:
            self._dragging, self._painted = "cells", (lane.joints, frame)
            self.cell_pressed.emit(lane.joints, frame, has_shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not len(self._session):
            return
        place = event.position()
        frame = self.frame_at(place.x())
        if self._dragging == "cursor":
            self.frame_chosen.emit(frame)
        elif self._dragging == "range":
            self.range_chosen.emit(self._drag_start, frame)
        elif self._dragging == "overview":
            self._scroll_overview(place.x())
        elif self._dragging == "overview range":
            self.range_chosen.emit(self._drag_start, self._frame_over(place.x()))
        elif self._dragging == "edge":
            self._drag_edge(place.y())
        elif self._dragging == "cells" and self._painted is not None:
            joints, last = self._painted
            if frame != last:
                self._painted = (joints, frame)
                self.cell_dragged.emit(joints, last, frame)
        else:
            is_edge = self._is_edge(self.rows(), place.y())
            self.setCursor(Qt.CursorShape.SplitVCursor if is_edge else Qt.CursorShape.ArrowCursor)
        self._hovered = place
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging, self._painted = "", None

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()

    @staticmethod
    def _is_edge(rows: Rows, y: float) -> bool:
        """Whether a place is on the lower edge of the curve, which can be dragged."""
        return rows.curve[1] - _EDGE_PX <= y <= rows.curve[1]

    def _drag_edge(self, y: float) -> None:
        """The curve becomes as high as it is dragged, at the lanes' cost; what cannot be had is not remembered."""
        self._wanted_curve += y - self.rows().curve[1]
        self._wanted_curve += self.rows().curve[1] - y
        self.update()

    def _scroll_overview(self, x: float) -> None:
        """Bring what is under a place of the overview into the middle."""
        self._scroll_to(self._frame_over(x) - self._count / 2)

    def _frame_over(self, x: float) -> int:
        """The frame under a place of the overview."""
        scale, count = self.scale(), len(self._session)
        return max(0, min(int((x - scale.left) / scale.width * count), count - 1))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse; with Shift, or sideways, scroll."""
        if not len(self._session):
            return
        step = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or step.x():
            self._scroll_to(self._first - (step.x() or step.y()) / 120 * self._count * 0.1)
            return
        scale = self.scale()
        share = min(max((event.position().x() - scale.left) / scale.width, 0), 1)
        under = self._first + share * self._count
        fewest = min(_FEWEST_FRAMES, len(self._session))
        self._count = float(min(max(self._count * _ZOOM_STEP ** (-step.y() / 120), fewest), len(self._session)))
        self._scroll_to(under - share * self._count)

    def _scroll_to(self, first: float) -> None:
        self._first = min(max(first, 0.0), max(len(self._session) - self._count, 0.0))
        self.update()
        self.span_changed.emit(self._first, self._count)

    def toggle_limb(self, limb: str) -> None:
        """Unfold a limb to its joints, or fold it."""
        self._unfolded ^= {limb}
        self._on_rows_changed()

    def _on_rows_changed(self) -> None:
        self.updateGeometry()
        self._forget_ground()
        self.rows_changed.emit()
