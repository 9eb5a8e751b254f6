"""Owns what varies in training: windows, speed, mirror images, limbs held otherwise, tilt, and the errors of 3D capture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpm_core.on_device import indices, numbers
from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class AugmentConfig:
    """Each number is a share of the samples or a standard deviation; zero switches the variation off."""

    speed: float = 0.2  # of the logarithm of the playing speed
    reversed_share: float = 0.2
    mirrored_share: float = 0.5
    height: float = 0.08  # of the logarithm of the body's size
    child_share: float = 0.05  # of all: a child's size
    bones: float = 0.06  # of the logarithm of each bone's length, the same on both sides
    moved_joints: float = 0.5  # of all: joints where another rig or annotator would put them, alike in all frames
    moved_joints_m: float = 0.02  # standard deviation along each axis of the body; see bodies.py
    exchanged_share: float = 0.35  # of the unmasked: arms of another sample, as they are held against its chest
    exchanged_trunk_share: float = 0.2  # of the unmasked: all above the hips of another sample, as it is held against them
    swung_share: float = 0.6  # arms turned about the shoulder, the upper body about the hip
    swung_legs_share: float = 0.35  # legs turned about the hip; where they are, feet tell nothing of the floor
    arm_swing_deg: float = 25.0  # standard deviations of those turns
    leg_swing_deg: float = 22.0
    trunk_swing_deg: float = 12.0
    masked_arm_swing: float = 0.6  # of arm_swing_deg, where joints will be hidden
    invented_arms_share: float = 0.12  # arms, legs, or bends of the trunk of no recorded motion; see procedural.py
    invented_legs_share: float = 0.1
    invented_trunk_share: float = 0.06
    varied_masked: float = (
        0.4  # of the shares of swung and invented limbs, where joints will be hidden: what is likely counts there
    )
    bent_share: float = 0.0  # limbs turned by angles that change within the window, within learnt limits; see reach.py
    bent_deg: float = 20.0  # standard deviation of those turns
    tilted_share: float = 0.1  # whole body turned about a horizontal axis, by any angle
    pathless_share: float = 0.25  # go in from Hip, as 3D files often have it; matters where 3D goes in
    solid_noisy_share: float = 0.5  # of the 3D poses that go in, so that no clip is known by its finest movements
    solid_noise_m: float = 0.006  # of the lasting and the slow error of each joint, and of the quick one
    noisy_share: float = 0.65
    noise_m: float = 0.012  # median over the noisy windows, metres at the body
    noise_spread: float = 0.6  # of the logarithm of it
    outlier_share: float = 0.012  # of the joints, in noisy windows
    swapped_share: float = 0.1  # of the noisy windows have left and right swapped for some frames
    lost_share: float = 0.15  # of the noisy windows have joints that the detector loses for a span


class Draw:
    """Random tensors from one generator on one device."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.device = generator.device

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def chance(self, share: float, *shape: int) -> Tensor:
        return self.uniform(*shape) < share

    def whole(self, low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)

    def order(self, count: int) -> Tensor:
        """(count,): all numbers below it, shuffled."""
        return self.uniform(count).argsort()

    def drift(self, count: int, frames: int, channels: int, knots: int) -> Tensor:
        """(count, frames, channels): unit-variance noise that is correlated over frames / knots."""
        points = self.normal(count, channels, knots)
        phase = torch.linspace(0, knots - 1, frames, device=self.device)
        left = phase.floor().clamp(max=knots - 2).long()
        share = phase - left
        # Linear interpolation lowers the variance between the knots; this evens it out.
        norm = ((1 - share) ** 2 + share**2).sqrt()
        mixed = (points[..., left] * (1 - share) + points[..., left + 1] * share) / norm
        return mixed.transpose(1, 2)


def vary_times(draw: Draw, count: int, frames: int, config: AugmentConfig) -> Tensor:
    """(count, frames): frame offsets from the middle of the window, at a varied speed, some backwards."""
    offsets = torch.arange(frames, device=draw.device) - (frames - 1) / 2
    speed = (config.speed * draw.normal(count)).clamp(-0.5, 0.5).exp()
    direction = torch.where(draw.chance(config.reversed_share, count), -1.0, 1.0)
    return offsets * (speed * direction)[:, None]


