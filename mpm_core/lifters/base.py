"""Owns the interface of a lifter: from 2D or partial 3D to complete 3D, at once or bit by bit while a mask changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.diffusion.options import NONE, Sampling
from mpm_core.lifters.aids import ALL, Aids
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress

TASKS = ("lift", "complete")
"""What a lifter does: 'lift' 2D to 3D, 'complete' hidden joints of 3D."""


class LiftingTask(Protocol):
    """One clip at work: answers for the last mask, renewed only where a new mask makes a difference."""

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """Renew the answer for a mask (frames, 16), nearest to the frame `cursor` first; of some frames only, if given.

        Yields after each batch of windows. Closing the iterator early leaves the rest to the next update.
        """
        ...

    def replace_clip(self, clip: Clip) -> None:
        """Take over a clip that differs in some joints only; the next update renews what that touches."""
        ...

    def prediction(self) -> Prediction:
        """The answer as it stands now, NaN in frames that were never answered."""
        ...


class OuterTask:
    """A LiftingTask that changes the answer of another one, and takes no part in how that comes about."""

    def __init__(self, task: LiftingTask) -> None:
        self._task = task

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        return self._task.update(mask, cursor, frames)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._task.prediction()


class Lifter(Protocol):
    """A network with its weights, on a device. tasks: those of TASKS that it can do."""

    name: str
    tasks: tuple[str, ...]
    device: str

    def start(
        self,
        clip: Clip,
        task: str = "lift",
        mode: str = "fast",
        aids: Aids = ALL,
        sampling: Sampling = NONE,
        hypotheses: bool = True,
    ) -> LiftingTask:
        """A task on a clip, for masks that change; UserError when the clip lacks what the task needs.

        aids: see Aids. sampling: which hypotheses to draw, see Sampling. hypotheses: whether answers shall have the network's
        own ones, of the mirror pair, which take more memory than all the rest of an answer.
        """
        ...

    def lift(
        self,
        clip: Clip,
        mask: Mask | None = None,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: Any,
    ) -> Prediction:
        """3D of every frame of a clip's 2D.

        mask: (frames, 16) bool in MPM-16 order, True = hidden, added to what the clip lacks. aids: see Aids; switched: fields
        of these by their names, as fit=False, and of Sampling, as samples=20, which fills the prediction's hypotheses and
        uncertainty. Where the clip says how tall the person is, bones and path are scaled to that (see sized.py). UserError
        for a clip without 2D or a mask of another shape.
        """
        ...

    def complete(
        self,
        positions: NDArray[np.floating],
        mask: Mask | None = None,
        fps: float = 50.0,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: Any,
    ) -> Prediction:
        """The hidden joints of 3D positions from the visible ones.

        positions: (frames, 16, 3) metres in camera axes, absolute or relative to Hip; NaN joints are hidden too. Visible
        joints come back as they were: prediction.absolute() equals the input there, and so does prediction.positions
        when the input was relative to Hip. Its size stays as it is: nothing is scaled. aids, switched: see lift.
        """
        ...
