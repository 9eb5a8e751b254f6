"""How tall the person is: as somebody knows it, or as the lifter has it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFormLayout, QGroupBox, QLabel, QPushButton

from app.document.session import Session
from app.panels.said_box import SaidBox
from mpm_core.lifters.sized import height_as_lifted
from mpm_core.stature import SMALLEST_M, TALLEST_M


class BodyBox(QGroupBox):
    """Signals ask for changes: metres from sole to crown; the height as the lifter has it."""

    height_chosen = Signal(float)
    height_left_to_lifter = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__("Body")
        self._session = session
        self._as_lifted: float | None = None
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        self._height = SaidBox()
        self._height.setRange(SMALLEST_M, TALLEST_M)
        self._height.setDecimals(2)
        self._height.setSingleStep(0.01)
        self._height.setSuffix(" m")
        self._height.setToolTip("From sole to crown, without shoes. Bones, path and floor are scaled to it")
        self._note = QLabel()
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        self._leave = QPushButton("Height as lifted")
        self._leave.setToolTip("Forget what was said of the height")
        self._height.said.connect(self.height_chosen)
        self._leave.clicked.connect(lambda _=False: self.height_left_to_lifter.emit())
        form.addRow("Known height", self._height)
        form.addRow("", self._note)
        form.addRow(self._leave)
        session.clip_changed.connect(self._forget)
        for signal in (session.height_changed, session.prediction_changed, session.options_changed):
            signal.connect(self.refresh)
        self._forget()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show what the session has; what was lifted is measured only while somebody can see it, and once it is whole."""
        session = self._session
        if not self.isVisible() or session.clip is None:
            return
        is_lifted = session.options.task == "lift"
        if session.prediction is not None and is_lifted and not session.state.is_busy:
            self._as_lifted = height_as_lifted(session.prediction)
        height = session.clip.height_m
        known = height or self._as_lifted
        with QSignalBlocker(self._height):
            self._height.setSpecialValueText("" if known else "…")  # of another clip, or the least, would else stand there
            self._height.setValue(known or SMALLEST_M)
        self._height.holds_guess = height is None
        self._height.setEnabled(is_lifted and known is not None)
        self._note.setText(self._told(height, is_lifted))
        self._leave.setEnabled(height is not None)

    def _forget(self) -> None:
        """Of another clip nothing has been measured yet."""
        self._as_lifted = None
        self.refresh()

    def _told(self, height: float | None, is_lifted: bool) -> str:
        if not is_lifted:
            return "3D that is completed keeps its own size"
        about = "" if self._as_lifted is None else f"about {self._as_lifted:.2f} m, as lifted"
        return about if height is None else f"known or given{about and f' ({about})'}"
