"""Owns two plain predictors that give the evaluation's figures a scale: a mean pose, and a network of single frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mpm_core.clip import Clip
from mpm_core.data.augment import AugmentConfig, Draw
from mpm_core.data.batches import WindowSource
from mpm_core.data.cameras import CameraConfig
from mpm_core.data.pack import MotionPack
from mpm_core.masking import JOINTS, Mask, MaskRatios, draw_mixture
from mpm_core.networks.decoders import PoseHead
from mpm_core.networks.encoders import FrameLayer, PoseEncoder
from mpm_core.networks.inputs import RayForm, turn_back, turn_forth
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.training.losses import mean_distance

_WIDTH = 1024
_WINDOW = 27  # frames drawn together; each is answered by itself
_BATCH = 192
_RATE = 1e-3
_MASKS = {"none": 50, "limbs": 30, "joints": 20}


class Baseline:
    """A predictor that can take the place of a lifter in the lifting protocols."""

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, clip: Clip, hidden: Mask) -> NDArray[np.float32]:
        """(frames, 16, 3) metres from Hip, for a clip in MPM-16 joints."""
        raise NotImplementedError(self.name)

    def lift(self, clip: Clip, mask: Mask | None = None, mode: str = "fast", mirror: bool = True) -> Prediction:
        """See lifters.base.Lifter.lift; mode and mirror make no difference."""
        seen = clip.to_mpm16()
        hidden = ~seen.visible if mask is None else ~seen.visible | mask
        positions = self.predict(seen, hidden)
        return Prediction(
            positions, np.zeros((len(seen), 3), np.float32), hidden, np.all(hidden, axis=1), seen.times.copy(), seen.fps,
            self.name, "lift", mode,
        )  # fmt: skip


class MeanPose(Baseline):
    """The mean training pose, whatever the input."""

    def __init__(self, pose: NDArray[np.float32]) -> None:
        super().__init__("mean pose")
        self._pose = pose

    def predict(self, clip: Clip, hidden: Mask) -> NDArray[np.float32]:
        """See Baseline.predict."""
        return np.repeat(self._pose[None], len(clip), axis=0)


class FrameNetwork(nn.Module):
    """A residual MLP on the joints of one frame (Martinez et al., ICCV 2017), fed like MPM."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = PoseEncoder(JOINTS, 2, RayForm.extras, _WIDTH, 0.1)
        self.blocks = nn.ModuleList(
            nn.Sequential(FrameLayer(_WIDTH, _WIDTH, 0.1), FrameLayer(_WIDTH, _WIDTH, 0.1)) for _ in range(2)
        )
        self.head = PoseHead(_WIDTH, JOINTS, 3)

    def forward(self, points: Tensor, extras: Tensor, hidden: Tensor) -> Tensor:
        """(batch, frames, 16, 2) with extras and mask -> (batch, frames, 16, 3)."""
        x = self.encoder(points, extras, hidden)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class FrameMLP(Baseline):
    """A trained FrameNetwork."""

    def __init__(self, network: FrameNetwork) -> None:
        super().__init__("single-frame MLP")
        self._network = network.eval()

    @torch.inference_mode()
    def predict(self, clip: Clip, hidden: Mask) -> NDArray[np.float32]:
        """See Baseline.predict."""
        assert clip.keypoints is not None
        rays = torch.from_numpy(clip.camera.rays(clip.keypoints))[None]
        mask = torch.from_numpy(hidden)[None]
        prepared = RayForm().prepare(rays, mask)
        assert prepared.extras is not None
        answer = turn_back(self._network(prepared.points, prepared.extras, mask), prepared)[0]
        return (answer - answer[:, MPM16.root, None]).numpy()


def make_baselines(pack: MotionPack, windows: int, seed: int = 0) -> Iterator[Progress | Baseline]:
    """Compute the mean pose and train the network on that many windows of 27 frames; yields each when it is ready."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    source = WindowSource(pack, AugmentConfig(), CameraConfig(), Draw(generator))
    many = source.batch(1, torch.ones(4096, dtype=torch.bool)).positions
    yield MeanPose(many.mean((0, 1)).numpy())
    network, rng = FrameNetwork(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE, fused=True)
    steps = max(windows // _BATCH, 1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / steps)
        hidden = torch.from_numpy(draw_mixture(rng, _BATCH, _WINDOW, _MASKS, MaskRatios()))
        batch = source.batch(_WINDOW, hidden.flatten(1).any(1))
        prepared = RayForm().prepare(batch.detected, hidden)
        assert prepared.extras is not None
        with torch.autocast("cpu", torch.bfloat16):
            answer = network(prepared.points, prepared.extras, hidden)
        loss = mean_distance(answer, turn_forth(batch.positions, prepared), batch.inside)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            yield Progress(step, steps, f"single-frame MLP {float(loss.detach()) * 1000:.0f} mm")
    yield FrameMLP(network)
