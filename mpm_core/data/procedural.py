"""Owns invented poses: trunks, arms and legs anywhere that joints allow, for what motion capture lacks.

Gestures with raised elbows, arms overhead, lunges, kicks, sitting, crouching, kneeling, bending over, and together with
augment.tilt lying: each part wanders smoothly between random joint angles, in a range that people reach; both sides of the
body go alike in some samples, more freely in others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mpm_core.data.augment import AugmentConfig, Draw, body_axes, bone_vectors, chance_of_varying, join_bones, rotate_about
from mpm_core.on_device import indices
from mpm_core.skeleton import MPM16

_KNOTS = 4  # changes of direction in a window, at most
_LIVELIEST = 0.8  # share of an angle's variance that changes within a window, at most
_ALIKE = (0.5, 0.9)  # correlation of both sides, one of these per sample

# Degrees. Elevation from hanging down, its plane from sideways (0) to forward (90), bend of the elbow.
_ARM_ELEVATION, _ARM_PLANE, _ELBOW_BEND = (0.0, 150.0), (-25.0, 105.0), (0.0, 145.0)
# Flexion forwards, abduction sideways, bend of the knee, turn about the thigh.
_HIP_FLEXION, _HIP_ABDUCTION, _KNEE_BEND, _HIP_TURN = (-25.0, 120.0), (-10.0, 50.0), (0.0, 145.0), (-25.0, 45.0)
# The trunk against the hips, on top of what it does already: forwards, to the left, twisted to the left.
_TRUNK_TURNS = ((-20.0, 80.0), (-30.0, 30.0), (-40.0, 40.0))
_UPPER_TRUNK = MPM16.indices(("Thorax", "Head", "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist"))
_BEND_WITH_FLEXION = 0.6  # correlation: who lifts a knee bends it


def invent_limbs(draw: Draw, positions: Tensor, is_masked: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Give some of the samples (count, frames, 16, 3) an invented trunk, some invented arms, and some invented legs, with
    their own bone lengths; and (count,) whose legs were invented."""
    trunk, arms, legs = (
        chance_of_varying(draw, share, is_masked, config)
        for share in (config.invented_trunk_share, config.invented_arms_share, config.invented_legs_share)
    )
    positions = _bend_trunks(draw, positions, trunk, config.invented_trunk_share)
    bones = bone_vectors(positions)
    for chosen, share, invent in (
        (arms, config.invented_arms_share, _invent_arms),
        (legs, config.invented_legs_share, _invent_legs),
    ):
        rows = _rows_with(chosen, share)
        is_chosen = chosen[rows, None, None]
        for joints, direction in invent(draw, positions[rows]).items():
            joint = MPM16.index(joints)
            before = bones[rows, :, joint]
            bones[rows, :, joint] = torch.where(is_chosen, direction * before.norm(dim=-1, keepdim=True), before)
    return join_bones(bones), legs


def _rows_with(chosen: Tensor, share: float) -> Tensor:
    """Rows among which all chosen ones are, when a share of (count,) bool is chosen at random: always equally many, as a number
    that is not known before would have a GPU wait for the CPU. Four standard deviations more than the share are chosen once in
    30,000 times; those left over stay as they are."""
    count = len(chosen)
    most = min(count, math.ceil(count * share + 4 * math.sqrt(count * share)))
    return chosen.float().topk(most, sorted=False).indices


def _bend_trunks(draw: Draw, positions: Tensor, chosen: Tensor, share: float) -> Tensor:
    """Turn the upper bodies of the chosen samples against their hips: the spine halfway, all above it wholly."""
    rows = _rows_with(chosen, share)
    if not len(rows):
        return positions
    bones = bone_vectors(positions)
    moved = bones[rows]
    left, front, up = body_axes(positions[rows], ("LHip", "RHip"), ("Hip", "Spine"))
    count, frames = moved.shape[:2]
    angles = _wander(draw, count, frames, len(_TRUNK_TURNS))
    turns = [_within(angles[..., n], ends) for n, ends in enumerate(_TRUNK_TURNS)]
    turn = turns[0] * left + turns[1] * -front + turns[2] * up
    axis, angle = normalize(turn, dim=-1), turn.norm(dim=-1)
    angle = angle * chosen[rows, None]
    for parts, part in ((MPM16.indices(("Spine",)), 0.5), (_UPPER_TRUNK, 1.0)):
        joints = indices(parts, moved)
        moved[:, :, joints] = rotate_about(moved[:, :, joints], axis, part * angle)
    bones[rows] = moved
    return join_bones(bones)


