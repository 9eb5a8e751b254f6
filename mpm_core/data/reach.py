"""Owns which ways limbs are held in recorded motion, and limbs turned smoothly within that.

The limits hang on the pose, as joints' limits do: which directions an upper arm or thigh takes in the axes of its part of the
trunk, and for each of these, which ones the bone after it takes. Source of the idea: Akhter and Black, "Pose-Conditioned Joint
Angle Limits for 3D Human Pose Reconstruction" (CVPR 2015); here the occupied cells are counted, and nothing is fitted to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mpm_core.data.augment import AugmentConfig, Draw, body_axes, bone_vectors, chance_of_varying, join_bones, rotate_about
from mpm_core.skeleton import MPM16

_CELLS = 256  # on the sphere, about 13 degrees apart
_TOLERANCE_DEG = 14.0  # around what was recorded
_FEWEST_FRAMES = 3  # in a cell that counts: motion capture has its own errors
_STRENGTHS = (1.0, 0.7, 0.45, 0.25)  # of a turn, the strongest that keeps within the limits
_KNOTS = 3  # changes of direction in a window, at most
_LIVELY = 0.5  # share of a turn's variance that changes within a window
_OF_SECOND = 0.6  # by how much the forearm or shank turns besides, against the whole limb

_ROWS = 8192  # frames that are looked up at once while learning


@dataclass(frozen=True)
class _Kind:
    """Arms or legs. across and along: see body_axes. rest: a direction (outward, front, up) opposite to one that no limb
    takes, from where the axes of the second bone are carried along."""

    first: str
    second: str
    across: tuple[str, str]
    along: tuple[str, str]
    rest: tuple[float, float, float]


_KINDS = (
    _Kind("Elbow", "Wrist", ("LShoulder", "RShoulder"), ("Spine", "Thorax"), (1.0, 1.0, -0.5)),
    _Kind("Knee", "Ankle", ("LHip", "RHip"), ("Hip", "Spine"), (0.3, 1.0, -1.0)),
)


@dataclass(frozen=True)
class _Limb:
    """One arm or leg of a kind. joints: its two bones, by the joints at their ends."""

    kind: int
    side: str
    joints: tuple[int, int]


_LIMBS = tuple(
    _Limb(number, side, (MPM16.index(side + kind.first), MPM16.index(side + kind.second)))
    for number, kind in enumerate(_KINDS)
    for side in "LR"
)


class Reach:
    """What limbs reach, learnt from positions (frames, 16, 3) in world metres, both sides alike."""

    def __init__(self, positions: Tensor) -> None:
        self._sphere = _sphere(positions.device)
        near = self._sphere @ self._sphere.T >= math.cos(math.radians(_TOLERANCE_DEG))
        counts = torch.zeros(len(_KINDS), _CELLS * _CELLS, device=positions.device)
        for rows in positions.split(_ROWS):
            for limb, first, second in self._cells(rows[None]):
                counts[limb.kind] += torch.bincount((first * _CELLS + second).flatten(), minlength=_CELLS * _CELLS)
        seen = (counts >= _FEWEST_FRAMES).float().unflatten(1, (_CELLS, _CELLS))
        widened = near.float() @ seen @ near.float()  # cells with a recorded one near, in both bones
        self._allowed = widened > 0  # (kinds, cells, cells)

    def allows(self, positions: Tensor) -> Tensor:
        """(count, frames, limbs) bool: which limbs of (count, frames, 16, 3) are held as recorded ones are, in the order
        left arm, right arm, left leg, right leg."""
        return torch.stack([self._allowed[limb.kind, first, second] for limb, first, second in self._cells(positions)], dim=-1)

    def _cells(self, positions: Tensor) -> Iterator[tuple[_Limb, Tensor, Tensor]]:
        """For each limb the cells (count, frames) of its two bones."""
        bones = normalize(bone_vectors(positions), dim=-1)
        for limb in _LIMBS:
            kind = _KINDS[limb.kind]
            left, front, up = body_axes(positions, kind.across, kind.along)
            axes = torch.stack((left if limb.side == "L" else -left, front, up), dim=-2)
            first, second = (torch.einsum("cfij,cfj->cfi", axes, bones[:, :, joint]) for joint in limb.joints)
            rest = normalize(torch.tensor(kind.rest, device=positions.device), dim=-1)
            yield limb, self._nearest(first), self._nearest(_carried_back(second, first, rest))

    def _nearest(self, directions: Tensor) -> Tensor:
        return (directions @ self._sphere.T).argmax(-1)


def bend_limbs(draw: Draw, positions: Tensor, reach: Reach, is_masked: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Turn the limbs of some samples (count, frames, 16, 3) by angles that wander smoothly over the frames, as far as each
    limb stays within what is recorded (where it was to begin with); and (count,) whose legs were turned."""
    chosen = chance_of_varying(draw, config.bent_share, is_masked, config)
    rows = chosen.nonzero()[:, 0]
    if not len(rows):
        return positions, chosen
    before = positions[rows]
    was_allowed = reach.allows(before)
    count, frames = before.shape[:2]
    turns = [math.radians(config.bent_deg) * _wander(draw, count, frames) for _ in range(2 * len(_LIMBS))]
    bones = bone_vectors(before)
    strength = torch.zeros(count, len(_LIMBS), device=before.device)
    for tried in sorted(_STRENGTHS):
        kept = (reach.allows(join_bones(_turned(bones, turns, tried))) | ~was_allowed).all(1)
        strength = torch.where(kept, tried, strength)
    changed = positions.clone()
    changed[rows] = join_bones(_turned(bones, turns, strength))
    return changed, chosen


