"""Owns the sized answer of a lifting task: where somebody knows how tall the person is, everything is scaled to that."""

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
from mpm_core.stature import check_height, stature


class SizedTask:
    """A LiftingTask whose person is as tall as the clip says; see stature.py. Seen by the camera, a body that is twice as far
    away and twice as large is the same, so the answer is scaled by one factor about the camera and stays on its keypoints.
    Where the clip says nothing, the answer is left as it is."""

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        self._task, self._height_m = task, _height_of(clip)
        self._as_lifted: float | None = None

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
        answer = self._task.prediction()
        if self._height_m is None:
            return answer
        as_lifted = self._as_lifted or stature(answer.positions, answer.hidden)
        return answer if as_lifted is None else scaled(answer, self._height_m / as_lifted)

    def _measure(self) -> None:
        if self._height_m is not None:
            answer = self._task.prediction()
            self._as_lifted = stature(answer.positions, answer.hidden)


def _height_of(clip: Clip) -> float | None:
    """UserError for a height that no person has: a clip's fields can be replaced by anything."""
    check_height(clip.height_m, f"{clip.source or 'this clip'}: ")
    return clip.height_m


def scaled(answer: Prediction, factor: float) -> Prediction:
    """The same answer larger and farther away."""

    def times(array: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        return None if array is None else (array * np.float32(factor)).astype(np.float32)

    return replace(
        answer,
        positions=(answer.positions * np.float32(factor)).astype(np.float32),
        root=(answer.root * np.float32(factor)).astype(np.float32),
        hypotheses=times(answer.hypotheses),
        uncertainty=times(answer.uncertainty),
        foot_height=times(answer.foot_height),
        scale=answer.scale * factor,
    )


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
