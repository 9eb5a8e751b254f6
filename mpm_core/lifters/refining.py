"""Owns the refined answer of a lifting task: window after window, the network's latent state is optimised for the keypoints.

See refiners/uao.py for the method. How far keypoints are trusted, and how long bones are, is learnt as the fit learns it (see
body_fit.py), but in each window by itself: so an edit renews no more windows than it touches. What comes of it is a movement of
each joint, added to the answer; the fit, the ground and a person's word follow as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.camera import SmoothPath, solve_root
from mpm_core.clip import Clip
from mpm_core.lifters.body_fit import CHILDREN, PARENTS, BodyFit, SeenPoses, sureness_of
from mpm_core.lifters.living import Living, Snapshots
from mpm_core.lifters.task import NetworkTask
from mpm_core.lifters.windows import FastWindows, split_answers
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction, Refinement
from mpm_core.progress import Progress
from mpm_core.refiners.uao import USUAL, Evidence, LatentSearch, UAOConfig, apart, as_read
from mpm_core.runs import runs_of
from mpm_core.skeleton import MPM16


class RefinedTask:
    """A LiftingTask whose answers are refined. Until a window is, its joints are moved by as much as in the answer before."""

    def __init__(self, task: NetworkTask, network: PoseNetwork, clip: Clip, config: UAOConfig = USUAL) -> None:
        """task: one that lifts this clip. network: its network, with layers that can be differentiated."""
        self._task, self._network, self._config = task, network, config
        self._windows = FastWindows(network, task.resampling.grid_frames)
        self._take(clip)
        frames, shape = len(clip), (len(clip), len(MPM16), 3)
        self._due = np.ones(len(self._windows.starts), bool)
        self._plain, self._plain_root = np.full(shape, np.nan, np.float32), np.full((frames, 3), np.nan, np.float32)
        self._hidden = np.ones(shape[:2], bool)
        self._grid_shift = np.zeros((self._windows.count, len(MPM16), 3), np.float32)
        self._shift, self._of_root = np.zeros(shape, np.float32), np.zeros((frames, 3), np.float32)
        self._positions, self._root = self._plain.copy(), self._plain_root.copy()
        self._is_new = np.ones(frames, bool)
        # Where the refined Hip is in each frame by itself, and smoothly; in which frames that is to be found anew.
        self._solved, self._is_unplaced = self._plain_root.copy(), np.ones(frames, bool)
        self._path = SmoothPath(frames, pieces(clip.times, clip.fps))
        self._measured = _Measured(frames)
        self._refinement: Refinement | None = None
        self._snapshots = Snapshots()

    def _take(self, clip: Clip) -> None:
        """Know what was seen. What a detector lacks and was derived tells nothing new, unless a person has put it right."""
        clip = clip.to_mpm16()
        assert clip.keypoints is not None
        self._clip = clip
        self._seen = clip.visible & (clip.edited | ~clip.derived)
        self._rays = np.where(self._seen[..., None], clip.camera.rays(clip.keypoints), 0).astype(np.float32)
        sure = np.clip(np.nan_to_num(clip.confidence), 0, 1)
        self._confidence = np.where(clip.edited, 1, sure).astype(np.float32)

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update. The whole answer comes first, then it is refined, nearest to the cursor first."""
        done, steps, most = 0, self._config.steps, len(self._windows.starts)
        for progress in self._task.update(mask, cursor, frames):
            done = progress.total
            yield Progress(progress.done, progress.total + steps * min(progress.total, most))
        self._take_over()
        cursor = int(np.clip(cursor, 0, len(self._clip) - 1))
        near = int(self._task.resampling.nearest_grid_frames(cursor, cursor + 1)[0])
        pending = np.flatnonzero(self._due & self._answering(frames))
        total = done + steps * len(pending)
        while len(pending):
            window = int(self._windows.next_batch(pending, near, 1)[0])
            for _ in self._refine(window):
                done += 1
                yield Progress(done, total)
            pending = pending[pending != window]
        self._place()
        yield Progress(total, total)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        rays, seen, confidence = self._rays, self._seen, self._confidence
        self._take(clip)
        changed = np.any(self._rays != rays, axis=(1, 2)) | np.any(self._seen != seen, axis=1)
        self._is_unplaced |= changed
        self._mark(changed | np.any(self._confidence != confidence, axis=1))

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer = self._take_over()
        for part in runs_of(self._is_new):
            np.add(self._plain[part], self._shift[part], out=self._positions[part])
            np.add(self._plain_root[part], self._of_root[part], out=self._root[part])
        pending = self._pending_frames(answer)
        refined = replace(
            answer, positions=self._positions[:], root=self._root[:], is_pending=pending,
            refinement=self._refinement if pending is None else None,
        )  # fmt: skip
        living = Living(refined, self._is_new)
        self._is_new = np.zeros(len(self._is_new), bool)
        return living

    def _take_over(self) -> Prediction:
        """What the network answers by now. Windows whose answer or whose hidden joints are others are due."""
        inner = self._task.living()
        answer, new = inner.answer, np.flatnonzero(inner.renewed)
        differs = np.any(answer.positions[new] != self._plain[new], axis=(1, 2))
        differs |= np.any(answer.hidden[new] != self._hidden[new], axis=1)
        self._plain[new], self._plain_root[new] = answer.positions[new], answer.root[new]
        self._hidden[new] = answer.hidden[new]
        self._is_new |= inner.renewed
        self._is_unplaced |= inner.renewed
        changed = np.zeros(len(self._hidden), bool)
        changed[new] = differs
        self._mark(changed)
        return answer

    def _mark(self, frames: NDArray[np.bool_]) -> None:
        """Have windows refined anew that hold frames of the clip which have changed."""
        if frames.any():
            self._due |= self._windows.touched(self._task.resampling.grid_touched(frames))

    def _answering(self, frames: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """(windows,) bool: those that have a say in the chosen frames of the clip, or in any."""
        if frames is None:
            return np.ones(len(self._due), bool)
        return self._windows.answering(self._task.resampling.grid_touched(frames))

    def _pending_frames(self, answer: Prediction) -> NDArray[np.bool_] | None:
        """(frames,) whose answer is to be renewed or refined; None when there are none."""
        if not self._due.any():
            return answer.is_pending
        resampling = self._task.resampling
        due = self._windows.answered_by(self._due)[resampling.nearest_grid_frames(0, len(self._hidden))]
        return due if answer.is_pending is None else due | answer.is_pending

    def _refine(self, window: int) -> Iterator[None]:
        """Refine one window; stopped in between, it leaves the answer as it was."""
        chosen = np.array([window])
        first, last = self._windows.inputs(chosen)
        start = int(self._windows.starts[window])
        inner = slice(first - start, last - start)
        latent, turn = self._task.latents(self._windows, window)

        def decode(state: Tensor) -> Tensor:
            return torch.einsum("fji,fkj->fki", turn, as_read(self._network.decode_3d(state)[:, inner]))

        evidence = self._evidence(latent, decode, inner, first, last)
        if evidence is not None:
            search = LatentSearch(decode, latent, evidence, self._config)
            for _ in range(self._config.steps):
                search.step()
                yield
            self._keep(chosen, inner, search.shift().cpu().numpy())
        else:
            self._keep(chosen, inner, np.zeros((last - first, len(MPM16), 3), np.float32))
        self._due[window] = False

    def _evidence(
        self, latent: Tensor, decode: Callable[[Tensor], Tensor], inner: slice, first: int, last: int
    ) -> Evidence | None:
        """What grid frames first to last (excluded) are held against; None where nothing is to be seen in them."""
        resampling, unseen = self._task.resampling, self._hidden | ~self._seen
        rays, hidden = resampling.to_grid(self._rays, unseen, first, last)
        confidence, _ = resampling.to_grid(self._confidence[..., None], unseen, first, last)
        seen = ~hidden
        with torch.no_grad():
            spread = apart(self._network.decode_3d(latent)[:, inner])
            positions = decode(latent).cpu().numpy()
        root = solve_root(positions, rays, seen)
        seen &= np.isfinite(root[:, 2:])
        poses = SeenPoses.of(positions, np.nan_to_num(root), np.where(seen[..., None], rays, 0), seen)
        if not poses.seen.any():
            return None
        body = BodyFit.learn(poses)
        trust = sureness_of(poses, body).T * poses.seen.T * body.trust**2 * confidence[..., 0]
        there = latent.device

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(there)

        return Evidence(
            rays=tensor(poses.rays.transpose(2, 0, 1)),
            trust=tensor(trust.astype(np.float32)),
            seen=tensor(poses.seen.T),
            uncertain_m=self._config.certain_m + spread,
            lengths=tensor(body.lengths[-1].astype(np.float32)),
            measured=tensor((poses.seen[CHILDREN] & poses.seen[PARENTS]).T),
            children=tensor(CHILDREN),
            parents=tensor(PARENTS),
            worth=body.trust,
        )

    def _keep(self, window: NDArray[np.int64], inner: slice, shift: NDArray[np.float32]) -> None:
        """Take over by how much a window's joints are moved, (frames, 16, 3) metres; windows are blended where they overlap."""
        rows = np.zeros((1, self._windows.length, self._windows.channels), np.float32)
        rows[0, inner, : shift[0].size] = shift.reshape(len(shift), -1)
        first, last = self._windows.keep(window, rows, np.zeros(1, bool))
        blended, _ = self._windows.collect(first, last)
        shifts, _ = split_answers(blended, len(MPM16))
        self._grid_shift[first:last] = shifts
        low, high = self._task.resampling.frames_touched(first, last)
        self._shift[low:high] = self._task.resampling.from_grid(self._grid_shift, low, high)
        self._is_new[low:high] = self._is_unplaced[low:high] = True

    def _place(self) -> None:
        """Find where the refined person stands, and what has come of it all, where anything has changed since."""
        touched = self._is_unplaced.copy()
        for part in runs_of(self._is_unplaced):
            seen = self._seen[part] & ~self._hidden[part]
            self._solved[part] = solve_root(self._plain[part] + self._shift[part], self._rays[part], seen)
        for part in runs_of(self._is_unplaced):
            touched[self._path.renew(self._solved, part.start, part.stop)] = True
        self._is_unplaced[:] = False
        for part in runs_of(touched):
            moves = (self._shift[part] != 0).any((1, 2))[:, None] & np.isfinite(self._plain_root[part])
            moves = np.where(moves, self._path.smooth[part] - self._plain_root[part], np.float32(0))
            self._is_new[part] |= np.any(moves != self._of_root[part], axis=1)
            self._of_root[part] = moves
            self._measure(part)
        self._refinement = self._measured.together()

    def _measure(self, part: slice) -> None:
        """Note how far joints are moved in some frames, and how far from their keypoints they lie."""
        plain, root = self._plain[part], self._plain_root[part]
        answered = np.isfinite(plain[:, MPM16.root, 0])
        seen = self._seen[part] & ~self._hidden[part] & answered[:, None]
        refined = plain + self._shift[part] + (root + self._of_root[part])[:, None]
        for number, places in enumerate((plain + root[:, None], refined)):
            counts = seen & (places[..., 2] > 0)
            off = np.zeros(counts.shape)
            if counts.any():
                assert self._clip.keypoints is not None
                keypoints = self._clip.keypoints[part][counts]
                off[counts] = np.linalg.norm(self._clip.camera.project(places[counts]) - keypoints, axis=-1)
            self._measured.off_px[number, part], self._measured.counts[number, part] = off.sum(1), counts.sum(1)
        lengths = np.where(answered[:, None], np.linalg.norm(self._shift[part], axis=-1), np.nan)
        self._measured.lengths[part], self._measured.is_seen[part] = lengths, seen.any(1)


class _Measured:
    """What was measured of every frame. off_px, counts: (2, frames) sums of joints' distances from their keypoints, before and
    after, and of how many. lengths: (frames, 16) metres by which joints were moved, NaN where there is no answer. is_seen:
    (frames,)."""

    def __init__(self, frames: int) -> None:
        self.off_px, self.counts = np.zeros((2, frames)), np.zeros((2, frames), np.int64)
        self.lengths, self.is_seen = np.full((frames, len(MPM16)), np.nan, np.float32), np.zeros(frames, bool)

    def together(self) -> Refinement | None:
        """Of the whole clip; None where nothing is seen."""
        if not self.is_seen.any():
            return None
        lengths = self.lengths[np.isfinite(self.lengths[:, MPM16.root])]
        before, after = (
            float(off.sum() / count.sum()) if count.any() else float("nan")
            for off, count in zip(self.off_px, self.counts, strict=True)
        )
        return Refinement(before, after, float(lengths.mean()), float(lengths.max()))
