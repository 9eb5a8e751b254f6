"""Owns the denoiser: noised 3D motion in, clean motion out, conditioned on what is visible of 2D or 3D, or on nothing.

In the spirit of D3DP (Shan et al., "Diffusion-Based 3D Human Pose Estimation with Multi-Hypothesis Aggregation", arXiv
2303.11579) and of Platypose (arXiv 2403.06164), whose two denoisers are one here; made of MPM's parts, which it shares by name,
so that training may begin with MPM's weights and then begins as MPM.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.decoders import FrameDecoder, PoseHead
from mpm_core.networks.encoders import PoseEncoder, SpatialMLP, TemporalTransformer
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.networks.mpm import MPMConfig
from mpm_core.networks.starting import small_noise
from mpm_core.on_device import numbers
from mpm_core.skeleton import MPM16

_STEP_FEATURES = 64

_USUAL_ERROR = 0.3
"""Of a clean motion where a joint is hidden, as standardise has it."""

_SMOOTHED_FRAMES, _SMOOTHING = 9, 2.0
"""Frames over which noised motion is smoothed, and the standard deviation in frames that this begins with."""

# Over the training motions, in the axes of the answer: mean height below Hip, and standard deviation about it along an axis.
_HEIGHTS_AND_SPREADS = {
    "Hip": (0.00, 0.05), "Spine": (-0.21, 0.10), "Thorax": (-0.41, 0.19), "Head": (-0.64, 0.30),
    "RHip": (0.00, 0.054), "LHip": (0.00, 0.054), "RKnee": (0.28, 0.187), "LKnee": (0.28, 0.187),
    "RAnkle": (0.58, 0.30), "LAnkle": (0.58, 0.30), "RShoulder": (-0.40, 0.204), "LShoulder": (-0.40, 0.204),
    "RElbow": (-0.24, 0.203), "LElbow": (-0.24, 0.203), "RWrist": (-0.205, 0.252), "LWrist": (-0.205, 0.252),
}  # fmt: skip
_HEIGHTS = tuple(_HEIGHTS_AND_SPREADS[joint][0] for joint in MPM16.joints)
_SPREADS = tuple(_HEIGHTS_AND_SPREADS[joint][1] for joint in MPM16.joints)


def standardise(positions: Tensor) -> Tensor:
    """(..., 16, 3) metres from Hip, in the axes of the answer, to about unit variance, as noise is added to it."""
    return (positions - _middle(positions)) / numbers(_SPREADS, positions).to(positions.dtype)[:, None]


def in_metres(values: Tensor) -> Tensor:
    """The way back from standardise."""
    return values * numbers(_SPREADS, values).to(values.dtype)[:, None] + _middle(values)


def _middle(like: Tensor) -> Tensor:
    return functional.pad(numbers(_HEIGHTS, like).to(like.dtype)[:, None], (1, 1))


@dataclass(frozen=True)
class DenoiserConfig(MPMConfig):
    """Sizes of the network: MPM's, without the ground. Positions are always relative."""

    has_ground: bool = False


class NoiseGate(nn.Module):
    """What goes into the answer of the noised motion itself: joint by joint, the more the less noise there is.

    A clean motion that is wrong by `_USUAL_ERROR` and a noised one weigh by their variances at first; what is learnt on top
    is how sure a token is of each joint. The noised motion is smoothed in time, as much as is learnt, so that little of its
    tremble gets through. (The preconditioning of Karras et al., arXiv 2206.00364, with a weight for every joint.)
    """

    def __init__(self, width: int, joints: int) -> None:
        super().__init__()
        self.sureness = nn.Linear(width, joints)
        nn.init.zeros_(self.sureness.weight)
        nn.init.zeros_(self.sureness.bias)
        reach = _SMOOTHED_FRAMES // 2
        bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING) ** 2)  # not by torch: see starting.small_noise
        self.smoothing = nn.Parameter(torch.tensor(np.tile(bell / bell.sum(), (joints, 1)), dtype=torch.float32))

    def forward(self, tokens: Tensor, answer: Tensor, noised: Tensor, signal: Tensor) -> Tensor:
        """tokens: (batch, frames, width); answer: (batch, frames, joints, 3) metres; noised: the same, see standardise; signal:
        (batch,) the share of its variance that is clean. -> (batch, frames, joints, 3) metres."""
        signal = signal[:, None, None, None].float()
        noise_to_signal = (1 - signal) / signal
        usual = torch.log(_USUAL_ERROR**2 / noise_to_signal.clamp(min=1e-6))
        share = torch.sigmoid(self.sureness(tokens).float()[..., None] + usual)
        return answer.float() + share * (in_metres(self._smooth(noised.float()) / signal.sqrt()) - answer.float())

    def _smooth(self, noised: Tensor) -> Tensor:
        reach = _SMOOTHED_FRAMES // 2
        lines = noised.permute(0, 3, 2, 1).flatten(0, 1)  # (batch * 3, joints, frames)
        padded = functional.pad(lines, (reach, reach), mode="replicate")[:, :, None]
        smooth = functional.conv2d(padded, self.smoothing[:, None, None], groups=self.smoothing.shape[0])[:, :, 0]
        return smooth.unflatten(0, (-1, 3)).permute(0, 3, 2, 1)


