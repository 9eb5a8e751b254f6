"""Owns the worker that computes what the timeline draws of an answer."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.document.answer_curves import AnswerCurves, KnownMeans, curves_of
from app.document.session import Session
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.prediction import Prediction


class AnswerCurvesJob(QObject):
    """Follows the session's answer, also while it streams in. Curves of another clip come too late."""

    changed = Signal(object)  # AnswerCurves, or None where there are none
    _computed = Signal(object, object)  # the same, and the clip that was asked about

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._known = KnownMeans()
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._computed.connect(self._on_computed)
        for signal in (session.prediction_changed, session.truth_changed, session.camera_changed):
            signal.connect(self._ask)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def _ask(self) -> None:
        clip, prediction = self._session.clip, self._session.prediction
        if clip is None or prediction is None:
            self.changed.emit(None)
        else:
            self._thread.ask(prediction, clip)

    def _work(self, prediction: Prediction, clip: Clip) -> None:
        self._computed.emit(curves_of(prediction, clip, self._known), clip)

    def _on_computed(self, curves: AnswerCurves | None, asked: Clip) -> None:
        """In the window's thread."""
        clip = self._session.clip
        # Edits replace the clip, but never its times.
        if clip is not None and clip.times is asked.times and self._session.prediction is not None:
            self.changed.emit(curves)
