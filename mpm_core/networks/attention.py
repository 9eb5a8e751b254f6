"""Owns the transformer blocks: plain pre-norm, and the strided one that thins the sequence; and rotary positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mpm_core.networks.starting import small_noise


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
        if x.is_cuda:
            return functional.dropout(x, self._threshold / 256)
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

    def forward(self, x: Tensor, visible: Tensor | None, turns: Turns | None = None) -> Tensor:
        """x: (batch, frames, width). visible: (batch, frames) bool, the frames that may be looked at; None = all. turns: see
        rotary_turns; None where positions are told otherwise."""
        batch, frames, width = x.shape
        qkv = self.qkv(x).view(batch, frames, 3, self.heads, width // self.heads)
        qk, v = qkv[:, :, :2], qkv[:, :, 2].transpose(1, 2)  # v: (batch, heads, frames, width / heads)
        q, k = (qk if turns is None else _turn(qk, turns)).permute(2, 0, 3, 1, 4)
        keys = None if visible is None else visible[:, None, None, :]
        mixed = _attend(q, k, v, keys)
        return self.out(mixed.transpose(1, 2).reshape(batch, frames, width))


Turns = tuple[Tensor, Tensor]
"""Cosines and sines, (frames, 1, 1, half a head's width)."""

_LONGEST_PERIOD = 200.0
"""Frames, over 2 pi, in which the slowest pair of features turns once: the longest that a window has, about."""


def rotary_turns(frames: int, head_width: int, like: Tensor) -> Turns:
    """By how much each frame's queries and keys are turned, so that their products depend on how far apart frames are and
    not on where they stand (rotary positions; Su et al., "RoFormer", arXiv 2104.09864)."""
    half = head_width // 2
    rates = _LONGEST_PERIOD ** (-torch.arange(half, device=like.device) / half)
    angles = (torch.arange(frames, device=like.device)[:, None] * rates)[:, None, None]
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turn(rows: Tensor, turns: Turns) -> Tensor:
    """rows: (batch, frames, 2, heads, head's width) -> the same, each pair of features turned in its plane."""
    cos, sin = (part.to(rows.dtype) for part in turns)
    half = cos.shape[-1]
    turned = rows * torch.cat((cos, cos), dim=-1)
    turned[..., :half].addcmul_(rows[..., half:], sin, value=-1)
    turned[..., half:].addcmul_(rows[..., :half], sin)
    return turned


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
    """Pre-norm transformer block: attention, then a two-layer feed-forward, each added to its input.

    convolution: over so many frames each feature is mixed by itself first, which is added to the input too; 0 for a block
    without. It begins at zero.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float, convolution: int = 0) -> None:
        super().__init__()
        self.convolution: nn.Conv1d | None = None
        if convolution:
            self.convolution = nn.Conv1d(width, width, convolution, padding=convolution // 2, groups=width)
            nn.init.zeros_(self.convolution.weight)
            nn.init.zeros_(self.convolution.bias)  # type: ignore[arg-type]
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.expand = nn.Linear(width, feed_forward)
        self.contract = nn.Linear(feed_forward, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, visible: Tensor | None = None, turns: Turns | None = None) -> Tensor:
        """x: (batch, frames, width) -> the same shape. visible, turns: see Attention.forward."""
        if self.convolution is not None:
            shown = x if visible is None else x * visible[..., None]
            x = x + mix_in_time(shown, self.convolution)
        x = x + self.dropout(self.attention(self.norm_attention(x), visible, turns))
        return x + self.dropout(self.contract(functional.gelu(self.expand(self.norm_feed_forward(x)))))


def mix_in_time(x: Tensor, convolution: nn.Conv1d) -> Tensor:
    """The depthwise convolution of (batch, frames, width), frames beyond the ends being zero; as one over pictures of a single
    line, which on a CPU is taken as it lies in memory and so is several times as fast."""
    line = x.transpose(1, 2).unsqueeze(2)  # (batch, width, 1, frames)
    weight, reach = convolution.weight.unsqueeze(2), convolution.weight.shape[-1] // 2
    mixed = functional.conv2d(line, weight, convolution.bias, padding=(0, reach), groups=x.shape[-1])
    return mixed.squeeze(2).transpose(1, 2)


class StridedBlock(nn.Module):
    """Transformer block whose feed-forward ends in a convolution of stride 3, so that three frames become one.

    Source: Li et al., "Exploiting Temporal Contexts with Strided Transformer for 3D Human Pose Estimation"
    (arXiv 2103.14304). The residual path keeps the middle frame of each three.
    """

    STRIDE = 3

    def __init__(self, width: int, heads: int, feed_forward: int, frames: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(small_noise(frames, width))
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