def mirror(positions: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen samples of (count, frames, 16, 3) world positions: left becomes right."""
    swapped = positions[:, :, indices(MPM16.mirror, positions)] * numbers((-1, 1, 1), positions)
    return torch.where(chosen[:, None, None, None], swapped, positions)


def vary_body(draw: Draw, positions: Tensor, config: AugmentConfig) -> Tensor:
    """Scale the body and its bones, symmetrically. positions: (count, frames, 16, 3), world metres."""
    count = len(positions)
    each = config.bones * draw.normal(count, len(MPM16))
    trunk = indices(MPM16.limb("trunk"), each)
    both_sides = (each + each[:, indices(MPM16.mirror, each)]) / 2**0.5
    both_sides[:, trunk] = each[:, trunk]
    size = config.height * draw.normal(count, 1)
    size = torch.where(draw.chance(config.child_share, count, 1), torch.log(draw.uniform(count, 1, low=0.6, high=0.85)), size)
    scale = (both_sides + size).clamp(-0.6, 0.35).exp()
    bones = bone_vectors(positions) * scale[:, None, :, None]
    # The path of the hips scales with the legs, else the feet would slide.
    legs = scale[:, indices(MPM16.indices(("RKnee", "RAnkle")), scale)].mean(1)
    bones[:, :, MPM16.root] = positions[:, :, MPM16.root] * legs[:, None, None]
    return join_bones(bones)


def bone_vectors(positions: Tensor) -> Tensor:
    """(..., 16, 3): from parent to joint; the root's own place for the root."""
    bones = positions - positions[..., indices(PARENTS, positions), :]
    bones[..., MPM16.root, :] = positions[..., MPM16.root, :]
    return bones


def join_bones(bones: Tensor) -> Tensor:
    """The inverse of bone_vectors."""
    return torch.einsum("jk,...ka->...ja", numbers(_PATHS, bones).to(bones.dtype), bones)


def _paths_from_root() -> tuple[tuple[float, ...], ...]:
    """(joints, joints): which bones lie between the root and a joint."""
    paths = np.eye(len(MPM16))
    for joint in MPM16.parents_first:
        if MPM16.parents[joint] >= 0:
            paths[joint] += paths[MPM16.parents[joint]]
    return tuple(map(tuple, paths.tolist()))


PARENTS = tuple(joint if parent < 0 else parent for joint, parent in enumerate(MPM16.parents))
"""Of each joint; the root is its own."""

_PATHS = _paths_from_root()
_ARMS = MPM16.indices(("LElbow", "LWrist", "RElbow", "RWrist"))
_UPPER_BODY = MPM16.indices(("Spine", "Thorax", "Head", "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist"))
_SWINGING = {
    "arm_swing_deg": (MPM16.indices(("LElbow", "LWrist")), MPM16.indices(("RElbow", "RWrist"))),
    "leg_swing_deg": (MPM16.indices(("LKnee", "LAnkle")), MPM16.indices(("RKnee", "RAnkle"))),
    "trunk_swing_deg": (_UPPER_BODY,),
}


def exchange_arms(draw: Draw, positions: Tensor, allowed: Tensor, config: AugmentConfig) -> Tensor:
    """Give some of the allowed samples (count, frames, 16, 3) the arms of others, held alike against the chest."""
    chest = torch.stack(body_axes(positions, ("LShoulder", "RShoulder"), ("Spine", "Thorax")), dim=-1)
    chosen = draw.chance(config.exchanged_share, len(positions)) & allowed
    return _exchange(draw, positions, _ARMS, chest, chosen)


def exchange_trunks(draw: Draw, positions: Tensor, allowed: Tensor, config: AugmentConfig) -> Tensor:
    """Give some of the allowed samples (count, frames, 16, 3) all above the hips from others, held alike against these."""
    hips = torch.stack(body_axes(positions, ("LHip", "RHip"), ("Hip", "Spine")), dim=-1)
    chosen = draw.chance(config.exchanged_trunk_share, len(positions)) & allowed
    return _exchange(draw, positions, _UPPER_BODY, hips, chosen)


def _exchange(draw: Draw, positions: Tensor, joint_numbers: Sequence[int], axes: Tensor, chosen: Tensor) -> Tensor:
    """Give the chosen samples the directions that these joints' bones have in others, against axes (count, frames, 3, 3)."""
    other = draw.order(len(positions))
    bones, joints = bone_vectors(positions), indices(joint_numbers, positions)
    turn = axes @ axes[other].transpose(-1, -2)  # (count, frames, 3, 3), from the other's axes to one's own
    theirs = torch.einsum("cfij,cfnj->cfni", turn, bones[other][:, :, joints])
    length = bones[:, :, joints].norm(dim=-1, keepdim=True)
    theirs = theirs / theirs.norm(dim=-1, keepdim=True).clamp(min=1e-6) * length
    bones[:, :, joints] = torch.where(chosen[:, None, None, None], theirs, bones[:, :, joints])
    return join_bones(bones)


def body_axes(positions: Tensor, across: tuple[str, str], along: tuple[str, str]) -> tuple[Tensor, Tensor, Tensor]:
    """Left, front and up, each (count, frames, 3), of a part of the body: `across` names a left and a right joint of it,
    `along` a lower and an upper one."""
    left, right, lower, upper = (positions[:, :, MPM16.index(j)] for j in (*across, *along))
    up = torch.nn.functional.normalize(upper - lower, dim=-1)
    front = torch.nn.functional.normalize(torch.linalg.cross(left - right, up), dim=-1)
    return torch.linalg.cross(up, front), front, up


def chance_of_varying(draw: Draw, share: float, is_masked: Tensor, config: AugmentConfig) -> Tensor:
    """(count,) bool: samples whose limbs are varied, fewer among those of which joints will be hidden."""
    return draw.uniform(len(is_masked)) < share * torch.where(is_masked, config.varied_masked, 1.0)


def swing_limbs(draw: Draw, positions: Tensor, is_masked: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Turn limbs of some samples (count, frames, 16, 3) stiffly, by the same angle in all frames; and (count,) whose legs
    were turned."""
    count = len(positions)
    bones = bone_vectors(positions)
    arms, legs = (chance_of_varying(draw, share, is_masked, config) for share in (config.swung_share, config.swung_legs_share))
    for name, groups in _SWINGING.items():
        size = getattr(config, name) * (legs if name == "leg_swing_deg" else arms)
        if name == "arm_swing_deg":
            size = size * torch.where(is_masked, config.masked_arm_swing, 1.0)
        for group in groups:
            axis = torch.nn.functional.normalize(draw.normal(count, 3), dim=-1)
            angle = torch.deg2rad(size * draw.normal(count))
            joints = indices(group, bones)
            bones[:, :, joints] = rotate_about(bones[:, :, joints], axis, angle)
    return join_bones(bones), legs


def tilt(draw: Draw, positions: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Turn some of the samples about a horizontal axis through the hips of the middle frame; and (count,) which."""
    count, frames = positions.shape[:2]
    chosen = draw.chance(config.tilted_share, count)
    angle = draw.uniform(count, low=-math.pi, high=math.pi) * chosen
    heading = draw.uniform(count, high=2 * math.pi)
    axis = torch.stack((heading.cos(), heading.sin(), torch.zeros_like(heading)), dim=-1)
    pivot = positions[:, frames // 2, MPM16.root][:, None, None]
    return rotate_about(positions - pivot, axis, angle) + pivot, chosen


def rotate_about(points: Tensor, axis: Tensor, angle: Tensor) -> Tensor:
    """Rodrigues' rotation of (count, frames, joints, 3) by one axis (count, 3) and angle (count,) per sample, or by one
    per frame, (count, frames, 3) and (count, frames)."""
    if angle.dim() == 1:
        axis, angle = axis[:, None], angle[:, None]
    axis = axis[:, :, None].expand_as(points)
    cos, sin = angle.cos()[..., None, None], angle.sin()[..., None, None]
    along = (points * axis).sum(-1, keepdim=True) * axis
    return points * cos + torch.linalg.cross(axis, points) * sin + along * (1 - cos)


def solid_error(draw: Draw, positions: Tensor, config: AugmentConfig) -> Tensor:
    """What motion capture of less than the best quality would make of (count, frames, 16, 3) positions from Hip."""
    count, frames, joints, axes = positions.shape
    noisy = draw.chance(config.solid_noisy_share, count)[:, None, None, None]
    size = config.solid_noise_m * noisy
    lasting = draw.normal(count, 1, joints, axes)
    slow = draw.drift(count, frames, joints * axes, 4).unflatten(-1, (joints, axes))
    error = (lasting + slow + 0.5 * draw.normal(count, frames, joints, axes)) * size
    error[:, :, MPM16.root].zero_()
    return positions + error
