"""Owns the transformer blocks: plain pre-norm, and the strided one that thins the sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Dropout that draws one random byte per element.

    torch's own draws a float per element, which on a CPU takes a fifth of a whole training step of this network; a
    byte costs a tenth of that. The rate is rounded to 1/256.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._threshold = round(rate * 256)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self._threshold == 0:
            return x
        words = (x.numel() + 7) // 8
        random = torch.empty(words, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        keep = random.view(torch.uint8)[: x.numel()].view(x.shape) >= self._threshold
        return x * keep * (256 / (256 - self._threshold))


class Attention(nn.Module):
    """Multi-head self-attention over frames (Vaswani et al., arXiv 1706.03762)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, visible: Tensor | None) -> Tensor:
        """x: (batch, frames, width). visible: (batch, frames) bool, the frames that may be looked at; None = all."""
        batch, frames, width = x.shape
        qkv = self.qkv(x).view(batch, frames, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # 3 x (batch, heads, frames, width / heads)
        keys = None if visible is None else visible[:, None, None, :]
        mixed = _attend(q, k, v, keys)
        return self.out(mixed.transpose(1, 2).reshape(batch, frames, width))


def _attend(q: Tensor, k: Tensor, v: Tensor, keys: Tensor | None) -> Tensor:
    """Attention, by the path that is fastest on the device.

    On a CPU torch's fused kernel is faster forwards, but its backward pass takes several times as long as that of plain
    matrix products at these lengths (27 to 243 frames).
    """
    if q.is_cuda or not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=keys)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (batch, heads, frames, frames)
    if keys is not None:
        scores = scores.masked_fill(~keys, float("-inf"))
    # Autocast would widen the softmax to float32 and back, which costs more here than the softmax itself.
    with torch.autocast(q.device.type, enabled=False):
        return scores.softmax(-1) @ v


class Block(nn.Module):
    """Pre-norm transformer block: attention, then a two-layer feed-forward, each added to its input."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feed_forward)
        self.contract = nn.Linear(feed_forward, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, visible: Tensor | None = None) -> Tensor:
        """x: (batch, frames, width) -> the same shape."""
        x = x + self.dropout(self.attention(self.norm_attention(x), visible))
        return x + self.dropout(self.contract(functional.gelu(self.expand(self.norm_feed_forward(x)))))


class StridedBlock(nn.Module):
    """Transformer block whose feed-forward ends in a convolution of stride 3, so that three frames become one.

    Source: Li et al., "Exploiting Temporal Contexts with Strided Transformer for 3D Human Pose Estimation"
    (arXiv 2103.14304). The residual path keeps the middle frame of each three.
    """

    STRIDE = 3

    def __init__(self, width: int, heads: int, feed_forward: int, frames: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(frames, width) * 0.02)
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feed_forward)
        self.contract = nn.Conv1d(feed_forward, width, kernel_size=self.STRIDE, stride=self.STRIDE)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, frames, width) -> (batch, frames / 3, width)."""
        x = x + self.positions
        x = x + self.dropout(self.attention(self.norm_attention(x), None))
        wide = functional.gelu(self.expand(self.norm_feed_forward(x)))  # (batch, frames, feed_forward)
        thinned = self.contract(wide.transpose(1, 2)).transpose(1, 2)  # (batch, frames / 3, width)
        return x[:, self.STRIDE // 2 :: self.STRIDE] + self.dropout(thinned)
