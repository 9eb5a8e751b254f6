"""Owns where other rigs and annotators put the joints of the same body: a few centimetres off, alike in all frames."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm_core.data.augment import AugmentConfig, Draw, body_axes
from mpm_core.on_device import indices, numbers
from mpm_core.skeleton import MPM16

# By how much of the config's standard deviation each joint is moved. Left and right joints move alike, mirrored.
_OF_HIPS = {"RHip": 0.9, "LHip": 0.9}
_OF_CHEST = {"Spine": 1.5, "Thorax": 1.2, "Head": 1.8, "LShoulder": 1.0, "RShoulder": 1.0}
_OF_LIMBS = {
    "LKnee": 0.4,
    "RKnee": 0.4,
    "LAnkle": 0.7,
    "RAnkle": 0.7,
    "LElbow": 0.4,
    "RElbow": 0.4,
    "LWrist": 0.7,
    "RWrist": 0.7,
}


def move_joints(draw: Draw, positions: Tensor, config: AugmentConfig) -> Tensor:
    """Move the joints of some samples (count, frames, 16, 3) in the axes of the part of the body that they belong to.

    Hip stays in the middle of both hips. Joints of the limbs move along their bone.
    """
    count = len(positions)
    size = config.moved_joints_m * draw.chance(config.moved_joints, count)[:, None, None]  # (count, 1, 1)
    offset = draw.normal(count, len(MPM16), 3) * size
    flip, mirror = numbers((-1, 1, 1), positions), indices(MPM16.mirror, positions)
    offset = (offset + offset[:, mirror] * flip) / 2**0.5  # a trunk joint stays in the middle
    moved = positions.clone()
    for parts, axes in (
        (_OF_HIPS, body_axes(positions, ("LHip", "RHip"), ("Hip", "Spine"))),
        (_OF_CHEST, body_axes(positions, ("LShoulder", "RShoulder"), ("Spine", "Thorax"))),
    ):
        joints = indices(MPM16.indices(tuple(parts)), positions)
        shares = numbers(tuple(parts.values()), positions)[:, None]
        moved[:, :, joints] += torch.einsum("cfia,cja->cfji", torch.stack(axes, dim=-1), offset[:, joints] * shares)
    hips = indices(MPM16.indices(("LHip", "RHip")), positions)
    moved[:, :, MPM16.root] = moved[:, :, hips].mean(2)
    limbs = MPM16.indices(tuple(_OF_LIMBS))
    joints, parents = indices(limbs, positions), indices([MPM16.parents[joint] for joint in limbs], positions)
    shares = numbers(tuple(_OF_LIMBS.values()), positions)
    along = torch.nn.functional.normalize(positions[:, :, joints] - positions[:, :, parents], dim=-1)
    moved[:, :, joints] += along * (offset[:, joints, 1] * shares)[:, None, :, None]
    return moved
