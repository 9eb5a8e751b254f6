"""Owns the worker that computes a row of figures for the answer on show and for each kept one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.curve_choice import ON_SHOW
from app.document.measured import is_as_given
from app.document.session import Session
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.comparison import AnswerFigures, figures_of
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction

_WAIT_MS = 120


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """Figures by the number of the answer, over frames first to last (both included), or the whole clip."""

    rows: Mapping[int, AnswerFigures]
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class _Asked:
    clip: Clip
    answers: Mapping[int, Prediction]
    hidden: Mask
    first: int
    last: int
    number: int


class AnswersJob(QObject):
    """Keeps the table up to date while somebody can see it. What is hidden now counts as hidden in every row, so that all are
    compared in the same joints."""

    changed = Signal(object)  # AnswerTable, or None while there is none for what is on show
    _computed = Signal(object, int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._number = 0
        self._is_wanted = False
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._computed.connect(self._on_computed)
        self._due = single_shot(self, self._ask, _WAIT_MS)
        self._of: dict[int, AnswerFigures] = {}
        self._of_what: tuple[object, ...] = ()
        for signal in (
            session.clip_changed, session.prediction_changed, session.range_changed, session.truth_changed,
            session.mask_changed, session.camera_changed, session.keypoints_changed, session.kept.changed,
        ):  # fmt: skip
            signal.connect(self._renew)
        self._thread.start()

    def set_wanted(self, is_wanted: bool) -> None:
        """Whether somebody can see the table."""
        self._is_wanted = is_wanted
        if is_wanted:
            self._renew()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._due.stop()
        self._thread.stop()

    def _renew(self, *_: object) -> None:
        self._number += 1
        self.changed.emit(None)
        if self._is_wanted and self._session.clip is not None:
            self._due.start()

    def _ask(self) -> None:
        session = self._session
        if session.clip is None:
            return
        answers = {answer.number: answer.prediction for answer in session.kept.answers}
        if session.prediction is not None and not session.state.is_busy and session.renewal.marks is None:
            answers[ON_SHOW] = session.prediction
        if answers:
            first, last = session.range or (0, len(session) - 1)
            self._thread.ask(_Asked(session.clip, answers, session.hidden, first, last, self._number))

    def _work(self, asked: _Asked) -> None:
        """In the worker. Rows of kept answers are remembered until the clip, the mask or the range is another."""
        same = (asked.clip, asked.hidden, asked.first, asked.last)
        if len(self._of_what) != len(same) or not all(a is b or _equal(a, b) for a, b in zip(same, self._of_what, strict=True)):
            self._of, self._of_what = {}, same
        part = slice(asked.first, asked.last + 1)
        rows = {}
        for number, answer in asked.answers.items():
            if self._thread.is_outdated():
                return
            rows[number] = self._of.get(number) or _row(answer, asked, part)
        self._of = {number: row for number, row in rows.items() if number != ON_SHOW}
        self._computed.emit(AnswerTable(rows, asked.first, asked.last), asked.number)

    def _on_computed(self, table: AnswerTable, number: int) -> None:
        """In the window's thread. A table of what was on show before comes too late."""
        if number == self._number:
            self.changed.emit(table)


def _row(answer: Prediction, asked: _Asked, part: slice) -> AnswerFigures:
    """Of 3D that is as it was given there is nothing to tell."""
    return AnswerFigures() if is_as_given(answer, asked.clip, part) else figures_of(answer, asked.clip, part, asked.hidden)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return isinstance(one, int) and one == other
