"""Owns the recorded answer of a lifting task: it says which weights made it, in which way, and what was done to it then."""

from __future__ import annotations

from dataclasses import replace

from mpm_core.lifters.base import LiftingTask, OuterTask
from mpm_core.prediction import Prediction
from mpm_core.provenance import Step

_NO_SCALE = 1e-6


class RecordedTask(OuterTask):
    """A LiftingTask whose answers have a history. made_by: the lifter, its weights and what was asked of it, for people."""

    def __init__(self, task: LiftingTask, made_by: str) -> None:
        super().__init__(task)
        self._made_by = made_by

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        verb = "completed" if answer.task == "complete" else "lifted"
        said = [f"{verb} by {self._made_by}, with {100 * answer.hidden.mean():.1f} % of all joints hidden"]
        if answer.refinement is not None:
            said.append(f"refined (UAO): {answer.refinement.sentence(answer.scale)}")
        if abs(answer.scale - 1) > _NO_SCALE:
            said.append(f"sized: all metres times {answer.scale:.3f}, for the height that was told")
        if answer.moved_by():
            said.append(f"grounded: {answer.moved_by()}, so that standing feet do not slide")
        return replace(answer, history=(*(Step.now(text) for text in said), *answer.history))
