"""Owns the lifter: a trained network on a device, and the calls that lift or complete a whole clip."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mpm_core.assets import find_asset
from mpm_core.clip import Clip
from mpm_core.diffusion.options import NONE, USUAL_SAMPLES, Sampling
from mpm_core.errors import UserError
from mpm_core.lifters.aids import ALL, Aids
from mpm_core.lifters.base import TASKS, LiftingTask
from mpm_core.lifters.calibration import CalibratedTask
from mpm_core.lifters.chosen import ChosenTask
from mpm_core.lifters.denoisers import LoadedDenoiser, load_denoiser
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.fitting import FittedTask
from mpm_core.lifters.grounded import GroundedTask
from mpm_core.lifters.held import HeldTask
from mpm_core.lifters.living import LivingTask
from mpm_core.lifters.recorded import RecordedTask
from mpm_core.lifters.refining import RefinedTask
from mpm_core.lifters.sampled import PlacedTask, SampledTask
from mpm_core.lifters.sized import SizedTask
from mpm_core.lifters.task import NetworkTask
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.denoiser import Denoiser
from mpm_core.networks.packing import pack
from mpm_core.prediction import Prediction
from mpm_core.training.checkpoint import load_weights


class NetworkLifter:
    """See lifters.base.Lifter. Takes over the network and makes it ready for inference: it cannot be trained any more.
    weights: which ones, for people. way: an entry of drawing.WAYS when the answer is to be one of hypotheses, which `denoiser`
    draws; without one the shipped denoiser is loaded when it is needed."""

    def __init__(
        self,
        model: PoseNetwork,
        device: str,
        card: dict[str, Any],
        weights: str = "",
        way: str | None = None,
        denoiser: LoadedDenoiser | None = None,
    ) -> None:
        self.name = way or model.name
        self._way, self._denoiser = way, denoiser
        self.tasks: tuple[str, ...] = TASKS if model.completes else ("lift",)
        self.device = device
        self.card = card
        self.weights = weights
        self.model = model.to(device).eval().requires_grad_(False)
        self._differentiable: PoseNetwork | None = self.model if way is None else None
        if device == "cpu":
            if way is None:
                self._differentiable = _with_own_layers(self.model)  # packed layers are not
            pack(self.model)

    @classmethod
    def load(cls, name: str, device: str, weights: Path | None = None) -> NetworkLifter:
        """The bundled network of that name, or whichever a weight file holds."""
        path = weights or find_asset(f"weights/{name}.safetensors")
        model, card = load_weights(path, torch.device("cpu"))
        if isinstance(model, Denoiser):
            raise UserError(f"{path}: holds a denoiser, which answers by hypotheses: take the lifter 'd3dp' or 'platypose'")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(model, device, card, f"{path.name}, sha256 {digest[:12]}")

    @classmethod
    def load_sampling(cls, way: str, device: str, weights: Path | None = None) -> NetworkLifter:
        """The bundled MPM for a first answer and for the ground, and a denoiser, bundled or of a weight file."""
        first, denoiser = cls.load("mpm", device), load_denoiser(device, weights)
        return cls(first.model, device, denoiser.card, denoiser.weights, way, denoiser)

    def start(
        self,
        clip: Clip,
        task: str = "lift",
        mode: str = "fast",
        aids: Aids = ALL,
        sampling: Sampling = NONE,
        hypotheses: bool = True,
    ) -> LiftingTask:
        """See Lifter.start."""
        sampling = self._asked(sampling)
        if task not in TASKS:
            raise UserError(f"unknown task '{task}' (known: {', '.join(TASKS)})")
        if task not in self.tasks:
            raise UserError(f"the lifter '{self.name}' only lifts 2D; take 'mpm' to complete 3D")
        clip = clip.to_mpm16()

        mirrors = aids.mirror or self._way is not None  # up, and how unsure a first answer is, come of both readings

        def make_task() -> NetworkTask:
            return NetworkTask(self.model, self.name, clip, task, mode, mirrors, hypotheses)

        if task == "complete":
            completing = CalibratedTask(make_task, clip) if aids.calibrate and self._way is None else make_task()
            sampled = ChosenTask(self._sampled(completing, clip, task, sampling), clip)
            return self._recorded(sampled, task, mode, aids, sampling)
        answered = self._sampled(self._refined(make_task(), clip) if aids.refine else make_task(), clip, task, sampling)
        lifting = SizedTask(FittedTask(answered, clip) if aids.fit else answered, clip)
        grounds = aids.ground and self.model.has_ground
        held = HeldTask(GroundedTask(lifting, clip) if grounds else lifting, clip)
        placed: LiftingTask = held
        if isinstance(answered, SampledTask):
            # The answer is as the hypotheses have it only where it is made of them, and nothing has moved it since.
            moves = self._way is None or aids.fit or grounds
            placed = PlacedTask(held, answered, lambda: moves or held.has_edits)
        return self._recorded(ChosenTask(placed, clip), task, mode, aids, sampling)

    def _refined(self, task: NetworkTask, clip: Clip) -> RefinedTask:
        if self._differentiable is None:
            raise UserError(f"the lifter '{self.name}' answers by hypotheses, which cannot be refined: take 'mpm' to refine")
        return RefinedTask(task, self._differentiable, clip)

    def _asked(self, sampling: Sampling) -> Sampling:
        """What is to be sampled: who answers by hypotheses alone draws some in any case."""
        sampling = sampling.checked()
        if not sampling.samples and self._way is not None:
            return replace(sampling, samples=USUAL_SAMPLES)
        if sampling.samples and "complete" not in self.tasks:
            raise UserError(f"the lifter '{self.name}' gives one answer; take 'mpm', 'd3dp' or 'platypose' for hypotheses")
        return sampling

    def _sampled(self, task: LivingTask, clip: Clip, kind: str, sampling: Sampling) -> LivingTask:
        """The task, with hypotheses where these are wanted."""
        if not sampling.samples:
            return task
        if self._denoiser is None:
            self._denoiser = load_denoiser(self.device)
        model = self._denoiser.model

        def make_drawer(of: Clip) -> Drawer:
            return Drawer(model, of, kind, self._way or "d3dp")

        return SampledTask(task, make_drawer, clip, model, sampling, self._way is not None)

    def _recorded(self, made: LiftingTask, task: str, mode: str, aids: Aids, sampling: Sampling) -> RecordedTask:
        helped = {"mirrored": aids.mirror and self._way is None}
        helped["calibrated"] = aids.calibrate and task == "complete" and self._way is None
        helped["fitted to the keypoints"] = aids.fit and task == "lift"
        ways = [mode, *(word for word, is_on in helped.items() if is_on)]
        if sampling.samples:
            start = "noise" if sampling.start == "noise" else "the first answer and how unsure it is"
            ways.append(f"{sampling.samples} hypotheses in {sampling.steps} steps from {start}, seed {sampling.seed}")
            if self._way is not None:
                together = "mean" if task == "complete" else sampling.aggregate
                ways.append(f"together by {_AGGREGATES_IN_WORDS[together]}")
        return RecordedTask(made, f"{self.name} ({self.weights or 'weights from memory'}; {', '.join(ways)})")

    def lift(
        self,
        clip: Clip,
        mask: Mask | None = None,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: Any,
    ) -> Prediction:
        """See Lifter.lift."""
        return _run(self.start(clip, "lift", mode, *_switch(aids, switched)), mask)

    def complete(
        self,
        positions: NDArray[np.floating],
        mask: Mask | None = None,
        fps: float = 50.0,
        mode: str = "fast",
        aids: Aids = ALL,
        **switched: Any,
    ) -> Prediction:
        """See Lifter.complete."""
        clip = Clip.from_arrays(None, (1, 1), fps, ground_truth=positions)
        return _run(self.start(clip, "complete", mode, *_switch(aids, switched)), mask)


def _with_own_layers(model: PoseNetwork) -> PoseNetwork:
    """A copy whose layers can be exchanged; the weights are the same tensors."""
    return copy.deepcopy(model, {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())})


_AGGREGATES_IN_WORDS = {"weighted": "JPMA with weights", "jpma": "JPMA", "mean": "their mean"}

_OF_SAMPLING = tuple(field.name for field in fields(Sampling))


def _switch(aids: Aids, switched: dict[str, Any]) -> tuple[Aids, Sampling]:
    """Fields of both by their names."""
    sampling = Sampling(**{name: switched.pop(name) for name in _OF_SAMPLING if name in switched})
    return replace(aids, **switched), sampling


def _run(task: LiftingTask, mask: Mask | None) -> Prediction:
    for _ in task.update(mask):
        pass
    return task.prediction()
