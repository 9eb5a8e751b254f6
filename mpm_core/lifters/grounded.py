"""Owns the grounded answer of a lifting task: once it is whole, the person's path and legs follow the feet that stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.balance import balance_up
from mpm_core.grounding.drifting import standing_drift
from mpm_core.grounding.floor import FEET
from mpm_core.grounding.legs import SIDE_REACH_S, bend_legs
from mpm_core.grounding.levelling import level_by_feet
from mpm_core.grounding.path import Correction, stand_on_ground
from mpm_core.grounding.up import find_up
from mpm_core.lifters.living import Living, LivingTask, Snapshots
from mpm_core.masking import Mask
from mpm_core.pauses import goes_on
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.runs import runs_of
from mpm_core.skeleton import MPM16

_FRAMES_PER_STEP = 8192
"""Legs of so many frames are bent before a mask that has changed meanwhile is looked at."""


class GroundedTask:
    """A LiftingTask whose person stands on the ground; see grounding/path.py. Until an answer is whole, joints are moved by
    as much as in the answer before. Up, where the lifter tells it, is corrected by the body's
    balance, then levelled by the feet; see grounding/balance.py and levelling.py."""

    def __init__(self, task: LivingTask, clip: Clip, is_placed: bool = False) -> None:
        """is_placed: see stand_on_ground."""
        self._task, self._clip, self._is_placed = task, clip, is_placed
        self._positions = np.full((len(clip), len(MPM16), 3), np.nan, np.float32)
        self._root = np.full((len(clip), 3), np.nan, np.float32)
        self._snapshots = Snapshots()
        self._forget()

    def _forget(self) -> None:
        frames = len(self._clip)
        self._of_root, self._from_root = np.zeros((frames, 3), np.float32), np.zeros((frames, len(MPM16), 3), np.float32)
        self._moved: NDArray[np.float32] | None = None
        self._contact: NDArray[np.float32] | None = None
        self._drift: float | None = None
        self._levelled: tuple[NDArray[np.float32], float] | None = None  # up, and by how much it is off
        self._is_new = np.ones(frames, bool)

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update. The answer is grounded last: what is under the cursor need not wait, nor another mask."""
        done = 0
        for progress in self._task.update(mask, cursor, frames):
            done = progress.total
            yield Progress(progress.done, progress.total + 1)
        for _ in self._stand():
            yield Progress(done, done + 1)
        yield Progress(done + 1, done + 1)

    def _stand(self) -> Iterator[None]:
        """Learn from the whole answer where its person stands; stopped in between, it leaves what was known before."""
        yield
        answer = self._take_over()
        known = np.logical_and(np.isfinite(answer.positions).all((1, 2)), np.isfinite(answer.root).all(1))
        rows = slice(None) if known.all() else known  # nothing is copied where every frame counts
        if answer.contact is None or not np.any(answer.root[known]):
            self._forget()
            return
        answer, levelled = self._level(answer, known, rows)
        contact, up, drift = answer.contact, find_up(self._clip, answer), standing_drift(answer)
        assert contact is not None
        follows = (np.diff(np.flatnonzero(known)) == 1) & goes_on(self._clip.times[known], self._clip.fps)
        correction: Correction | None = None
        for correction in stand_on_ground(
            answer.absolute()[rows], np.array(up.direction), contact[rows], self._clip.fps, follows, self._is_placed
        ):
            if correction is None:
                yield
        assert correction is not None
        from_root, frames = np.zeros_like(self._from_root), np.flatnonzero(known)
        beside = math.ceil(SIDE_REACH_S * min(self._clip.fps, _FRAMES_PER_STEP))
        for first in range(0, len(frames), _FRAMES_PER_STEP):
            yield
            start, own = max(first - beside, 0), frames[first : first + _FRAMES_PER_STEP]
            part = slice(start, first + len(own) + beside)
            positions, ankles = answer.positions[frames[part]], correction.ankles[part]
            bent = bend_legs(positions, ankles, self._clip.fps, follows[start : start + len(positions) - 1])
            from_root[own] = (bent - positions)[first - start : first - start + len(own)]
        self._forget()
        self._levelled = levelled
        self._of_root[known] = correction.root
        self._from_root = from_root
        self._moved = np.empty(from_root.shape[:2], np.float32)
        for first in range(0, len(from_root), _FRAMES_PER_STEP):
            inside = slice(first, first + _FRAMES_PER_STEP)
            self._moved[inside] = np.linalg.norm(from_root[inside] + self._of_root[inside, None], axis=-1)
        self._contact, self._drift = contact, drift

    def _level(
        self, answer: Prediction, known: NDArray[np.bool_], rows: slice | NDArray[np.bool_]
    ) -> tuple[Prediction, tuple[NDArray[np.float32], float]]:
        """The answer with up as balance and standing feet correct it; and that up, with by how much it is off."""
        assert answer.up is not None and answer.up_error_deg is not None and answer.contact is not None
        places, contact, fps = answer.absolute()[rows], answer.contact[rows].copy(), self._clip.fps
        follows = goes_on(self._clip.times[known], fps)
        shown = ~answer.hidden[rows][:, list(FEET)]
        up, error_deg = balance_up(places, answer.up, answer.up_error_deg, contact, shown, follows, fps)
        contact[1:][~follows] = 0  # nobody stands through a pause
        up, error_deg = level_by_feet(places, up, error_deg, contact, fps)
        levelled = up.astype(np.float32), error_deg
        return replace(answer, up=levelled[0], up_error_deg=error_deg), levelled

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._clip = clip.to_mpm16()

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer = self._take_over()
        for part in runs_of(self._is_new):
            np.add(answer.positions[part], self._from_root[part], out=self._positions[part])
            np.add(answer.root[part], self._of_root[part], out=self._root[part])
        up, error_deg = self._levelled or (answer.up, answer.up_error_deg)
        positions, root = self._positions[:], self._root[:]
        grounded = replace(
            answer, positions=positions, root=root, moved=self._moved, stands=self._contact, drift=self._drift, up=up,
            up_error_deg=error_deg,
        )  # fmt: skip
        living = Living(grounded, self._is_new)
        self._is_new = np.zeros(len(answer), bool)
        return living

    def _take_over(self) -> Prediction:
        """The answer as it is without the ground."""
        inner = self._task.living()
        self._is_new |= inner.renewed
        return inner.answer
