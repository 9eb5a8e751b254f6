"""Owns what the vectors that a network learns begin with."""

from __future__ import annotations

import torch
from torch import Tensor

_SPREAD = 0.02


def small_noise(*sizes: int) -> Tensor:
    """(*sizes) normal, about zero. On the device "meta" there are no numbers to draw: asked for them there, torch imports its
    compiler first, which takes longer than all the rest of loading a network."""
    vector = torch.empty(*sizes)
    return vector if vector.is_meta else vector.normal_() * _SPREAD
