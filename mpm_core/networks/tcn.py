"""Owns TCN, a peer of MPM: a lifter of dilated temporal convolutions.

In the spirit of Pavllo et al., "3D human pose estimation in video with temporal convolutions and semi-supervised training"
(VideoPose3D, arXiv 1811.11742); fed, masked and trained like MPM.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm_core.networks.base import NetworkConfig, PoseNetwork
from mpm_core.networks.decoders import PoseHead
from mpm_core.networks.encoders import FrameLayer, PoseEncoder
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.networks.starting import small_noise

_KERNEL = 3


@dataclass(frozen=True)
class TCNConfig(NetworkConfig):
    """Sizes of the network."""

    width: int = 512


class DilatedBlock(nn.Module):
    """A convolution over three frames some way apart, then one over the single frame, added to its input."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self._dilation = dilation
        self.mix = FrameLayer(_KERNEL * width, width, dropout)
        self.refine = FrameLayer(width, width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, frames, width) -> the same shape; beyond the ends the outermost frame is repeated."""
        now = torch.arange(x.shape[1], device=x.device)
        places = [(now + step).clamp(0, x.shape[1] - 1) for step in (-self._dilation, 0, self._dilation)]
        return self._step(torch.cat([x[:, place] for place in places], dim=-1), x)

    def thin(self, x: Tensor) -> Tensor:
        """x: (batch, frames, width) of frames one dilation apart -> (batch, frames / 3, width), the middle one of each
        three."""
        threes = x.unflatten(1, (-1, _KERNEL))
        return self._step(threes.flatten(2), threes[:, :, _KERNEL // 2])

    def _step(self, around: Tensor, middle: Tensor) -> Tensor:
        return middle + self.refine(self.mix(around))


class TCN(PoseNetwork):
    """See PoseNetwork. The dilations are 1, 3, 9 and so on, until the middle frame sees the whole window."""

    name = "tcn"
    config_class = TCNConfig
    is_pretrained = False
    has_middle_decoder = False

    def __init__(self, config: TCNConfig) -> None:
        super().__init__()
        self.config = c = config
        self.encoder_2d = PoseEncoder(c.joints, 2, INPUT_FORMS[c.input_form].extras, c.width, c.dropout)
        self.hidden_frame = nn.Parameter(small_noise(c.width))
        dilations: list[int] = []
        while _KERNEL ** len(dilations) < c.frames:
            dilations.append(_KERNEL ** len(dilations))
        if _KERNEL ** len(dilations) != c.frames:
            raise ValueError(f"the window must be a power of {_KERNEL} frames")
        self.blocks = nn.ModuleList(DilatedBlock(c.width, dilation, c.dropout) for dilation in dilations)
        self.head_3d = PoseHead(c.width, c.joints, 3)

    @property
    def takes_any_length(self) -> bool:
        """See PoseNetwork.takes_any_length."""
        return True

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See PoseNetwork.make_tokens."""
        return self.encoder_2d(points, extras, hidden)

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """Only puts the learned token in the place of hidden frames; the convolutions come with the decoding, since fewer
        are needed for the middle frame."""
        return torch.where(hidden_frames[..., None], self.hidden_frame.to(tokens.dtype), tokens)

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.decode_3d."""
        for block in self.blocks:
            related = block(related)
        return self.head_3d(related)

    def decode_middle(self, related: Tensor) -> Tensor:
        """The same as decode_3d's middle frame, without the frames that it does not need."""
        for block in self.blocks:
            assert isinstance(block, DilatedBlock)
            related = block.thin(related)
        return self.head_3d(related).squeeze(1)
