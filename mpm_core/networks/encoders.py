"""Owns what turns joints into tokens: the modality encoders, the shared spatial MLP, and the transformer over frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm_core.networks.attention import Block, Dropout, rotary_turns
from mpm_core.networks.batch_norm import SyncedBatchNorm
from mpm_core.networks.starting import small_noise


class FrameLayer(nn.Module):
    """Linear, batch norm, leaky ReLU, dropout, applied to every frame by itself."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = SyncedBatchNorm(outputs)
        self.activation = nn.LeakyReLU()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, frames, inputs) -> (batch, frames, outputs)."""
        flat = self.norm(self.linear(x).flatten(0, 1))  # (batch * frames, outputs)
        return self.dropout(self.activation(flat)).unflatten(0, x.shape[:2])


class PoseEncoder(nn.Module):
    """E2D or E3D: one frame's coordinates, hidden joints replaced by the learned vector vS, to the encoder width."""

    def __init__(self, joints: int, axes: int, extras: int, width: int, dropout: float) -> None:
        super().__init__()
        self.hidden_joint = nn.Parameter(small_noise(axes))
        self.layer = FrameLayer(joints * axes + extras, width, dropout)

    def forward(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """points: (batch, frames, joints, axes), extras: (batch, frames, n) or None, hidden: (batch, frames, joints) bool.

        Returns (batch, frames, width).
        """
        shown = torch.where(hidden[..., None], self.hidden_joint.to(points.dtype), points)
        flat = shown.flatten(2)  # (batch, frames, joints * axes)
        return self.layer(flat if extras is None else torch.cat((flat, extras), dim=-1))


class SpatialMLP(nn.Module):
    """S, shared by both modalities: one residual two-layer MLP, then down to the transformer's width."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.residual = nn.Sequential(FrameLayer(inputs, inputs, dropout), FrameLayer(inputs, inputs, dropout))
        self.project = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, frames, inputs) -> (batch, frames, outputs)."""
        return self.project(x + self.residual(x))


@dataclass(frozen=True)
class BlockSizes:
    """Sizes of the transformer blocks of T and of the frame decoders; see Block."""

    width: int
    heads: int
    feed_forward: int
    dropout: float
    convolution: int

    def block(self) -> Block:
        return Block(self.width, self.heads, self.feed_forward, self.dropout, self.convolution)


class TemporalTransformer(nn.Module):
    """T, shared by both modalities: pre-norm blocks over the visible frames.

    frames: of the window whose positions are learnt, as in the paper; None where only how far apart frames are counts, in
    windows of any length.
    """

    def __init__(self, sizes: BlockSizes, blocks: int, frames: int | None) -> None:
        super().__init__()
        self._head_width = sizes.width // sizes.heads
        self.positions = None if frames is None else nn.Parameter(small_noise(frames, sizes.width))
        self.blocks = nn.ModuleList(sizes.block() for _ in range(blocks))
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, x: Tensor, visible: Tensor | None, first: int) -> Tensor:
        """x: (batch, frames, width); visible: (batch, frames) bool, False for frames that no other one may look at, or None
        when all are there; first: see MPM.share. What comes of frames that are not visible means nothing."""
        turns = None
        if self.positions is not None:
            x = x + self.positions[first : first + x.shape[1]]
        else:
            turns = rotary_turns(x.shape[1], self._head_width, x)
        for block in self.blocks:
            x = block(x, visible, turns)
        return self.norm(x)


def relate_visible(temporal: TemporalTransformer, tokens: Tensor, hidden_frames: Tensor, fill: Tensor, first: int) -> Tensor:
    """Run a transformer over the visible frames alone, and put `fill` (width,) in the place of the hidden ones.

    tokens: (batch, frames, width), hidden_frames: (batch, frames) bool, first: see PoseNetwork. -> (batch, frames, width)
    """
    # Asking a GPU costs more than the few windows that it saves.
    if not hidden_frames.is_cuda and not hidden_frames.any():
        return temporal(tokens, None, first)
    # A window with no visible frame still needs something to look at; what comes of it is thrown away below.
    visible = ~hidden_frames | hidden_frames.all(1, keepdim=True)
    related = temporal(tokens, visible, first)
    return torch.where(hidden_frames[..., None], fill.to(related.dtype), related)
