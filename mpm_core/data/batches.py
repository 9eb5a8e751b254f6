"""Owns the training batches: windows of motion, varied and seen by virtual cameras, all on the training device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpm_core.data import augment, procedural
from mpm_core.data.augment import AugmentConfig, Draw
from mpm_core.data.cameras import CameraConfig, view
from mpm_core.data.pack import MotionPack
from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class Batch:
    """Windows as a camera sees them.

    rays: (count, frames, 16, 2), exact; detected: the same with a detector's error. positions: (count, frames, 16, 3)
    metres in camera axes from Hip; measured: the same with errors. path: (count, frames, 3), where Hip is in camera axes;
    zero where it is kept from the network. focal: (count,). inside: (count, frames) bool, False beyond the clip's ends.
    """

    rays: Tensor
    detected: Tensor
    positions: Tensor
    measured: Tensor
    path: Tensor
    focal: Tensor
    inside: Tensor


class WindowSource:
    """Draws batches from a pack that lies on the device as tensors, so that a batch costs no loading."""

    def __init__(self, pack: MotionPack, augment_config: AugmentConfig, camera_config: CameraConfig, draw: Draw) -> None:
        self._draw = draw
        self._augment = augment_config
        self._cameras = camera_config
        self._positions = torch.from_numpy(pack.positions).to(draw.device)
        self._starts = torch.from_numpy(np.asarray(pack.starts)).to(draw.device)
        self._weights = torch.from_numpy(pack.weights).to(draw.device)

    def batch(self, frames: int, is_masked: Tensor) -> Batch:
        """Windows of `frames` frames at 50 Hz, one for each of is_masked (count,) bool.

        Where joints will be hidden, the arms keep near their natural movement: else the network would learn that a
        hidden arm may do anything.
        """
        count, is_masked = len(is_masked), is_masked.to(self._draw.device)
        draw, config = self._draw, self._augment
        world, inside = self._windows(count, frames)
        world = augment.mirror(world, draw.chance(config.mirrored_share, count))
        world = augment.exchange_arms(draw, world, ~is_masked, config)
        world = procedural.invent_limbs(draw, world, config)
        world = augment.swing_limbs(draw, world, is_masked, config)
        world = augment.vary_body(draw, world, config)
        world = augment.tilt(draw, world, config)
        seen = view(draw, world, self._cameras)
        depth = seen.positions[:, :, MPM16.root, 2].clamp(min=self._cameras.nearest_m)
        detected = augment.detector_error(draw, seen.rays, depth, config)
        path = seen.positions[:, :, MPM16.root]
        known = ~draw.chance(config.pathless_share, count)
        relative = seen.positions - path[:, :, None]
        measured = augment.solid_error(draw, relative, config)
        return Batch(seen.rays, detected, relative, measured, path * known[:, None, None], seen.focal, inside)

    def _windows(self, count: int, frames: int) -> tuple[Tensor, Tensor]:
        """World positions of windows whose middle lies inside a clip, and which of their frames do."""
        draw = self._draw
        clip = torch.multinomial(self._weights, count, replacement=True, generator=draw.generator)
        first, last = self._starts[clip], self._starts[clip + 1] - 1
        middle = first + draw.uniform(count) * (last - first)
        times = middle[:, None] + augment.vary_times(draw, count, frames, self._augment)
        inside = (times >= first[:, None]) & (times <= last[:, None])
        times = torch.minimum(torch.maximum(times, first[:, None]), last[:, None])
        before = times.floor().long()
        after = torch.minimum(before + 1, last[:, None])
        share = (times - before)[..., None, None].float()
        return torch.lerp(self._positions[before], self._positions[after], share), inside
