"""Owns uncertainty-aware optimisation at test time: a latent state is moved until its answer agrees with the keypoints.

Source: Wang et al., "Uncertainty-Aware Testing-Time Optimization for 3D Human Pose Estimation" (arXiv 2402.02339). As there,
the network is frozen and a latent state alone is optimised, by the reprojection error and by staying near the first answer as
certainly as that is known. What differs: the latent state is the tokens of a whole window between the trunk and the decoder,
so that corrections are smooth in time; how sure a joint is is told by how far its readings lie apart, not by a head of the
network; and bones that are seen stay near the lengths that the window tells of, without which half of the gain is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

from mpm_core.skeleton import MPM16

_PULL = 1e-4
"""Of keypoints that nobody trusts, beside others of 1, on where the person stands, so that this is always known."""

_RIDGE = 1e-6

_LEAST_WORTH = 0.1
"""Of bones' lengths, which are much the same for all people."""


@dataclass(frozen=True)
class UAOConfig:
    """steps: of Adam, each of so much at most (rate, of the latent's units). across_m: how exactly a keypoint that is fully
    trusted is to be met, across the line of sight. certain_m: how far an answer is off whose readings agree; allowed: a joint
    moves by so many times what it is uncertain by, at most. length_error: of the bones' lengths, as a share; bones: how much
    they count."""

    steps: int = 20
    rate: float = 0.02
    across_m: float = 0.01
    certain_m: float = 0.02
    allowed: float = 3.0
    length_error: float = 0.03
    bones: float = 2.0


USUAL = UAOConfig()
"""Half as many steps of twice the rate gain a tenth less."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a window's answer is held against. rays: (frames, 16, 2) of the keypoints, finite everywhere; trust: (frames, 16) 0
    to 1, zero where a joint is hidden; seen: (frames, 16) bool; uncertain_m: (frames, 16) metres; lengths: (bones,) metres,
    and measured (frames, bones) bool, where both ends of one are seen; children, parents: (bones,) their ends. worth: 0 to 1,
    how far the window's keypoints are trusted as a whole."""

    rays: Tensor
    trust: Tensor
    seen: Tensor
    uncertain_m: Tensor
    lengths: Tensor
    measured: Tensor
    children: Tensor
    parents: Tensor
    worth: float


class LatentSearch:
    """One window being refined, step by step. decode: what the network answers for a latent state, (frames, 16, 3) metres from
    Hip in camera axes, by operations that torch can differentiate. latent: the state that gave the first answer."""

    def __init__(
        self, decode: Callable[[Tensor], Tensor], latent: Tensor, evidence: Evidence, config: UAOConfig = USUAL
    ) -> None:
        self._decode, self._evidence, self._config = decode, evidence, config
        self._latent = latent.clone().requires_grad_()
        self._averages = torch.zeros_like(latent), torch.zeros_like(latent)
        self._steps = torch.zeros(())
        with torch.no_grad():
            self._first = decode(latent)
        # Lengths that a window's keypoints tell are worth no more than these.
        self._bones = config.bones * max(evidence.worth, _LEAST_WORTH)

    def step(self) -> None:
        """Move the latent state a little further."""
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self._loss(self._decode(self._latent)), self._latent)
        # The class torch.optim.Adam would import torch's compiler first: a second, and 0.13 GB that stay.
        mean, square = self._averages
        with torch.no_grad():
            adam(
                [self._latent], [slope], [mean], [square], [], [self._steps], foreach=False, amsgrad=False, beta1=0.9,
                beta2=0.999, lr=self._config.rate, weight_decay=0.0, eps=1e-8, maximize=False,
            )  # fmt: skip

    def _loss(self, positions: Tensor) -> Tensor:
        seen, config = self._evidence, self._config
        root = solve_root(positions, seen.rays, torch.maximum(seen.trust, _PULL * seen.seen))
        places = positions + root[:, None]
        off = places[..., :2] - seen.rays * places[..., 2:]
        reprojected = (seen.trust * off.square().sum(-1)).sum() / config.across_m**2
        stayed = ((positions - self._first).square().sum(-1) / seen.uncertain_m.square()).sum()
        bones = (positions[:, seen.children] - positions[:, seen.parents]).norm(dim=-1)
        longer = (bones - seen.lengths) / (config.length_error * seen.lengths)
        return (reprojected + stayed + self._bones * (seen.measured * longer.square()).sum()) / len(positions)

    def shift(self) -> Tensor:
        """(frames, 16, 3) metres by which joints were moved by now, none farther than its uncertainty allows."""
        with torch.no_grad():
            moved = self._decode(self._latent) - self._first
            most = self._config.allowed * self._evidence.uncertain_m
            return moved * (most / moved.norm(dim=-1).clamp(min=1e-9)).clamp(max=1)[..., None]


def solve_root(positions: Tensor, rays: Tensor, weights: Tensor) -> Tensor:
    """(frames, 3): see camera.solve_root, with weights (frames, joints) and in torch; Hip itself where nothing is seen."""
    u, v = rays.unbind(-1)
    x, y, z = positions.unbind(-1)
    total, of_u, of_v = weights.sum(1), (weights * u).sum(1), (weights * v).sum(1)
    none = torch.zeros_like(total)
    depth = (weights * (u * u + v * v)).sum(1)
    rows = (total, none, -of_u, none, total, -of_v, -of_u, -of_v, depth)
    normal = torch.stack(rows, dim=-1).unflatten(-1, (3, 3)) + _RIDGE * torch.eye(3, device=rays.device)
    right_x, right_y = weights * (u * z - x), weights * (v * z - y)
    sums = (right_x.sum(1), right_y.sum(1), -(u * right_x + v * right_y).sum(1))
    return torch.linalg.solve(normal, torch.stack(sums, dim=-1))


def as_read(readings: Tensor) -> Tensor:
    """One answer of the readings (1 or 2, frames, 16, 3) of a window: their mean, of which the second is of the mirrored clip;
    from Hip."""
    first = readings[0]
    if len(readings) > 1:
        flip = torch.tensor((-1.0, 1.0, 1.0), device=readings.device)
        first = (first + readings[1][:, list(MPM16.mirror)] * flip) / 2
    return first - first[:, MPM16.root, None]


def apart(readings: Tensor) -> Tensor:
    """(frames, 16) metres: half of what the two readings of a window lie apart; zero of one alone."""
    if len(readings) == 1:
        return torch.zeros(readings.shape[1:3], device=readings.device)
    flip = torch.tensor((-1.0, 1.0, 1.0), device=readings.device)
    return (readings[0] - readings[1][:, list(MPM16.mirror)] * flip).norm(dim=-1) / 2
