"""At how many frames a second the clip was taken: as its file has it, or as somebody knows it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QGroupBox, QLabel, QPushButton

from app.document.session import Session
from mpm_core.limits import RATES
from mpm_core.rates import is_rate_assumed, is_rate_told


class RateBox(QGroupBox):
    """Signals ask for changes: frames/s; the rate of the file."""

    rate_chosen = Signal(float)
    rate_left_to_file = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__("Time")
        self._session = session
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        self._rate = _RateSpin()
        self._note = QLabel()
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        self._leave = QPushButton("Frame rate of the file")
        self._leave.setToolTip("Forget what was said of the frame rate")
        self._rate.valueChanged.connect(self.rate_chosen)
        self._leave.clicked.connect(lambda _=False: self.rate_left_to_file.emit())
        form.addRow("Frame rate", self._rate)
        form.addRow("", self._note)
        form.addRow(self._leave)
        session.clip_changed.connect(self.refresh)
        session.rate_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show what the session has."""
        clip, own = self._session.clip, self._session.opened
        if clip is None or own is None:
            return
        with QSignalBlocker(self._rate):
            self._rate.setValue(clip.fps)
        is_own = clip.fps == own.fps
        told = "assumed: the file has none" if is_rate_assumed(own) else "from the file"
        if is_rate_told(own):
            told = "as was said when it was opened"
        if own.own_fps is not None:
            told += f", where it overrides {own.own_fps:g}"
        self._note.setText(told if is_own else f"overrides {own.fps:g} ({told})")
        self._leave.setEnabled(not is_own)


class _RateSpin(QDoubleSpinBox):
    def __init__(self) -> None:
        super().__init__()
        self.setRange(*RATES)
        self.setDecimals(3)
        self.setSuffix(" frames/s")
        self.setKeyboardTracking(False)
        self.setToolTip("Of slow motion, the rate at which the camera took the frames: speeds and steps then are the real ones")

    def textFromValue(self, value: float) -> str:
        """Without zeros that say nothing."""
        return f"{value:.10g}"
