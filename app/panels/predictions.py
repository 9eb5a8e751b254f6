"""The list of answers: the one on show and those kept, with figures, to be shown beside each other, renamed and removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from PySide6.QtCore import QEvent, QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QIcon, QPainter, QPen, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.document.alternatives import followed_text
from app.document.curve_choice import ON_SHOW
from app.document.predictions import MOST_BYTES, TAKEN, note_of
from app.document.recent import said
from app.document.session import Session
from app.document.words import frames_in_words
from app.look import theme as look
from app.look.theme import Theme
from app.panels.tables import FiguresTable, Rows
from app.workers.answers import AnswerTable
from mpm_core.comparison import FIGURES, AnswerFigures, answer_rows, number_text
from mpm_core.lifters import LIFTERS
from mpm_core.progress import Progress

_SHORT = {
    "mpjpe": "MPJPE", "hidden": "hidden", "visible": "visible", "p_mpjpe": "P-MPJPE", "acceleration": "accel. m/s²",
    "reprojection": "reproj. px", "jumps": "jumps",
}  # fmt: skip
_TIPS = {
    "mpjpe": "Mean error of all joints, Hip at zero, mm",
    "hidden": "Mean error of the joints that are hidden now, the same ones for all answers, mm",
    "visible": "Mean error of the joints that are not hidden now, mm",
    "p_mpjpe": "After the best move, turn and scale of every frame (Procrustes), mm",
    "acceleration": "Mean difference of the joints' accelerations, m/s²: trembling shows here",
    "reprojection": "From the keypoints that an answer was lifted from to its 3D as the camera sees it, px",
    "jumps": "How often a joint moves by 15 cm or more in a frame while the truth moves less than half as far",
}
_NOTES = ("lifter", "task", "mode", "aids", "weights", "hidden", TAKEN, "keys", "kept", "cameras")
_FRAMES = ("first frame (from 0)", "last frame (from 0)")
"""What figures are of, counted as in all files."""

_NARROWEST_NAME_PX = 126
_GIVES_WAY = ("jumps", "acceleration", "reprojection", "p_mpjpe", "visible")
"""Figures that a narrow panel leaves out, the first one first."""

_NUMBER_ROLE = Qt.ItemDataRole.UserRole


class PredictionsPanel(QWidget):
    """A tick shows an answer in the scene and among the curves; a double click renames it. Signals ask for everything else."""

    keep_chosen = Signal()
    compare_chosen = Signal()
    cancel_chosen = Signal()
    save_chosen = Signal()
    removed = Signal(list)  # numbers
    renamed = Signal(int, str)
    seen = Signal(bool)  # whether somebody can see the table

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._figures: AnswerTable | None = None
        self._is_filling = False
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.addLayout(self._build_top())
        self._scope = _muted()
        column.addWidget(self._scope)
        self.table = FiguresTable(self.rows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.table.set_heading(("Answer", *_SHORT.values()), ("What is drawn: tick an answer", *_TIPS.values()))
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        column.addWidget(self.table, 1)
        self._rest = _muted()
        column.addWidget(self._rest)
        column.addLayout(self._build_bottom())
        self._memory = _muted()
        column.addWidget(self._memory)
        self.table.itemChanged.connect(self._on_item_changed)
        # Later, and without the editor, which is gone by then.
        self.table.itemDelegate().closeEditor.connect(lambda *_: QTimer.singleShot(0, self.refresh))
        self.table.itemSelectionChanged.connect(self._show_buttons)
        for signal in (session.kept.changed, session.kept.shown_changed, session.clip_changed, session.prediction_changed):
            signal.connect(self.refresh)
        self.refresh()

    def _build_top(self) -> QVBoxLayout:
        column, row = QVBoxLayout(), QHBoxLayout()
        self.keep_button = _button(
            "Keep this answer", "Keep the current 3D under a name, to compare others with it", self.keep_chosen
        )
        self.compare_button = _button(
            "Compare lifters",
            f"Let every lifter ({', '.join(name.upper() for name in LIFTERS)}) answer to this mask, in the background, and keep"
            " the answers; without alternatives that were taken, which would be the same in each",
            self.compare_chosen,
        )
        row.addWidget(self.keep_button)
        row.addWidget(self.compare_button)
        self._at_work = QWidget()
        work = QHBoxLayout(self._at_work)
        work.setContentsMargins(0, 0, 0, 0)
        self.progress = QProgressBar()
        self.cancel_button = _button("Cancel", "Keep nothing of what is at work", self.cancel_chosen)
        work.addWidget(self.progress, 1)
        work.addWidget(self.cancel_button)
        self._at_work.setVisible(False)
        column.addLayout(row)
        column.addWidget(self._at_work)
        return column

    def _build_bottom(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Take the selected answers off the list")
        self.remove_button.clicked.connect(lambda _=False: self.removed.emit(self._selected()))
        copy = QPushButton("Copy")
        copy.setToolTip("The table to the clipboard, with all digits, for a spreadsheet")
        copy.clicked.connect(lambda _=False: self.table.copy())
        save = _button("Save CSV…", "The table as a file", self.save_chosen)
        for button in (self.remove_button, copy, save):
            row.addWidget(button)
        row.addStretch()
        return row

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self.seen.emit(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Names have what figures leave of a wide panel; in a narrow one they are cut, since figures are what is compared. What
        then still has no room, the least told figures first, is left out and said to be; so is what nothing is known of."""
        header, table = self.table.horizontalHeader(), self.table
        known: list[AnswerFigures] = list(self._figures.rows.values()) if self._figures is not None else []
        for column, key in enumerate(FIGURES, 1):
            is_known = not known or any(number_text(getattr(one, key), 1) for one in known)
            table.setColumnHidden(column, not is_known)
        widths = {
            key: max(table.sizeHintForColumn(column), header.sectionSizeHint(column))
            for column, key in enumerate(FIGURES, 1) if not table.isColumnHidden(column)
        }  # fmt: skip
        room = table.viewport().width() - _NARROWEST_NAME_PX
        left_out: list[str] = []
        for key in _GIVES_WAY:
            if key in widths and sum(widths.values()) > room:
                del widths[key]
                table.setColumnHidden(list(FIGURES).index(key) + 1, True)
                left_out.insert(0, _SHORT[key])
        header.resizeSection(0, max(table.viewport().width() - sum(widths.values()), _NARROWEST_NAME_PX))
        self._rest.setText(f"In a wider panel, and in the copied table: {', '.join(left_out)}" if left_out else "")
        self._rest.setVisible(bool(left_out))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.seen.emit(False)

    def set_theme(self, theme: Theme) -> None:
        """Outlines in the colours of a theme."""
        self._theme = theme
        self.refresh()

    def show_progress(self, progress: Progress | None) -> None:
        """How far a comparison is; None when none is at work."""
        self._at_work.setVisible(progress is not None)
        self.compare_button.setEnabled(progress is None)
        if progress is not None:
            self.progress.setMaximum(progress.total)
            self.progress.setValue(progress.done)
            self.progress.setFormat(f"{progress.note} %p %")

    def show_figures(self, figures: AnswerTable | None) -> None:
        """Take over the table's figures; None while those of what is on show are not known."""
        self._figures = figures
        self.refresh()

    @property
    def has_figures(self) -> bool:
        """Whether those of what is on show are known."""
        return self._figures is not None

    def rows(self) -> Rows:
        """The table as it is copied and saved: what is noted of each answer, and its figures with all digits."""
        figures = self._figures
        found: Mapping[int, AnswerFigures] = {} if figures is None else figures.rows
        frames = ["", ""] if figures is None else [str(figures.first), str(figures.last)]
        notes = [(answer.name, answer.note, answer.number) for answer in self._session.kept.answers]
        prediction, clip = self._session.prediction, self._session.clip
        if ON_SHOW in found and prediction is not None and clip is not None:
            notes.insert(0, ("current", note_of(prediction, self._session.options.aids, clip), ON_SHOW))
        rows = [(name, [*(note.get(key, "") for key in _NOTES), *frames], found.get(number)) for name, note, number in notes]
        return answer_rows(rows, (*_NOTES, *_FRAMES))

    def _selected(self) -> list[int]:
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        return [number for row in rows if (number := self._number(row)) != ON_SHOW]

    def _number(self, row: int) -> int:
        item = self.table.item(row, 0)
        return ON_SHOW if item is None else int(item.data(_NUMBER_ROLE))

    def refresh(self, *_: object) -> None:
        """A row for the answer on show, then one for each that is kept."""
        if not self.isVisible():
            return
        if self.table.state() == QAbstractItemView.State.EditingState:
            return  # what is being typed must not be overwritten; the list is filled anew afterwards
        session, chosen = self._session, set(self._selected()) if self.table.rowCount() else set()
        is_there = session.prediction is not None
        self._is_filling = True
        self.table.setRowCount(len(session.kept.answers) + is_there)
        if is_there:
            follows = followed_text(session)
            item = self._fill(0, ON_SHOW, "Current answer, alternative taken" if follows else "Current answer")
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setIcon(_swatch(QColor(self._theme.text), "", self._theme))
            item.setToolTip("\n".join(filter(None, ("The answer to the mask at hand, drawn solid", follows))))
        shown = {answer.number for answer in session.kept.shown}
        for place, answer in enumerate(session.kept.answers):
            item = self._fill(place + is_there, answer.number, answer.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if answer.number in shown else Qt.CheckState.Unchecked)
            item.setIcon(_swatch(look.outline_of(place, self._theme), look.letter_of(place), self._theme))
            item.setToolTip("\n".join((answer.name, *(f"{key}: {_told(key, value)}" for key, value in answer.note.items()))))
        self._choose_again(chosen)
        self._is_filling = False
        self._fit()
        self._show_words()
        self._show_buttons()

    def _fill(self, row: int, number: int, name: str) -> QTableWidgetItem:
        figures = self._figures.rows.get(number) if self._figures is not None else None
        for column, (key, (_, _, digits)) in enumerate(FIGURES.items(), 1):
            self.table.put(row, column, "…" if figures is None else number_text(getattr(figures, key), digits))
        item = self.table.put(row, 0, name)
        item.setData(_NUMBER_ROLE, number)
        item.setData(Qt.ItemDataRole.CheckStateRole, None)
        return item

    def _choose_again(self, numbers: set[int]) -> None:
        """Rows keep being chosen although they were filled anew."""
        model = self.table.selectionModel()
        model.clearSelection()
        for row in range(self.table.rowCount()):
            if self._number(row) in numbers:
                flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
                model.select(self.table.model().index(row, 0), flags)

    def _show_words(self) -> None:
        session, figures = self._session, self._figures
        if session.clip is None:
            self._scope.setText("")
        elif figures is None:
            self._scope.setText("Figures are being computed …")
        else:
            is_whole = (figures.first, figures.last) == (0, len(session) - 1)
            where = "Whole clip" if is_whole else frames_in_words(figures.first, figures.last).capitalize()
            has_truth = session.clip.ground_truth is not None
            errors = ", errors in mm" if has_truth else ", without ground truth to measure errors by"
            self._scope.setText(f"{where}{errors}; ticked answers are drawn in outlines{self._who_follows()}")
            self._scope.setToolTip("In the scene, on the hip of the answer on show, and among the curves")
        kept = session.kept
        self._memory.setText(f"{len(kept.answers)} kept, {kept.nbytes / 1e6:.1f} of {MOST_BYTES / 1e6:.0f} MB at most")
        self._memory.setVisible(bool(kept.answers))

    def _who_follows(self) -> str:
        """Which rows are not the lifter's own answer alone."""
        session = self._session
        who = ["the current answer"] if session.prediction is not None and followed_text(session) else []
        who += [look.letter_of(place) for place, answer in enumerate(session.kept.answers) if answer.follows]
        return f"; {' and '.join(who)} follow{'s' if len(who) == 1 else ''} an alternative that was taken" if who else ""

    def _show_buttons(self) -> None:
        session = self._session
        self.keep_button.setEnabled(session.prediction is not None and not session.state.is_busy)
        self.remove_button.setEnabled(bool(self._selected()))

    def _on_item_changed(self, item: QTableWidgetItem) -> None:
        if self._is_filling or item.column():
            return
        number = item.data(_NUMBER_ROLE)
        answer = self._session.kept.find(number)
        if answer is not None and item.text() != answer.name:
            self.renamed.emit(number, item.text())
        elif answer is not None:
            self._session.kept.set_shown(number, item.checkState() == Qt.CheckState.Checked)


def _told(key: str, value: str) -> str:
    """What is noted, for people: files have the whole time, with its zone."""
    if key != "kept":
        return value
    try:
        return said(datetime.fromisoformat(value), datetime.now().astimezone())
    except ValueError:  # of a project that somebody else wrote
        return value


def _button(text: str, tip: str, signal: object) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda _=False: signal.emit())  # type: ignore[attr-defined]
    return button


def _muted() -> QLabel:
    label = QLabel()
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label


def _swatch(outline: QColor, letter: str, theme: Theme) -> QIcon:
    """How an answer is drawn: its outline around the grey of a body, and its letter."""
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(outline, 5))
    painter.setBrush(QColor(theme.base))
    painter.drawRoundedRect(3, 3, 26, 26, 7, 7)
    font = painter.font()
    font.setPixelSize(17)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(theme.text))
    painter.drawText(picture.rect(), Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    return QIcon(picture)
