"""Owns where other rigs and annotators put the joints of the same body: a few centimetres off, alike in all frames."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm_core.data.augment import AugmentConfig, Draw, body_axes
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
    flip = torch.tensor([-1.0, 1.0, 1.0], device=positions.device)
    mirror = list(MPM16.mirror)
    offset = (offset + offset[:, mirror] * flip) / 2**0.5  # a trunk joint stays in the middle
    moved = positions.clone()
    for parts, axes in (
        (_OF_HIPS, body_axes(positions, ("LHip", "RHip"), ("Hip", "Spine"))),
        (_OF_CHEST, body_axes(positions, ("LShoulder", "RShoulder"), ("Spine", "Thorax"))),
    ):
        joints = list(MPM16.indices(tuple(parts)))
        shares = torch.tensor(list(parts.values()), device=positions.device)[:, None]
        moved[:, :, joints] += torch.einsum("cfia,cja->cfji", torch.stack(axes, dim=-1), offset[:, joints] * shares)
    hips = list(MPM16.indices(("LHip", "RHip")))
    moved[:, :, MPM16.root] = moved[:, :, hips].mean(2)
    joints = list(MPM16.indices(tuple(_OF_LIMBS)))
    parents = [MPM16.parents[joint] for joint in joints]
    shares = torch.tensor(list(_OF_LIMBS.values()), device=positions.device)
    along = torch.nn.functional.normalize(positions[:, :, joints] - positions[:, :, parents], dim=-1)
    moved[:, :, joints] += along * (offset[:, joints, 1] * shares)[:, None, :, None]
    return moved
