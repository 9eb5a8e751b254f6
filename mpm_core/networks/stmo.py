"""Owns STMO, a peer of MPM: a transformer that is pre-trained on masked 2D alone, then fine-tuned for lifting.

In the spirit of Shan et al., "P-STMO: Pre-trained Spatial Temporal Many-to-One Model for 3D Human Pose Estimation" (arXiv
2203.07628); made of MPM's blocks, and fed, masked and trained like it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.decoders import FrameDecoder, PoseHead, StridedDecoder
from mpm_core.networks.encoders import PoseEncoder, SpatialMLP, TemporalTransformer, relate_visible
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.networks.mpm import MPMConfig
from mpm_core.networks.starting import small_noise


@dataclass(frozen=True)
class STMOConfig(MPMConfig):
    """Sizes of the network: MPM's, in the form that both papers have."""

    positions: str = "absolute"
    convolution: int = 0
    has_ground: bool = False


class STMO(PoseNetwork):
    """See PoseNetwork. Stage I leaves hidden frames out of T, as MPM does; in stage II they go in as a learned token."""

    name = "stmo"
    config_class = STMOConfig

    def __init__(self, config: STMOConfig) -> None:
        super().__init__()
        self.config = c = config
        self.encoder_2d = PoseEncoder(c.joints, 2, INPUT_FORMS[c.input_form].extras, c.encoder_width, c.dropout)
        self.spatial = SpatialMLP(c.encoder_width, c.width, c.dropout)
        self.temporal = TemporalTransformer(c.block_sizes(), c.blocks, c.learnt_positions())
        self.hidden_frame = nn.Parameter(small_noise(c.width))
        self.decoder_2d = FrameDecoder(c.block_sizes(), c.learnt_positions())
        self.norm_2d = nn.LayerNorm(c.width)
        self.head_2d = PoseHead(c.width, c.joints, 2)
        self.strided_decoder = StridedDecoder(c.frames, c.width, c.heads, c.feed_forward, c.dropout)
        self.middle_head = PoseHead(c.width, c.joints, 3)
        self.sequence_head = PoseHead(c.width, c.joints, 3)

    def model_2d(self, points: Tensor, extras: Tensor | None, hidden: Tensor, first: int = 0) -> Tensor:
        """Masked 2D modelling, the task of stage I: -> (batch, frames, joints, 2)."""
        tokens = self.make_tokens(points, extras, hidden)
        shared = relate_visible(self.temporal, tokens, hidden.all(-1), self.hidden_frame, first)
        return self.head_2d(self.norm_2d(self.decoder_2d(shared, first)))

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See PoseNetwork.make_tokens."""
        return self.spatial(self.encoder_2d(points, extras, hidden))

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.relate."""
        known = torch.where(hidden_frames[..., None], self.hidden_frame.to(tokens.dtype), tokens)
        return self.temporal(known, None, first)

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.decode_3d."""
        return self.sequence_head(related)

    def decode_middle(self, related: Tensor) -> Tensor:
        """See PoseNetwork.decode_middle."""
        return self.middle_head(self.strided_decoder(related))
