"""Owns what turns joints into tokens: the modality encoders, the shared spatial MLP, and the transformer over frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mpm_core.networks.attention import Block, Dropout
from mpm_core.networks.batch_norm import SyncedBatchNorm


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
        self.hidden_joint = nn.Parameter(torch.randn(axes) * 0.02)
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


class TemporalTransformer(nn.Module):
    """T, shared by both modalities: learned positions and pre-norm blocks over the visible frames."""

    def __init__(self, frames: int, width: int, heads: int, feed_forward: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(frames, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads, feed_forward, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, places: Tensor | None, visible: Tensor | None, first: int) -> Tensor:
        """x: (batch, kept frames, width); places: (batch, kept frames), which frame each one is, or None when all are
        there; visible: (batch, kept frames) bool, False for fill-up rows, or None; first: see MPM.share."""
        if places is None:
            x = x + self.positions[first : first + x.shape[1]]
        else:
            # Gathered from an expanded table rather than indexed: the gradient is then the same in every run.
            table = self.positions.expand(len(x), -1, -1)
            x = x + table.gather(1, (places + first)[..., None].expand_as(x))
        for block in self.blocks:
            x = block(x, visible)
        return self.norm(x)


def relate_visible(
    temporal: TemporalTransformer, rows: Tensor, hidden_frames: Tensor, per_frame: nn.Module, fill: Tensor, first: int
) -> Tensor:
    """Run `per_frame` and a transformer over the visible frames alone, then put `fill` (width,) in the hidden ones.

    rows: (batch, frames, n), hidden_frames: (batch, frames) bool, first: see PoseNetwork. -> (batch, frames, width)
    """
    if not hidden_frames.any():
        return temporal(per_frame(rows), None, None, first)
    frames, counts = rows.shape[1], (~hidden_frames).sum(1)
    kept = max(int(counts.max()), 1)
    places = hidden_frames.int().argsort(dim=1, stable=True)[:, :kept]  # (batch, kept), visible frames first
    visible = torch.arange(kept, device=places.device) < counts[:, None]
    # A window with no visible frame still needs one key to look at; what comes of it is thrown away below.
    keys = visible | (counts[:, None] == 0)
    rows = rows.gather(1, places[..., None].expand(-1, -1, rows.shape[-1]))
    tokens = temporal(per_frame(rows), places, None if bool(keys.all()) else keys, first)
    return restore_frames(tokens, places, visible, fill, frames)


def restore_frames(kept: Tensor, places: Tensor, visible: Tensor, fill: Tensor, frames: int) -> Tensor:
    """Put the kept frames back where they were, and `fill` everywhere else.

    kept: (batch, kept frames, width); places, visible: (batch, kept frames); fill: (width,). -> (batch, frames, width)
    """
    batch, _, width = kept.shape
    values = torch.where(visible[..., None], kept, fill.to(kept.dtype))
    restored = fill.to(kept.dtype).expand(batch, frames, width)
    return restored.scatter(1, places[..., None].expand_as(values), values)
