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
from mpm_core.lifters.living import Living, Snapshots, runs_of
from mpm_core.lifters.task import NetworkTask
from mpm_core.lifters.windows import FastWindows, split_answers
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction, Refinement
from mpm_core.progress import Progress
from mpm_core.refiners.uao import USUAL, Evidence, LatentSearch, UAOConfig, apart, as_read
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
        self._is_new[low:high] = True

    def _place(self) -> None:
        """Find where the refined person stands, and what has come of it all."""
        answered = np.isfinite(self._plain[:, MPM16.root, 0])
        seen = self._seen & ~self._hidden & answered[:, None]
        if not seen.any():
            self._refinement = None
            return
        positions = self._plain + self._shift
        root = np.full((len(positions), 3), np.nan, np.float32)
        root[answered] = solve_root(positions[answered], self._rays[answered], seen[answered])
        path = SmoothPath(len(root), pieces(self._clip.times, self._clip.fps))
        path.renew(root, 0, len(root))
        moves = np.where(answered[:, None] & (self._shift != 0).any((1, 2))[:, None], path.smooth - self._plain_root, 0)
        self._is_new |= np.any(moves != self._of_root, axis=1)
        self._of_root = moves.astype(np.float32)
        lengths = np.linalg.norm(self._shift[answered], axis=-1)
        self._refinement = Refinement(
            self._off_px(self._plain + self._plain_root[:, None], seen),
            self._off_px(positions + (self._plain_root + self._of_root)[:, None], seen),
            float(lengths.mean()),
            float(lengths.max()),
        )

    def _off_px(self, places: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
        """The mean distance of joints (frames, 16, 3) from their keypoints, as the camera sees them."""
        assert self._clip.keypoints is not None
        counts = seen & (places[..., 2] > 0)
        if not counts.any():
            return float("nan")
        off = self._clip.camera.project(places[counts]) - self._clip.keypoints[counts]
        return float(np.linalg.norm(off, axis=-1).mean())
