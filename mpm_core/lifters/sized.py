"""Owns the sized answer of a lifting task: where somebody knows how tall the person is, everything is scaled to that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.living import AnyArray, Living, LivingTask, Rows, Snapshots, frames_first, growing_arrays
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.runs import runs_of
from mpm_core.stature import check_height, stature

_IN_METRES = ("positions", "root", "hypotheses", "uncertainty", "foot_height")


class SizedTask:
    """A LiftingTask whose person is as tall as the clip says; see stature.py. Seen by the camera, a body that is twice as far
    away and twice as large is the same, so the answer is scaled by one factor about the camera and stays on its keypoints.
    Where the clip says nothing, the answer is left as it is."""

    def __init__(self, task: LivingTask, clip: Clip) -> None:
        self._task, self._height_m = task, _height_of(clip)
        self._as_lifted: float | None = None
        self._factor = 1.0
        self._is_new = np.ones(len(clip), bool)
        self._scaled: dict[str, Any] = {}
        self._snapshots = Snapshots()

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        yield from self._task.update(mask, cursor, frames)
        self._measure()

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        height_m = _height_of(clip)
        if height_m is not None and self._height_m is None:
            self._as_lifted = None  # nobody has measured since
        self._height_m = height_m

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction. While an answer comes in, the factor stays that of the answer before: the body must not
        breathe."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer, factor = self._take_over(), 1.0
        if self._height_m is not None:
            as_lifted = self._as_lifted or stature(answer.positions, answer.hidden)
            factor = 1.0 if as_lifted is None else self._height_m / as_lifted
        renewed = self._is_new if factor == self._factor else np.ones(len(answer), bool)
        self._factor, self._is_new = factor, np.zeros(len(answer), bool)
        if factor == 1:
            self._scaled = {}
            return Living(answer, renewed)
        for name, array in growing_arrays(answer).items():
            if name in _IN_METRES:
                self._scale(name, array, renewed)
        return Living(
            replace(answer, scale=answer.scale * factor, **{name: array[:] for name, array in self._scaled.items()}), renewed
        )

    def _scale(self, name: str, array: AnyArray, renewed: Rows) -> None:
        """Take over the frames that are new of an array."""
        if name not in self._scaled:
            self._scaled[name], renewed = np.empty_like(array), np.ones(len(renewed), bool)
        source, target = frames_first(name, array), frames_first(name, self._scaled[name])
        for part in runs_of(renewed):
            np.multiply(source[part], np.float32(self._factor), out=target[part])

    def _measure(self) -> None:
        if self._height_m is not None:
            answer = self._take_over()
            self._as_lifted = stature(answer.positions, answer.hidden)

    def _take_over(self) -> Prediction:
        """The answer as it was lifted."""
        inner = self._task.living()
        self._is_new |= inner.renewed
        return inner.answer


def _height_of(clip: Clip) -> float | None:
    """UserError for a height that no person has: a clip's fields can be replaced by anything."""
    check_height(clip.height_m, f"{clip.source or 'this clip'}: ")
    return clip.height_m


def height_as_lifted(answer: Prediction) -> float | None:
    """How tall the person is as the lifter has it, in metres, before anything was scaled; None before there is an answer."""
    height = stature(answer.positions, answer.hidden)
    return None if height is None else height / answer.scale


def size_sentence(height_m: float | None, answer: Prediction) -> str:
    """How tall the person is and who says so, for people."""
    as_lifted = height_as_lifted(answer)
    if as_lifted is None:
        return "nothing is known of the person's height"
    if height_m is None:
        return f"the person is about {as_lifted:.2f} m tall, as lifted: nobody has said the height"
    return f"the person is {height_m:.2f} m tall, as it is known ({as_lifted:.2f} m as lifted)"
