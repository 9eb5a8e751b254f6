"""Owns the grounded answer of a lifting task: once it is whole, the person's path and legs follow the feet that stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.legs import bend_legs
from mpm_core.grounding.path import stand_on_ground
from mpm_core.grounding.up import find_up
from mpm_core.lifters.base import LiftingTask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16


class GroundedTask:
    """A LiftingTask whose person stands on the ground; see grounding/path.py. Until an answer is whole, joints are moved by
    as much as in the answer before."""

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        self._task, self._clip = task, clip
        self._forget()

    def _forget(self) -> None:
        frames = len(self._clip)
        self._of_root, self._from_root = np.zeros((frames, 3), np.float32), np.zeros((frames, len(MPM16), 3), np.float32)
        self._moved: NDArray[np.float32] | None = None

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        yield from self._task.update(mask, cursor, frames)
        answer = self._task.prediction()
        known = np.isfinite(answer.positions).all((1, 2)) & np.isfinite(answer.root).all(1)
        contact, up = answer.contact, find_up(self._clip, answer)
        self._forget()
        if contact is None or up.source == "level" or not np.any(answer.root[known]):
            return
        follows = np.diff(np.flatnonzero(known)) == 1
        correction = stand_on_ground(answer.absolute()[known], np.array(up.direction), contact[known], self._clip.fps, follows)
        positions = answer.positions[known]
        self._of_root[known] = correction.root
        self._from_root[known] = bend_legs(positions, correction.ankles) - positions
        self._moved = np.linalg.norm(self._from_root + self._of_root[:, None], axis=-1)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._clip = clip.to_mpm16()

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        positions, root = answer.positions + self._from_root, answer.root + self._of_root
        return replace(answer, positions=positions, root=root, moved=self._moved)
