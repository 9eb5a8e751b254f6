"""Owns the grounded answer of a lifting task: once it is whole, the person's path follows the feet that stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.path import path_correction
from mpm_core.grounding.up import find_up
from mpm_core.lifters.base import LiftingTask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress


class GroundedTask:
    """A LiftingTask whose person stands on the ground; see grounding/path.py. Until an answer is whole, the path is moved by
    as much as the answer before."""

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        self._task, self._clip = task, clip
        self._moved = np.zeros((len(clip), 3), np.float32)

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        yield from self._task.update(mask, cursor, frames)
        answer = self._task.prediction()
        known = np.isfinite(answer.positions).all((1, 2)) & np.isfinite(answer.root).all(1)
        contact, up = answer.contact, find_up(self._clip, answer)
        self._moved = np.zeros_like(self._moved)
        if contact is None or up.source == "level" or not np.any(answer.root[known]):
            return
        self._moved[known] = path_correction(answer.absolute()[known], np.array(up.direction), contact[known], self._clip.fps)

    @property
    def moved(self) -> NDArray[np.float32]:
        """(frames, 3) metres by which the person was moved."""
        return self._moved

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._clip = clip.to_mpm16()

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        return replace(answer, root=answer.root + self._moved)
