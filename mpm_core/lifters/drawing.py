"""Owns how hypotheses of a clip are drawn: what the denoiser sees of it, and back to the clip's frames and axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.clip import Clip
from mpm_core.diffusion.guidance import KnownJoints, RayGuidance
from mpm_core.diffusion.options import Sampling
from mpm_core.diffusion.sampling import Correct, Sampler, Start, draw_in_pairs, draw_noise, uncertain_start
from mpm_core.errors import UserError
from mpm_core.lifters.resampling import Resampling
from mpm_core.lifters.sights import Sight
from mpm_core.lifters.task import MODEL_RATE, keep_visible, take_points
from mpm_core.masking import Mask
from mpm_core.networks.denoiser import Denoiser
from mpm_core.networks.inputs import INPUT_FORMS, SUPPORT, PreparedInput, turn_forth
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

WAYS = ("d3dp", "platypose")
"""d3dp: the denoiser sees what is visible, and is guided to what other cameras see, if there are any. platypose: it sees
nothing, and is guided to it."""

_CONTEXT = 20
"""Grid frames to either side of a range that are denoised with it, so that it fits what lies around."""

_LARGEST_BYTES = 2_000_000_000

_UNSURE_PIXELS_M, _HIDDEN_M = 0.06, 0.15
"""DiffPose's start: standard deviations of a joint that is seen with no confidence, across the line of sight, and of one that
is hidden, along every axis; metres."""

HIDDEN_TEMPERATURE = 1.6
"""By how much the noise is larger that hidden joints start from, see Start.noised. On people whom the network has not seen it
errs by more than on those that it learnt from, so that its hypotheses lie too close together."""

_DEPTH_SHARE = 0.5
"""Of the mirrored readings' distance along the line of sight, what counts as the standard deviation there."""


