"""Owns answers that go on changing while a task is at work: which of their frames are new, and copies that stay as they are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpm_core.lifters.base import LiftingTask
from mpm_core.prediction import Prediction
from mpm_core.runs import runs_of

_GROWING = ("positions", "root", "hidden", "is_prior_only", "hypotheses", "uncertainty", "foot_odds", "foot_height")
"""Fields of a prediction that tasks write to frame by frame. Others are replaced as a whole, and so need no copy."""

_MOST_COPIES = 3
"""As many of a clip as are kept ready: the window shows one, a job measures another, a third is on its way."""

Rows = NDArray[np.bool_]
AnyArray = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Living:
    """An answer in arrays that its task goes on writing to: to be read at once. renewed: (frames,) where it may differ from
    the one that was asked for before."""

    answer: Prediction
    renewed: Rows


class LivingTask(LiftingTask, Protocol):
    """A LiftingTask that others build upon, so that a click costs no more in a long clip than in a short one."""

    def living(self) -> Living:
        """The answer as it stands now; see LiftingTask.prediction. For one asker alone, who is told what is new to them."""
        ...


class Snapshots:
    """Copies of a task's answer, which stay as they are for as long as somebody holds them. One that nobody holds any more
    is brought up to date where it is stale, and handed out again: to copy a long clip takes longer than to lift a window."""

    def __init__(self) -> None:
        self._copies: list[_Copy] = []

    def take(self, living: Living) -> Prediction:
        """A copy of an answer; every answer of the task has to come by here."""
        for copy in self._copies:
            copy.stale |= living.renewed
        chosen = next((copy for copy in self._copies if copy.is_free()), None)
        if chosen is None:
            chosen = _Copy(len(living.answer))
            self._copies = [*self._copies[1 - _MOST_COPIES :], chosen]
        return replace(living.answer, **chosen.renew(growing_arrays(living.answer)))


class _Copy:
    """stale: (frames,) where it differs from the task's answer."""

    def __init__(self, frames: int) -> None:
        self.stale = np.ones(frames, bool)
        self._arrays: dict[str, AnyArray] = {}

    def is_free(self) -> bool:
        """Whether nobody holds any of it, nor a part: a view of an array is a reference to it."""
        return _most_references(self._arrays) == _UNSHARED

    def renew(self, arrays: Mapping[str, AnyArray]) -> dict[str, Any]:
        """Bring it up to date, and return it to be read."""
        for name, array in arrays.items():
            if name in self._arrays:
                copy_rows(name, array, self._arrays[name], self.stale)
            else:
                self._arrays[name] = array.copy()
        self.stale[:] = False
        return {name: self._arrays[name][:] for name in arrays}


def _most_references(arrays: Mapping[str, AnyArray]) -> int:
    return max(sys.getrefcount(array) for array in arrays.values())


_UNSHARED = _most_references({"of nobody else": np.zeros(1)})


def growing_arrays(answer: Prediction) -> dict[str, AnyArray]:
    """Those of an answer's arrays that a task writes to, by the names of their fields."""
    arrays = {name: getattr(answer, name) for name in _GROWING}
    return {name: array for name, array in arrays.items() if array is not None}


def copy_rows(name: str, source: AnyArray, target: AnyArray, rows: Rows) -> None:
    """Copy the chosen frames of such an array."""
    source, target = frames_first(name, source), frames_first(name, target)
    for part in runs_of(rows):
        target[part] = source[part]


def frames_first(name: str, array: AnyArray) -> AnyArray:
    """Such an array with its frames along the first axis."""
    return array.swapaxes(0, 1) if name == "hypotheses" else array  # (answers, frames, 16, 3)