class NoisedEncoder(nn.Module):
    """One frame's noised pose and the step of the diffusion, to a token's width; zero at first, as MPM knows of no noise."""

    def __init__(self, joints: int, inner: int, width: int) -> None:
        super().__init__()
        self.pose = nn.Linear(joints * 3, inner)
        self.step = nn.Linear(_STEP_FEATURES, inner)
        self.project = nn.Linear(inner, width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, noised: Tensor, step: Tensor) -> Tensor:
        """noised: (batch, frames, joints, 3), see standardise; step: (batch,) 0 (clean) to 1. -> (batch, frames, width)"""
        told = self.step(_waves(step).to(noised.dtype))[:, None]
        return self.project(functional.gelu(self.pose(noised.flatten(2)) + told))


def _waves(step: Tensor) -> Tensor:
    """(batch, _STEP_FEATURES): sines and cosines of the step, as of positions (Vaswani et al., arXiv 1706.03762)."""
    rates = torch.exp(torch.linspace(0, math.log(1000.0), _STEP_FEATURES // 2, device=step.device))
    angles = step[:, None].float() * rates
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


class Denoiser(PoseNetwork):
    """See PoseNetwork. What is visible of a frame makes its token, as in MPM; where nothing is, the token is the learned vT,
    and where that is so in all frames, the motion is denoised without a condition. Noise is added to the tokens, so that
    every frame takes part in T.

    As a plain PoseNetwork it answers what it takes for the clean motion where all is noise: the mean of all answers.
    """

    name = "denoiser"
    config_class = DenoiserConfig
    completes = True
    is_pretrained = False
    has_middle_decoder = False

    def __init__(self, config: MPMConfig) -> None:
        super().__init__()
        self.config = c = config
        if 3 ** round(math.log(c.frames, 3)) != c.frames:
            raise ValueError("the window must be a power of 3 frames")
        form = INPUT_FORMS[c.input_form]
        self.encoder_2d = PoseEncoder(c.joints, 2, form.extras, c.encoder_width, c.dropout)
        self.encoder_3d = PoseEncoder(c.joints, 3, form.extras_3d, c.encoder_width, c.dropout)
        self.spatial = SpatialMLP(c.encoder_width, c.width, c.dropout)
        self.temporal = TemporalTransformer(c.block_sizes(), c.blocks, None)
        self.hidden_frame = nn.Parameter(small_noise(c.width))
        self.decoder_3d = FrameDecoder(c.block_sizes(), None)
        self.norm_3d = nn.LayerNorm(c.width)
        self.head_3d = PoseHead(c.width, c.joints, 3)
        self.noised_encoder = NoisedEncoder(c.joints, c.encoder_width, c.width)
        self.noise_gate = NoiseGate(c.width, c.joints)

    @property
    def takes_any_length(self) -> bool:
        """See PoseNetwork.takes_any_length."""
        return True

    def encode(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See MPM.encode."""
        encoder = self.encoder_2d if points.shape[-1] == 2 else self.encoder_3d
        return encoder(points, extras, hidden)

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """See PoseNetwork.make_tokens."""
        return self.spatial(self.encode(points, extras, hidden))

    def condition(self, tokens: Tensor, hidden_frames: Tensor) -> Tensor:
        """Tokens (batch, frames, width) with vT in the hidden frames (batch, frames) bool."""
        return torch.where(hidden_frames[..., None], self.hidden_frame.to(tokens.dtype), tokens)

    def denoise(self, condition: Tensor, noised: Tensor, step: Tensor, signal: Tensor) -> Tensor:
        """The clean motion, (batch, frames, joints, 3) metres from Hip in the axes of the answer.

        condition: (batch, frames, width), see condition(); noised: (batch, frames, joints, 3), see standardise; step: (batch,)
        0 (clean) to 1 (all is noise); signal: (batch,) the share of its variance that is clean.
        """
        related = self.temporal(condition + self.noised_encoder(noised, step), None, 0)
        normed = self.norm_3d(self.decoder_3d(related, 0))
        return self.noise_gate(normed, self.head_3d(normed), noised, signal)

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.relate: with noise of which nothing can be told."""
        noised = tokens.new_zeros(*tokens.shape[:2], self.config.joints, 3)
        noise = self.noised_encoder(noised, tokens.new_ones(len(tokens)))
        return self.temporal(self.condition(tokens, hidden_frames) + noise, None, 0)

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """See PoseNetwork.decode_3d."""
        return self.head_3d(self.norm_3d(self.decoder_3d(related, 0)))

    def decode_middle(self, related: Tensor) -> Tensor:
        """See PoseNetwork.decode_middle."""
        return self.decode_3d(related)[:, related.shape[1] // 2]
