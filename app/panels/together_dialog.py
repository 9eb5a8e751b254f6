"""The dialog that brings in other cameras' clips with their calibration, and says whether they fit before they are lifted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.session import Session
from app.panels.choices import box_of
from app.panels.folders import folder_of, use_folder
from app.panels.questions import ask_for_file
from app.panels.said_box import SaidBox
from app.workers.opening import Opener, ReadBeside
from app.workers.together import MatchJob
from mpm_core.calibrated import CalibratedCamera, camera_of, read_cameras
from mpm_core.clip import Clip, split_source
from mpm_core.diffusion.options import MOST_SAMPLES, MOST_STEPS, USUAL_SAMPLES, USUAL_STEPS_TOGETHER, Sampling
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats.base import UNITS
from mpm_core.lifters.aids import Aids
from mpm_core.masking import Mask
from mpm_core.matching import Matched, View

_UNITS = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "inch": "inches"}
_FARTHEST_FRAMES = 99_999.0
_WIDTH, _LINES = 600, 8
_NO_CAMERA = -1
_READING = "Reading"


@dataclass(eq=False)
class _Row:
    """What is shown of one camera's clip. others: of the first there are none of these widgets.
    chosen: the camera that was chosen last, for when there is one of this name again."""

    clip: Clip
    hidden: Mask
    camera: QComboBox
    name: QLabel
    shift: SaidBox | None = None
    others: list[QWidget] = field(default_factory=list)
    chosen: str = ""


class TogetherDialog(QDialog):
    """`matched`, `calibration` and `sampling()` hold what is to be lifted, once that fits. kinds: what file dialogs offer."""

    def __init__(self, session: Session, opener: Opener, kinds: str, parent: QWidget) -> None:
        super().__init__(parent)
        assert session.clip is not None
        self.setWindowTitle("Lift with another camera")
        self._opener, self._kinds, self._options = opener, kinds, session.options
        self._path: Path | None = None
        self._cameras: tuple[CalibratedCamera, ...] = ()
        self._rows: list[_Row] = []
        self._wanted: ReadBeside | None = None  # the file that is being read
        self._is_reading = False
        self.matched: Matched | None = None
        self._job = MatchJob()
        self._job.found.connect(self._on_found)
        self._job.refused.connect(self._warn)
        use_folder(self, folder_of(parent))
        layout = QVBoxLayout(self)
        layout.addLayout(self._build_calibration())
        layout.addLayout(self._build_clips())
        layout.addLayout(self._build_sampling())
        layout.addWidget(self._build_said(), 1)
        layout.addWidget(self._build_buttons())
        self._add_row(session.clip, session.mask | session.unsure)
        opener.progress.connect(self._on_progress)
        opener.failed.connect(self._warn)
        opener.view_read.connect(self._on_view_read)
        self.resize(min(_WIDTH, parent.width()), self.sizeHint().height())
        self._look()

    def done(self, result: int) -> None:
        """See QDialog."""
        for signal, slot in (
            (self._opener.progress, self._on_progress), (self._opener.failed, self._warn),
            (self._opener.view_read, self._on_view_read),
        ):  # fmt: skip
            signal.disconnect(slot)
        self._job.stop()
        parent = self.parentWidget()
        if parent is not None:
            use_folder(parent, folder_of(self))
        super().done(result)

    @property
    def calibration(self) -> str:
        """The name of its file."""
        return "" if self._path is None else self._path.name

    def sampling(self) -> Sampling:
        """How hypotheses are drawn beside the answer, or for it where it is made of them."""
        return Sampling(self._samples.value(), self._steps.value())

    @property
    def aids(self) -> Aids:
        """Those of the panel Lifting when the dialog opened, as far as they concern several cameras."""
        return self._options.aids

    def _build_calibration(self) -> QHBoxLayout:
        self._calibration = _elided("none yet")
        self.choose_button = QPushButton("Choose…")
        self.choose_button.clicked.connect(self._choose_calibration)
        self._unit = box_of({unit: _UNITS[unit] for unit in UNITS})
        self._unit.setToolTip("The file does not say in which unit its translations are; boards are often measured in mm")
        self._unit.activated.connect(self._read_calibration)
        row = QHBoxLayout()
        row.addWidget(QLabel("Calibration"))
        row.addWidget(self._calibration, 1)
        row.addWidget(QLabel("in"))
        row.addWidget(self._unit)
        row.addWidget(self.choose_button)
        return row

    def _build_clips(self) -> QVBoxLayout:
        column = QVBoxLayout()
        self._grid = QGridLayout()
        self._grid.setColumnStretch(0, 1)
        for place, text in enumerate(("Clip", "Camera", "Begins later by")):
            label = QLabel(text)
            label.setProperty("role", "muted")
            self._grid.addWidget(label, 0, place)
        self.add_button = QPushButton("Add another camera's clip…")
        self.add_button.setToolTip("Keypoints of the same person: a file, or a project with corrections and what is hidden")
        self.add_button.clicked.connect(self._choose_clip)
        column.addLayout(self._grid)
        column.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)
        return column

    def _build_sampling(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._samples, self._steps = QSpinBox(), QSpinBox()
        self._samples.setRange(0 if self._options.aids.fit else 1, MOST_SAMPLES)
        self._samples.setValue(0 if self._options.aids.fit else USUAL_SAMPLES)
        self._samples.setSpecialValueText("none" if self._options.aids.fit else "")
        self._steps.setRange(1, MOST_STEPS)
        self._steps.setValue(USUAL_STEPS_TOGETHER)
        self._steps.setEnabled(self._samples.value() > 0)
        self._samples.valueChanged.connect(lambda samples: self._steps.setEnabled(samples > 0))
        if self._options.aids.fit:
            self._samples.setToolTip("So many motions are drawn beside the answer, and how far they lie apart is kept with it")
        else:
            self._samples.setToolTip("The fit is off in Lifting: the answer is the mean of so many motions that are drawn")
        row.addWidget(QLabel("Hypotheses" if self._options.aids.fit else "The mean of"))
        row.addWidget(self._samples)
        row.addWidget(QLabel("in" if self._options.aids.fit else "hypotheses in"))
        row.addWidget(self._steps)
        row.addWidget(QLabel("steps"))
        row.addStretch()
        return row

    def _build_said(self) -> QScrollArea:
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        area = QScrollArea()  # of three cameras and in large text it may be long
        area.setWidget(self.said)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumHeight(_LINES * self.said.fontMetrics().lineSpacing())
        return area

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.lift_button = buttons.addButton("Lift", QDialogButtonBox.ButtonRole.AcceptRole)
        self.lift_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons

    def _choose_calibration(self) -> None:
        path = ask_for_file(self, "The cameras' calibration", "Calibration (*.toml);;All files (*)")
        if path is not None:
            self.use_calibration(path)

    def use_calibration(self, path: Path) -> None:
        """Take the cameras from this file."""
        self._path = path
        self._read_calibration()

    def _read_calibration(self) -> None:
        if self._path is None:
            return
        try:
            self._cameras = read_cameras(self._path, self._unit.currentData())
        except UserError as error:
            self._cameras = ()
            why = str(error).replace(
                "(--unit mm, as boards are often measured)", "(choose it above: boards are often measured in mm)"
            )
        else:
            why = ""
        self._calibration.setText(self._path.name)
        self._calibration.setToolTip(str(self._path))
        for row in self._rows:
            self._offer_cameras(row)
        self._look()
        if why:
            self._warn(why)

    def _choose_clip(self) -> None:
        path = ask_for_file(self, "What another camera saw of the same person", self._kinds)
        if path is not None:
            self.add_clip(path)

    def add_clip(self, path: Path) -> None:
        """Read a file with what another camera saw."""
        if path.suffix.lower() in VIDEO_SUFFIXES:
            self._say(
                f"{path.name} is a video: open it in a window of its own, detect the person there, and save the project or"
                " export the clip, which can be added here.", "warning",
            )  # fmt: skip
            return
        self._is_reading = True
        self._say(f"{_READING} {path.name} …", "muted")
        self.add_button.setEnabled(False)  # one at a time: a second file would take the place of the first
        self._wanted = self._opener.open_view(path, self._rows[0].clip)

    def _on_view_read(self, beside: ReadBeside, clip: Clip, hidden: Mask) -> None:
        if beside is self._wanted:  # and not what a dialog before this one was closed over
            self._add_row(clip, hidden)
            self._look()

    def _on_progress(self, _name: str, done: int, total: int) -> None:
        if done < total:
            return
        self._is_reading = False
        self.add_button.setEnabled(True)
        self._show_lift()
        if self.said.text().startswith(_READING):  # and nothing came of it: somebody is asked, or has cancelled
            self._look()

    def _warn(self, why: str) -> None:
        self._say(why, "warning")

    def _add_row(self, clip: Clip, hidden: Mask) -> None:
        row, place = _Row(clip, hidden, box_of({}), _elided(clip.name)), self._grid.rowCount()
        row.name.setToolTip(clip.source)
        row.camera.activated.connect(self._look)
        self._grid.addWidget(row.name, place, 0)
        self._grid.addWidget(row.camera, place, 1)
        if self._rows:
            self._add_shift(row, place)
        else:
            self._grid.addWidget(QLabel("this clip"), place, 2)
        self._rows.append(row)
        self._offer_cameras(row)

    def _add_shift(self, row: _Row, place: int) -> None:
        shift, find, remove = SaidBox(), QToolButton(), QToolButton()
        shift.setRange(-_FARTHEST_FRAMES, _FARTHEST_FRAMES)
        shift.setDecimals(1)
        shift.setSuffix(" frames")
        shift.holds_guess = True
        shift.setToolTip("From this clip's first frame to that one's; it is found by how both move unless you say it")
        shift.said.connect(lambda _: self._say_shift(row, True))
        find.setText("Find")
        find.setToolTip("Find it by how both move, instead of what was said")
        find.clicked.connect(lambda _=False: self._say_shift(row, False))
        remove.setText("×")
        remove.setToolTip(f"Without {row.clip.name}")
        remove.clicked.connect(lambda _=False: self._remove(row))
        row.shift, row.others = shift, [find, remove]
        for column, widget in enumerate((shift, find, remove), 2):
            self._grid.addWidget(widget, place, column)

    def _say_shift(self, row: _Row, is_said: bool) -> None:
        assert row.shift is not None
        row.shift.holds_guess = not is_said
        self._look()

    def _remove(self, row: _Row) -> None:
        self._rows.remove(row)
        for widget in (row.name, row.camera, row.shift, *row.others):
            if widget is not None:
                self._grid.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self._look()

    def _offer_cameras(self, row: _Row) -> None:
        """Those of the calibration; the one whose name the file has is chosen, and else a person must."""
        before = row.chosen = row.camera.currentText() or row.chosen
        row.camera.clear()
        for camera in self._cameras:
            row.camera.addItem(camera.name, camera)
        try:
            name = camera_of(self._cameras, split_source(row.clip.source)[0]).name if self._cameras else ""
        except UserError:
            name = ""
        places = (row.camera.findText(text) for text in (before, name) if text)
        row.camera.setCurrentIndex(next((place for place in places if place >= 0), _NO_CAMERA))
        row.camera.setPlaceholderText("Which?")

    def _look(self, *_: object) -> None:
        """Say what is missing, or look whether all fits."""
        self.matched = None
        self._job.forget()
        missing = self._missing()
        if missing:
            self._say(missing, "muted")
            return
        self._say("Looking whether they fit …", "muted")
        self._job.ask([self._view(row) for row in self._rows])

    def _missing(self) -> str:
        """What has to be told first; nothing where all is."""
        if not self._cameras:
            return "Choose the file that says where the cameras stood: TOML, as Anipose and Pose2Sim write it."
        if len(self._rows) < 2:
            return "Add what another camera saw of the same person at the same time."
        names = [row.camera.currentText() for row in self._rows]
        for row, name in zip(self._rows, names, strict=True):
            if not name:
                return f"{row.clip.name}: choose the camera that saw it, which its name does not tell."
            if names.count(name) > 1:
                return f"The camera '{name}' is chosen for two clips: choose another one."
        return ""

    def _view(self, row: _Row) -> View:
        shift, clip = row.shift, self._rows[0].clip
        said = None if shift is None or shift.holds_guess else shift.value() / clip.fps
        return View(row.clip, row.camera.currentData(), row.hidden, said)

    def _on_found(self, matched: Matched) -> None:
        for row, fit in zip(self._rows[1:], matched.fits, strict=True):
            if row.shift is not None and row.shift.holds_guess:
                with QSignalBlocker(row.shift):
                    row.shift.setValue(fit.shift_s * self._rows[0].clip.fps)
        notes = [*matched.doubts, *matched.notes]
        if any(row.hidden.any() for row in self._rows):
            notes.append("What is hidden in a clip is hidden in its camera alone")
        if self._rows[0].clip.chosen is not None:
            notes.append("Alternatives that were taken do not count: several cameras see for themselves")
        usual, options = self._options.as_usual.lifter, self._options
        aside = [f"not by {options.lifter.upper()}"] * (options.lifter != usual) + ["without refining"] * options.aids.refine
        if aside:
            notes.append(f"Each camera is lifted by {usual.upper()}, {' and '.join(aside)}")
        self.matched = matched
        self._say(".\n".join(notes) + ".", "warning" if matched.doubts else "")

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        self.said.setProperty("role", role)
        self.said.style().polish(self.said)
        self._show_lift()

    def _show_lift(self) -> None:
        """What is being read is to be lifted, too."""
        self.lift_button.setEnabled(self.matched is not None and not self._is_reading)


def _elided(text: str) -> QLabel:
    """A label that is cut where there is no room for it."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    label.setMinimumWidth(120)
    return label
