"""Owns the faster linear layers of inference on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """A linear layer, for inference alone, whose weights lie as oneDNN wants them.

    torch multiplies float32 matrices on a CPU with MKL, which on AMD's processors reaches less than half the speed of
    oneDNN (190 against 430 GFLOP/s on two threads at this network's sizes). The sums are the same but for rounding.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., inputs) -> (..., outputs)."""
        return torch.ops.mkldnn._linear_pointwise(x, self._packed, self.bias, "none", [], "")


def pack_linears(model: nn.Module) -> None:
    """Put a PackedLinear in the place of every linear layer of a float32 model on a CPU; nothing where torch has no oneDNN."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return
    for name, child in model.named_children():
        if type(child) is nn.Linear:
            setattr(model, name, PackedLinear(child))
        else:
            pack_linears(child)
