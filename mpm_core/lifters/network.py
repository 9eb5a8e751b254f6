"""Owns the lifter: a trained network on a device, and the calls that lift or complete a whole clip."""

from __future__ import annotations

import hashlib
from dataclasses import replace
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
from mpm_core.lifters.chosen import ChosenTask
from mpm_core.lifters.fitting import FittedTask
from mpm_core.lifters.grounded import GroundedTask
from mpm_core.lifters.held import HeldTask
from mpm_core.lifters.recorded import RecordedTask
from mpm_core.lifters.sized import SizedTask
from mpm_core.lifters.task import NetworkTask
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.packing import pack
from mpm_core.prediction import Prediction
from mpm_core.training.checkpoint import load_weights


class NetworkLifter:
    """See lifters.base.Lifter. Takes over the network and makes it ready for inference: it cannot be trained any more.
    weights: which ones, for people."""

    def __init__(self, model: PoseNetwork, device: str, card: dict[str, Any], weights: str = "") -> None:
        self.name = model.name
        self.tasks: tuple[str, ...] = TASKS if model.completes else ("lift",)
        self.device = device
        self.card = card
        self.weights = weights
        self.model = model.to(device).eval()
        if device == "cpu":
            pack(self.model)

    @classmethod
    def load(cls, name: str, device: str, weights: Path | None = None) -> NetworkLifter:
        """The bundled network of that name, or whichever a weight file holds."""
        path = weights or find_asset(f"weights/{name}.safetensors")
        model, card = load_weights(path, torch.device("cpu"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(model, device, card, f"{path.name}, sha256 {digest[:12]}")

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
            completing = CalibratedTask(make_task) if aids.calibrate else make_task()
            return self._recorded(ChosenTask(completing, clip), task, mode, aids)
        lifting = SizedTask(FittedTask(make_task(), clip) if aids.fit else make_task(), clip)
        grounds = aids.ground and self.model.has_ground
        made = HeldTask(GroundedTask(lifting, clip) if grounds else lifting, clip)
        return self._recorded(ChosenTask(made, clip), task, mode, aids)

    def _recorded(self, made: LiftingTask, task: str, mode: str, aids: Aids) -> RecordedTask:
        helped = {"mirrored": aids.mirror, "calibrated": aids.calibrate and task == "complete"}
        helped["fitted to the keypoints"] = aids.fit and task == "lift"
        ways = ", ".join([mode, *(word for word, is_on in helped.items() if is_on)])
        return RecordedTask(made, f"{self.name} ({self.weights or 'weights from memory'}; {ways})")

    def lift(
        self,
        clip: Clip,
        mask: Mask | None = None,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: bool,
    ) -> Prediction:
        """See Lifter.lift."""
        return _run(self.start(clip, "lift", mode, replace(aids, **switched)), mask)

    def complete(
        self,
        positions: NDArray[np.floating],
        mask: Mask | None = None,
        fps: float = 50.0,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: bool,
    ) -> Prediction:
        """See Lifter.complete."""
        clip = Clip.from_arrays(None, (1, 1), fps, ground_truth=positions)
        return _run(self.start(clip, "complete", mode, replace(aids, **switched)), mask)


def _run(task: LiftingTask, mask: Mask | None) -> Prediction:
    for _ in task.update(mask):
        pass
    return task.prediction()
