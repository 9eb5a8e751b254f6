"""Owns the recorded answer of a lifting task: it says which weights made it, in which way, and what was done to it then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.base import LiftingTask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.provenance import Step

_NO_SCALE = 1e-6


class RecordedTask:
    """A LiftingTask whose answers have a history. made_by: the lifter, its weights and what was asked of it, for people."""

    def __init__(self, task: LiftingTask, made_by: str) -> None:
        self._task, self._made_by = task, made_by

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        return self._task.update(mask, cursor, frames)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)

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
        return replace(answer, history=tuple(Step.now(text) for text in said))
