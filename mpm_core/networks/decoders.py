"""Owns what turns tokens into poses: the per-frame decoders and the strided decoder of the middle frame."""

from __future__ import annotations

from torch import Tensor, nn

from mpm_core.networks.attention import StridedBlock, rotary_turns
from mpm_core.networks.encoders import BlockSizes
from mpm_core.networks.starting import small_noise


class PoseHead(nn.Module):
    """Linear head from the transformer's width to one pose per token."""

    def __init__(self, width: int, joints: int, axes: int) -> None:
        super().__init__()
        self.shape = (joints, axes)
        self.linear = nn.Linear(width, joints * axes)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., width) -> (..., joints, axes)."""
        return self.linear(x).unflatten(-1, self.shape)


class FrameDecoder(nn.Module):
    """D2D, or D3D of stage I: own positions, one transformer block over all frames of the window. sizes, frames: see
    TemporalTransformer."""

    def __init__(self, sizes: BlockSizes, frames: int | None) -> None:
        super().__init__()
        self._head_width = sizes.width // sizes.heads
        self.positions = None if frames is None else nn.Parameter(small_noise(frames, sizes.width))
        self.block = sizes.block()

    def forward(self, x: Tensor, first: int) -> Tensor:
        """x: (batch, frames, width) -> the same shape. first: see MPM.share."""
        if self.positions is not None:
            return self.block(x + self.positions[first : first + x.shape[1]])
        return self.block(x, None, rotary_turns(x.shape[1], self._head_width, x))


class StridedDecoder(nn.Module):
    """Stage II: strided transformer layers that thin the window three-fold until only its middle frame is left."""

    def __init__(self, frames: int, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        lengths = []
        while frames > 1:
            lengths.append(frames)
            frames, rest = divmod(frames, StridedBlock.STRIDE)
            if rest:
                raise ValueError(f"the window must be a power of {StridedBlock.STRIDE} frames")
        self.layers = nn.ModuleList(StridedBlock(width, heads, feed_forward, n, dropout) for n in lengths)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, frames, width) -> (batch, width), the middle frame."""
        for layer in self.layers:
            x = layer(x)
        return self.norm(x.squeeze(1))
