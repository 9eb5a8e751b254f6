"""The lifting panel: task, mode and device, the paper's presets and random masks."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.document.alternatives import FEW, MANY, followed_text
from app.document.editor import RANDOM_JOINT_PRESETS
from app.document.session import Session
from app.panels.choices import box_of
from app.panels.notes import NoteLabel
from app.panels.refining import RefineControls
from app.panels.sampling import SamplingControls
from mpm_core.lifters import LIFTERS
from mpm_core.masking import COMPLETION_PRESETS, MASKERS, OCCLUSION_PRESETS, MaskRatios
from mpm_core.skeleton import MPM16

_TASKS = {"lift": ("Lift", "2D → 3D, with whatever is hidden"), "complete": ("Complete", "Fill in hidden joints of 3D")}
_MODES = {"fast": "Fast – whole windows", "per-frame": "Per frame – a window for each"}
_AIDS = {
    "mirror": "More accurate, steadier, and tells how sure the lifter is; takes twice as long",
    "calibrate": "Corrects a hidden arm or leg by how far the answer would be off in the other one; takes twice as long",
    "fit": "Puts joints where the camera sees them, as far as the keypoints seem right, and bones near one length",
    "ground": "Moves the person and their legs so that feet that stand do not slide, and are on one floor",
}
_ABOUT_FOLLOWED = (
    "Whichever lifter answers: what was taken is an edit, as a key is. Edit → Let alternatives go takes it away; Compare"
    " lifters leaves it out"
)
_LONGEST_FOLLOWED = "1000 frames follow an alternative that was taken"
_DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU (CUDA)"}


class LiftingPanel(QWidget):
    """Controls of the lifter. Signals ask for masks; options go to the session."""

    preset_chosen = Signal(str, bool)  # name, whether it takes the place of what is hidden
    random_chosen = Signal(str, object, bool)  # sampler, MaskRatios, the same
    show_all_chosen = Signal()
    together_chosen = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 10)
        layout.addLayout(self._build_tasks())
        layout.addLayout(self._build_options())
        self.together_button = QPushButton("Lift with another camera…")
        self.together_button.setToolTip("One motion by what several calibrated cameras saw of a person, kept among the answers")
        self.together_button.clicked.connect(lambda _=False: self.together_chosen.emit())
        layout.addWidget(self.together_button)
        layout.addLayout(self._build_alternatives())
        layout.addWidget(self._build_presets())
        layout.addWidget(self._build_random())
        layout.addStretch()
        session.options_changed.connect(self._refresh)
        session.clip_changed.connect(self._refresh)
        session.truth_changed.connect(self._refresh)
        session.state_changed.connect(self._show_device)
        session.prediction_changed.connect(self._show_moved)
        self._refresh()

    def _build_tasks(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self._tasks = QButtonGroup(self)
        self._task_buttons: dict[str, QPushButton] = {}
        for name, (label, tip) in _TASKS.items():
            button = QPushButton(label)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, task=name: self._session.set_options(self._session.options.with_task(task)))
            self._tasks.addButton(button)
            self._task_buttons[name] = button
            row.addWidget(button)
        return row

    def _build_options(self) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 6, 0, 0)
        self._lifter = box_of({name: name.upper() for name in LIFTERS})
        self._lifter.setToolTip("STMO and TCN only lift, to compare MPM with; Platypose is meant for several cameras")
        self._mode, self._device = box_of(_MODES), box_of(_DEVICES)
        self._mirror = QCheckBox("Mirror and average")
        self._calibrate = QCheckBox("Learn from the visible side")
        self._fit = QCheckBox("Fit to the keypoints")
        self._ground = QCheckBox("Keep standing feet still")
        self._moved = NoteLabel(_moved_words("joints were moved by 100 mm on average and 1000 at most"))
        self._device_note = QLabel()
        self._device_note.setProperty("role", "muted")
        self._lifter.activated.connect(self._on_lifter)
        self._mode.activated.connect(lambda: self._set(mode=self._mode.currentData()))
        self._device.activated.connect(lambda: self._set(device=self._device.currentData()))
        self._mirror.clicked.connect(lambda checked: self._set_aid(mirror=checked))
        form.addRow("Lifter", self._lifter)
        form.addRow("Mode", self._mode)
        form.addRow("Device", self._device)
        form.addRow("", self._device_note)
        self._calibrate.clicked.connect(lambda checked: self._set_aid(calibrate=checked))
        self._fit.clicked.connect(lambda checked: self._set_aid(fit=checked))
        self._ground.clicked.connect(lambda checked: self._set_aid(ground=checked))
        form.addRow(self._mirror)
        form.addRow(RefineControls(self._session))
        form.addRow(self._fit)
        form.addRow(self._ground)
        form.addRow(self._moved)
        form.addRow(self._calibrate)
        return form

    def _build_alternatives(self) -> QFormLayout:
        form, shown = QFormLayout(), self._session.alternatives
        form.setContentsMargins(0, 6, 0, 0)
        self._samples = box_of({0: "Off", FEW: f"{FEW}", MANY: f"{MANY}"})
        self._samples.setToolTip(
            "What else hidden joints could be doing, around the cursor or in the range: click one in the scene to take it, or"
            " drag a hidden joint (A). The denoiser draws them, whichever lifter answers, and they are laid on its answer"
        )
        self._cloud = box_of({False: "Thin limbs", True: "Ellipsoids, 1σ"})
        self._cloud.setToolTip("Each alternative as a limb, or how far they lie apart: one standard deviation (Shift+A)")
        self._samples.activated.connect(lambda: shown.set_wanted(samples=self._samples.currentData()))
        self._cloud.activated.connect(lambda: shown.set_wanted(are_ellipsoids=self._cloud.currentData()))
        form.addRow("Alternatives", self._samples)
        form.addRow("Shown as", self._cloud)
        form.addRow(SamplingControls(self._session))
        self._followed = NoteLabel(_LONGEST_FOLLOWED)
        form.addRow(self._followed)
        session = self._session
        for signal in (
            session.clip_changed, session.mask_changed, session.keypoints_changed, session.threshold_changed,
            session.options_changed,
        ):  # fmt: skip
            signal.connect(self._show_followed)
        shown.changed.connect(self._show_alternatives)
        self._show_alternatives()
        return form

    def _show_alternatives(self) -> None:
        shown = self._session.alternatives
        self._samples.setCurrentIndex(self._samples.findData(shown.samples))
        self._cloud.setCurrentIndex(self._cloud.findData(shown.are_ellipsoids))
        self._cloud.setEnabled(shown.samples > 0)

    def _build_presets(self) -> QGroupBox:
        box = QGroupBox("Hide too, in the range or clip")
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 8, 0, 0)
        grid.setSpacing(4)
        names = [*RANDOM_JOINT_PRESETS, *OCCLUSION_PRESETS, *COMPLETION_PRESETS]
        for n, name in enumerate(names):
            button = QPushButton(name.replace("left", "L").replace("right", "R") if "+" in name else name.capitalize())
            how = ", drawn at random" if name in RANDOM_JOINT_PRESETS else ""
            button.setProperty("role", "preset")
            button.setToolTip(f"Hide {name} as well{how}; with Alt instead of what is hidden")
            button.clicked.connect(lambda _=False, preset=name: self.preset_chosen.emit(preset, self._replaces_mask()))
            grid.addWidget(button, n // 2, n % 2)
        everything = QPushButton("Show everything")
        everything.clicked.connect(lambda _=False: self.show_all_chosen.emit())
        grid.addWidget(everything, (len(names) + 1) // 2, 0, 1, 2)
        self._replace = QCheckBox("Replace what is hidden")
        self._replace.setToolTip("Presets and random masks take the place of the mask, instead of adding to it (or hold Alt)")
        grid.addWidget(self._replace, (len(names) + 1) // 2 + 1, 0, 1, 2)
        return box

    def _build_random(self) -> QGroupBox:
        box = QGroupBox("Random mask")
        form = QFormLayout(box)
        form.setContentsMargins(0, 8, 0, 0)
        self._sampler = box_of({name: name.capitalize() for name in MASKERS if name != "none"})
        self._joints, self._joints_note = _slider(0, len(MPM16) - 1, MaskRatios().joints)
        self._frames, self._frames_note = _slider(0, 95, round(MaskRatios().frames * 100))
        self._joints.valueChanged.connect(self._show_ratios)
        self._frames.valueChanged.connect(self._show_ratios)
        self._show_ratios()
        button = QPushButton("Hide at random")
        button.setToolTip("Hide joints drawn at random in this way, in the range or the clip")
        button.clicked.connect(self.choose_random)
        form.addRow("Kind", self._sampler)
        form.addRow(self._joints_note, self._joints)
        form.addRow(self._frames_note, self._frames)
        form.addRow(button)
        return box

    def _show_ratios(self) -> None:
        self._joints_note.setText(f"Joints {self._joints.value()} of {len(MPM16)}")
        self._frames_note.setText(f"Frames {self._frames.value()} %")

    def choose_random(self) -> None:
        """Ask for a mask of the kind that is set."""
        ratios = MaskRatios(self._joints.value(), self._frames.value() / 100)
        self.random_chosen.emit(self._sampler.currentData(), ratios, self._replaces_mask())

    def _replaces_mask(self) -> bool:
        has_alt = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.AltModifier)
        return has_alt or self._replace.isChecked()

    def _set(self, **changes: object) -> None:
        self._session.set_options(replace(self._session.options, **changes))  # type: ignore[arg-type]

    def _set_aid(self, **change: bool) -> None:
        self._set(aids=replace(self._session.options.aids, **change))

    def _on_lifter(self) -> None:
        self._session.set_options(self._session.options.with_lifter(self._lifter.currentData()))

    def _refresh(self) -> None:
        options, clip = self._session.options, self._session.clip
        self._task_buttons[options.task].setChecked(True)
        self._task_buttons["lift"].setEnabled(clip is None or clip.keypoints is not None)
        self._task_buttons["complete"].setEnabled(clip is None or clip.ground_truth is not None)
        self.together_button.setEnabled(clip is not None and clip.keypoints is not None)
        for box, value in ((self._lifter, options.lifter), (self._mode, options.mode), (self._device, options.device)):
            box.setCurrentIndex(box.findData(value))
        self._mirror.setChecked(options.aids.mirror)
        self._calibrate.setChecked(options.aids.calibrate)
        self._fit.setChecked(options.aids.fit)
        self._ground.setChecked(options.aids.ground)
        for aid, tick in zip(_AIDS, (self._mirror, self._calibrate, self._fit, self._ground), strict=True):
            why_not = options.why_not(aid)
            tick.setEnabled(not why_not)
            tick.setToolTip(why_not or _AIDS[aid])
        self._show_device()

    def _show_moved(self) -> None:
        """By how much the answer on show was moved to the ground, once it is whole."""
        prediction = self._session.prediction
        if prediction is None or not self._session.state.is_busy:
            self._moved.setText(_moved_words("" if prediction is None else prediction.moved_by()))

    def _show_followed(self, *_: object) -> None:
        """That what was taken stays, whichever lifter answers."""
        text = followed_text(self._session)
        self._followed.setText(text)
        self._followed.setToolTip(text and _ABOUT_FOLLOWED)

    def _show_device(self) -> None:
        device = self._session.state.device
        self._device_note.setText(f"runs on {_DEVICES.get(device, device)}" if device else "loading …")


def _moved_words(moved: str) -> str:
    """A sentence with the reason; nothing where nothing was moved."""
    return f"{moved[:1].upper()}{moved[1:]}, so that standing feet do not slide" if moved else ""


def _slider(low: int, high: int, value: int) -> tuple[QSlider, QLabel]:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(low, high)
    slider.setValue(value)
    label = QLabel()
    label.setMinimumWidth(92)
    return slider, label
