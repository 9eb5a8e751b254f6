"""Owns what Ctrl+C in the terminal does to the window: it quits, and asks about what is not saved; a second one ends it."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

_log = logging.getLogger("mpm-viewer")

_BYTES = 64


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
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as where a shell has started it in the background
            signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGINT, _end_at_the_next)

    def _on_signal(self) -> None:
        if signal.SIGINT not in self._ours.recv(_BYTES):
            return
        if QApplication.activeModalWidget() is None:
            self._ask_to_quit()
        if any(widget.isVisible() for widget in QApplication.topLevelWidgets()):
            _log.warning("mpm-viewer: the window waits for an answer; Ctrl+C again ends it at once")


def _end_at_the_next(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
