"""Owns the worker that lets all lifters answer to the same mask, each by itself, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.document.answer_commands import keep_answers
from app.document.lift_options import LiftOptions
from app.document.predictions import KeptAnswer, keep, usual_name
from app.workers.keeping import KeepingJob
from app.workers.lifters import load_lifter
from mpm_core.clip import Clip
from mpm_core.diffusion.options import NONE
from mpm_core.errors import UserError
from mpm_core.lifters import LIFTERS, SAMPLING_LIFTERS
from mpm_core.lifters.chosen import followed
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is lifted, and what is there of it already: the answer on show, if it is whole and the lifter's own. clip: without
    what was taken (see Clip.chosen), since that would be the same in every answer. refused: sentences of lifters that could
    not answer."""

    clip: Clip
    taken: NDArray[np.float32] | None
    mask: Mask
    options: LiftOptions
    on_show: Prediction | None
    number: int
    refused: tuple[str, ...] = ()


class CompareJob(KeepingJob):
    """Keeps an answer of each lifter to the mask as it was when that was asked for. Corrections count, since lifters are shown
    them; alternatives that were taken do not."""

    def start(self) -> None:
        """Compare all lifters on the mask at hand; a message says why that cannot be."""
        session = self._session
        if session.clip is None or self._is_running:
            return
        if session.clip.keypoints is None:
            session.warning.emit("This clip has no 2D to lift, and only MPM completes 3D: there is nothing to compare.")
            return
        clip, taken = session.clip, session.clip.chosen
        is_old = session.state.is_busy or session.renewal.marks is not None
        on_show = None if is_old or session.options.task != "lift" else session.prediction
        if on_show is not None and followed(taken, on_show.hidden).any():
            on_show = None
        options = session.options if session.options.task == "lift" else session.options.with_task("lift")
        clip = clip if taken is None else replace(clip, chosen=None)
        self._begin(_Asked(clip, taken, session.mask | session.unsure, options, on_show, self._next_number()))

    def _work(self, asked: _Asked) -> None:
        """In the worker: the lifters one after the other. One whose weights are not there leaves the others to be compared."""
        found: list[KeptAnswer] = []
        refused: list[UserError] = []
        for place, name in enumerate(LIFTERS):
            try:
                answer = self._answer_of(name, place, asked)
            except UserError as error:
                refused.append(error)
                continue
            if answer is None:
                return
            found.append(answer)
        if not found:
            raise refused[0]
        self._answered.emit(found, replace(asked, refused=tuple(str(error) for error in refused)))

    def _answer_of(self, name: str, place: int, asked: _Asked) -> KeptAnswer | None:
        """None where that was given up."""
        options = asked.options.with_lifter(name)
        answer = asked.on_show if name == asked.options.lifter else None
        if answer is None:
            sampling = options.sampling if name in SAMPLING_LIFTERS else NONE
            lifter = load_lifter(name, options.device)
            task = lifter.start(asked.clip, "lift", options.mode, options.aids, sampling, hypotheses=False)
            for step in task.update(asked.mask):
                if self._is_given_up(asked):
                    return None
                self._tell((place + step.done / max(step.total, 1)) / len(LIFTERS), name.upper(), asked)
            answer = task.prediction()
        return keep(usual_name(answer, options, asked.clip), answer, options.aids, asked.clip)

    def _keep(self, answers: Sequence[KeptAnswer], asked: _Asked) -> None:
        if keep_answers(self._session, answers, "Compare lifters"):
            changed = "" if (self._session.mask | self._session.unsure == asked.mask).all() else ", to the mask as it was then"
            who = "1 lifter has" if len(answers) == 1 else f"{len(answers)} lifters have"
            said = f"{who} answered{changed}: the tab Answers has the figures."
            if followed(asked.taken, answers[0].prediction.hidden).any():
                said += " Alternatives that were taken are left out of these answers: they would be the same in each."
            self._session.message.emit(said)
            for sentence in asked.refused:
                self._session.warning.emit(f"Not compared: {sentence}")
