"""Owns the worker that lets all lifters answer to the same mask, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.document.answer_commands import keep_answers
from app.document.lift_options import LiftOptions
from app.document.predictions import KeptAnswer, keep, usual_name
from app.workers.keeping import KeepingJob
from app.workers.lifters import load_lifter
from mpm_core.clip import Clip
from mpm_core.lifters import LIFTERS, SAMPLING_LIFTERS
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction

COMPARED = tuple(name for name in LIFTERS if name not in SAMPLING_LIFTERS)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is lifted, and what is there of it already: the answer on show, if it is whole."""

    clip: Clip
    mask: Mask
    options: LiftOptions
    on_show: Prediction | None
    number: int


class CompareJob(KeepingJob):
    """Keeps an answer of each lifter to the mask as it was when that was asked for."""

    def start(self) -> None:
        """Compare all lifters on the mask at hand; a message says why that cannot be."""
        session = self._session
        if session.clip is None or self._is_running:
            return
        if session.clip.keypoints is None:
            session.warning.emit("This clip has no 2D to lift, and only MPM completes 3D: there is nothing to compare.")
            return
        is_old = session.state.is_busy or session.renewal.marks is not None
        on_show = None if is_old or session.options.task != "lift" else session.prediction
        options = session.options if session.options.task == "lift" else session.options.with_task("lift")
        self._begin(_Asked(session.clip, session.mask | session.unsure, options, on_show, self._next_number()))

    def _work(self, asked: _Asked) -> None:
        """In the worker: the lifters one after the other."""
        found: list[KeptAnswer] = []
        for place, name in enumerate(COMPARED):
            options = replace(asked.options, lifter=name)
            answer = asked.on_show if name == asked.options.lifter else None
            if answer is None:
                task = load_lifter(name, options.device).start(asked.clip, "lift", options.mode, options.aids, hypotheses=False)
                for step in task.update(asked.mask):
                    if self._is_given_up(asked):
                        return
                    self._tell((place + step.done / max(step.total, 1)) / len(COMPARED), name.upper(), asked)
                answer = task.prediction()
            found.append(keep(usual_name(answer, options), answer, options.aids))
        self._answered.emit(found, asked)

    def _keep(self, answers: Sequence[KeptAnswer], asked: _Asked) -> None:
        if keep_answers(self._session, answers, "Compare lifters"):
            changed = "" if (self._session.mask | self._session.unsure == asked.mask).all() else ", to the mask as it was then"
            self._session.message.emit(f"{len(answers)} lifters have answered{changed}: the tab Answers has their figures.")
