"""Owns the lifter: a trained network on a device, and the calls that lift or complete a whole clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mpm_core.assets import find_asset
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.lifters.aids import ALL, Aids
from mpm_core.lifters.base import TASKS, LiftingTask
from mpm_core.lifters.calibration import CalibratedTask
from mpm_core.lifters.fitting import FittedTask
from mpm_core.lifters.grounded import GroundedTask
from mpm_core.lifters.held import HeldTask
from mpm_core.lifters.sized import SizedTask
from mpm_core.lifters.task import NetworkTask
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.packing import pack
from mpm_core.prediction import Prediction
from mpm_core.training.checkpoint import load_weights


class NetworkLifter:
    """See lifters.base.Lifter. Takes over the network and makes it ready for inference: it cannot be trained any more."""

    def __init__(self, model: PoseNetwork, device: str, card: dict[str, Any]) -> None:
        self.name = model.name
        self.tasks: tuple[str, ...] = TASKS if model.completes else ("lift",)
        self.device = device
        self.card = card
        self.model = model.to(device).eval()
        if device == "cpu":
            pack(self.model)

    @classmethod
    def load(cls, name: str, device: str, weights: Path | None = None) -> NetworkLifter:
        """The bundled network of that name, or whichever a weight file holds."""
        model, card = load_weights(weights or find_asset(f"weights/{name}.safetensors"), torch.device("cpu"))
        return cls(model, device, card)

    def start(
        self,
        clip: Clip,
        task: str = "lift",
        mode: str = "fast",
        aids: Aids = ALL,
    ) -> LiftingTask:
        """See Lifter.start."""
        if task not in TASKS:
            raise UserError(f"unknown task '{task}' (known: {', '.join(TASKS)})")
        if task not in self.tasks:
            raise UserError(f"the lifter '{self.name}' only lifts 2D; take 'mpm' to complete 3D")
        clip = clip.to_mpm16()

        def make_task() -> NetworkTask:
            return NetworkTask(self.model, self.name, clip, task, mode, aids.mirror)

        if task == "complete":
            return CalibratedTask(make_task) if aids.calibrate else make_task()
        lifting = SizedTask(FittedTask(make_task(), clip) if aids.fit else make_task(), clip)
        return HeldTask(GroundedTask(lifting, clip) if aids.ground and self.model.has_ground else lifting, clip)

    def lift(
        self,
        clip: Clip,
        mask: Mask | None = None,
        mode: str = "fast",
        aids: Aids = ALL,
    ) -> Prediction:
        """See Lifter.lift."""
        return _run(self.start(clip, "lift", mode, aids), mask)

    def complete(
        self,
        positions: NDArray[np.floating],
        mask: Mask | None = None,
        fps: float = 50.0,
        mode: str = "fast",
        aids: Aids = ALL,
    ) -> Prediction:
        """See Lifter.complete."""
        clip = Clip.from_arrays(None, (1, 1), fps, ground_truth=positions)
        return _run(self.start(clip, "complete", mode, aids), mask)


def _run(task: LiftingTask, mask: Mask | None) -> Prediction:
    for _ in task.update(mask):
        pass
    return task.prediction()
