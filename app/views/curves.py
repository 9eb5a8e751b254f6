"""The curves: one value a frame for chosen joints and answers, over the same frames as the timeline."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QIcon, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.document.curve_choice import MEAN, NO_CURVES, ON_SHOW, TRUTH, CurveChoice, CurveLine, CurveSet, usual_kind, why_nothing
from app.document.session import Session
from app.document.words import joint_in_words
from app.look import theme as look
from app.look.theme import Theme
from app.views.curve_widgets import SWATCH, bar_of, menu_button, swatch
from app.views.curves_axis import FrameAxis
from app.views.curves_files import SUFFIXES, write_picture, write_table
from app.views.error_curve import renewed_and_old
from mpm_core.comparison import number_text
from mpm_core.curves import BY_CLIP_ALONE, CURVES
from mpm_core.errors import UserError
from mpm_core.skeleton import LIMBS, MPM16

_FEWEST_FRAMES = 12
_HIGH_PX = 190  # from here on there is room for two rows of values
_LIGHTER = 38  # per cent, of the next joint of the same side
_VALUE_SIZE = QSize(166, 18)


class CurvesView(QWidget):
    """Draws what the worker computed. Signals ask for curves, frames and spans; it changes nothing by itself but the selection
    of joints. bar: what is chosen there, to be placed above it."""

    choice_changed = Signal(object)  # CurveChoice
    wanted = Signal(bool)  # whether somebody can see them
    frame_chosen = Signal(int)
    span_chosen = Signal(float, float)  # first frame in view, and how many
    save_chosen = Signal(str)  # a key of SUFFIXES
    closed = Signal()  # by the cross

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.theme, self.palette_name = theme, "field"
        self._curves = NO_CURVES
        self._is_chosen = False
        self._edges = float(look.LANE_LABEL_WIDTH), float(self.width())
        self._build()
        session.clip_changed.connect(self._on_clip_changed)
        session.truth_changed.connect(self._choose_usual)
        session.rate_changed.connect(self.axis.refresh)
        session.selection_changed.connect(self._ask)
        session.frame_changed.connect(self._on_frame_changed)
        session.range_changed.connect(self._show_range)
        session.renewal.changed.connect(self._draw)
        session.kept.changed.connect(self._draw)
        self.set_theme(theme, "field")
        self._on_clip_changed()

    def _build(self) -> None:
        self.kinds = QComboBox()
        for name, kind in CURVES.items():
            self.kinds.addItem(kind.label, name)
            self.kinds.setItemData(self.kinds.count() - 1, kind.tip, Qt.ItemDataRole.ToolTipRole)
        self.kinds.activated.connect(lambda _: self.choose(self.kinds.currentData()))
        self._joints = menu_button("Joints", "Which joints: the selected ones, also in the picture and in the list")
        self._joints.menu().aboutToShow.connect(self._fill_joints)
        self._save = menu_button("Save", "The curves as a picture, a drawing or a table")
        for suffix, label in SUFFIXES.items():
            self._save.menu().addAction(f"{label}…", partial(self.save_chosen.emit, suffix))
        self.hint = QLabel()
        self.hint.setProperty("role", "muted")
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = bar_of((self.kinds, self._joints, self._save), self.hint, self.closed)
        self.axis = FrameAxis(self._session)
        self.plot = pg.PlotWidget(axisItems={"bottom": self.axis})
        self.plot.setMinimumHeight(70)
        self.plot.setMenuEnabled(False)
        menu = self.plot.getPlotItem().ctrlMenu
        menu.setParent(self, menu.windowFlags())  # it has none, and would outlive a window that is closed
        self.plot.hideButtons()
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(False)  # values are in the unit that is written beside them
        self.plot.setMouseEnabled(x=True, y=False)
        self._legend = self.plot.addLegend(offset=(-8, 4))  # of pictures; on the screen `values` says more
        self._legend.setVisible(False)
        self.values = QListWidget()
        self.values.setFlow(QListWidget.Flow.LeftToRight)
        self.values.setWrapping(True)
        self.values.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.values.setSpacing(1)
        self.values.setFrameShape(QListWidget.Shape.NoFrame)
        self.values.setIconSize(SWATCH)
        self.values.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.values.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.values.setToolTip("Values at the frame at hand")
        self._cursor = pg.InfiniteLine(angle=90)
        self._region = pg.LinearRegionItem(movable=False)
        self._region.setZValue(-10)
        self._items: list[pg.PlotDataItem] = []
        for helper in (self._region, self._cursor):
            self.plot.addItem(helper, ignoreBounds=True)
        box = self.plot.getViewBox()
        box.sigRangeChangedManually.connect(self._on_span_chosen)  # by the mouse: what the window sets is told to nobody
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(look.MARGIN, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.values)
        layout.addWidget(self.plot, 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 96)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._draw()
        self.wanted.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.wanted.emit(False)

    def choice(self) -> CurveChoice:
        """What is asked for."""
        return CurveChoice(self.kinds.currentData(), tuple(sorted(self._session.selection)))

    def choose(self, kind: str) -> None:
        """Draw another kind of values, of clips to come too that have such."""
        self._is_chosen = True
        self.kinds.setCurrentIndex(self.kinds.findData(kind))
        self._ask()

    def _choose_usual(self) -> None:
        """What there is to tell of the clip, unless a person has chosen something else that there is."""
        clip, kind = self._session.clip, self.kinds.currentData()
        if clip is not None and (not self._is_chosen or why_nothing(kind, clip, None)):
            self._is_chosen = False
            self.kinds.setCurrentIndex(self.kinds.findData(usual_kind(clip)))
        self._ask()

    def _ask(self) -> None:
        self.choice_changed.emit(self.choice())

    def _fill_joints(self) -> None:
        """Joints by limb, with a tick at those selected."""
        menu = self._joints.menu()
        menu.clear()
        menu.addAction("Mean of all", lambda: self._session.set_selection(frozenset()))
        for limb in LIMBS:
            menu.addSeparator()
            for joint in MPM16.limb(limb):
                action = menu.addAction(joint_in_words(joint))
                action.setCheckable(True)
                action.setChecked(joint in self._session.selection)
                action.toggled.connect(lambda _, joint=joint: self._session.set_selection(self._session.selection ^ {joint}))

    def set_theme(self, theme: Theme, palette_name: str) -> None:
        """Take over colours."""
        self.theme, self.palette_name = theme, palette_name
        self.plot.setBackground(QColor(theme.base))
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(QPen(QColor(theme.border), 0))
            axis.setTextPen(QColor(theme.muted))
        self._cursor.setPen(QPen(QColor(theme.text), 0))
        fill = QColor(theme.range_fill)
        fill.setAlpha(46)
        self._region.setBrush(fill)
        for line in self._region.lines:
            line.setPen(QPen(Qt.PenStyle.NoPen))
        self._legend.setLabelTextColor(QColor(theme.muted))
        self._draw()

    def show_curves(self, curves: CurveSet) -> None:
        """Take over what was computed."""
        self._curves = curves
        self._draw()

    def _draw(self) -> None:
        """Every line: in its own colours where it is new, grey and dotted where an older answer is still on show. Nothing while
        nobody sees it."""
        if not self.isVisible():
            return
        outdated = self._session.renewal.marks
        grey = pg.mkPen(QColor(self.theme.muted), width=1.2, style=Qt.PenStyle.DotLine)
        drawn = 0
        for line in self._curves.lines:
            parts = ((line.values, False),) if line.answer != ON_SHOW else renewed_and_old(line.values, outdated)
            for values, is_old in parts:
                frames = np.arange(len(values)) + 0.5  # in the middle of a cell of the timeline
                pen, shadow = (grey, None) if is_old else (self._pen(line), self._outline(line))
                self._item(drawn).setData(frames, values, pen=pen, shadowPen=shadow, connect="finite")
                drawn += 1
        for item in self._items[drawn:]:
            item.setData([], [])
        self._name_axis()
        self._show_range()
        self._fill_values()
        self._show_cursor()

    def _name_axis(self) -> None:
        """What is drawn and its unit, as far as the height lets it be read."""
        kind = CURVES[self._curves.choice.kind]
        name = f"{kind.label} ({kind.unit})" if kind.unit else kind.label
        room = self.plot.height() - self.axis.height() - look.MARGIN
        self.plot.getPlotItem().getAxis("left").setStyle(
            showValues=bool(self._curves.lines)
        )  # of nothing they would be made up
        fits = self.fontMetrics().horizontalAdvance(name) <= room
        self.plot.getPlotItem().setLabel("left", name if fits else kind.unit, color=self.theme.muted)

    def line_up(self, left: float, right: float) -> None:
        """Put frames between two places, in pixels from the left: under those of the timeline."""
        self._edges = left, right
        self.plot.getPlotItem().getAxis("left").setWidth(max(left - look.MARGIN, 0))
        self.plot.getPlotItem().layout.setContentsMargins(0, look.MARGIN, max(self.width() - right, 0), 0)

    def _fill_values(self) -> None:
        """A row for each line, the answer on show first."""
        self.values.clear()
        for line in reversed(self._curves.lines):
            item = QListWidgetItem(QIcon(swatch(self._pen(line), self._outline(line))), "")
            item.setToolTip(self._name(line))
            item.setSizeHint(_VALUE_SIZE)
            self.values.addItem(item)
        self.values.setVisible(bool(self._curves.lines))
        self._fit_values()

    def _fit_values(self) -> None:
        """One row of values, or two where one is too short; the rest is scrolled to."""
        per_row = max(self.width() // _VALUE_SIZE.width(), 1)
        rows = min(max(-(-self.values.count() // per_row), 1), 2 if self.height() >= _HIGH_PX else 1)
        self.values.setFixedHeight(rows * (_VALUE_SIZE.height() + 2) + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.line_up(*self._edges)
        self._fit_values()
        self._name_axis()

    def _item(self, number: int) -> pg.PlotDataItem:
        """Lines are used again: pyqtgraph stumbles over one that is taken away while it is clipped to the view."""
        while len(self._items) <= number:
            item = pg.PlotDataItem()
            self.plot.addItem(item)
            item.setClipToView(True)
            item.setDownsampling(auto=True, method="peak")
            self._items.append(item)
        return self._items[number]

    def _pen(self, line: CurveLine) -> QPen:
        """The colour of the joint's side, lighter or darker for further joints of it; dashed for the ground truth."""
        colour = QColor(self.theme.text)
        if line.joint != MEAN:
            side = MPM16.side(line.joint)
            colour = self.theme.palettes[self.palette_name].side(side)
            before = sum(MPM16.side(joint) == side for joint in self._curves.choice.joints if joint < line.joint)
            factor = 100 + _LIGHTER * before
            colour = colour.lighter(factor) if self.theme is look.DARK else colour.darker(factor)
        if line.answer == TRUTH:
            colour.setAlphaF(0.6)
            return pg.mkPen(colour, width=1.6, style=Qt.PenStyle.DashLine)
        return pg.mkPen(colour, width=2 if line.answer == ON_SHOW else 1.6)

    def _outline(self, line: CurveLine) -> QPen | None:
        """What is under the line of a kept answer, and shows on both sides of it; dashed where its colour comes round again."""
        if self._session.kept.find(line.answer) is None:
            return None
        place = self._session.kept.place(line.answer)
        style = Qt.PenStyle.SolidLine if place < len(self.theme.outlines) else Qt.PenStyle.DashLine
        return pg.mkPen(look.outline_of(place, self.theme), width=3.8, style=style)

    def _name(self, line: CurveLine, is_in_file: bool = False) -> str:
        """is_in_file: with the joint's short name, which files have."""
        words = MPM16.joints[line.joint] if is_in_file else joint_in_words(line.joint)
        joint = "mean" if line.joint == MEAN else words
        if self._curves.choice.kind in BY_CLIP_ALONE:
            return joint
        return f"{joint}, {self._answer_name(line.answer)}"

    def _short_name(self, line: CurveLine) -> str:
        joint, kept = "Mean" if line.joint == MEAN else joint_in_words(line.joint), self._session.kept
        if self._curves.choice.kind in BY_CLIP_ALONE:
            return joint
        if kept.find(line.answer) is not None:
            return f"{joint} {look.letter_of(kept.place(line.answer))}"
        return f"{joint} truth" if line.answer == TRUTH else joint

    def _answer_name(self, number: int) -> str:
        kept = self._session.kept
        answer = kept.find(number)
        if answer is not None:
            return f"{look.letter_of(kept.place(number))} {answer.name}"
        return "ground truth" if number == TRUTH else "prediction"

    def _show_cursor(self, *_: object) -> None:
        """The frame at hand, and the values there."""
        frame, lines = self._session.frame, self._curves.lines
        self._cursor.setValue(frame + 0.5)
        self._show_hint()
        is_old = self._session.renewal.is_outdated(frame)
        for row, line in enumerate(reversed(lines)):
            text = number_text(float(line.values[frame]), 2) if frame < len(line.values) else ""
            text = "…" if is_old and line.answer == ON_SHOW else text or "–"
            self.values.item(row).setText(f"{self._short_name(line)}  {text}")

    def _show_hint(self) -> None:
        """Why nothing is drawn."""
        clip, choice = self._session.clip, self.choice()
        text = ""
        if clip is not None and not choice.columns:
            text = "Select joints: here, in the list, or with Ctrl and a click"
        elif clip is not None and not self._curves.lines:
            text = why_nothing(choice.kind, clip, self._session.prediction)
        self.hint.setText(text)
        self.hint.setToolTip(text)

    def _on_frame_changed(self) -> None:
        if self.isVisible():
            self._show_cursor()

    def _show_range(self) -> None:
        chosen = self._session.range
        self._region.setVisible(chosen is not None)
        if chosen is not None:
            self._region.setRegion((chosen[0], chosen[1] + 1))

    def _on_clip_changed(self) -> None:
        frames = max(len(self._session), 1)
        self.plot.setLimits(xMin=0, xMax=frames, minXRange=min(_FEWEST_FRAMES, frames))
        self.show_span(0.0, float(frames))
        self._choose_usual()

    def show_span(self, first: float, count: float) -> None:
        """Bring these frames into view."""
        self.plot.setXRange(first, first + count, padding=0)

    def _on_span_chosen(self, _: object) -> None:
        first, last = self.plot.getViewBox().viewRange()[0]
        self.span_chosen.emit(first, last - first)

    def _on_clicked(self, event: object) -> None:
        box = self.plot.getViewBox()
        place = event.scenePos()  # type: ignore[attr-defined]
        if len(self._session) and box.sceneBoundingRect().contains(place):
            frame = int(np.floor(box.mapSceneToView(place).x()))
            self.frame_chosen.emit(max(0, min(frame, len(self._session) - 1)))

    def save(self, path: Path) -> None:
        """Write the curves, as the ending of the path says: what is in view as a picture or a drawing, or a table of the frames
        of the range, or of all.

        UserError where the path cannot be written, or nothing is drawn.
        """
        lines, clip = self._curves.lines, self._session.clip
        if not lines or clip is None:
            raise UserError("there are no curves to save: choose joints or another kind of values")
        if path.suffix.lower() == ".csv":
            unit = f" ({self._curves.unit})" if self._curves.unit else ""
            columns = {f"{self._curves.choice.kind}, {self._name(line, True)}{unit}": line.values for line in lines}
            write_table(path, columns, clip.times, self._session.range or (0, len(self._session) - 1))
            return
        self._legend.clear()
        for line in lines:
            self._legend.addItem(pg.PlotDataItem(pen=self._outline(line) or self._pen(line)), self._name(line))
        self._legend.setVisible(True)
        try:
            write_picture(path, self.plot, CURVES[self._curves.choice.kind].label)
        finally:
            self._legend.setVisible(False)
