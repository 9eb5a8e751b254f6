"""Owns the worker that looks for what is suspicious in the clip and its answer."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.document.session import Session
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from mpm_core.suspicions import CHECKS, Evidence, Suspicion, spans_of

_WAIT_MS = 200
"""After the last change: nobody wants this while the mouse is down."""


class SuspicionsJob(QObject):
    """Looks again after every change, once the answer to it is whole; before the first answer, at the keypoints alone."""

    _found = Signal(object, int)  # suspicions, and the number of the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._number = 0
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._found.connect(self._on_found)
        self._due = single_shot(self, self._ask, _WAIT_MS)
        for signal in (
            session.clip_changed, session.mask_changed, session.keypoints_changed, session.threshold_changed,
            session.flags_changed, session.camera_changed, session.options_changed,
        ):  # fmt: skip
            signal.connect(self._renew)
        session.prediction_changed.connect(self._on_prediction_changed)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._due.stop()
        self._thread.stop()

    def _renew(self, *_: object) -> None:
        self._number += 1
        self._session.suspicions.set_outdated()
        if self._session.clip is not None and len(self._session) > 1:
            self._due.start()

    def _on_prediction_changed(self) -> None:
        if not self._session.state.is_busy:
            self._renew()

    def _ask(self) -> None:
        session = self._session
        if session.clip is None:
            return
        is_old = session.state.is_busy or session.renewal.marks is not None
        answer = None if is_old else session.prediction
        if is_old and session.suspicions.items is not None:
            return  # what was found in the answer before is better than nothing, and is shown as such
        self._thread.ask(Evidence(session.clip, answer, session.mask, session.missing, session.flags), self._number)

    def _work(self, evidence: Evidence, number: int) -> None:
        found: list[Suspicion] = []
        for kind, check in CHECKS.items():
            if number != self._number or self._thread.is_outdated():
                return  # nobody waits for it any more, and a click would
            found += spans_of(kind, check.find(evidence), evidence)
        self._found.emit(tuple(sorted(found, key=lambda one: (one.first, -one.badness))), number)

    def _on_found(self, found: tuple[Suspicion, ...], number: int) -> None:
        """In the window's thread. What was found before the last change comes too late."""
        if number == self._number:
            self._session.suspicions.set_items(found, len(self._session))
