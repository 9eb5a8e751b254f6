"""Owns what Ctrl+C in the terminal does to the window: it quits, and asks about what is not saved; a second one ends it."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

from app.document.timers import single_shot

_log = logging.getLogger("mpm-viewer")

_BYTES = 64

_SOON_MS = 300
"""A window that is still there after so long has asked something."""


class Interrupts(QObject):
    """For as long as the program runs. Qt runs no Python while nothing happens, and of an exception that comes in the middle of
    something it prints the traceback and goes on: so a socket wakes the window, which Python writes to as a signal comes."""

    def __init__(self, ask_to_quit: Callable[[], None]) -> None:
        super().__init__()
        self._ask_to_quit = ask_to_quit
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        self._soon = single_shot(self, self._say_how_to_end, _SOON_MS)
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as where a shell has started it in the background
            signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGINT, _end_at_the_next)

    def _on_signal(self) -> None:
        if signal.SIGINT not in self._ours.recv(_BYTES):
            return
        self._soon.start()
        if QApplication.activeModalWidget() is None:
            self._ask_to_quit()
            self._soon.stop()
            if _is_there():  # a person wants to go on: the next Ctrl+C, hours later, asks again
                signal.signal(signal.SIGINT, _end_at_the_next)

    def _say_how_to_end(self) -> None:
        if _is_there():
            _log.warning("mpm-viewer: the window waits for an answer; Ctrl+C again ends it at once")


def _is_there() -> bool:
    return any(widget.isVisible() for widget in QApplication.topLevelWidgets())


def _end_at_the_next(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
