"""Owns MPM, the network of masked pose modelling: one transformer for 2D and 3D poses.

Source: Zhang et al., "MPM: A Unified 2D-3D Human Pose Representation via Masked Pose Modeling" (arXiv 2306.17201).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm_core.networks.decoders import FrameDecoder, PoseHead, StridedDecoder, restore_frames
from mpm_core.networks.encoders import PoseEncoder, SpatialMLP, TemporalTransformer
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class MPMConfig:
    """Sizes of the network. `frames` is 27, 81 or 243; `input_form` names an entry of INPUT_FORMS."""

    frames: int = 81
    joints: int = len(MPM16)
    width: int = 256
    heads: int = 8
    feed_forward: int = 512
    encoder_width: int = 512
    blocks: int = 4
    dropout: float = 0.1
    input_form: str = "rays"


class MPM(nn.Module):
    """Encoders E2D and E3D, shared S and T, decoders D2D and D3D, the strided decoder and the sequence head.

    Points are in the input form's own frame (see inputs.py); masks are True where hidden. A frame whose joints are all
    hidden is left out of T and comes back before the decoder as the learned token vT.
    """

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
        return self._over_visible(encoded, hidden_frames, self.spatial, first)

    def relate(self, tokens: Tensor, hidden_frames: Tensor) -> Tensor:
        """T alone, over tokens (batch, frames, width) that S has made before; else like share."""
        return self._over_visible(tokens, hidden_frames, nn.Identity(), 0)

    def _over_visible(self, rows: Tensor, hidden_frames: Tensor, per_frame: nn.Module, first: int) -> Tensor:
        if not hidden_frames.any():
            return self.temporal(per_frame(rows), None, None, first)
        frames, counts = rows.shape[1], (~hidden_frames).sum(1)
        kept = max(int(counts.max()), 1)
        places = hidden_frames.int().argsort(dim=1, stable=True)[:, :kept]  # (batch, kept), visible frames first
        visible = torch.arange(kept, device=places.device) < counts[:, None]
        # A window with no visible frame still needs one key to look at; what comes of it is thrown away below.
        keys = visible | (counts[:, None] == 0)
        rows = rows.gather(1, places[..., None].expand(-1, -1, rows.shape[-1]))
        tokens = self.temporal(per_frame(rows), places, None if bool(keys.all()) else keys, first)
        return restore_frames(tokens, places, visible, self.hidden_frame, frames)

    def decode_2d(self, shared: Tensor, first: int = 0) -> Tensor:
        """(batch, frames, width) -> (batch, frames, joints, 2)."""
        return self.head_2d(self.norm_2d(self.decoder_2d(shared, first)))

    def decode_3d(self, shared: Tensor, first: int = 0) -> Tensor:
        """The per-frame answer: (batch, frames, width) -> (batch, frames, joints, 3), metres from Hip."""
        return self.head_3d(self.norm_3d(self.decoder_3d(shared, first)))

    def decode_middle(self, shared: Tensor) -> Tensor:
        """The strided answer for the middle frame: (batch, frames, width) -> (batch, joints, 3), metres from Hip."""
        return self.middle_head(self.strided_decoder(self.decoder_3d(shared, 0)))

    def forward(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """2D points (batch, frames, joints, 2) or 3D points (..., 3) with their mask (batch, frames, joints) to 3D.

        Returns (batch, frames, joints, 3), metres from Hip, for every frame.
        """
        return self.decode_3d(self.share(self.encode(points, extras, hidden), hidden.all(-1)))

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
