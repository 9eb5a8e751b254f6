"""Owns the schedule of the diffusion: how much noise there is at each step, and at which steps a sampler stops."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STEPS = 1000
"""Steps of the diffusion. Networks are told a step over this: 0 is clean, 1 all noise."""

_OFFSET = 0.008
_LEAST = 1e-5  # of the signal, at the last step


def signal_share(step: Tensor) -> Tensor:
    """Of steps 0 to 1: the variance of what is clean in what is noised, from 1 to about 0; that of the noise is the rest.

    The cosine schedule (Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", arXiv 2102.09672).
    """

    def share(at: Tensor) -> Tensor:
        return torch.cos((at + _OFFSET) / (1 + _OFFSET) * math.pi / 2).square()

    return (share(step) / share(torch.zeros_like(step))).clamp(_LEAST, 1.0)


def add_noise(clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
    """What a step (batch,) makes of clean motion and noise (batch, ...), both of unit variance."""
    signal = signal_share(step).reshape(-1, *[1] * (clean.dim() - 1))
    return signal.sqrt() * clean + (1 - signal).sqrt() * noise


def sampling_steps(count: int, start: float = 1.0) -> NDArray[np.float64]:
    """(count,) steps at which a sampler asks the network, from `start` down; after the last one it is done.

    They lie closer where there is little noise (DDIM's quadratic spacing, arXiv 2010.02502, appendix D.2): what a condition
    leaves open is small beside the whole range of poses, and is decided there.
    """
    return start * (np.arange(count, 0, -1) / count) ** 2
