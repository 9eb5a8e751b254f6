"""Owns what of the timeline does not follow the cursor: it is drawn when it changes, and else painted as it is."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter, QPixmap

from app.document.answer_curves import AnswerCurves
from app.document.session import Session
from app.look.theme import Theme
from app.views import timeline_parts as parts
from app.views.error_curve import CurveLines, draw_names
from app.views.lane_marks import draw_taken, marks_legend
from app.views.lanes import Rows
from app.views.time_scale import TimeScale
from app.views.timeline_cells import CellCounts, draw_cells


@dataclass(frozen=True)
class Frame:
    """What all layers are drawn for."""

    size: QSize
    ratio: float
    font: QFont
    rows: Rows
    scale: TimeScale
    theme: Theme
    palette_name: str
    shows_seconds: bool
    unfolded: Collection[str]


class TimelineLayers:
    """curves: what is known of an answer, None when there is none. A click changes cells, and where curves and flags are old;
    the names, ruler and legend around them stay."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.curves: AnswerCurves | None = None
        self._counts = CellCounts(session)
        self._lines = CurveLines()
        self._drawn_for: tuple[object, ...] = ()
        self._chosen: object = None
        self._has_cloud = False
        self.forget_all()

    def forget_all(self) -> None:
        """Everything is another."""
        self._drawn_for = ()
        self._overview = QImage()
        self.forget_cells()
        self.forget_ground()

    def forget_cells(self) -> None:
        """What is hidden, missing or unsure is another."""
        self._cells: QImage | None = None
        self._taken: QPixmap | None = None

    def forget_ground(self) -> None:
        """Names, ruler, pauses or the legend are others."""
        self._ground: QPixmap | None = None
        self.forget_around()

    def forget_around(self) -> None:
        """Flags, feet or curves are others."""
        self._around: QPixmap | None = None
        self.forget_curve()

    def forget_curve(self) -> None:
        """Where the curve is old or a guess is another."""
        self._curve: QPixmap | None = None

    def paint(self, painter: QPainter, frame: Frame) -> None:
        """All but the overview, drawn anew where needed."""
        key = (frame.scale, frame.rows, frame.ratio, frame.size)
        if key != self._drawn_for:
            self.forget_all()
            self._drawn_for = key
        clip = self._session.clip
        chosen = None if clip is None else clip.chosen
        if chosen is not self._chosen:  # an edit makes another of it
            self._chosen, self._taken = chosen, None
            self.forget_ground()
        has_cloud = self._session.alternatives.cloud_of(self._session) is not None
        if has_cloud != self._has_cloud:  # the legend tells of it
            self._has_cloud = has_cloud
            self.forget_ground()
        if self._cells is None:
            self._cells = draw_cells(
                self._counts, frame.rows.lanes, frame.scale, frame.theme, frame.palette_name, frame.ratio
            )  # fmt: skip
            self._overview = parts.picture_of(parts.look_over(self._session.mask), QColor(frame.theme.muted))
        if self._ground is None:
            self._ground = self._draw_ground(frame)
        if self._around is None:
            self._around = self._draw_around(frame, self._ground)
        if self._curve is None:
            self._curve = self._draw_curve(frame)
        painter.drawPixmap(0, 0, self._around)
        painter.drawPixmap(QPointF(0, math.floor(frame.rows.curve[0])), self._curve)
        painter.drawImage(QPointF(frame.scale.left, frame.rows.lanes[0].top), self._cells)
        if chosen is not None:
            self._taken = self._taken or self._draw_taken(frame)
            painter.drawPixmap(QPointF(frame.scale.left, math.floor(frame.rows.lanes[0].top)), self._taken)

    def paint_overview(self, painter: QPainter, frame: Frame) -> None:
        """The bar below; it has the cursor in it."""
        parts.draw_overview(painter, self._overview, frame.scale, self._session.frame, frame.rows, frame.theme)

    def _draw_ground(self, frame: Frame) -> QPixmap:
        ground = QPixmap(frame.size * frame.ratio)
        ground.setDevicePixelRatio(frame.ratio)
        ground.fill(QColor(frame.theme.panel))
        painter = QPainter(ground)
        painter.setFont(frame.font)
        rows, scale, theme, clip = frame.rows, frame.scale, frame.theme, self._session.clip
        parts.draw_labels(painter, rows, frame.unfolded, scale, theme)
        times = clip.times if clip is not None and frame.shows_seconds else None
        parts.draw_ruler(painter, scale, times, rows, theme)
        parts.draw_pauses(painter, [] if clip is None else parts.frames_after_pauses(clip), scale, rows, theme)
        parts.draw_legend(painter, scale, rows, theme, parts.legend_entries(theme, marks_legend(self._session, theme)))
        painter.setPen(QColor(theme.border))
        painter.drawLine(QPointF(scale.left, rows.curve[1]), QPointF(scale.right, rows.curve[1]))
        painter.end()
        return ground

    def _draw_around(self, frame: Frame, ground: QPixmap) -> QPixmap:
        """On the ground, what comes and goes with an answer."""
        around = ground.copy()
        painter = QPainter(around)
        painter.setFont(frame.font)
        rows, scale, theme = frame.rows, frame.scale, frame.theme
        draw_names(painter, self.curves, scale, rows.curve, theme)
        flags, found = self._session.flags, self._session.suspicions
        flags = flags | found.marks if len(found.marks) == len(flags) else flags
        parts.draw_flags(painter, flags, scale, rows, theme, found.is_outdated)
        parts.draw_feet(painter, self.curves, scale, rows, theme, frame.palette_name)
        painter.end()
        return around

    def _draw_taken(self, frame: Frame) -> QPixmap:
        lanes, scale = frame.rows.lanes, frame.scale
        top, bottom = math.floor(lanes[0].top), math.ceil(lanes[-1].top + lanes[-1].height)
        taken = QPixmap(QSize(math.ceil(scale.width), max(bottom - top, 1)) * frame.ratio)
        taken.setDevicePixelRatio(frame.ratio)
        taken.fill(Qt.GlobalColor.transparent)
        painter = QPainter(taken)
        painter.translate(-scale.left, -top)
        draw_taken(painter, self._session, lanes, scale, frame.theme)
        painter.end()
        return taken

    def _draw_curve(self, frame: Frame) -> QPixmap:
        top, bottom = math.floor(frame.rows.curve[0]), math.ceil(frame.rows.curve[1])
        curve = QPixmap(QSize(frame.size.width(), max(bottom - top, 1)) * frame.ratio)
        curve.setDevicePixelRatio(frame.ratio)
        curve.fill(Qt.GlobalColor.transparent)
        painter = QPainter(curve)
        painter.translate(0, -top)
        self._hatch_doubt(painter, frame)
        if self.curves is not None:
            self._lines.draw(painter, self.curves, frame.scale, frame.rows.curve, frame.theme, self._session.renewal.marks)
        painter.end()
        return curve

    def _hatch_doubt(self, painter: QPainter, frame: Frame) -> None:
        """Where the pose is a guess, or the answer still one to what was asked before."""
        prediction, (top, bottom) = self._session.prediction, frame.rows.curve
        if prediction is None or len(prediction) != len(self._session):
            return
        doubt = prediction.is_prior_only
        marks = self._session.renewal.marks
        doubt = doubt if marks is None or len(marks) != len(doubt) else doubt | marks
        brush = QBrush(QColor(frame.theme.muted), Qt.BrushStyle.Dense6Pattern)
        for left, right in frame.scale.stretches(doubt, 1.0):
            painter.fillRect(QRectF(left, top + 2, right - left, bottom - top - 4), brush)
