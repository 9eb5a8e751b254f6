"""Owns what every lifting network has in common: its sizes, and the calls that lifters and training make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class FrameAnswers:
    """positions: (..., joints, 3) metres from Hip; ground: (..., GROUND_CHANNELS), see ground.py, or None where the network
    says nothing of it."""

    positions: Tensor
    ground: Tensor | None = None


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes that every network has. `frames` is a power of three; `width` that of a token; `input_form` names an entry of
    INPUT_FORMS."""

    frames: int = 81
    joints: int = len(MPM16)
    width: int = 256
    dropout: float = 0.1
    input_form: str = "rays"


class PoseNetwork(nn.Module):
    """A network that makes a token of every frame, relates the tokens of a window, and reads poses off them.

    Points are in the input form's own frame (see inputs.py); masks are True where hidden. `first`: where in the window
    the frames begin, when they are fewer than the window's.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[NetworkConfig]]
    completes: ClassVar[bool] = False
    """Whether 3D poses with hidden joints can go in, and not 2D alone."""
    is_pretrained: ClassVar[bool] = True
    """Whether stage I, masked pre-training, comes before stage II."""
    has_middle_decoder: ClassVar[bool] = True
    """Whether decode_middle has weights of its own."""

    config: NetworkConfig

    @property
    def takes_any_length(self) -> bool:
        """Whether frames know only how far apart they are, so that windows may be longer than the config's."""
        return False

    @property
    def has_ground(self) -> bool:
        """Whether frames tell of the ground too; see ground.py."""
        return False

    def make_tokens(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """The work on single frames: points (batch, frames, joints, axes) with their mask (batch, frames, joints) to
        (batch, frames, width)."""
        raise NotImplementedError

    def relate(self, tokens: Tensor, hidden_frames: Tensor, first: int = 0) -> Tensor:
        """The work across frames: tokens (batch, frames, width), hidden_frames (batch, frames) bool; the same shape."""
        raise NotImplementedError

    def decode_3d(self, related: Tensor, first: int = 0) -> Tensor:
        """The answer for every frame: (batch, frames, width) -> (batch, frames, joints, 3), metres from Hip."""
        raise NotImplementedError

    def decode_middle(self, related: Tensor) -> Tensor:
        """The answer for the middle frame of whole windows: (batch, frames, width) -> (batch, joints, 3)."""
        raise NotImplementedError

    def answer(self, related: Tensor) -> FrameAnswers:
        """All that the network says of every frame of whole windows."""
        return FrameAnswers(self.decode_3d(related))

    def answer_middle(self, related: Tensor) -> FrameAnswers:
        """The same of their middle frames."""
        return FrameAnswers(self.decode_middle(related))

    def forward(self, points: Tensor, extras: Tensor | None, hidden: Tensor) -> Tensor:
        """Points with their mask to (batch, frames, joints, 3), metres from Hip, for every frame."""
        return self.decode_3d(self.relate(self.make_tokens(points, extras, hidden), hidden.all(-1)))
