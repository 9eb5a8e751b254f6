"""Owns the worker threads: lifting while a mask changes, figures of an answer; the newest request wins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Condition

from PySide6.QtCore import QObject, QThread, Signal

from app.lift_options import LiftOptions, LiftState
from app.session import Session
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.ground_metrics import MotionSummary, summarise_motion
from mpm_core.lifters import load_lifter
from mpm_core.lifters.base import Lifter, LiftingTask
from mpm_core.masking import Mask
from mpm_core.metrics import ErrorSummary, Reprojection, reprojection, summarise
from mpm_core.prediction import Prediction

_log = logging.getLogger(__name__)

# While a long answer streams in, the window is shown it so often, then ever less often: the frame under the cursor comes first,
# and what follows would rather have the processor.
_SHOW_FIRST_S, _SHOW_LAST_S, _SHOW_GROWTH = 0.06, 0.3, 1.25


class NewestWins(QThread):
    """A thread that works on the newest request; a request that arrives meanwhile replaces the one that waits."""

    failed = Signal(str, object)  # why, and the request as a tuple

    def __init__(self, work: Callable[..., None]) -> None:
        super().__init__()
        self._work = work
        self._waiting: tuple[object, ...] | None = None
        self._is_stopping = False
        self._changed = Condition()

    def ask(self, *request: object) -> None:
        """Ask for work; returns at once."""
        with self._changed:
            self._waiting = request
            self._changed.notify()

    def is_outdated(self) -> bool:
        """Whether the work at hand should stop: something newer waits, or the thread is to end."""
        return self._waiting is not None or self._is_stopping

    def stop(self) -> None:
        """End the thread after the step at hand."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        while True:
            with self._changed:
                while self._waiting is None and not self._is_stopping:
                    self._changed.wait()
                if self._is_stopping:
                    return
                request, self._waiting = self._waiting, None
            assert request is not None
            try:
                self._work(*request)
            except UserError as error:
                self.failed.emit(str(error), request)
            except Exception as error:  # a defect of ours must not take the window down with it
                _log.exception("a background job failed")
                self.failed.emit(f"Something went wrong in the background: {error}", request)


@dataclass(frozen=True)
class _Asked:
    """One request to lift. `started` is when the change was made, for the time that is shown."""

    clip: Clip
    clip_number: int
    mask: Mask
    options: LiftOptions
    cursor: int
    started: float


