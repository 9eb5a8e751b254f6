"""The status line: frame, time, speed, errors at a glance, messages, how far a lift is, and how fast it answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from app.document.alternatives import alternatives_text
from app.document.measured import is_as_given
from app.document.playback import SPEEDS, Playback
from app.document.session import Session
from app.document.words import COUNTED_FROM_ONE
from app.window.elided import ElidedLabel
from app.window.messages import Messages
from app.window.range_field import RangeField

_BAR_SIZE = (64, 8)
_LEAST_WORDS = "20 alternatives …"  # of what is said of them


class StatusLine(QStatusBar):
    """Where one is on the left, how the lifter is doing on the right. However much it says, the window gets no wider: what is
    said of alternatives gives way first, then the range and what is being done; figures are never cut."""

    def __init__(self, session: Session, playback: Playback, messages: Messages, counts_seconds: Callable[[], bool]) -> None:
        """counts_seconds: see RangeField."""
        super().__init__()
        self._session, self._playback, self._messages = session, playback, messages
        self.setSizeGripEnabled(False)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # a click beside its field takes the keyboard from it
        self._place, self._errors, self._device = QLabel(), QLabel(), QLabel()
        self._doing, self._alternatives = ElidedLabel(), ElidedLabel()
        self._alternatives.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # what the others leave
        self._alternatives.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._alternatives.setMinimumWidth(self.fontMetrics().horizontalAdvance(_LEAST_WORDS))
        self.range_field = RangeField(session, counts_seconds)
        self._alternatives.setToolTip(
            "How many alternatives of the hidden joints are on show, drawn by the denoiser whichever lifter answers, and the"
            " largest distance between two of them in this frame"
        )
        self._place.setToolTip(COUNTED_FROM_ONE)
        self._errors.setToolTip(
            "How far the joints of this frame are from the ground truth on average (MPJPE), and the hidden ones among them"
        )
        self._device.setToolTip("Where the lifter runs, and how long the frame at hand took from the last change")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(*_BAR_SIZE)
        self._speed = QComboBox()
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setToolTip("Playing speed")
        self._speed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._speed.activated.connect(lambda: playback.set_speed(self._speed.currentData()))
        self.log_button = QToolButton()
        self.log_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.log_button.setToolTip("Read again what was said")
        left: tuple[QWidget, ...] = (self._place, self.range_field, self._speed)
        for widget in left:
            self.addWidget(widget)
        self.addPermanentWidget(self._alternatives, 1)
        for widget in (self._errors, self._doing, self._bar, self._device, self.log_button):
            self.addPermanentWidget(widget)
        for signal in (session.frame_changed, session.clip_changed, session.rate_changed):
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
        for signal in (session.frame_changed, session.alternatives.changed, session.renewal.changed, session.state_changed):
            signal.connect(self._show_alternatives)
        session.state_changed.connect(self._show_device)
        playback.settings_changed.connect(self._show_speed)
        messages.changed.connect(self._show_unread)
        self._show_speed()
        self._show_device()
        self._show_alternatives()
        self._show_unread()

    def minimumSizeHint(self) -> QSize:
        """What it says must not decide how narrow the window can be."""
        return QSize(0, super().minimumSizeHint().height())

    def message(self) -> str:
        """The newest sentence on show."""
        return self._messages.text()

    def _show_unread(self) -> None:
        unread = self._messages.unread
        self.log_button.setText(f"Messages ({unread})" if unread else "Messages")
        self.log_button.setEnabled(bool(self._messages.log))

    def _show_place(self, *_: object) -> None:
        session = self._session
        if session.clip is None:
            self._place.setText("")
            return
        seconds = float(session.clip.times[session.frame])
        self._place.setText(f"frame {session.frame + 1} of {len(session)}   {seconds:.2f} s")

    def _show_errors(self, *_: object) -> None:
        """Errors of the frame at hand; nothing without ground truth, and no number while its answer is an older one."""
        frame = self._session.frame
        errors, answer, clip = self._session.errors_at(frame), self._session.prediction, self._session.clip
        if answer is not None and clip is not None and is_as_given(answer, clip, slice(frame, frame + 1)):
            self._errors.setText("nothing hidden here")
            return
        if errors is None or not np.isfinite(errors).any():
            self._errors.setText("")
            return
        if self._session.renewal.is_outdated(frame):
            self._errors.setText("MPJPE here …")
            return
        text = f"MPJPE here {np.nanmean(errors):.1f} mm"
        hidden = self._session.hidden[frame]
        if np.isfinite(errors[hidden]).any():
            text += f", hidden {np.nanmean(errors[hidden]):.1f}"
        self._errors.setText(text)

    def _show_alternatives(self, *_: object) -> None:
        text = alternatives_text(self._session)
        self._alternatives.setText(text)
        self._alternatives.setVisible(bool(text))

    def _show_device(self) -> None:
        """How far a lift is, and beside it how fast the last one answered: these are two things."""
        state = self._session.state
        self._bar.setVisible(state.is_streaming)
        self._doing.setVisible(state.is_streaming or not state.device or bool(state.error))
        if state.error:
            self._doing.setText("lifting failed")
        elif not state.device:
            self._doing.setText("loading the lifter …")
        elif state.is_streaming:
            # A bar paints itself at once, and with it all else that waits to be: the window would be drawn twice for an answer.
            self._bar.setUpdatesEnabled(False)
            self._bar.setRange(0, max(state.total, 1))
            self._bar.setValue(state.done)
            self._bar.setUpdatesEnabled(True)
            self._doing.setText(f"lifting {100 * state.done // max(state.total, 1)} %")
        self._device.setVisible(bool(state.device))
        latency = f"  {state.elapsed_ms:.0f} ms" if state.elapsed_ms else ""
        latency = "  …" if state.is_waiting else latency
        self._device.setText(f"{state.device.upper()}{latency}")

    def _show_speed(self) -> None:
        self._speed.setCurrentIndex(self._speed.findData(self._playback.speed))