def _invent_arms(draw: Draw, positions: Tensor) -> dict[str, Tensor]:
    """Directions (count, frames, 3) of the upper arms and forearms."""
    left, front, up = body_axes(positions, ("LShoulder", "RShoulder"), ("Spine", "Thorax"))
    directions = {}
    for letter, outward, angles in zip("LR", (left, -left), _both_sides(draw, positions, 5), strict=True):
        elevation, plane, bend = (
            _within(angles[..., n], ends) for n, ends in enumerate((_ARM_ELEVATION, _ARM_PLANE, _ELBOW_BEND))
        )
        upper = elevation.sin() * (plane.cos() * outward + plane.sin() * front) - elevation.cos() * up
        inward, upward = _share(angles[..., 3]) * 1.4 - 0.4, _share(angles[..., 4]) * 1.7 - 0.7
        towards = _across(front - inward * outward + upward * up, upper)
        directions[f"{letter}Elbow"] = upper
        directions[f"{letter}Wrist"] = bend.cos() * upper + bend.sin() * towards
    return directions


def _invent_legs(draw: Draw, positions: Tensor) -> dict[str, Tensor]:
    """Directions (count, frames, 3) of the thighs and shanks."""
    left, front, up = body_axes(positions, ("LHip", "RHip"), ("Hip", "Spine"))
    directions = {}
    for letter, outward, angles in zip("LR", (left, -left), _both_sides(draw, positions, 4), strict=True):
        own = (1 - _BEND_WITH_FLEXION**2) ** 0.5
        bent = _BEND_WITH_FLEXION * angles[..., 0] + own * angles[..., 2]
        flexion, abduction = _within(angles[..., 0], _HIP_FLEXION), _within(angles[..., 1], _HIP_ABDUCTION)
        bend, turn = _within(bent, _KNEE_BEND), _within(angles[..., 3], _HIP_TURN)
        thigh = abduction.cos() * (flexion.sin() * front - flexion.cos() * up) + abduction.sin() * outward
        backward = _across(-flexion.cos() * front - flexion.sin() * up, thigh)
        heel = turn.cos() * backward - turn.sin() * _across(outward, thigh)
        directions[f"{letter}Knee"] = thigh
        directions[f"{letter}Ankle"] = bend.cos() * thigh + bend.sin() * normalize(heel, dim=-1)
    return directions


def _both_sides(draw: Draw, positions: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Two (count, frames, channels) of unit normal numbers that wander over the frames, correlated with each other."""
    count, frames = positions.shape[:2]
    first, second = (_wander(draw, count, frames, channels) for _ in range(2))
    alike = torch.where(draw.chance(0.5, count), *_ALIKE)[:, None, None]
    return first, alike * first + (1 - alike**2).sqrt() * second


def _wander(draw: Draw, count: int, frames: int, channels: int) -> Tensor:
    lively = draw.uniform(count, 1, channels, high=_LIVELIEST**0.5)
    still = (1 - lively**2).sqrt() * draw.normal(count, 1, channels)
    return still + lively * draw.drift(count, frames, channels, _KNOTS)


def _share(normal: Tensor) -> Tensor:
    """(...) unit normal numbers -> (..., 1), uniform from 0 to 1."""
    return torch.special.ndtr(normal)[..., None]


def _within(normal: Tensor, ends: tuple[float, float]) -> Tensor:
    """(...) unit normal numbers -> (..., 1) angles in radians, uniform between two ends in degrees."""
    return (ends[0] + (ends[1] - ends[0]) * _share(normal)) * (math.pi / 180)


def _across(vectors: Tensor, axis: Tensor) -> Tensor:
    """The unit part of vectors at right angles to a unit axis."""
    return normalize(vectors - (vectors * axis).sum(-1, keepdim=True) * axis, dim=-1)
