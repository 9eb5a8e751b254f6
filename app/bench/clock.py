"""Owns the clocks of the measurement: since the program began, and how long the window's thread did not answer."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

_BEAT_MS = 5
_BEGAN = time.monotonic()


def since_start_s() -> float:
    """Seconds since this process was started; where the system does not tell, since this module was imported."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):
        return time.monotonic() - _BEGAN


def memory_bytes() -> int:
    """What of this process is in memory (RSS); 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@dataclass(frozen=True)
class Standstill:
    """The longest time, in ms, that the window's thread did not come back to its events, and the longest time that it worked
    in between: the first counts also what others took of the processor."""

    wall_ms: float
    own_ms: float


class Heartbeat(QObject):
    """A timer in the window's thread, against clocks that only go forward."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self.restart()
        self._timer.start(_BEAT_MS)

    def restart(self) -> None:
        """Forget what was."""
        self._last, self._last_own = time.perf_counter(), time.thread_time()
        self._longest = self._longest_own = 0.0

    def standstill(self) -> Standstill:
        """Since the last restart."""
        return Standstill(max(self._longest * 1000 - _BEAT_MS, 0.0), self._longest_own * 1000)

    def _beat(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        self._longest = max(self._longest, now - self._last)
        self._longest_own = max(self._longest_own, own - self._last_own)
        self._last, self._last_own = now, own
