"""Ground truth from another file: when it begins in the clip, as it was found or as somebody says, and how it fits."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QGroupBox, QLabel

from app.document.session import Session
from mpm_core.clip import TRUTH_NOTE

_FARTHEST_FRAMES = 1e6


class TruthBox(QGroupBox):
    """Shows only where the ground truth is from another file. The signal asks for another shift."""

    shift_chosen = Signal(float)  # frames of the clip, from its first to that of the ground truth

    def __init__(self, session: Session) -> None:
        super().__init__("Ground truth")
        self._session = session
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        self._shift = QDoubleSpinBox()
        self._shift.setRange(-_FARTHEST_FRAMES, _FARTHEST_FRAMES)
        self._shift.setDecimals(1)
        self._shift.setSuffix(" frames")
        self._shift.setKeyboardTracking(False)
        self._shift.setToolTip("From the clip's first frame to that of the ground truth; negative where it began before")
        self._shift.valueChanged.connect(self.shift_chosen)
        self._told = QLabel()
        self._told.setWordWrap(True)
        self._told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow("Shift by", self._shift)
        form.addRow(self._told)
        for signal in (session.clip_changed, session.truth_changed):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the session has."""
        clip, origin = self._session.clip, self._session.truth_origin
        self.setVisible(origin is not None)
        if clip is None or origin is None:
            return
        with QSignalBlocker(self._shift):
            self._shift.setValue(origin.timing.shift_s * clip.fps)
        told = [note.removeprefix(TRUTH_NOTE) for note in clip.notes if note.startswith(TRUTH_NOTE)]
        self._told.setText("\n".join((origin.motion.name, *(note[0].upper() + note[1:] + "." for note in told))))
        self._told.setProperty("role", "muted" if origin.is_sure else "warning")
        self._told.style().polish(self._told)
