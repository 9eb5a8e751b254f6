"""Owns guidance: what is known of a motion, brought to its clean estimate at every step of sampling.

As in Platypose (Pierzchlewicz et al., arXiv 2403.06164), whose prior knows nothing of 2D: the gradient of the reprojection
error of the clean estimate pulls every hypothesis to the keypoints. The error here is that in space, how far a joint lies
beside its ray, in metres (Lu, Hager and Mjolsness, "Fast and Globally Convergent Pose Estimation from Video Images", PAMI
2000): its gradient needs no network, and any number of cameras add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mpm_core.skeleton import MPM16

_TURNS = 6
"""Gradient steps at each step of the diffusion; where Hip is, is solved for anew before each."""

_TOLERATED_M = 0.05
"""Farther beside its ray a joint pulls no more (Huber), so that one wrong keypoint does not bend the body."""

_LEAST = 1e-6


@dataclass(frozen=True)
class View:
    """What one camera sees of a stretch of motion.

    turn: (frames, 3, 3) from the axes of the answer to the camera's. offset: (3,) metres, from where the first camera stands,
    in the axes of this one. rays: (frames, 16, 2); weights: (frames, 16) 0 to 1, 0 where hidden.
    """

    turn: Tensor
    offset: Tensor
    rays: Tensor
    weights: Tensor

    def across(self) -> Tensor:
        """(frames, 16, 3, 3): takes a point in the camera's axes to how far it lies beside its ray."""
        unit = torch.nn.functional.normalize(torch.cat((self.rays, torch.ones_like(self.rays[..., :1])), dim=-1), dim=-1)
        return torch.eye(3, device=unit.device) - unit[..., :, None] * unit[..., None, :]


class RayGuidance:
    """Pulls motions to the rays of one or several cameras, which stand still to each other. strength: what share of the way
    to its ray a joint goes that is surely seen.

    bones: (15,) metres, how long those that lead to all joints but Hip are on average, or None. A single camera tells no
    size: a person who is smaller and nearer is seen alike, is pulled less, and is what a prior begins with that averages over
    all poses. So bones are brought to these lengths before and after the pull.
    """

    def __init__(self, views: Sequence[View], strength: float = 0.7, bones: Tensor | None = None) -> None:
        self._strength, self._bones = strength, bones
        self._views = views
        self._first = views[0].turn
        # Of every view, in the axes of the first one: where it stands, and what lies across its rays.
        self._across, self._pulls = [], []
        for view in views:
            turn = view.turn @ self._first.transpose(-1, -2)  # (frames, 3, 3)
            across = turn.transpose(-1, -2)[:, None] @ view.across() @ turn[:, None]
            stands = torch.einsum("fji,j->fi", turn, view.offset)  # what is added to a point of the first view
            self._across.append(across)
            self._pulls.append(stands)
        self._total = torch.stack([view.weights for view in views]).sum(0).clamp(min=1.0)[..., None]

    def __call__(self, clean: Tensor, step: float) -> Tensor:
        """See sampling.Correct."""
        placed = self._sized(self._forth(clean))
        for _ in range(_TURNS):
            root = self.root(placed)
            gradient = torch.zeros_like(placed)
            for view, across, stands in zip(self._views, self._across, self._pulls, strict=True):
                beside = torch.einsum("fkij,sfkj->sfki", across, placed + root[:, :, None] + stands[:, None])
                length = beside.norm(dim=-1, keepdim=True)
                gradient += beside * (view.weights[..., None] / (length / _TOLERATED_M).clamp(min=1.0))
            placed = placed - self._strength * gradient / self._total
            placed = placed - placed[:, :, :1]
        return torch.einsum("fji,sfkj->sfki", self._first, self._sized(placed))

    def _sized(self, placed: Tensor) -> Tensor:
        """(samples, frames, 16, 3) with each bone as long as it is to be, on average over the frames of a hypothesis."""
        if self._bones is None:
            return placed
        sized, bones = torch.zeros_like(placed), placed[:, :, 1:] - placed[:, :, list(MPM16.parents[1:])]
        bones = bones * (self._bones / bones.norm(dim=-1).mean(1).clamp(min=_LEAST))[:, None, :, None]
        for joint in MPM16.parents_first[1:]:
            sized[:, :, joint] = sized[:, :, MPM16.parents[joint]] + bones[:, :, joint - 1]
        return sized

    def _forth(self, clean: Tensor) -> Tensor:
        return torch.einsum("fij,sfkj->sfki", self._first, clean)

    def root(self, placed: Tensor) -> Tensor:
        """(samples, frames, 3) where Hip is, in the first view's axes, so that the error of (samples, frames, 16, 3) is
        least."""
        matrix = placed.new_zeros(placed.shape[1], 3, 3)
        vector = torch.zeros_like(placed[:, :, 0])
        for view, across, stands in zip(self._views, self._across, self._pulls, strict=True):
            weighted = across * view.weights[..., None, None]
            matrix = matrix + weighted.sum(1)
            vector = vector - torch.einsum("fkij,sfkj->sfi", weighted, placed + stands[:, None])
        matrix = matrix + _LEAST * torch.eye(3, device=matrix.device)
        return torch.linalg.solve(matrix[None], vector[..., None])[..., 0]

    def error(self, clean: Tensor) -> Tensor:
        """(samples,) mean metres that visible joints lie beside their rays."""
        placed = self._forth(clean)
        root = self.root(placed)
        summed, weights = clean.new_zeros(len(clean)), clean.new_zeros(())
        for view, across, stands in zip(self._views, self._across, self._pulls, strict=True):
            beside = torch.einsum("fkij,sfkj->sfki", across, placed + root[:, :, None] + stands[:, None]).norm(dim=-1)
            summed = summed + (beside * view.weights).sum((1, 2))
            weights = weights + view.weights.sum()
        return summed / weights.clamp(min=_LEAST)


class KnownJoints:
    """Puts joints that are known in 3D, (frames, 16, 3) metres from Hip in the axes of the answer, in their places where
    (frames, 16) they are."""

    def __init__(self, positions: Tensor, known: Tensor) -> None:
        self._positions, self._known = positions, known

    def __call__(self, clean: Tensor, step: float) -> Tensor:
        """See sampling.Correct."""
        return torch.where(self._known[..., None], self._positions, clean)
