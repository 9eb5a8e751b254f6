"""Owns the faster layers of inference on a CPU: they answer what the layers of training answer, but for rounding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mpm_core.networks.attention import Block, Turns, mix_in_time
from mpm_core.networks.encoders import FrameLayer

_multiply: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


class PackedLinear(nn.Module):
    """A linear layer, for inference alone, whose weights lie as oneDNN wants them.

    torch multiplies float32 matrices on a CPU with MKL, which on AMD's processors reaches less than half the speed of
    oneDNN (190 against 430 GFLOP/s on two threads at this network's sizes). The sums are the same but for rounding.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self._packed = _reorder(linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., inputs) -> (..., outputs)."""
        return _multiply(x, self._packed, self.bias, "none", [], "")


class PackedBlock(nn.Module):
    """A Block, for inference alone, with fewer passes over its features: residuals and GELU are made by the products that they
    belong to, and the two features that a rotary position turns lie side by side, as one complex number. A tenth faster."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        attention = block.attention
        self.heads = attention.heads
        self.convolution = block.convolution
        self.norm_attention, self.norm_feed_forward = block.norm_attention, block.norm_feed_forward
        order = _side_by_side(attention.qkv.in_features, attention.heads)
        self._qkv = _reorder(attention.qkv.weight[order])
        self.qkv_bias = nn.Parameter(attention.qkv.bias[order].detach(), requires_grad=False)
        self._out, self.out_bias = _reorder(attention.out.weight), attention.out.bias
        self._expand, self.expand_bias = _reorder(block.expand.weight), block.expand.bias
        self._contract, self.contract_bias = _reorder(block.contract.weight), block.contract.bias

    def forward(self, x: Tensor, visible: Tensor | None = None, turns: Turns | None = None) -> Tensor:
        """See Block.forward."""
        batch, frames, width = x.shape
        if self.convolution is not None:
            x = x + mix_in_time(x if visible is None else x * visible[..., None], self.convolution)
        qkv = _multiply(self.norm_attention(x), self._qkv, self.qkv_bias, "none", [], "")
        if turns is not None:
            pairs = torch.view_as_complex(qkv.view(batch, frames, 3, self.heads, -1, 2))
            pairs[:, :, :2].mul_(torch.complex(*turns))
        q, k, v = qkv.view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        keys = None if visible is None else visible[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=keys).transpose(1, 2).reshape(batch, frames, width)
        x = _multiply.binary(mixed, x, self._out, self.out_bias, "add")
        wide = _multiply(self.norm_feed_forward(x), self._expand, self.expand_bias, "gelu", [], "none")
        return _multiply.binary(wide, x, self._contract, self.contract_bias, "add")


class PackedFrameLayer(nn.Module):
    """A FrameLayer, for inference alone, whose batch norm, which is the same for every frame then, is in the linear layer's
    weights."""

    def __init__(self, layer: FrameLayer) -> None:
        super().__init__()
        norm, linear = layer.norm, layer.linear
        assert norm.running_mean is not None and norm.running_var is not None
        scale = (norm.weight * torch.rsqrt(norm.running_var + norm.eps)).detach()
        self._weight = _reorder(linear.weight * scale[:, None])
        self.bias = nn.Parameter(((linear.bias - norm.running_mean) * scale + norm.bias).detach(), requires_grad=False)
        self.slope = layer.activation.negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """See FrameLayer.forward."""
        return functional.leaky_relu_(_multiply(x, self._weight, self.bias, "none", [], ""), self.slope)


def pack(model: nn.Module) -> None:
    """Put a PackedBlock in the place of every Block, a PackedFrameLayer of every FrameLayer, and a PackedLinear of every other
    linear layer, of a float32 model on a CPU; nothing where torch has no oneDNN."""
    if not torch.backends.mkldnn.is_available() or _multiply is None:
        return
    for name, child in model.named_children():
        if type(child) is nn.Linear:
            setattr(model, name, PackedLinear(child))
        elif type(child) is Block:
            setattr(model, name, PackedBlock(child))
        elif type(child) is FrameLayer:
            setattr(model, name, PackedFrameLayer(child))
        else:
            pack(child)


def _reorder(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def _side_by_side(width: int, heads: int) -> Tensor:
    """The rows of a layer for queries, keys and values, so that in queries and keys the features i and i + half of a head lie
    next to each other. Products of queries and keys do not depend on the order of their features."""
    head = width // heads
    within = torch.arange(head).view(2, head // 2).T.flatten()
    first = torch.arange(2 * heads)[:, None] * head
    return torch.cat(((first + within).flatten(), torch.arange(2 * width, 3 * width)))
