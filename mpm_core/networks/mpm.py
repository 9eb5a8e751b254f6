"""Owns MPM, the network of masked pose modelling: one transformer for 2D and 3D poses.

Source: Zhang et al., "MPM: A Unified 2D-3D Human Pose Representation via Masked Pose Modeling" (arXiv 2306.17201).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm_core.networks.base import NetworkConfig, PoseNetwork
from mpm_core.networks.decoders import FrameDecoder, PoseHead, StridedDecoder
from mpm_core.networks.encoders import PoseEncoder, SpatialMLP, TemporalTransformer, relate_visible
from mpm_core.networks.inputs import INPUT_FORMS


@dataclass(frozen=True)
class MPMConfig(NetworkConfig):
    """Sizes of the network. `frames` is 27, 81 or 243."""

    heads: int = 8
    feed_forward: int = 512
    encoder_width: int = 512
    blocks: int = 4


class MPM(PoseNetwork):
    """Encoders E2D and E3D, shared S and T, decoders D2D and D3D, the strided decoder and the sequence head.

    See PoseNetwork. A frame whose joints are all hidden is left out of T and comes back before the decoder as the learned
    token vT.
    """

    name = "mpm"
    config_class = MPMConfig
    completes = True

    def __init__(self, config: MPMConfig) -> None:
        super().__init__()
        self.config = c = config
        form = INPUT_FORMS[c.input_form]
        self.encoder_2d = PoseEncoder(c.joints, 2, form.extras, c.encoder_width, c.dropout)
        self.encoder_3d = PoseEncoder(c.joints, 3, form.extras_3d, c.encoder_width, c.dropout)
        self.spatial = SpatialMLP(c.encoder_width, c.width, c.dropout)
        self.temporal = TemporalTransformer(c.frames, c.width, c.heads, c.feed_forward, c.blocks, c.dropout)
        self.hidden_frame = nn.Parameter(torch.randn(c.width) * 0.02)
        self.decoder_2d = FrameDecoder(c.frames, c.width, c.heads, c.feed_forward, c.dropout)
        self.decoder_3d = FrameDecoder(c.frames, c.width, c.heads, c.feed_forward, c.dropout)
        self.norm_2d, self.norm_3d = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.head_2d = PoseHead(c.width, c.joints, 2)
        self.head_3d = PoseHead(c.width, c.joints, 3)
        self.strided_decoder = StridedDecoder(c.frames, c.width, c.heads, c.feed_forward, c.dropout)
        self.middle_head = PoseHead(c.width, c.joints, 3)
        self.sequence_head = PoseHead(c.width, c.joints, 3)

    def share(self, encoded: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """S and T over the visible frames. encoded: (batch, frames, encoder width), hidden_frames: (batch, frames) bool.

        frames may be fewer than the window's; `first` says where in the window they begin. Returns (batch, frames,
        width), with vT in the hidden frames.
        """
        return relate_visible(self.temporal, encoded, hidden_frames, self.spatial, self.hidden_frame, first)

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See PoseNetwork.make_tokens: E2D or E3D, then S."""
        return self.spatial(self.encode(points, extras, hidden))

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.relate: T alone, over tokens that S has made before; else like share."""
        return relate_visible(self.temporal, tokens, hidden_frames, nn.Identity(), self.hidden_frame, first)

    def decode_2d(self, shared: Tensor, first: int = 0) -> Tensor:
        """(batch, frames, width) -> (batch, frames, joints, 2)."""
        return self.head_2d(self.norm_2d(self.decoder_2d(shared, first)))

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.decode_3d."""
        return self.head_3d(self.norm_3d(self.decoder_3d(related, first)))

    def decode_middle(self, related: Tensor) -> Tensor:
        """See PoseNetwork.decode_middle: by the strided decoder."""
        return self.middle_head(self.strided_decoder(self.decoder_3d(related, 0)))

    def encode(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """E2D or E3D, by the number of axes: -> (batch, frames, encoder width)."""
        encoder = self.encoder_2d if points.shape[-1] == 2 else self.encoder_3d
        return encoder(points, extras, hidden)


def count_parameters(model: MPM) -> dict[str, int]:
    """Parameters per part as the paper counts them: no position tables, no layer norms, no mask vectors."""
    parts: dict[str, tuple[nn.Module, ...]] = {
        "E2D": (model.encoder_2d.layer,),
        "E3D": (model.encoder_3d.layer,),
        "S+T": (model.spatial, model.temporal.blocks),
        "D2D": (model.decoder_2d.block, model.head_2d),
        "D3D": (model.decoder_3d.block, model.head_3d),
        "strided layers": (model.strided_decoder.layers,),
        "sequence head": (model.sequence_head,),
    }
    counts = {part: sum(_count(module) for module in modules) for part, modules in parts.items()}
    counts["stage II"] = sum(counts[p] for p in ("E2D", "S+T", "D3D", "strided layers", "sequence head"))
    return counts


def _count(module: nn.Module) -> int:
    total = 0
    for child in module.modules():
        if not isinstance(child, nn.LayerNorm):
            total += sum(p.numel() for name, p in child.named_parameters(recurse=False) if name != "positions")
    return total
