"""Owns the sampler: from noise to hypotheses of a clip's motion, in few steps, over windows that agree where they overlap.

DDIM without fresh noise (Song et al., "Denoising Diffusion Implicit Models", arXiv 2010.02502), many hypotheses at once
(D3DP, arXiv 2303.11579). At every step the windows' clean motions are averaged where they overlap (as of image tiles in
MultiDiffusion, Bar-Tal et al., arXiv 2302.08113), so that a hypothesis is one motion, however long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.diffusion.noise import PARTS, REACH, correlate_long
from mpm_core.diffusion.schedule import sampling_steps, signal_share
from mpm_core.networks.denoiser import Denoiser, standardise
from mpm_core.progress import Progress

Correct = Callable[[Tensor, float], Tensor]
"""What is done to a clean motion (samples, frames, 16, 3), metres from Hip in the axes of the answer, at a step: see
guidance.py."""

_LONGEST, _OVERLAP = 162, 24
"""Frames of a window, at most, and those that two share."""

_TOKENS = 6_000
"""That go through the network at once: more are no faster, and keep whoever cancels waiting."""


def draw_in_pairs(samples: int, first: int, frames: int, joints: int, seed: int, device: torch.device) -> Tensor:
    """As draw_noise, but every second hypothesis starts from the opposite of the one before: antithetic variates (Hammersley
    and Morton, Proc. Camb. Phil. Soc. 52, 1956), whose middle is nearer to that of the distribution than that of as many
    independent ones."""
    drawn = draw_noise(-(-samples // 2), first, frames, joints, seed, device)
    return torch.stack((drawn, -drawn), dim=1).flatten(0, 1)[:samples]


def draw_noise(samples: int, first: int, frames: int, joints: int, seed: int, device: torch.device) -> Tensor:
    """(samples, frames, joints, 3) for the frames from `first` on of a clip, without what trembles, so that hypotheses do not.

    The same frames have the same noise, whatever is drawn around them, and the first hypotheses of many are those of few.
    """
    low, high = first - REACH, first + frames + REACH
    blocks = []
    for block in range(low // _BLOCK, (high - 1) // _BLOCK + 1):
        chance = np.random.default_rng((seed, block + _BLOCKS_BEFORE))
        white = chance.standard_normal((samples, PARTS, _BLOCK, joints * 3), np.float32)
        begin = block * _BLOCK
        blocks.append(white[:, :, max(low - begin, 0) : high - begin])
    return correlate_long(torch.from_numpy(np.concatenate(blocks, axis=2)).to(device), trembles=False).unflatten(
        -1, (joints, 3)
    )


_BLOCK, _BLOCKS_BEFORE = 64, 1_000
"""Frames that are drawn together; blocks are counted from far before the first frame."""


@dataclass(frozen=True)
class Start:
    """What sampling begins with, at a step from 0 to 1.

    noised: (samples, frames, 16, 3) motion, as standardise has it, with noise of unit variance, as the network learnt it; of
    hidden joints a Drawer makes it wider by HIDDEN_TEMPERATURE (1.6), here alone: later steps are made of the same noise.
    """

    noised: Tensor
    step: float = 1.0


class Sampler:
    """Hypotheses of a stretch of motion at 50 frames/s.

    condition: (frames, width), see Denoiser.condition. steps: how often the network is asked. clean: (samples, frames, 16, 3)
    metres from Hip, in the axes of the answer; the hypotheses once run() is through. The network is told of each step as if the
    start's noise had unit variance: where it is wider, as of hidden joints, hypotheses end up farther apart.
    """

    def __init__(self, model: Denoiser, condition: Tensor, start: Start, steps: int, correct: Correct | None = None) -> None:
        self._model, self._condition, self._correct = model, condition, correct
        self._noised, self.steps = start.noised, sampling_steps(steps, start.step)
        self._starts, self._length = _windows(len(condition))
        self.clean = start.noised

    def parts(self) -> int:
        """How often run() yields."""
        return sum(len(self._batches(len(self._asked(step)))) for step in self.steps)

    def run(self) -> Iterator[Progress]:
        """Denoise, yielding after every batch of windows. Closing the iterator stops."""
        done, total = 0, self.parts()
        for number, step in enumerate(self.steps):
            asked = self._asked(step)
            summed = torch.zeros_like(asked)
            weights = asked.new_zeros(asked.shape[1])
            for batch in self._batches(len(asked)):
                self._ask(asked, float(step), batch, summed, weights)
                done += 1
                yield Progress(done, total)
            clean = (summed / (weights / len(asked))[:, None, None]).expand(len(self._noised), -1, -1, -1)
            self.clean = clean if self._correct is None else self._correct(clean, float(step))
            later = float(self.steps[number + 1]) if number + 1 < len(self.steps) else 0.0
            if later:
                self._noised = _step_down(self._noised, standardise(self.clean), float(step), later)

    def _asked(self, step: float) -> Tensor:
        """What the network is shown: where all is noise it answers the same to any, so that once is enough."""
        return torch.zeros_like(self._noised[:1]) if step >= 1 else self._noised

    def _batches(self, samples: int) -> list[NDArray[np.int64]]:
        """Windows of hypotheses, by their numbers: window + hypothesis * windows."""
        count = samples * len(self._starts)
        size = max(_TOKENS // self._length, 1)
        return np.array_split(np.arange(count), -(-count // size))

    @torch.inference_mode()
    def _ask(self, asked: Tensor, step: float, batch: NDArray[np.int64], summed: Tensor, weights: Tensor) -> None:
        """Add what the network answers for a batch of windows."""
        which, windows = np.divmod(batch, len(self._starts))
        places = torch.from_numpy(self._starts[windows])[:, None] + torch.arange(self._length)
        rows = torch.from_numpy(which)[:, None]
        steps = torch.full((len(batch),), step, device=asked.device)
        answers = self._model.denoise(self._condition[places], asked[rows, places], steps, signal_share(steps))
        ramp = torch.arange(1, self._length + 1, device=asked.device).float()
        ramp = torch.minimum(ramp, ramp.flip(0))
        for row, first, answer in zip(which, self._starts[windows], answers, strict=True):
            part = slice(int(first), int(first) + self._length)
            summed[row, part] += answer * ramp[:, None, None]
            weights[part] += ramp


def _step_down(noised: Tensor, clean: Tensor, step: float, later: float) -> Tensor:
    """What is noised at a later step, by the noise that a step's clean motion leaves (DDIM)."""
    signal, later_signal = (float(signal_share(torch.tensor(at, dtype=torch.float64))) for at in (step, later))
    noise = (noised - signal**0.5 * clean) / (1 - signal) ** 0.5
    return later_signal**0.5 * clean + (1 - later_signal) ** 0.5 * noise


