"""Owns the noise of the diffusion, which is correlated in time as motion is.

White noise would average out over the frames of a window: nearly all of the steps would see the same slow movement through it,
and a sampler of few steps could choose nothing but trembles. A fixed covariance changes nothing else in a diffusion.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional as layers

_PARTS = ((40.0, 0.45), (8.0, 0.35))
"""Standard deviations in frames of the Gaussians that smooth white noise, and which share of the variance each has; the rest
stays white."""

_WHITE = 1 - sum(share for _, share in _PARTS)
PARTS = 1 + len(_PARTS)
"""Independent noises that a sum is made of."""

_REACH = 3.0  # times its standard deviation, as far as a Gaussian goes

REACH = int(_REACH * max(spread for spread, _ in _PARTS))
"""Frames to either side whose white noise has a say in that of a frame."""


@functools.cache
def _kernels() -> tuple[Tensor, ...]:
    """Each of unit length, so that white noise of unit variance keeps that, and as heavy as its share."""
    kernels = []
    for spread, share in _PARTS:
        reach = int(_REACH * spread)
        bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / spread) ** 2)
        kernels.append(bell / bell.norm() * share**0.5)
    return tuple(kernels)


@functools.cache
def _root_of_covariance(frames: int, device: torch.device) -> Tensor:
    """(frames, frames), by which white noise becomes such noise (Cholesky). None of them is ever given up: steps that a GPU
    has captured read it where it lies, which nobody else would keep for them."""
    covariance = _WHITE * torch.eye(frames, dtype=torch.float64)
    apart = (torch.arange(frames)[:, None] - torch.arange(frames)).abs()
    for kernel in _kernels():
        bell = kernel.double()
        correlation = layers.conv1d(bell[None, None], bell[None, None], padding=len(bell) - 1)[0, 0, len(bell) - 1 :]
        covariance += torch.where(apart < len(bell), correlation[apart.clamp(max=len(bell) - 1)], 0.0)
    return torch.linalg.cholesky(covariance).float().to(device)


def correlate(white: Tensor) -> Tensor:
    """White noise (count, frames, channels) of a window to noise of unit variance that is correlated in time."""
    root = _root_of_covariance(white.shape[1], white.device)
    return torch.einsum("ft,ntc->nfc", root, white)


def correlate_long(white: Tensor, trembles: bool = True) -> Tensor:
    """The same of a long clip: (count, PARTS, frames + 2 * REACH, channels) to (count, frames, channels), of which each frame
    depends on the white noise within REACH alone. trembles: whether the white part is in it, a fifth of the variance."""
    count, _, length, channels = white.shape
    noise = (_WHITE**0.5 if trembles else 0.0) * white[:, 0, REACH : length - REACH]
    for part, kernel in enumerate(_kernels(), start=1):
        lines = white[:, part].transpose(1, 2).reshape(count * channels, 1, length)
        cut = REACH - len(kernel) // 2
        smooth = layers.conv1d(lines[..., cut : length - cut], kernel.to(white.device)[None, None])
        noise = noise + smooth.reshape(count, channels, -1).transpose(1, 2)
    return noise
