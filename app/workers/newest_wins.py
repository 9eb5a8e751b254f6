"""Owns the thread that every worker of the viewer runs in: the newest request wins."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, get_native_id

from PySide6.QtCore import QThread, Signal

from app.workers.garbage import COLLECTOR
from app.workers.libraries import let_numpy_ask
from app.workers.qt_types import make_room_for_types
from mpm_core.errors import UserError

_log = logging.getLogger(__name__)

_NICE = 5
"""By so much workers, and what they start, stand back behind the window where both want the processor."""


class NewestWins(QThread):
    """A thread that works on the newest request; a request that arrives meanwhile replaces the one that waits."""

    failed = Signal(str, object)  # why, and the request as a tuple

    def __init__(self, work: Callable[..., None]) -> None:
        super().__init__()
        self._work = work
        self._waiting: tuple[object, ...] | None = None
        self._is_stopping = self._finishes = False
        self._changed = Condition()
        self._is_counted = False

    def start(self, *priority: QThread.Priority) -> None:
        """See QThread. From now on garbage is collected in the window's thread alone."""
        make_room_for_types()
        COLLECTOR.begin()
        self._is_counted = True
        super().start(*priority)

    def ask(self, *request: object) -> None:
        """Ask for work; returns at once."""
        with self._changed:
            self._waiting = request
            self._changed.notify()

    def is_outdated(self) -> bool:
        """Whether the work at hand should stop: something newer waits, or the thread is to end."""
        return self._waiting is not None or self._is_stopping

    def stop(self, finishes: bool = False) -> None:
        """End the thread after the step at hand. finishes: whether what waits is done first, as what is to be written is."""
        with self._changed:
            self._is_stopping, self._finishes = True, finishes
            self._changed.notify()
        self.wait()
        if self._is_counted:
            self._is_counted = False
            COLLECTOR.end()

    def run(self) -> None:
        _stand_back()
        is_first = True
        while True:
            with self._changed:
                while self._waiting is None and not self._is_stopping:
                    self._changed.wait()
                if self._is_stopping and not (self._finishes and self._waiting is not None):
                    return
                request, self._waiting = self._waiting, None
            assert request is not None
            if is_first:  # only now: many a thread has never anything to do
                let_numpy_ask()
                is_first = False
            try:
                self._work(*request)
            except UserError as error:
                self.failed.emit(str(error), request)
            except Exception as error:  # a defect of ours must not take the window down with it
                _log.exception("a background job failed")
                self.failed.emit(f"Something went wrong in the background: {error}", request)
            request = None  # what it was about may go, however long nothing else is asked for


def _stand_back() -> None:
    """Let the window's thread go first, so that a click is painted while workers are busy with what was before. On Linux, where
    threads have priorities of their own, and Qt does not set them."""
    if sys.platform == "linux":
        with suppress(OSError):
            thread = get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)
