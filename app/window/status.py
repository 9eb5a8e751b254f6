"""The status line: frame, time, speed, errors at a glance, device, and sentences for the user."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QSizePolicy, QStatusBar

from app.document.playback import SPEEDS, Playback
from app.document.session import Session

_MESSAGE_MS = 9000
_MS_A_LETTER = 90


class StatusLine(QStatusBar):
    """Messages stay for a while on the left; the rest is always there."""

    def __init__(self, session: Session, playback: Playback) -> None:
        super().__init__()
        self._session, self._playback = session, playback
        self._text = ""
        self._place, self._errors, self._device, self._message = QLabel(), QLabel(), QLabel(), QLabel()
        self._message.setProperty("role", "warning")
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A long sentence must not widen the window: it is cut on show, and whole in the tooltip.
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._speed = QComboBox()
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setToolTip("Playing speed")
        self._speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._speed.activated.connect(lambda: playback.set_speed(self._speed.currentData()))
        self.addWidget(self._place)
        self.addWidget(self._speed)
        self.addWidget(self._message, 1)
        self.addPermanentWidget(self._errors)
        self.addPermanentWidget(self._device)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._forget_message)
        for signal in (session.frame_changed, session.clip_changed, session.rate_changed, session.range_changed):
            signal.connect(self._show_place)
        for signal in (
            session.frame_changed,
            session.prediction_changed,
            session.truth_changed,
            session.clip_changed,
            session.mask_changed,
            session.renewal.changed,
        ):
            signal.connect(self._show_errors)
        session.state_changed.connect(self._show_device)
        playback.settings_changed.connect(self._show_speed)
        self._show_speed()
        self._show_device()

    def say(self, text: str) -> None:
        """A sentence for the user; a long one stays longer."""
        self._text = text
        self._message.setToolTip(text)
        self._show_message()
        self._timer.start(max(_MESSAGE_MS, len(text) * _MS_A_LETTER))

    def message(self) -> str:
        """The sentence on show."""
        return self._text

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_message()

    def _show_message(self) -> None:
        metrics = self._message.fontMetrics()
        self._message.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, self._message.width()))

    def _forget_message(self) -> None:
        self._text = ""
        self._show_message()

    def _show_place(self, *_: object) -> None:
        session = self._session
        if session.clip is None:
            self._place.setText("")
            return
        seconds = float(session.clip.times[session.frame])
        text = f"frame {session.frame}/{len(session) - 1}   {seconds:.2f} s"
        if session.range is not None:
            text += f"   range {session.range[0]}–{session.range[1]}"
        self._place.setText(text)

    def _show_errors(self, *_: object) -> None:
        """Errors of the frame at hand; nothing without ground truth, and no number while its answer is an older one."""
        errors, frame = self._session.errors, self._session.frame
        if errors is None or not np.isfinite(errors[frame]).any():
            self._errors.setText("")
            return
        if self._session.renewal.is_outdated(frame):
            self._errors.setText("MPJPE …")
            return
        text = f"MPJPE {np.nanmean(errors[frame]):.1f} mm"
        hidden = self._session.hidden[frame]
        if np.isfinite(errors[frame][hidden]).any():
            text += f"   hidden {np.nanmean(errors[frame][hidden]):.1f}"
        self._errors.setText(text)

    def _show_device(self) -> None:
        state = self._session.state
        if state.error:
            self._device.setText("lifting failed")
        elif not state.device:
            self._device.setText("loading the lifter …")
        elif state.is_streaming:
            self._device.setText(f"{state.device.upper()}  {100 * state.done // max(state.total, 1)} %")
        elif state.is_waiting:
            self._device.setText(f"{state.device.upper()}  …")
        else:
            self._device.setText(f"{state.device.upper()}  {state.elapsed_ms:.0f} ms")

    def _show_speed(self) -> None:
        self._speed.setCurrentIndex(self._speed.findData(self._playback.speed))
