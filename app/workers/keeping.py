"""Owns what jobs have in common whose answers are kept when they are done, while the window goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.document.predictions import KeptAnswer
from app.document.session import Session
from app.workers.newest_wins import NewestWins
from mpm_core.progress import Progress


class Numbered(Protocol):
    """A request."""

    @property
    def number(self) -> int:
        """That the job had when it was made, see KeepingJob."""
        ...


class KeepingJob(QObject):
    """One request at a time, which another clip gives up. Whoever inherits computes in `_work`, which emits `_answered`, and
    keeps what came of it in `_keep`."""

    progressed = Signal(object)  # Progress, in per cent of all; None when it has ended
    _advanced = Signal(object, int)
    _answered = Signal(object, object)  # the answers, and the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._number = 0
        self._is_running = False
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._advanced.connect(self._on_advanced)
        self._answered.connect(self._on_answered)
        session.clip_changed.connect(self.cancel)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is at work."""
        return self._is_running

    def cancel(self) -> None:
        """Give up what is at work; nothing of it is kept."""
        if self._is_running:
            self._number += 1
            self._end()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._number += 1
        self._thread.stop()

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _begin(self, asked: Numbered) -> None:
        self._is_running = True
        self.progressed.emit(Progress(0, 100, "loading"))
        self._thread.ask(asked)

    def _is_given_up(self, asked: Numbered) -> bool:
        """In the worker."""
        return asked.number != self._number or self._thread.is_outdated()

    def _tell(self, share: float, note: str, asked: Numbered) -> None:
        """In the worker: how much is done."""
        self._advanced.emit(Progress(min(round(100 * share), 99), 100, note), asked.number)

    def _work(self, asked: Any) -> None:
        raise NotImplementedError

    def _keep(self, answers: Sequence[KeptAnswer], asked: Any) -> None:
        raise NotImplementedError

    def _on_advanced(self, progress: Progress, number: int) -> None:
        if number == self._number:
            self.progressed.emit(progress)

    def _on_answered(self, answers: Sequence[KeptAnswer], asked: Numbered) -> None:
        """In the window's thread. Answers that somebody has given up come too late."""
        if asked.number == self._number:
            self._end()
            self._keep(answers, asked)

    def _on_failed(self, text: str, request: tuple[Numbered]) -> None:
        if request[0].number == self._number:
            self._end()
            self._session.failure.emit(text)

    def _end(self) -> None:
        self._is_running = False
        self.progressed.emit(None)
