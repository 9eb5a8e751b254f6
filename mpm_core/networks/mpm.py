"""Owns MPM, the network of masked pose modelling: one transformer for 2D and 3D poses.

Source: Zhang et al., "MPM: A Unified 2D-3D Human Pose Representation via Masked Pose Modeling" (arXiv 2306.17201).

What differs from the paper, each with its reason and what it brings in short runs (MPJPE in mm, exact 2D, nothing hidden):
- input_form "rays" instead of screen coordinates: the same pose is the same wherever in the image; 169.5 -> 118.9.
- positions "relative" (rotary) instead of learnt, and a convolution over 5 frames at the head of every block: a movement
  means the same wherever in the window it stands; both together 118.9 -> 115.8 and 120.9 -> 117.5 (two seeds), either alone
  half of it.
- a frame decoder that answers every frame, hidden ones too, beside the strided one: a viewer needs all frames at once.
- heads for up and for the feet, for motion in the world: they cost the pose nothing beyond chance (125.8 beside 125.0, with
  the training data of now).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mpm_core.errors import UserError
from mpm_core.networks.base import FrameAnswers, NetworkConfig, PoseNetwork
from mpm_core.networks.decoders import FrameDecoder, PoseHead, StridedDecoder
from mpm_core.networks.encoders import BlockSizes, PoseEncoder, SpatialMLP, TemporalTransformer, relate_visible
from mpm_core.networks.ground import GroundHead
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.networks.starting import small_noise


@dataclass(frozen=True)
class MPMConfig(NetworkConfig):
    """Sizes of the network. `frames` is 27, 81 or 243.

    positions: 'relative' (rotary: how far apart frames are) or 'absolute' (learnt, the paper's). convolution: frames that
    are mixed at the head of every block of T and of the frame decoders; 0 for none, as in the paper. has_ground: whether
    every frame also tells of up and of the feet.
    """

    heads: int = 8
    feed_forward: int = 512
    encoder_width: int = 512
    blocks: int = 4
    positions: str = "relative"
    convolution: int = 5
    has_ground: bool = True

    def block_sizes(self) -> BlockSizes:
        """Of T and of the frame decoders."""
        return BlockSizes(self.width, self.heads, self.feed_forward, self.dropout, self.convolution)

    def learnt_positions(self) -> int | None:
        """Frames whose positions are learnt; UserError for positions of another kind."""
        if self.positions not in ("relative", "absolute"):
            raise UserError(f"unknown positions '{self.positions}' (known: relative, absolute)")
        return self.frames if self.positions == "absolute" else None


MPM_BEFORE_GROUND: Mapping[str, Any] = {"positions": "absolute", "convolution": 0, "has_ground": False}
"""What weight files mean that do not say how positions are told and so on."""


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
        sizes, positions = c.block_sizes(), c.learnt_positions()
        self._positions = positions
        self.temporal = TemporalTransformer(sizes, c.blocks, positions)
        self.hidden_frame = nn.Parameter(small_noise(c.width))
        self.decoder_2d = FrameDecoder(sizes, positions)
        self.decoder_3d = FrameDecoder(sizes, positions)
        self.norm_2d, self.norm_3d = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.head_2d = PoseHead(c.width, c.joints, 2)
        self.head_3d = PoseHead(c.width, c.joints, 3)
        self.strided_decoder = StridedDecoder(c.frames, c.width, c.heads, c.feed_forward, c.dropout)
        self.middle_head = PoseHead(c.width, c.joints, 3)
        self.sequence_head = PoseHead(c.width, c.joints, 3)
        self.ground_head = GroundHead(c.width) if c.has_ground else None

    @property
    def takes_any_length(self) -> bool:
        """See PoseNetwork.takes_any_length."""
        return self._positions is None

    @property
    def has_ground(self) -> bool:
        """See PoseNetwork.has_ground."""
        return self.ground_head is not None

    def share(self, encoded: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """S and T over the visible frames. encoded: (batch, frames, encoder width), hidden_frames: (batch, frames) bool.

        frames may be fewer than the window's; `first` says where in the window they begin. Returns (batch, frames,
        width), with vT in the hidden frames.
        """
        return relate_visible(self.temporal, self.spatial(encoded), hidden_frames, self.hidden_frame, first)

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See PoseNetwork.make_tokens: E2D or E3D, then S."""
        return self.spatial(self.encode(points, extras, hidden))

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.relate: T alone, over tokens that S has made before; else like share."""
        return relate_visible(self.temporal, tokens, hidden_frames, self.hidden_frame, first)

    def decode_2d(self, shared: Tensor, first: int = 0) -> Tensor:
        """(batch, frames, width) -> (batch, frames, joints, 2)."""
        return self.head_2d(self.norm_2d(self.decoder_2d(shared, first)))

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.decode_3d."""
        return self.head_3d(self.norm_3d(self.decoder_3d(related, first)))

    def decode_middle(self, related: Tensor) -> Tensor:
        """See PoseNetwork.decode_middle: by the strided decoder."""
        return self.middle_head(self.strided_decoder(self.decoder_3d(related, 0)))

    def read(self, decoded: Tensor) -> FrameAnswers:
        """What decoder_3d's tokens (..., width) say of their frames."""
        normed = self.norm_3d(decoded)
        return FrameAnswers(self.head_3d(normed), None if self.ground_head is None else self.ground_head(normed))

    def answer(self, related: Tensor) -> FrameAnswers:
        """See PoseNetwork.answer."""
        return self.read(self.decoder_3d(related, 0))

    def answer_middle(self, related: Tensor) -> FrameAnswers:
        """See PoseNetwork.answer_middle: the pose by the strided decoder, the ground by the middle frame's own token."""
        decoded = self.decoder_3d(related, 0)
        ground = self.read(decoded[:, decoded.shape[1] // 2]).ground
        return FrameAnswers(self.middle_head(self.strided_decoder(decoded)), ground)

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
