"""Owns the worker that lifts while a mask changes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.allocation import return_what_is_free
from app.document.lift_options import LiftOptions, LiftState
from app.document.session import Session
from app.document.timers import single_shot
from app.head_start import DEVICE, HEAD_START, LIFTER, Question
from app.workers.garbage import nothing_collected
from app.workers.libraries import let_numpy_ask, load_torch_library
from app.workers.lifters import load_lifter
from app.workers.newest_wins import NewestWins
from app.workers.turns import TURNS
from mpm_core.clip import Clip
from mpm_core.lifters import SAMPLING_LIFTERS
from mpm_core.lifters.base import Lifter, LiftingTask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

# While a long answer streams in, the window is shown it so often, then ever less often: the frame under the cursor comes first,
# and what follows would rather have the processor.
_SHOW_FIRST_S, _SHOW_LAST_S, _SHOW_GROWTH = 0.06, 0.3, 1.25

_MANY_STEPS = 100
"""That many are of a long clip that was lifted as a whole."""

_LEISURE_MS = 400
"""When an answer of the head start is on screen, and its figures are, the lifter itself is loaded. What others import while
torch's library is loaded would wait for it with Python's lock in hand, and the window for them."""

_TOUCHED_S = 1.0
"""How far around a change the answer on show counts as an older one, until the lifter has looked and says it exactly."""


@dataclass(frozen=True)
class _Asked:
    """One request to lift. `started` is when the change was made, for the time that is shown; `number`: see Renewal."""

    clip: Clip
    clip_number: int
    mask: Mask
    options: LiftOptions
    cursor: int
    started: float
    number: int


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
        self._answered_first: _Asked | None = None  # by the head start
        self._task: LiftingTask | None = None
        self._task_key: tuple[object, ...] = ()
        self._task_clip: Clip | None = None
        self._shown: tuple[Clip, Prediction] | None = None
        self._soon = single_shot(self, self._hand_over)
        self._at_leisure = single_shot(self, self._hand_over)
        session.clip_changed.connect(self._on_clip_changed)
        for change in (session.mask_changed, session.keypoints_changed):
            change.connect(self._ask_around)
        for signal in (
            session.threshold_changed, session.camera_changed, session.options_changed, session.height_changed,
        ):  # fmt: skip
            signal.connect(self._ask)
        session.truth_changed.connect(self._on_clip_changed)
        session.frame_changed.connect(self._follow_cursor)
        session.rate_changed.connect(self._on_clip_changed)
        self._thread.start()

    def prepare(self) -> None:
        """Begin to load what lifting needs, unless there is something to lift already."""
        let_numpy_ask()  # in the window's thread, too
        if self._newest is None:  # whose place in the queue is taken by nothing but newer requests
            self._thread.ask(None)

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._soon.stop()
        self._at_leisure.stop()
        HEAD_START.end()  # for whose answer the worker may be waiting
        self._thread.stop()

    def _on_clip_changed(self) -> None:
        self._clip_number += 1
        self._ask()

    def _ask_around(self, first: int, last: int) -> None:
        """A change of some frames, which touches those around, too."""
        if self._session.clip is not None:
            reach = round(_TOUCHED_S * self._session.clip.fps)
            self._note(first - reach, last + reach)
            self._soon.start()

    def _ask(self) -> None:
        """What is on show is no longer the answer; ask for one."""
        self._soon.stop()
        if self._session.clip is not None:
            self._note(0, len(self._session))
            self._hand_over()

    def _note(self, first: int, last: int) -> None:
        """What is on show is no longer the answer in frames first to last; one is to be asked for."""
        session = self._session
        assert session.clip is not None
        mask = session.mask | session.unsure
        number = session.renewal.ask(first, last, len(session))
        asked = _Asked(session.clip, self._clip_number, mask, session.options, session.frame, time.perf_counter(), number)
        self._newest = asked
        session.set_state(replace(session.state, is_waiting=True))

    def _hand_over(self) -> None:
        """Have the worker begin. After a click that waits until the click is painted: where both work at once, each waits for
        Python's lock again and again, and the click is seen in twice the time for an answer that comes no sooner."""
        self._soon.stop()
        if self._newest is not None:
            self._thread.ask(self._newest)

    def _follow_cursor(self, frame: int) -> None:
        """A person has gone where the answer at work has not been yet: it goes there next."""
        prediction, newest = self._session.prediction, self._newest
        if newest is None or not self._session.state.is_streaming or prediction is None or prediction.is_pending is None:
            return
        if newest.options.lifter in SAMPLING_LIFTERS:  # a hypothesis is one motion: to begin anew would bring no frame nearer
            return
        if len(prediction) == len(self._session) and prediction.is_pending[frame]:
            self._newest = replace(newest, cursor=frame)
            self._hand_over()

    def _work(self, asked: _Asked | None) -> None:
        """In the worker: bring the task up to date, showing what is new as it comes."""
        if asked is None:
            if not HEAD_START.is_on:  # which loads it, too, and each would only hold up the other
                load_torch_library()
            return
        is_shown = asked is self._answered_first
        if self._lifter is None and not is_shown and self._show_first(asked):
            return
        task = self._task_for(asked)
        assert self._lifter is not None
        # Loading the network is no part of how long an answer takes, whoever waited for it.
        started = max(asked.started, self._loaded)
        elapsed, shown, pause = 0.0, 0.0, _SHOW_FIRST_S
        done = total = 0
        for progress in task.update(asked.mask, asked.cursor):
            done, total = progress.done, progress.total
            if time.perf_counter() - shown > pause and done < total and not is_shown:
                prediction, shown = self._completed(task.prediction(), asked), time.perf_counter()
                elapsed, pause = elapsed or (shown - started) * 1000, min(pause * _SHOW_GROWTH, _SHOW_LAST_S)
                self._answered.emit(prediction, LiftState(self._lifter.device, done, total, elapsed), asked)
            if (self._thread.is_outdated() or asked is not self._newest) and done < total:
                return
        if is_shown:  # but what the next question touches has something to build on
            return
        prediction = self._completed(task.prediction(), asked)
        state = LiftState(self._lifter.device, total, total, elapsed or (time.perf_counter() - started) * 1000)
        self._answered.emit(prediction, state, asked)
        if total > _MANY_STEPS:
            return_what_is_free()

    def _show_first(self, asked: _Asked) -> bool:
        """Show the answer of the head start, if it has one."""
        options = asked.options.of_answer
        if (options.lifter, options.device) != (LIFTER, DEVICE):
            HEAD_START.end()
        question = Question(asked.clip, options.task, options.mode, options.aids, asked.mask, asked.cursor)
        answer = HEAD_START.lift(question)
        if answer is None:
            return False
        self._answered_first = asked
        prediction = self._completed(answer.prediction, asked)
        self._answered.emit(prediction, LiftState(answer.device, 1, 1, answer.elapsed_ms), asked)
        return True

    def _completed(self, prediction: Prediction, asked: _Asked) -> Prediction:
        """An answer whose frames that are not there yet come from the one that was shown before."""
        if self._shown is not None:
            clip, before = self._shown
            # Edits replace the clip, but never its times.
            is_of_it = clip.times is asked.clip.times and before.task == prediction.task
            lacking = np.isnan(prediction.positions[:, MPM16.root, 0])
            if is_of_it and (lacking & ~np.isnan(before.positions[:, MPM16.root, 0])).any():
                positions = np.where(lacking[:, None, None], before.positions, prediction.positions)
                root = np.where(lacking[:, None], before.root, prediction.root)
                prediction = replace(prediction, positions=positions, root=root)
        self._shown = (asked.clip, prediction)
        return prediction

    def _task_for(self, asked: _Asked) -> LiftingTask:
        """The task at work if it fits the request, else a new one."""
        options = asked.options.of_answer
        key = (options.lifter, options.device)
        if self._lifter is None or self._lifter_key != key:
            load_torch_library()
            # Of what there is when a second lifter is loaded, some will be garbage.
            with nothing_collected() if self._lifter is None else nullcontext():
                self._lifter, self._lifter_key, self._task = load_lifter(options.lifter, options.device), key, None
            self._loaded = time.perf_counter()
        task_key = (asked.clip_number, options)
        if self._task is None or self._task_key != task_key:
            self._task = None  # two long clips at once may be more than the memory holds
            self._task = self._lifter.start(
                asked.clip, options.task, options.mode, options.aids, options.sampling, hypotheses=False
            )
            self._task_key = task_key
        elif self._task_clip is not asked.clip:
            self._task.replace_clip(asked.clip)
        self._task_clip = asked.clip
        return self._task

    def _on_answered(self, prediction: Prediction, state: LiftState, asked: _Asked) -> None:
        """In the window's thread. An answer to a question of another clip or task comes too late."""
        if asked.clip_number == self._clip_number and asked.options == self._session.options:
            TURNS.window_first()
            self._session.set_state(replace(state, is_waiting=asked is not self._newest))
            self._session.renewal.answer(asked.number, prediction.is_pending, len(prediction))
            self._session.set_prediction(prediction)
        if asked is self._answered_first:
            self._at_leisure.start(_LEISURE_MS)

    def _on_failed(self, text: str, request: tuple[_Asked]) -> None:
        """In the window's thread. What was asked before the newest question concerns nobody any more."""
        if request[0] is self._newest:
            self._session.set_state(LiftState(device=self._session.state.device, error=text))
            self._session.failure.emit(text)
