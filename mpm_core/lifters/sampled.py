"""Owns the sampled answer of a task: hypotheses beside its answer, or an answer that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import SmoothPath, solve_root
from mpm_core.clip import Clip
from mpm_core.diffusion.aggregation import aggregated, spread_of
from mpm_core.diffusion.options import Sampling
from mpm_core.lifters.base import LiftingTask, OuterTask
from mpm_core.lifters.drawing import Drawer, FirstAnswer
from mpm_core.lifters.living import Living, LivingTask, Snapshots
from mpm_core.lifters.placing import laid_on
from mpm_core.lifters.task import keep_visible, take_points
from mpm_core.masking import Mask
from mpm_core.networks.denoiser import Denoiser
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress


class SampledTask:
    """A LiftingTask with hypotheses. Where it replaces the answer, positions are what the hypotheses say together (see
    Sampling.aggregate), and Hip is placed along the rays anew; what is told of the ground stays the inner task's. Frames in
    which the inner answer stands in until hypotheses are drawn are pending.

    Whatever is new to the answer, all hypotheses are drawn anew, or those of the frames that an update is for: a hypothesis
    is one motion from end to end.
    """

    def __init__(
        self,
        task: LivingTask,
        make_drawer: Callable[[Clip], Drawer],
        clip: Clip,
        model: Denoiser,
        sampling: Sampling,
        replaces: bool,
    ) -> None:
        """make_drawer: of a clip in MPM-16 joints."""
        self._task, self._make_drawer, self._model = task, make_drawer, model
        self._sampling, self._replaces = sampling, replaces
        self._clip = clip.to_mpm16()
        self._drawer = make_drawer(self._clip)
        shape = (len(clip), model.config.joints)
        self._hypotheses = np.full((sampling.samples, *shape, 3), np.nan, np.float32)
        self._uncertainty = np.full(shape, np.nan, np.float32)
        self._positions, self._root = np.full((*shape, 3), np.nan, np.float32), np.zeros((len(clip), 3), np.float32)
        self._is_stale = np.ones(len(clip), bool)
        self._is_standing_in = np.ones(len(clip), bool)  # the inner answer, for that of hypotheses
        self._is_new = np.ones(len(clip), bool)
        self._snapshots = Snapshots()
        self.drawings = 0
        """How often hypotheses were taken over: as long as it stays, they do."""

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        done = 0
        for progress in self._task.update(mask, cursor, frames):
            done = progress.total
            yield Progress(progress.done, progress.total + 1)
        answer = self._take_over()
        wanted = np.ones(len(answer), bool) if frames is None else frames
        chosen = np.flatnonzero(wanted) if (self._is_stale & wanted).any() else wanted[:0]
        if len(chosen):
            part = slice(int(chosen[0]), int(chosen[-1]) + 1)
            first = FirstAnswer(np.nan_to_num(answer.positions), answer.uncertainty)
            for progress in self._drawer.draw(answer.hidden, part, self._sampling, first):
                yield Progress(done + progress.done, done + progress.total + 1)
            done += progress.total
            self._keep(answer, part, is_whole=frames is None)
        yield Progress(done + 1, done + 1)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._clip = clip.to_mpm16()
        self._drawer = self._make_drawer(self._clip)
        self._is_stale[:] = self._is_standing_in[:] = True

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer = self._take_over()
        changes: dict[str, Any] = {"hypotheses": self._hypotheses[:], "uncertainty": self._uncertainty[:]}
        if self._replaces:
            waits = self._is_standing_in if answer.is_pending is None else self._is_standing_in | answer.is_pending
            pending = waits.copy() if waits.any() else None
            changes |= {"positions": self._positions[:], "root": self._root[:], "is_pending": pending}
        living = Living(replace(answer, **changes), self._is_new)
        self._is_new = np.zeros(len(answer), bool)
        return living

    def _take_over(self) -> Prediction:
        """The inner task's answer; it stands in for that of hypotheses until these are drawn."""
        inner = self._task.living()
        new = inner.renewed
        self._is_stale |= new
        self._is_standing_in |= new
        self._is_new |= new
        self._positions[new], self._root[new] = inner.answer.positions[new], inner.answer.root[new]
        return inner.answer

    def _keep(self, answer: Prediction, part: slice, is_whole: bool) -> None:
        """Take over what was drawn for frames of an answer."""
        drawn = self._drawer.hypotheses
        self._hypotheses[:, part] = drawn
        self.drawings += 1
        if self._sampling.can_differ:
            self._uncertainty[part] = spread_of(drawn)
        self._is_stale[part], self._is_standing_in[part] = not is_whole, False
        self._is_new[part] = True
        if not self._replaces:
            return
        hidden = answer.hidden[part]
        if answer.task == "complete":
            points, _ = take_points(self._clip, "complete", self._model)
            self._positions[part], self._root[part] = keep_visible(drawn.mean(0), points[part], hidden)
            return
        assert self._clip.keypoints is not None
        visible = ~hidden
        rays = np.where(self._clip.visible[part, :, None], self._clip.camera.rays(self._clip.keypoints[part]), 0)
        self._positions[part] = aggregated(drawn, rays, visible, self._sampling.aggregate)
        path = SmoothPath(len(hidden), pieces(self._clip.times[part], self._clip.fps))
        path.renew(solve_root(self._positions[part], rays, visible), 0, len(hidden))
        self._root[part] = path.smooth


class PlacedTask(OuterTask):
    """A LiftingTask whose hypotheses are laid on its answer, which was made by others or moved since they were drawn; see
    placing.py. What has changed neither in them nor in the answer is laid once."""

    def __init__(self, task: LiftingTask, drawn: SampledTask, is_needed: Callable[[], bool]) -> None:
        """drawn: where the hypotheses come from. is_needed: whether anything may have moved the answer."""
        super().__init__(task)
        self._drawn, self._is_needed = drawn, is_needed
        self._of: tuple[int, float] = (-1, 1.0)  # the drawing, and the answer's scale
        self._positions, self._hidden = np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), bool)
        self._laid = np.zeros((0, 0, 0, 3), np.float32)

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        assert answer.hypotheses is not None
        if not self._is_needed():
            return answer
        of = (self._drawn.drawings, answer.scale)
        changed = np.ones(len(answer), bool)
        if of == self._of:
            is_same = (answer.positions == self._positions) | (np.isnan(answer.positions) & np.isnan(self._positions))
            changed = ~is_same.all((1, 2)) | np.any(answer.hidden != self._hidden, axis=1)
        if changed.any():
            laid = laid_on(answer.hypotheses[:, changed], answer.positions[changed], answer.hidden[changed])
            if not changed.all():
                whole = self._laid.copy()  # others hold the one before
                whole[:, changed] = laid
                laid = whole
            self._of, self._laid = of, laid
            self._positions, self._hidden = answer.positions.copy(), answer.hidden.copy()
        return replace(answer, hypotheses=self._laid)
