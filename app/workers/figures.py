"""Owns the worker that computes the slower figures of an answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.document.measured import is_as_given
from app.document.session import Session
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.errors import CancelledError
from mpm_core.figures import Figures, all_figures
from mpm_core.prediction import Prediction

_WAIT_MS_A_FRAME = 0.003
"""The longer a clip, the longer is nothing to have changed before its figures are computed, which takes eight times as long and
a processor that the next click would rather have."""


class FiguresJob(QObject):
    """Computes the slower figures of the session's prediction, once it is whole, away from the window's thread."""

    changed = Signal(object)  # Figures, or None before there are any
    outdated = Signal()  # those that were told are of another answer or range than what is on show
    _computed = Signal(object, int)  # Figures, and the number of the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thread = NewestWins(self._work)
        self._number = 0
        self._due = single_shot(self, self._hand_over)
        self._computed.connect(self._on_computed)
        session.prediction_changed.connect(self._ask)
        session.range_changed.connect(self._ask)
        session.truth_changed.connect(self._ask)
        session.renewal.changed.connect(self._on_renewal)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._due.stop()
        self._thread.stop()

    def _ask(self) -> None:
        session = self._session
        self._number += 1
        self._due.stop()
        if session.clip is None or session.prediction is None:
            self.changed.emit(None)
            return
        self.outdated.emit()
        if not session.state.is_busy and session.renewal.marks is None:
            self._due.start(round(_WAIT_MS_A_FRAME * len(session)))

    def _hand_over(self) -> None:
        session = self._session
        clip, prediction = session.clip, session.prediction
        assert clip is not None and prediction is not None
        first, last = session.range or (0, len(session) - 1)
        self._thread.ask(clip, prediction, first, last, self._number)

    def _on_renewal(self) -> None:
        if self._session.renewal.marks is not None:
            self._due.stop()
            self._number += 1  # figures that are being computed are of the answer before, too
            self.outdated.emit()

    def _work(self, clip: Clip, prediction: Prediction, first: int, last: int, number: int) -> None:
        """In the worker. Figures that nobody waits for any more would only keep the next click waiting."""

        def stop_if_old() -> None:
            if number != self._number or self._thread.is_outdated():
                raise CancelledError

        with suppress(CancelledError):
            figures = all_figures(clip, prediction, first, last, stop_if_old)
            if is_as_given(prediction, clip, slice(first, last + 1)):
                motion = replace(figures.motion, **dict.fromkeys(("acceleration", "jumps", "path"), float("nan")))
                figures = replace(figures, summary=None, joints=(), motion=motion)
            self._computed.emit(figures, number)

    def _on_computed(self, figures: Figures, number: int) -> None:
        """In the window's thread. Figures of an earlier answer, or of another clip, come too late."""
        if number == self._number:
            self.changed.emit(figures)