@dataclass(frozen=True)
class FirstAnswer:
    """A pose to start from: positions (frames, 16, 3) metres from Hip in camera axes, apart (frames, 16) metres, how unsure it
    is by itself, or None."""

    positions: NDArray[np.floating]
    apart: NDArray[np.floating] | None

    def bones(self) -> NDArray[np.float32]:
        """(15,) metres: the median lengths of the bones that lead to all joints but Hip."""
        answered = self.positions[self.positions.any((1, 2))] if self.positions.any() else self.positions
        bones = answered[:, 1:] - answered[:, list(MPM16.parents[1:])]
        return np.median(np.linalg.norm(bones, axis=-1), axis=0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Seen:
    """Grid frames first to last (excluded) as the denoiser takes them. hidden: (grid frames, 16). turn: (grid frames, 3, 3) to
    the axes of the answer."""

    first: int
    last: int
    prepared: PreparedInput
    hidden: Tensor

    @property
    def turn(self) -> Tensor:
        assert self.prepared.turn is not None
        return self.prepared.turn[0]


class Drawer:
    """Draws hypotheses of a clip in MPM-16 joints, for any mask and range of frames.

    others: the same person in other calibrated cameras, see sights.py: hypotheses are guided to what all of them see.
    """

    def __init__(self, model: Denoiser, clip: Clip, task: str, way: str = "d3dp", others: Sequence[Sight] = ()) -> None:
        self._model, self._clip, self._task, self._way, self._others = model, clip, task, way, others
        self._device = next(model.parameters()).device
        self._points, self.missing = take_points(clip, task, model)
        self._resampling = Resampling(clip.times, MODEL_RATE, 2 * model.config.frames + SUPPORT)
        self.hypotheses: NDArray[np.float32] = np.zeros((0, 0, len(MPM16), 3), np.float32)

    def look_by(self, others: Sequence[Sight]) -> None:
        """Be guided by what other cameras see from now on."""
        self._others = others

    def draw(self, hidden: Mask, frames: slice, sampling: Sampling, first: FirstAnswer | None = None) -> Iterator[Progress]:
        """Fill `hypotheses`, (samples, frames of the range, 16, 3) metres from Hip in camera axes, yielding after every batch.

        hidden: (frames, 16), with what the clip lacks. first: where the start 'uncertain' starts from, and whose bones are as
        long as those of platypose with one camera shall be. Closing the iterator leaves `hypotheses` as they were.
        """
        low, high = frames.start, frames.stop
        self._check_size(sampling.samples, high - low)
        grid = self._resampling.nearest_grid_frames(low, high)
        begin = max(int(grid.min()) - _CONTEXT, 0)
        end = min(int(grid.max()) + 1 + _CONTEXT, self._resampling.grid_frames)
        seen = self._see(hidden, begin, end)
        sampler = Sampler(
            self._model,
            self._condition(seen),
            self._start(seen, hidden, sampling, first),
            sampling.steps,
            self._correct(seen, hidden, first),
        )
        yield from sampler.run()
        turned = torch.einsum("fji,sfkj->sfki", seen.turn, sampler.clean).cpu().numpy()
        self.hypotheses = np.stack([self._to_clip(each, begin, low, high, hidden) for each in turned])

    def _check_size(self, samples: int, frames: int) -> None:
        if samples * frames * len(MPM16) * 3 * 4 * 4 > _LARGEST_BYTES:
            most = _LARGEST_BYTES // (frames * len(MPM16) * 3 * 4 * 4)
            raise UserError(
                f"{self._clip.source or 'this clip'}: {samples} hypotheses of {frames} frames take too much memory; ask for"
                f" {max(most, 1)} or cut the clip into parts"
            )

    def _see(self, hidden: Mask, begin: int, end: int) -> Seen:
        low, high = max(begin - SUPPORT, 0), min(end + SUPPORT, self._resampling.grid_frames)
        points, unseen = self._resampling.to_grid(self._points, hidden, low, high)
        there = torch.from_numpy(points.copy()).to(self._device)[None]
        unseen_there = torch.from_numpy(unseen.copy()).to(self._device)[None]
        form = INPUT_FORMS[self._model.config.input_form]
        made = form.prepare(there, unseen_there) if self._task == "lift" else form.prepare_3d(there, unseen_there)
        part = slice(begin - low, end - low)
        cut: dict[str, Any] = {name: None if value is None else value[:, part] for name, value in vars(made).items()}
        if cut["turn"] is None or (self._task == "complete" and self._way == "platypose"):
            # Without a condition motion is known as cameras see it, upright.
            cut["points"] = (there - made.centre[:, :, None])[:, part].masked_fill(unseen_there[:, part, :, None], 0.0)
            cut["turn"] = torch.eye(3, device=self._device).expand(1, end - begin, 3, 3)
        return Seen(begin, end, PreparedInput(**cut), unseen_there[0, part])

    @torch.inference_mode()
    def _condition(self, seen: Seen) -> Tensor:
        """(grid frames, width)."""
        frames = seen.last - seen.first
        if self._way == "platypose":
            nothing = torch.ones(1, frames, dtype=torch.bool, device=self._device)
            return self._model.condition(torch.zeros(1, frames, self._model.config.width, device=self._device), nothing)[0]
        tokens = self._model.make_tokens(seen.prepared.points, seen.prepared.extras, seen.hidden[None])
        return self._model.condition(tokens, seen.hidden[None].all(-1))[0]

    def _start(self, seen: Seen, hidden: Mask, sampling: Sampling, first: FirstAnswer | None) -> Start:
        frames, joints = seen.last - seen.first, len(MPM16)
        # In completion limbs swing as wide by themselves: there pairs would lie too far apart.
        draw = draw_in_pairs if self._task == "lift" else draw_noise
        noise = draw(sampling.samples, seen.first, frames, joints, sampling.seed, self._device)
        noise = noise * torch.where(seen.hidden, HIDDEN_TEMPERATURE, 1.0)[..., None]
        if sampling.start == "noise" or first is None:
            return Start(noise)
        known = np.zeros(hidden.shape, bool)
        positions, _ = self._resampling.to_grid(first.positions.astype(np.float32), known, seen.first, seen.last)
        spread, _ = self._resampling.to_grid(self._spread(hidden, first), known, seen.first, seen.last)
        of_pose = draw(sampling.samples, seen.first, frames, joints, sampling.seed + 1, self._device)
        return uncertain_start(
            turn_forth(torch.from_numpy(positions).to(self._device)[None], seen.prepared)[0],
            torch.from_numpy(spread).to(self._device), noise, of_pose,
        )  # fmt: skip

    def _spread(self, hidden: Mask, first: FirstAnswer) -> NDArray[np.float32]:
        """(frames, 16, 3) standard deviations, metres: by confidence across the line of sight, by the distance of the mirrored
        readings along it."""
        unsure = 1 - np.clip(np.nan_to_num(self._clip.confidence), 0, 1)
        across = np.where(hidden, _HIDDEN_M, _UNSURE_PIXELS_M * unsure)
        apart = np.zeros_like(across) if first.apart is None else 2 * _DEPTH_SHARE * np.nan_to_num(first.apart)
        spread = np.stack((across, across, np.maximum(apart, across)), axis=-1)
        spread[:, MPM16.root] = 0
        return spread.astype(np.float32)

    def _correct(self, seen: Seen, hidden: Mask, first: FirstAnswer | None) -> Correct | None:
        if self._task == "complete":
            known = ~seen.hidden & ~seen.hidden[:, MPM16.root, None]
            return KnownJoints(seen.prepared.points[0], known)
        if self._way != "platypose" and not self._others:
            return None
        sights = (Sight.first(self._clip, hidden), *self._others)
        views = [sight.view(self._resampling, seen.first, seen.last, seen.turn) for sight in sights]
        if self._others or first is None:  # several cameras tell themselves how large a person is
            return RayGuidance(views)
        return RayGuidance(views, bones=torch.from_numpy(first.bones()).to(self._device))

    def _to_clip(self, turned: NDArray[np.float32], begin: int, low: int, high: int, hidden: Mask) -> NDArray[np.float32]:
        """One hypothesis on grid frames from `begin` on to frames low to high (excluded) of the clip."""
        answer = self._resampling.from_grid(turned, low, high, begin)
        answer = answer - answer[:, MPM16.root, None]
        if self._task == "complete":
            answer, _ = keep_visible(answer, self._points[low:high], hidden[low:high])
        return answer
