"""Owns the clock: plays the session's frames at their own times, at any speed; a pause of hours takes a second."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from app.document.session import Session
from mpm_core.pauses import shortened

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_SHORTEST_TICK_MS = 4


class Playback(QObject):
    """Shows each frame when its time has come. When the computer is too slow, frames are left out, never time."""

    playing_changed = Signal(bool)
    settings_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.speed = 1.0
        self.loops = True
        self._is_playing = False
        self._clock = QElapsedTimer()
        self._start_time = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._times = np.zeros(0)
        self._take_times()
        session.clip_changed.connect(self._take_times)
        session.clip_changed.connect(self.pause)
        session.frame_changed.connect(self._on_frame_changed)
        session.rate_changed.connect(self._restart)
        self._own_frame = -1

    @property
    def is_playing(self) -> bool:
        return self._is_playing

    def toggle(self) -> None:
        """Play, or pause."""
        if self._is_playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Play from the frame at hand, or from the beginning when it is the last."""
        if self._session.clip is None or self._is_playing:
            return
        first, last = self._ends()
        if not first <= self._session.frame < last:
            self._show(first)
        self._is_playing = True
        self._restart()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        self._timer.stop()
        if self._is_playing:
            self._is_playing = False
            self.playing_changed.emit(False)

    def set_speed(self, speed: float) -> None:
        """Change the speed, also while playing."""
        self.speed = speed
        self._restart()
        self.settings_changed.emit()

    def set_loops(self, loops: bool) -> None:
        self.loops = loops
        self.settings_changed.emit()

    def frame_at(self, elapsed_s: float) -> tuple[int, bool]:
        """The frame to show so long after the start, and whether the end has been passed (without looping)."""
        times = self._times
        first, last = self._ends()
        # The last frame stays on for as long as the one before it.
        tail = times[last] - times[last - 1] if last > first else 0.0
        length = float(times[last] - times[first] + tail)
        position = self._start_time - float(times[first]) + elapsed_s * self.speed
        if position >= length:
            if not self.loops or length <= 0:
                return last, True
            position %= length
        frame = int(np.searchsorted(times, times[first] + position + 1e-9, side="right")) - 1
        return max(first, min(frame, last)), False

    def _take_times(self) -> None:
        clip = self._session.clip
        self._times = np.zeros(0) if clip is None else shortened(clip.times, clip.fps)

    def _ends(self) -> tuple[int, int]:
        return self._session.range or (0, len(self._session) - 1)

    def _restart(self) -> None:
        """Count time from the frame at hand."""
        if self._is_playing and self._session.clip is not None:
            self._start_time = float(self._times[self._session.frame])
            self._clock.start()
            self._timer.start(0)

    def _tick(self) -> None:
        if not self._is_playing or self._session.clip is None:
            return
        elapsed = self._clock.nsecsElapsed() / 1e9
        frame, is_over = self.frame_at(elapsed)
        self._show(frame)
        if is_over:
            self.pause()
            return
        times = self._times
        following = times[frame + 1] - times[frame] if frame + 1 < len(times) else 1 / self._session.clip.fps
        self._timer.start(max(_SHORTEST_TICK_MS, int(1000 * following / self.speed / 2)))

    def _show(self, frame: int) -> None:
        self._own_frame = frame
        self._session.set_frame(frame)

    def _on_frame_changed(self, frame: int) -> None:
        """Scrubbing while playing: go on from there."""
        if frame != self._own_frame:
            self._own_frame = frame
            self._restart()
