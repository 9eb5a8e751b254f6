"""Owns the errors of 2D detectors: bias, drift and jitter with heavy tails, joints thrown off, exchanged or lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mpm_core.data.augment import PARENTS, AugmentConfig, Draw
from mpm_core.on_device import indices, numbers
from mpm_core.skeleton import MPM16

_NOISE_BY_JOINT = {
    "RHip": 1.4, "LHip": 1.4, "RAnkle": 1.4, "LAnkle": 1.4, "RWrist": 1.5, "LWrist": 1.5, "Spine": 0.9, "Thorax": 0.7,
    "Head": 0.7, "LShoulder": 0.8, "RShoulder": 0.8, "Hip": 1.0,
}  # fmt: skip

_SLOW_FRAMES, _QUICK_FRAMES = 35, 4  # between the knots of drift and of coloured jitter
_COLOURS = (0.7, 0.6, 0.3)  # of drift, coloured and white jitter, on average
_COLOUR_SPREAD = 0.4  # of the logarithm of each, from window to window
_SWAPPED_FRAMES = (2, 25)
_LOST_JOINTS = 4
_FALSE_ALARMS = 0.01  # of the joints that are right, taken for wrong
_LEGS_AND_ARMS = tuple(
    tuple(float(joint in MPM16.limb(f"left {limb}") + MPM16.limb(f"right {limb}")) for joint in range(len(MPM16)))
    for limb in ("leg", "arm")
)


@dataclass(frozen=True)
class Detected:
    """rays: (count, frames, 16, 2) with errors. unsure: (count, frames, 16) bool, joints that the detector lost or is so
    unsure of that they are hidden."""

    rays: Tensor
    unsure: Tensor


def detect(draw: Draw, rays: Tensor, depth: Tensor, config: AugmentConfig) -> Detected:
    """What a 2D detector would make of (count, frames, 16, 2) rays of joints whose hips are `depth` (count, frames) away.

    In each window a share of the gross errors, none to all, comes with a confidence that gives them away.
    """
    count, frames, joints, axes = rays.shape
    noisy = draw.chance(config.noisy_share, count)
    swapped, is_swapped = _swap_sides(draw, rays, noisy, config)
    moved = swapped + _jitter(draw, count, frames, config)[..., :axes] / depth[..., None, None]
    moved, is_off = _throw_outliers(draw, moved, depth, config)
    caught = draw.uniform(count)[:, None, None]
    unsure = (is_off & (draw.uniform(count, frames, joints) < caught)) | (is_swapped & (caught > 0.7))
    unsure |= draw.chance(_FALSE_ALARMS, count, frames, joints)
    unsure |= _lose(draw, count, frames, config)
    return Detected(torch.where(noisy[:, None, None, None], moved, rays), unsure & noisy[:, None, None])


def _jitter(draw: Draw, count: int, frames: int, config: AugmentConfig) -> Tensor:
    """(count, frames, 16, 2) metres at the body."""
    joints, axes = len(MPM16), 2
    size = config.noise_m * (config.noise_spread * draw.normal(count)).exp()
    channels = joints * axes
    parts = (
        draw.drift(count, frames, channels, 2 + frames // _SLOW_FRAMES),
        draw.drift(count, frames, channels, 2 + frames // _QUICK_FRAMES),
        draw.normal(count, frames, channels),
    )
    error = torch.zeros_like(parts[0])
    for colour, part in zip(_COLOURS, parts, strict=True):
        error = error + colour * (_COLOUR_SPREAD * draw.normal(count)).exp()[:, None, None] * part
    heavy = (0.6 * draw.drift(count, frames, joints, 3 + frames // 20)).exp()[..., None]
    by_joint = numbers([_NOISE_BY_JOINT.get(name, 1.0) for name in MPM16.joints], error)
    return error.unflatten(-1, (joints, axes)) * heavy * by_joint[:, None] * size[:, None, None, None]


def _span(draw: Draw, count: int, frames: int, low: int, high: int) -> Tensor:
    """(count, frames) bool: `low` to `high` (excluded) frames in a row, anywhere."""
    start, length = draw.whole(0, frames, count), draw.whole(low, high, count)
    now = torch.arange(frames, device=draw.device)
    return (now >= start[:, None]) & (now < (start + length)[:, None])


def _swap_sides(draw: Draw, rays: Tensor, noisy: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Left and right of the legs, the arms or both, swapped for some frames; and (count, frames, 16) where."""
    count, frames = rays.shape[:2]
    span = _span(draw, count, frames, *_SWAPPED_FRAMES) & (draw.chance(config.swapped_share, count) & noisy)[:, None]
    which = draw.whole(0, 3, count)  # 0 legs, 1 arms, 2 both
    legs, arms = numbers(_LEGS_AND_ARMS, rays).bool()
    chosen = (legs & (which != 1)[:, None]) | (arms & (which != 0)[:, None])  # (count, 16)
    swap = span[:, :, None] & chosen[:, None]
    return torch.where(swap[..., None], rays[:, :, indices(MPM16.mirror, rays)], rays), swap


def _throw_outliers(draw: Draw, rays: Tensor, depth: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Some joints of some frames far off, or on their parent, for a few frames in a row; and (count, frames, 16) which."""
    count, frames, joints, _ = rays.shape
    blocks = (frames + 2) // 3
    away = draw.chance(config.outlier_share, count, blocks, joints).repeat_interleave(3, 1)[:, :frames]
    stuck = draw.chance(config.outlier_share / 2, count, blocks, joints).repeat_interleave(3, 1)[:, :frames]
    offset = draw.normal(count, blocks, joints, 2).repeat_interleave(3, 1)[:, :frames] * 0.25
    rays = torch.where(stuck[..., None], rays[:, :, indices(PARENTS, rays)], rays)
    return torch.where(away[..., None], rays + offset / depth[..., None, None], rays), away | stuck


def _lose(draw: Draw, count: int, frames: int, config: AugmentConfig) -> Tensor:
    """(count, frames, 16): some joints of some windows, for a span of a few frames to all."""
    span = _span(draw, count, frames, 3, frames + 1) & draw.chance(config.lost_share, count)[:, None]
    return span[..., None] & draw.chance(_LOST_JOINTS / 2 / len(MPM16), count, 1, len(MPM16))