def _turned(bones: Tensor, turns: list[Tensor], strength: Tensor | float) -> Tensor:
    """Bones (count, frames, 16, 3) with each limb turned as a whole, and then its second bone, by rotation vectors
    (count, frames, 3) times a strength, which may be one for each (count, limbs)."""
    bones = bones.clone()
    for number, limb in enumerate(_LIMBS):
        own = strength if isinstance(strength, float) else strength[:, number, None, None]
        for joints, turn in ((limb.joints, turns[2 * number]), (limb.joints[1:], _OF_SECOND * turns[2 * number + 1])):
            vector = own * turn
            axis, angle = normalize(vector, dim=-1), vector.norm(dim=-1)
            bones[:, :, list(joints)] = rotate_about(bones[:, :, list(joints)], axis, angle)
    return bones


def _wander(draw: Draw, count: int, frames: int) -> Tensor:
    """(count, frames, 3): rotation vectors of unit variance in all, partly the same in all frames."""
    still, moving = draw.normal(count, 1, 3), draw.drift(count, frames, 3, _KNOTS)
    return ((1 - _LIVELY) ** 0.5 * still + _LIVELY**0.5 * moving) / 3**0.5


def _carried_back(vectors: Tensor, towards: Tensor, rest: Tensor) -> Tensor:
    """Vectors (..., 3) turned back by the shortest turn that takes `rest` to `towards`, all of unit length."""
    axis = torch.linalg.cross(towards, rest.expand_as(towards))  # sin long
    cosine = (towards * rest).sum(-1, keepdim=True)
    along = (axis * vectors).sum(-1, keepdim=True)
    return vectors * cosine + torch.linalg.cross(axis, vectors) + axis * along / (1 + cosine).clamp(min=1e-4)


def _sphere(device: torch.device) -> Tensor:
    """(_CELLS, 3) unit vectors spread evenly, by the golden angle."""
    number = torch.arange(_CELLS, device=device) + 0.5
    height = 1 - 2 * number / _CELLS
    turn = number * math.pi * (1 + 5**0.5)
    ring = (1 - height**2).sqrt()
    return torch.stack((ring * turn.cos(), ring * turn.sin(), height), dim=-1)
