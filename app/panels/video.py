"""The video panel: choose a video, detect in it, pick the person, clean up the keypoints, say what the camera was."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.document.session import Session
from app.panels.body import BodyBox
from app.panels.camera import CameraBox
from app.panels.rate import RateBox
from app.workers.detection import DetectJob
from mpm_core.detectors import DETECTORS
from mpm_core.detectors.base import MOST_PEOPLE, DetectOptions
from mpm_core.people_words import places_in_words
from mpm_core.refiners import REFINERS
from mpm_core.video import SMALLEST_REGION_PX, VideoInfo, VideoPart

_NARROWEST_TIME_PX = 84
_HIGHEST_THRESHOLD = 90  # per cent
_NO_VIDEO = "No video chosen: open one, or drop it on the window."
_NO_REGION = "Whole picture…"


class VideoPanel(QWidget):
    """Controls of the detector and of what it found. Signals ask for edits; nothing is computed here."""

    open_chosen = Signal()
    live_chosen = Signal()
    detect_chosen = Signal(object, bool)  # DetectOptions, and whether to look again at what was seen before
    region_chosen = Signal(bool)  # draw one, or take it away
    refiner_chosen = Signal(str)
    repair_chosen = Signal()
    person_chosen = Signal(int)
    threshold_chosen = Signal(float)

    def __init__(self, session: Session, job: DetectJob) -> None:
        super().__init__()
        self._session, self._job = session, job
        self._region: tuple[int, int, int, int] | None = None
        self._is_previewing = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addLayout(self._build_source())
        layout.addLayout(self._build_options())
        layout.addLayout(self._build_run())
        layout.addWidget(self._build_person())
        layout.addWidget(self._build_cleaning())
        self.rate_box = RateBox(session)
        layout.addWidget(self.rate_box)
        self.camera_box = CameraBox(session)
        layout.addWidget(self.camera_box)
        self.body_box = BodyBox(session)
        layout.addWidget(self.body_box)
        layout.addStretch()
        job.chosen.connect(self._show_video)
        job.adopted.connect(self._show_video)
        job.state_changed.connect(self._show_state)
        job.failed.connect(self.say)
        for signal in (session.clip_changed, session.camera_changed, session.threshold_changed, session.keypoints_changed):
            signal.connect(self._refresh)
        self._show_detector()
        self._show_state()
        self._refresh()

    def options(self) -> DetectOptions:
        """What is asked of the detector."""
        end = self._end.value() or None
        part = VideoPart(self._begin.value(), end, self._every.value(), self._region)
        return DetectOptions(self._detector.currentData(), self._people.value(), part)

    def set_region(self, left: int, top: int, width: int, height: int) -> None:
        """Look at this part of the picture alone; one that is too small for a person is not taken."""
        if min(width, height) < SMALLEST_REGION_PX:
            self._region_button.setText("Too small: draw it again")
            self.region_chosen.emit(True)
            return
        self._region = (left, top, width, height)
        self._region_button.setText(f"{width} × {height} at {left}, {top}  ✕")

    def show_preview(self, is_on: bool) -> None:
        """While a video is on show that is no clip yet, there are no keypoints to work on."""
        self._is_previewing = is_on
        self._refresh()

    def say(self, text: str) -> None:
        """Why there was no detection; it stays until the next."""
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    def _build_source(self) -> QVBoxLayout:
        column = QVBoxLayout()
        row = QHBoxLayout()
        row.setSpacing(4)
        self._open, self._live = QPushButton("Open video…"), QPushButton("Webcam…")
        self._open.clicked.connect(self.open_chosen)
        self._live.clicked.connect(self.live_chosen)
        self._live.setToolTip("Detect and lift while the camera runs")
        row.addWidget(self._open)
        row.addWidget(self._live)
        column.addLayout(row)
        self._video = QLabel(_NO_VIDEO)
        self._video.setWordWrap(True)
        self._video.setProperty("role", "muted")
        column.addWidget(self._video)
        return column

    def _build_options(self) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 4, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # large text in a narrow panel
        self._detector = QComboBox()
        # Its longest name does not decide how wide the panel is.
        self._detector.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for name, detector in DETECTORS.items():
            self._detector.addItem(detector.label, name)
        self._detector.activated.connect(self._show_detector)
        self._missing = QLabel()
        self._missing.setWordWrap(True)
        self._missing.setProperty("role", "warning")
        self._missing.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._people, self._every = QSpinBox(), QSpinBox()
        self._people.setRange(1, MOST_PEOPLE)
        self._people.setValue(DetectOptions().people)
        self._people.setToolTip("Looking for one alone is faster, but whoever walks by may take that one's place")
        self._every.setRange(1, 60)
        self._every.setToolTip("Look at one frame in so many, and interpolate between them")
        self._begin, self._end = _seconds(""), _seconds("to the end")
        self._region_button = QPushButton(_NO_REGION)
        self._region_button.setToolTip(
            "Draw the part of the picture to look at, which helps with small people; click again for the whole picture"
        )
        self._region_button.clicked.connect(self._on_region)
        span = QHBoxLayout()
        span.addWidget(self._begin)
        span.addWidget(self._end)
        form.addRow("Detector", self._detector)
        form.addRow(self._missing)
        form.addRow("People, at most", self._people)
        form.addRow("Every n-th frame", self._every)
        form.addRow("From, to", span)
        form.addRow("Region", self._region_button)
        self._afresh = QCheckBox("Detect again from the start")
        self._afresh.setToolTip("Else what the detector saw in this video before is taken as it was")
        form.addRow(self._afresh)
        return form

    def _build_run(self) -> QVBoxLayout:
        column = QVBoxLayout()
        row = QHBoxLayout()
        row.setSpacing(4)
        self.detect_button, self.cancel_button = QPushButton("Detect"), QPushButton("Cancel")
        self.detect_button.setProperty("role", "primary")
        self.cancel_button.setToolTip(
            "What was seen is kept, and Detect goes on from there; a whole detection from before stays"
        )
        self.detect_button.clicked.connect(lambda: self.detect_chosen.emit(self.options(), self._afresh.isChecked()))
        self.cancel_button.clicked.connect(self._job.cancel)
        row.addWidget(self.detect_button)
        row.addWidget(self.cancel_button)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        keeps_room = self._bar.sizePolicy()
        keeps_room.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(keeps_room)
        self._speed = QLabel()
        self._speed.setWordWrap(True)
        self._speed.setProperty("role", "muted")
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setProperty("role", "warning")
        self._problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._problem.hide()
        column.addLayout(row)
        column.addWidget(self._bar)
        column.addWidget(self._speed)
        column.addWidget(self._problem)
        return column

    def _build_person(self) -> QGroupBox:
        self._person_box = QGroupBox("Person")
        column = QVBoxLayout(self._person_box)
        column.setContentsMargins(0, 8, 0, 0)
        self._persons = QComboBox()
        self._persons.setToolTip("Opens this person as a clip; click a person in the picture to change only some frames")
        self._persons.activated.connect(self._on_person)
        hint = QLabel("Or click another person in the picture.")
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        column.addWidget(self._persons)
        column.addWidget(hint)
        return self._person_box

    def _build_cleaning(self) -> QGroupBox:
        self._cleaning_box = box = QGroupBox("Keypoints")
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 8, 0, 0)
        grid.setSpacing(4)
        self._threshold = QSlider(Qt.Orientation.Horizontal)
        self._threshold.setRange(0, _HIGHEST_THRESHOLD)
        self._threshold.setToolTip("Joints of less confidence are hidden from the lifter, which fills them in")
        self._threshold.valueChanged.connect(lambda value: self.threshold_chosen.emit(value / 100))
        self._threshold_note = QLabel()
        grid.addWidget(self._threshold_note, 0, 0, 1, 2)
        grid.addWidget(self._threshold, 1, 0, 1, 2)
        repair = QPushButton("Repair left/right")
        repair.setToolTip("Exchange left and right back where the detector confused them, and flag these frames")
        repair.clicked.connect(self.repair_chosen)
        grid.addWidget(repair, 2, 0)
        for n, refiner in enumerate(REFINERS.values(), start=1):
            button = QPushButton(refiner.label)
            button.setToolTip(refiner.tip)
            button.clicked.connect(lambda _=False, name=refiner.name: self.refiner_chosen.emit(name))
            grid.addWidget(button, 2 + n // 2, n % 2)
        for column in range(2):
            grid.setColumnStretch(column, 1)
        return box

    def _on_person(self) -> None:
        number = self._persons.currentData()
        self._persons.setCurrentIndex(self._persons.findData(self._session.person))  # until that one is open
        if number != self._session.person:
            self.person_chosen.emit(number)

    def _on_region(self) -> None:
        if self._region is not None:
            self._region = None
            self._region_button.setText(_NO_REGION)
            self.region_chosen.emit(False)
        elif self._job.video is not None:
            self._region_button.setText("Draw it on the picture")
            self.region_chosen.emit(True)

    def _show_video(self, info: VideoInfo | None) -> None:
        if self._region is not None:
            self._on_region()
        self.say("")
        if info is None:
            self._video.setText(_NO_VIDEO)
            self._show_state()
            return
        width, height = info.image_size
        self._video.setText(f"<b>{info.path.name}</b><br>{width} × {height} px, {info.fps:g} frames/s, {info.duration_s:.1f} s")
        for box in (self._begin, self._end):
            box.setMaximum(max(info.duration_s, 0.01))
            box.setValue(0)
        self._show_state()

    def _show_detector(self) -> None:
        reason = DETECTORS[self._detector.currentData()].why_missing()
        self._missing.setText(reason)
        self._missing.setVisible(bool(reason))
        self._show_state()

    def _show_state(self) -> None:
        state = self._job.state
        if state.is_running:
            self.say("")
        can_detect = self._job.video is not None and not state.is_running and self._missing.isHidden()
        pair = (self.detect_button, can_detect), (self.cancel_button, state.is_running)
        for button, is_on in sorted(pair, key=lambda one: not one[1]):  # the one that can be pressed first, to take the focus
            if (
                not is_on and self.window().focusWidget() is button
            ):  # else Qt gives it to the first tab, which then looks chosen
                next(other for other, _ in pair if other is not button).setFocus()
            button.setEnabled(is_on)
        for widget in (self._open, self._live, self._detector, self._people, self._every, self._begin, self._end):
            widget.setEnabled(not state.is_running)
        self._region_button.setEnabled(not state.is_running and self._job.video is not None)
        self._bar.setVisible(state.is_running)
        self._bar.setRange(0, max(state.total, 1) if state.total or not state.is_running else 0)
        self._bar.setValue(state.done)
        text = state.note
        if state.per_second:
            text = f"{state.done} of {state.total} frames, {state.per_second:.0f} frames/s, {_minutes(state.left_s)} left"
        self._speed.setText(text)

    def _refresh(self, *_: object) -> None:
        session = self._session
        clip, recording = session.clip, session.recording
        has_2d = clip is not None and clip.keypoints is not None and not self._is_previewing
        self._person_box.setVisible(has_2d and recording is not None and len(recording.people) > 1)
        self._cleaning_box.setVisible(has_2d)
        self.rate_box.setVisible(clip is not None and not self._is_previewing)
        self.camera_box.setVisible(clip is not None and not self._is_previewing)
        self.body_box.setVisible(has_2d)
        if recording is not None and self._persons.property("recording") is not recording:
            self._persons.setProperty("recording", recording)
            self._persons.clear()
            people = [track.person for track in recording.people]
            for person, place in zip(people, places_in_words(people), strict=True):
                where = f"{place}, " if place else ""
                self._persons.addItem(
                    f"Person {person.number}: {where}{person.frames} frames, {person.height:.0f} px tall", person.number
                )
        self._persons.setToolTip("People are numbered from 0, as in files and on the command line")
        self._persons.setCurrentIndex(self._persons.findData(session.person))
        if clip is None or clip.keypoints is None:
            return
        with QSignalBlocker(self._threshold):
            self._threshold.setValue(round(session.threshold * 100))
        share = session.unsure.sum() / max(clip.visible.sum(), 1)
        self._threshold_note.setText(f"Hide below a confidence of {session.threshold:.2f}: {100 * share:.0f} % of joints")


def _seconds(at_zero: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0, 999)  # until a video says how long it is; more digits would only widen the panel
    box.setDecimals(2)
    box.setSuffix(" s")
    box.setMinimumWidth(_NARROWEST_TIME_PX)
    box.setSpecialValueText(at_zero)
    return box


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
