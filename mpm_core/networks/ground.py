"""Owns what a network says of the ground in every frame: which way is up, which feet stand, how high they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROUND_CHANNELS = 7
UP, STANDING, HEIGHT = slice(0, 3), slice(3, 5), slice(5, 7)
"""Of the last axis. UP: mean direction times concentration of a von Mises-Fisher distribution, in the axes of the answer;
the sum of several is what they say together. STANDING: log odds, HEIGHT: metres above where an ankle is that stands; left
foot first."""

_MIRRORED = [0, 1, 2, 4, 3, 6, 5]
_MIRRORED_SIGNS = [-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


class GroundHead(nn.Module):
    """Linear head from the transformer's width to what a frame tells of the ground."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, GROUND_CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., width) -> (..., GROUND_CHANNELS)."""
        return self.linear(x)


def mirror_ground(ground: Tensor) -> Tensor:
    """What (..., GROUND_CHANNELS) of a mirror image say of the original."""
    return ground[..., _MIRRORED] * torch.tensor(_MIRRORED_SIGNS, dtype=ground.dtype, device=ground.device)


def direction_loss(answer: Tensor, truth: Tensor) -> Tensor:
    """(...,) negative log likelihood of unit vectors (..., 3) under a von Mises-Fisher distribution whose mean times
    concentration is (..., 3) `answer` (Mardia and Jupp, "Directional Statistics", 2000), but for a constant."""
    concentration = answer.norm(dim=-1).clamp(min=1e-3)
    # log(sinh(k) / k), without overflow
    normaliser = concentration + torch.log(-torch.expm1(-2 * concentration) / (2 * concentration))
    return normaliser - (answer * truth).sum(-1)