def _windows(frames: int) -> tuple[NDArray[np.int64], int]:
    """Where windows begin that are of one length, as short as their number allows, and overlap by _OVERLAP frames or more."""
    count = max(-(-(frames - _OVERLAP) // (_LONGEST - _OVERLAP)), 1)
    length = -(-(frames + (count - 1) * _OVERLAP) // count)
    return np.linspace(0, frames - length, count).round().astype(np.int64), length


def uncertain_start(first: Tensor, spread: Tensor, noise: Tensor, of_pose: Tensor) -> Start:
    """DiffPose's start (Gong et al., CVPR 2023, arXiv 2211.16940): a pose and how sure it is, instead of plain noise.

    first: (frames, 16, 3) metres from Hip, in the axes of the answer; spread: the same, standard deviations; noise, of_pose:
    (samples, frames, 16, 3), see draw_noise. The sampler begins where its noise is about as large as the spread mostly is.
    """
    possible = standardise(first + spread * of_pose)
    signal = float(signal_share(torch.tensor(UNCERTAIN_STEP, dtype=torch.float64)))
    return Start(signal**0.5 * possible + (1 - signal) ** 0.5 * noise, UNCERTAIN_STEP)


UNCERTAIN_STEP = 0.5
"""Where sampling begins that starts from an uncertain pose."""
