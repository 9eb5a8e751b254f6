"""What the camera was: its field of view, and how it was held, which says which way is up."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QFormLayout, QGroupBox, QLabel, QPushButton

from app.document.session import Session
from app.panels.said_box import SaidBox
from mpm_core.grounding.drifting import moving_camera_notes
from mpm_core.grounding.up import Up


class CameraBox(QGroupBox):
    """Signals ask for changes: degrees of the field of view; pitch and roll in degrees; up as the lifter tells it;
    whether to mark something upright in the picture."""

    field_of_view_chosen = Signal(float)
    held_chosen = Signal(float, float)
    up_left_to_lifter = Signal()
    upright_chosen = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__("Camera")
        self._session = session
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        self._angle = _degrees(5, 170, "Along the longer side. A phone's main camera: 65 to 72°; its tele lens: 25 to 40°")
        self._angle_note = _note()
        self._moves = QLabel()
        self._moves.setWordWrap(True)
        self._moves.setProperty("role", "warning")
        self._pitch = _degrees(-90, 90, "By how much the camera looks down")
        self._roll = _degrees(-180, 180, "By how much it is turned clockwise about its own axis")
        self._up_note = _note()
        self._mark = QPushButton("Mark something upright…")
        self._mark.setCheckable(True)
        self._mark.setToolTip("Click both ends of a door frame, the corner of a wall or a pole in the picture")
        self._leave = QPushButton("Up as the lifter tells it")
        self._leave.setToolTip("Forget what was said of pitch and roll")
        self._angle.said.connect(self.field_of_view_chosen)
        for box in (self._pitch, self._roll):
            box.said.connect(lambda _: self.held_chosen.emit(self._pitch.value(), self._roll.value()))
        self._mark.clicked.connect(self.upright_chosen)
        self._leave.clicked.connect(lambda _=False: self.up_left_to_lifter.emit())
        form.addRow("Field of view", self._angle)
        form.addRow("", self._angle_note)
        form.addRow(self._moves)
        form.addRow("Looks down by", self._pitch)
        form.addRow("Rolled by", self._roll)
        form.addRow("", self._up_note)
        form.addRow(self._mark)
        form.addRow(self._leave)
        for signal in (session.clip_changed, session.camera_changed, session.up_changed):
            signal.connect(self.refresh)
        session.prediction_changed.connect(self._show_moves)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show what the session has."""
        clip, up = self._session.clip, self._session.up
        if clip is None:
            return
        with QSignalBlocker(self._angle), QSignalBlocker(self._pitch), QSignalBlocker(self._roll):
            self._angle.setValue(clip.camera.field_of_view_deg(clip.image_size))
            self._pitch.setValue(up.pitch_deg)
            self._roll.setValue(up.roll_deg)
        self._angle.holds_guess = clip.camera.is_assumed
        self._pitch.holds_guess = self._roll.holds_guess = up.source != "clip"
        self._angle.setEnabled(clip.keypoints is not None)
        self._angle_note.setText("assumed" if clip.camera.is_assumed else "known or given")
        self._up_note.setText(_told(up))
        self._show_moves()
        self._mark.setEnabled(clip.keypoints is not None)
        self._leave.setEnabled(up.source == "clip")

    def _show_moves(self) -> None:
        """Whether the camera moves, as the clip or a whole answer tells."""
        clip, answer = self._session.clip, self._session.prediction
        if clip is None or (answer is not None and self._session.state.is_busy):
            return
        moves = "; ".join(moving_camera_notes(clip, answer))
        self._moves.setText(moves[:1].upper() + moves[1:])
        self._moves.setVisible(bool(moves))

    def show_marking(self, is_on: bool) -> None:
        """Whether the picture waits for clicks."""
        self._mark.setChecked(is_on)


def _told(up: Up) -> str:
    if up.source == "lifter":
        return f"told by the lifter, off by about {up.error_deg:.0f}°"
    return "known or given" if up.source == "clip" else "not known: taken to be level"


def _degrees(low: float, high: float, tip: str) -> SaidBox:
    box = SaidBox()
    box.setRange(low, high)
    box.setDecimals(1)
    box.setSuffix("°")
    box.setToolTip(tip)
    return box


def _note() -> QLabel:
    label = QLabel()
    label.setProperty("role", "muted")
    return label
