"""Owns the training batches: windows of motion, varied and seen by virtual cameras, all on the training device."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.data import augment, bodies, procedural
from mpm_core.data.augment import AugmentConfig, Draw
from mpm_core.data.cameras import CameraConfig, view
from mpm_core.data.detecting import detect
from mpm_core.data.pack import MotionPack
from mpm_core.data.reach import Reach, bend_limbs
from mpm_core.grounding.standing import standing_feet
from mpm_core.skeleton import MPM16

_WORLD_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Batch:
    """Windows as a camera sees them.

    rays: (count, frames, 16, 2), exact; detected: the same with a detector's error, which hides `unsure` (count, frames, 16)
    bool. positions: (count, frames, 16, 3) metres in camera axes from Hip; measured: the same with errors. path: (count,
    frames, 3), where Hip is in camera axes; zero where it is kept from the network. focal: (count,). inside: (count, frames)
    bool, False beyond the clip's ends. up: (count, 3) in camera axes; standing: (count, frames, 2) 0 to 1 and height: (count,
    frames, 2) metres of both feet (see standing_feet); has_ground (count,) bool: where these three mean anything.
    """

    rays: Tensor
    detected: Tensor
    unsure: Tensor
    positions: Tensor
    measured: Tensor
    path: Tensor
    focal: Tensor
    inside: Tensor
    up: Tensor
    standing: Tensor
    height: Tensor
    has_ground: Tensor


class WindowSource:
    """Draws batches from a pack that lies on the device as tensors, so that a batch costs no loading."""

    def __init__(self, pack: MotionPack, augment_config: AugmentConfig, camera_config: CameraConfig, draw: Draw) -> None:
        self._draw = draw
        self._augment = augment_config
        self._cameras = camera_config
        self._positions = torch.from_numpy(pack.positions).to(draw.device)
        self._starts = torch.from_numpy(np.asarray(pack.starts)).to(draw.device)
        shares = np.cumsum(pack.weights)  # of a clip and those before
        self._shares = torch.from_numpy(shares / shares[-1]).to(draw.device)
        self._reach = Reach(self._positions) if augment_config.bent_share else None
        self._feet = torch.from_numpy(_feet_of(pack)).to(draw.device)

    def batch(self, frames: int, is_masked: Tensor) -> Batch:
        """Windows of `frames` frames at 50 Hz, one for each of is_masked (count,) bool.

        Where joints will be hidden, the arms keep near their natural movement: else the network would learn that a
        hidden arm may do anything.
        """
        count, is_masked = len(is_masked), is_masked.to(self._draw.device)
        draw, config = self._draw, self._augment
        world, feet, inside = self._windows(count, frames)
        mirrored = draw.chance(config.mirrored_share, count)
        world = augment.mirror(world, mirrored)
        feet = torch.where(mirrored[:, None, None, None], feet.flip(-1), feet)
        world = augment.exchange_trunks(draw, world, ~is_masked, config)
        world = augment.exchange_arms(draw, world, ~is_masked, config)
        world, invented = procedural.invent_limbs(draw, world, is_masked, config)
        world, swung = augment.swing_limbs(draw, world, is_masked, config)
        if self._reach is not None:
            world, bent = bend_limbs(draw, world, self._reach, is_masked, config)
            swung = swung | bent
        world = augment.vary_body(draw, world, config)
        world = bodies.move_joints(draw, world, config)
        world, tilted = augment.tilt(draw, world, config)
        seen = view(draw, world, self._cameras)
        depth = seen.positions[:, :, MPM16.root, 2].clamp(min=self._cameras.nearest_m)
        detected = detect(draw, seen.rays, depth, config)
        path = seen.positions[:, :, MPM16.root]
        known = ~draw.chance(config.pathless_share, count)
        relative = seen.positions - path[:, :, None]
        measured = augment.solid_error(draw, relative, config)
        return Batch(
            rays=seen.rays,
            detected=detected.rays,
            unsure=detected.unsure,
            positions=relative,
            measured=measured,
            path=path * known[:, None, None],
            focal=seen.focal,
            inside=inside,
            up=seen.up,
            standing=feet[:, :, 0],
            height=feet[:, :, 1],
            has_ground=~(tilted | swung | invented),
        )

    def _windows(self, count: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """World positions of windows whose middle lies inside a clip, (count, frames, 2, 2) whether their feet stand and how
        high they are, and which of their frames lie inside."""
        draw = self._draw
        clip = torch.searchsorted(self._shares, draw.uniform(count).double()).clamp(max=len(self._shares) - 1)
        first, last = self._starts[clip], self._starts[clip + 1] - 1
        middle = first + draw.uniform(count) * (last - first)
        times = middle[:, None] + augment.vary_times(draw, count, frames, self._augment)
        inside = (times >= first[:, None]) & (times <= last[:, None])
        times = torch.minimum(torch.maximum(times, first[:, None]), last[:, None])
        before = times.floor().long()
        after = torch.minimum(before + 1, last[:, None])
        share = (times - before)[..., None, None].float()
        world = torch.lerp(self._positions[before], self._positions[after], share)
        return world, torch.lerp(self._feet[before], self._feet[after], share), inside


def _feet_of(pack: MotionPack) -> NDArray[np.float32]:
    """(frames, 2, 2): for each foot 1 where it stands, and its height; left first."""
    feet = np.zeros((len(pack.positions), 2, 2), np.float32)
    for first, last in pairwise(pack.starts):
        standing, height = standing_feet(pack.positions[first:last], _WORLD_UP, pack.fps)
        feet[first:last, 0], feet[first:last, 1] = standing, height
    return feet
