"""Owns the worker that computes the curves on show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.curve_choice import MEAN, NO_CURVES, ON_SHOW, TRUTH, CurveChoice, CurveLine, CurveSet
from app.document.measured import is_as_given
from app.document.session import Session
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.curves import BY_CLIP_ALONE, CURVES, Values
from mpm_core.prediction import Prediction

_WAIT_MS = 60


@dataclass(frozen=True, eq=False)
class _Asked:
    clip: Clip
    answers: Mapping[int, Prediction | None]
    choice: CurveChoice
    number: int


class CurvesJob(QObject):
    """Keeps the curves up to date with session and choice while somebody can see them."""

    changed = Signal(object)  # CurveSet
    _computed = Signal(object, int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._choice = CurveChoice()
        self._is_wanted = False
        self._number = 0
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._computed.connect(self._on_computed)
        self._due = single_shot(self, self._ask, _WAIT_MS)
        session.clip_changed.connect(self._on_clip_changed)
        for signal in (
            session.prediction_changed, session.truth_changed, session.camera_changed, session.keypoints_changed,
            session.kept.changed, session.kept.shown_changed,
        ):  # fmt: skip
            signal.connect(self._renew)
        self._thread.start()

    def set_choice(self, choice: CurveChoice) -> None:
        """Compute others."""
        self._choice = choice
        self._renew()

    def set_wanted(self, is_wanted: bool) -> None:
        """Whether somebody can see them."""
        self._is_wanted = is_wanted
        self._renew()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._due.stop()
        self._thread.stop()

    def _on_clip_changed(self) -> None:
        """Curves of another clip go at once."""
        self._number += 1
        self.changed.emit(NO_CURVES)
        self._renew()

    def _renew(self, *_: object) -> None:
        """Soon: a long answer comes in bit by bit, and is drawn as it grows."""
        if self._is_wanted and self._session.clip is not None and not self._due.isActive():
            self._due.start()

    def _ask(self) -> None:
        session, kind = self._session, CURVES[self._choice.kind]
        if session.clip is None:
            return
        answers: dict[int, Prediction | None] = {}
        if self._choice.kind in BY_CLIP_ALONE:
            answers[ON_SHOW] = session.prediction
        else:
            if kind.can_be_true and session.clip.ground_truth is not None:
                answers[TRUTH] = None
            answers |= {answer.number: answer.prediction for answer in session.kept.shown}
            if session.prediction is not None:
                answers[ON_SHOW] = session.prediction
        self._number += 1
        self._thread.ask(_Asked(session.clip, answers, self._choice, self._number))

    def _work(self, asked: _Asked) -> None:
        lines: list[CurveLine] = []
        for number, answer in asked.answers.items() if asked.choice.columns else ():
            if self._thread.is_outdated():
                return
            if asked.choice.kind == "error" and answer is not None and is_as_given(answer, asked.clip):
                continue
            values = CURVES[asked.choice.kind].of(asked.clip, answer)
            for joint in asked.choice.columns:
                line = _mean(values) if joint == MEAN else values[:, joint]
                if np.isfinite(line).any():
                    lines.append(CurveLine(number, joint, line.astype(np.float32)))
        self._computed.emit(CurveSet(asked.choice, tuple(lines)), asked.number)

    def _on_computed(self, curves: CurveSet, number: int) -> None:
        """In the window's thread. Curves of another choice or clip come too late."""
        if number == self._number:
            self.changed.emit(curves)


def _mean(values: Values) -> Values:
    """(frames,) over the joints that have a value."""
    known = np.isfinite(values)
    counts = known.sum(1)
    return np.where(counts > 0, np.where(known, values, 0).sum(1) / np.maximum(counts, 1), np.nan)
