"""Owns the worker that draws alternatives of hidden joints around the cursor, once the answer there has settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.alternatives import Cloud, Question, is_same, question_of
from app.document.session import Session
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.diffusion.options import Sampling
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress

MOST_FRAMES = 243
"""So many frames alternatives are drawn for at most; without a range, so many around the cursor."""

_WAIT_MS = 40
"""The cursor and the answer have come to rest."""

_NEAR_FRAMES = 61
"""So many around the cursor come first, where more than twice as many are wanted."""


class Drawer(Protocol):
    """See mpm_core.lifters.alternatives.Alternatives."""

    hypotheses: NDArray[np.float32]

    def draw(
        self, clip: Clip, mask: Mask | None, answer: Prediction, frames: slice, samples: int = 5, steps: int = 5, seed: int = 0,
        task: str = "lift", start: str = "noise",
    ) -> Iterator[Progress]:  # fmt: skip
        ...


def load_alternatives(device: str) -> Drawer:
    """The denoiser with its weights. torch loads with it, so not before it is needed."""
    from mpm_core.lifters.alternatives import Alternatives

    return Alternatives.load(device)


@dataclass(frozen=True, eq=False)
class _Asked:
    clip: Clip
    mask: Mask
    answer: Prediction
    first: int
    last: int
    cursor: int
    sampling: Sampling
    question: Question
    device: str
    task: str
    number: int


class AlternativesJob(QObject):
    """Keeps the session's cloud up to date while alternatives are wanted. Whatever changes the question takes the cloud away at
    once and gives up what is at work, so that the answer has the processor."""

    _drawn = Signal(object, int)  # Cloud, and the number of the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._number = 0
        self._asked: _Asked | None = None  # what is at work
        self._drawer: Drawer | None = None
        self._device = ""
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._drawn.connect(self._on_drawn)
        self._due = single_shot(self, self._ask, _WAIT_MS)
        for signal in (
            session.clip_changed, session.mask_changed, session.keypoints_changed, session.threshold_changed,
            session.camera_changed, session.height_changed, session.rate_changed, session.truth_changed,
            session.options_changed, session.frame_changed, session.range_changed, session.prediction_changed,
            session.renewal.changed, session.alternatives.changed,
        ):  # fmt: skip
            signal.connect(self._look)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._due.stop()
        self._number += 1
        self._thread.stop()

    def _look(self, *_: object) -> None:
        """Something has changed that alternatives may depend on."""
        session, shown = self._session, self._session.alternatives
        if not shown.samples or session.clip is None:
            self._give_up()
            shown.put(None, False)
            return
        cloud = shown.cloud_of(session)
        cloud = None if cloud is None or cloud.samples != shown.samples else self._on_body(cloud)
        first, last = self._wanted_frames()
        if cloud is not None and cloud.is_whole and self._are_wanted(cloud.first, cloud.last):
            self._give_up()
            shown.put(cloud, False)
        elif not session.hidden[first : last + 1].any():
            self._give_up()
            shown.put(None, False)
        else:
            if self._asked is not None and not self._is_wanted(self._asked):
                self._give_up()
            if self._asked is None:
                self._due.start()
            shown.put(cloud, True)

    def _on_body(self, cloud: Cloud) -> Cloud:
        """The same on the answer as it is now: while one comes in, visible joints may still move a little."""
        answer, part = self._session.prediction, slice(cloud.first, cloud.last + 1)
        if cloud.question[-1] is not self._session.hidden:  # it is as it was, but need not be compared again and again
            cloud = replace(cloud, question=question_of(self._session))
        if answer is None or len(answer) != len(self._session):
            return cloud
        positions = answer.positions[part]
        is_same_body = np.array_equal(positions[~cloud.hidden], cloud.positions[~cloud.hidden], equal_nan=True)
        return cloud if is_same_body else replace(cloud, positions=positions.copy())

    def _is_wanted(self, asked: _Asked) -> bool:
        """Whether what is at work is what is wanted now."""
        is_same_number = asked.sampling.samples == self._session.alternatives.samples
        is_there = self._are_wanted(asked.first, asked.last)
        return is_there and is_same_number and is_same(asked.question, question_of(self._session))

    def _are_wanted(self, first: int, last: int) -> bool:
        """Whether alternatives in frames first to last are what is to be seen."""
        session = self._session
        if session.range is not None and (first, last) != self._wanted_frames():
            return False
        return first <= session.frame <= last

    def _wanted_frames(self) -> tuple[int, int]:
        """The range, if the cursor is in it and it is short enough; else frames around the cursor."""
        session = self._session
        chosen, frame, count = session.range, session.frame, len(session)
        low, high = (0, count - 1)
        if chosen is not None and chosen[0] < chosen[1] and chosen[0] <= frame <= chosen[1]:
            low, high = chosen
        first = max(min(frame - MOST_FRAMES // 2, high - MOST_FRAMES + 1), low)
        return first, min(first + MOST_FRAMES - 1, high)

    def _give_up(self) -> None:
        self._due.stop()
        self._number += 1
        self._asked = None

    def _ask(self) -> None:
        """Once the answer in the frames that are wanted is the one to what is asked."""
        session = self._session
        first, last = self._wanted_frames()
        answer, part, marks = session.prediction, slice(first, last + 1), session.renewal.marks
        if session.clip is None or answer is None or len(answer) != len(session) or (marks is not None and marks[part].any()):
            return  # the next answer comes by here again
        if not np.isfinite(answer.positions[part]).all() or not np.array_equal(answer.hidden[part], session.hidden[part]):
            return
        self._number += 1
        options = session.options
        self._asked = _Asked(
            session.clip, session.mask | session.unsure, answer, first, last, session.frame,
            replace(options.sampling, samples=session.alternatives.samples), question_of(session), options.device,
            options.task, self._number,
        )  # fmt: skip
        self._thread.ask(self._asked)

    def _work(self, asked: _Asked) -> None:
        """In the worker: what is near the cursor first."""
        if self._drawer is None or self._device != asked.device:
            self._drawer, self._device = load_alternatives(asked.device), asked.device
        near = max(asked.cursor - _NEAR_FRAMES // 2, asked.first), min(asked.cursor + _NEAR_FRAMES // 2, asked.last)
        is_long = asked.last - asked.first > 2 * _NEAR_FRAMES and asked.answer.hidden[near[0] : near[1] + 1].any()
        if is_long and not self._draw(asked, *near):
            return
        self._draw(asked, asked.first, asked.last)

    def _draw(self, asked: _Asked, first: int, last: int) -> bool:
        """Draw for frames first to last, both included; whether it was not given up."""
        assert self._drawer is not None
        part, ways = slice(first, last + 1), asked.sampling
        steps = self._drawer.draw(
            asked.clip, asked.mask, asked.answer, part, ways.samples, ways.steps, ways.seed, asked.task, ways.start
        )
        for _ in steps:
            if self._thread.is_outdated() or asked.number != self._number:
                return False
        positions, hidden = asked.answer.positions[part].copy(), asked.answer.hidden[part].copy()
        is_whole = (first, last) == (asked.first, asked.last)
        cloud = Cloud(first, self._drawer.hypotheses, positions, hidden, asked.question, is_whole)
        self._drawn.emit(cloud, asked.number)
        return True

    def _on_drawn(self, cloud: Cloud, number: int) -> None:
        """In the window's thread. A cloud of what was asked before comes too late."""
        if number == self._number:
            self._asked = None if cloud.is_whole else self._asked
            self._session.alternatives.put(cloud, not cloud.is_whole)

    def _on_failed(self, text: str, request: tuple[_Asked]) -> None:
        """In the window's thread. Said once: alternatives are off until a person asks for them again."""
        if request[0].number == self._number:
            self._give_up()
            self._session.alternatives.set_wanted(samples=0)
            self._session.failure.emit(text)