class LiftJob(QObject):
    """Keeps the session's prediction up to date with its clip, mask and options."""

    _answered = Signal(object, object, object)  # prediction, state, the request it answers

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._clip_number = 0
        self._newest: _Asked | None = None
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._answered.connect(self._on_answered)
        self._lifter: Lifter | None = None
        self._lifter_key: tuple[str, str] = ("", "")
        self._loaded = 0.0
        self._task: LiftingTask | None = None
        self._task_key: tuple[object, ...] = ()
        self._task_clip: Clip | None = None
        session.clip_changed.connect(self._on_clip_changed)
        session.mask_changed.connect(self._ask)
        for signal in (
            session.keypoints_changed, session.threshold_changed, session.camera_changed, session.options_changed,
            session.height_changed,
        ):  # fmt: skip
            signal.connect(self._ask)
        session.truth_changed.connect(self._on_clip_changed)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def _on_clip_changed(self) -> None:
        self._clip_number += 1
        self._ask()

    def _ask(self, *_: object) -> None:
        session = self._session
        if session.clip is None:
            return
        mask = session.mask | session.unsure
        asked = _Asked(session.clip, self._clip_number, mask, session.options, session.frame, time.perf_counter())
        self._newest = asked
        session.set_state(replace(session.state, is_waiting=True))
        self._thread.ask(asked)

    def _work(self, asked: _Asked) -> None:
        """In the worker: bring the task up to date, showing what is new as it comes."""
        task = self._task_for(asked)
        assert self._lifter is not None
        # Loading the network is no part of how long an answer takes, whoever waited for it.
        started = max(asked.started, self._loaded)
        elapsed, shown, pause = 0.0, 0.0, _SHOW_FIRST_S
        done = total = 0
        for progress in task.update(asked.mask, asked.cursor):
            done, total = progress.done, progress.total
            if time.perf_counter() - shown > pause and done < total:
                prediction, shown = task.prediction(), time.perf_counter()
                elapsed, pause = elapsed or (shown - started) * 1000, min(pause * _SHOW_GROWTH, _SHOW_LAST_S)
                self._answered.emit(prediction, LiftState(self._lifter.device, done, total, elapsed), asked)
            if self._thread.is_outdated() and done < total:
                return
        prediction = task.prediction()
        state = LiftState(self._lifter.device, total, total, elapsed or (time.perf_counter() - started) * 1000)
        self._answered.emit(prediction, state, asked)

    def _task_for(self, asked: _Asked) -> LiftingTask:
        """The task at work if it fits the request, else a new one."""
        options = asked.options
        key = (options.lifter, options.device)
        if self._lifter is None or self._lifter_key != key:
            self._lifter, self._lifter_key, self._task = load_lifter(options.lifter, options.device), key, None
            self._loaded = time.perf_counter()
        task_key = (asked.clip_number, options)
        if self._task is None or self._task_key != task_key:
            aids = (options.mirror, options.calibrate, options.fit, options.ground)
            self._task = self._lifter.start(asked.clip, options.task, options.mode, *aids)
            self._task_key = task_key
        elif self._task_clip is not asked.clip:
            self._task.replace_clip(asked.clip)
        self._task_clip = asked.clip
        return self._task

    def _on_answered(self, prediction: Prediction, state: LiftState, asked: _Asked) -> None:
        """In the window's thread. An answer to a question of another clip or task comes too late."""
        if asked.clip_number == self._clip_number and asked.options == self._session.options:
            self._session.set_state(replace(state, is_waiting=asked is not self._newest))
            self._session.set_prediction(prediction)

    def _on_failed(self, text: str, request: tuple[_Asked]) -> None:
        """In the window's thread. What was asked before the newest question concerns nobody any more."""
        if request[0] is self._newest:
            self._session.set_state(LiftState(device=self._session.state.device, error=text))
            self._session.message.emit(text)


@dataclass(frozen=True)
class Figures:
    """Figures of an answer over the chosen range (or the whole clip) and of the mask there. summary: against the ground
    truth, if there is any; reprojection: against the keypoints, if the answer was lifted from them; motion: as an animator sees
    it, as far as that can be told."""

    summary: ErrorSummary | None
    reprojection: Reprojection | None
    motion: MotionSummary
    first: int
    last: int


class FiguresJob(QObject):
    """Computes the slower figures of the session's prediction, once it is whole, away from the window's thread."""

    changed = Signal(object)  # Figures, or None before there are any
    _computed = Signal(object, int)  # Figures, and the number of the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thread = NewestWins(self._work)
        self._number = 0
        self._computed.connect(self._on_computed)
        session.prediction_changed.connect(self._ask)
        session.range_changed.connect(self._ask)
        session.truth_changed.connect(self._ask)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def _ask(self) -> None:
        session = self._session
        clip, prediction = session.clip, session.prediction
        self._number += 1
        if clip is None or prediction is None:
            self.changed.emit(None)
            return
        if session.state.is_busy:
            return
        first, last = session.range or (0, len(session) - 1)
        self._thread.ask(clip, prediction, first, last, self._number)

    def _work(self, clip: Clip, prediction: Prediction, first: int, last: int, number: int) -> None:
        part = slice(first, last + 1)
        summary = None
        if clip.ground_truth is not None:
            summary = summarise(
                prediction.positions[part], clip.ground_truth[part], prediction.hidden[part], prediction.times[part]
            )
        again = reprojection(prediction, clip, part) if prediction.task == "lift" else None
        self._computed.emit(Figures(summary, again, summarise_motion(prediction, clip, part), first, last), number)

    def _on_computed(self, figures: Figures, number: int) -> None:
        """In the window's thread. Figures of an earlier answer, or of another clip, come too late."""
        if number == self._number:
            self.changed.emit(figures)
