"""Owns the training loop: steps, learning rate, averaged weights, saving and exact resuming."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mpm_core.data.augment import Draw
from mpm_core.data.batches import WindowSource
from mpm_core.data.pack import MotionPack
from mpm_core.errors import UserError
from mpm_core.masking import Mask
from mpm_core.networks import build_network
from mpm_core.networks.attention import Block
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.denoiser import Denoiser
from mpm_core.progress import Progress
from mpm_core.training.capture import CapturedSteps
from mpm_core.training.checkpoint import load_tensors, save_tensors, save_weights
from mpm_core.training.config import RateConfig, StageConfig, StageOneConfig, StageTwoConfig, TrainConfig
from mpm_core.training.denoising import Noising, denoising_losses, tasks_of
from mpm_core.training.draws import Request, draw_length
from mpm_core.training.losses import ALONE, TaskInputs, Tasks, losses_of, prepare_tasks
from mpm_core.training.processes import ProcessGroup

_log = logging.getLogger("mpm")
_CHECKPOINT_FORMAT = "mpm-training-3"


@dataclass(frozen=True)
class TrainingProgress(Progress):
    """Progress in windows of the stage, with the losses averaged since the last one, in metres or 2D units."""

    losses: dict[str, float] | None = None


class Trainer:
    """One stage of training on one device; of several processes, this one's part of it.

    All that changes lies in the model, the averaged model, Adam, two random generators and `step`; save() and resume()
    carry every one of them. What is hidden follows from `mask_seed` and the step alone.

    limit_s: seconds after which the stage ends although it has not seen all of its windows; the learning rate comes down in
    time for that.
    """

    def __init__(
        self,
        config: TrainConfig,
        stage: StageConfig,
        pack: MotionPack,
        device: torch.device,
        processes: ProcessGroup = ALONE,
        limit_s: float | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.limit_s = limit_s
        self.config, self.stage, self.device, self.processes = config, stage, device, processes
        self.model = build_network(config.model).to(device)
        self.averaged = build_network(config.model).to(device)
        self.averaged.load_state_dict(self.model.state_dict())
        if config.captured and not (device.type == "cuda" and processes.size == 1 and self.model.takes_any_length):
            raise UserError("captured=true is for one GPU, and for a network whose positions are relative")
        if config.compiled:
            _compile_blocks(self.model)
        if processes.size > 1:
            torch.manual_seed(config.seed + processes.rank)  # of the dropout; all else is drawn alike
        rate = torch.tensor(stage.rate.peak, device=device) if config.captured else stage.rate.peak
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate, fused=True, capturable=config.captured)
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.captured = CapturedSteps(self.generator) if config.captured else None
        self.source = WindowSource(pack, config.augment, config.cameras, Draw(self.generator))
        self.mask_seed = config.seed
        self.step = 0
        self.seconds = 0.0

    @property
    def steps(self) -> int:
        return math.ceil(self.stage.windows / self.stage.batch)

    def run(self, report_every: int = 50) -> Iterator[TrainingProgress]:
        """Train to the end of the stage, yielding after every few steps. Closing the generator stops between steps."""
        self.model.train()
        sums: dict[str, list[Tensor]] = {}
        taken, began = 0, time.monotonic()
        started = began
        done = self.step / self.steps
        while done < 1:
            for name, loss in self._take_step(self._request(), done).items():
                sums.setdefault(name, []).append(loss)
            self.step += 1
            taken += 1
            done = self._share_done(began)
            if self.step % report_every == 0 or done >= 1:
                losses = {name: float(torch.stack(each).mean()) for name, each in sums.items()}
                seconds = time.monotonic() - started
                self.seconds += seconds
                note = " ".join(f"{name} {value:.4f}" for name, value in losses.items())
                note += f" | {taken * self.stage.batch / seconds:.0f} windows/s"
                seen = self.step * self.stage.batch
                yield TrainingProgress(seen, round(seen / min(done, 1.0)), note, losses)
                sums, taken, started = {}, 0, time.monotonic()

    def _share_done(self, began: float) -> float:
        """Of the stage, by windows or by the time since `began`; the same in all processes."""
        done = self.step / self.steps
        if self.limit_s is None:
            return done
        return max(done, self.processes.from_first((time.monotonic() - began) / self.limit_s))

    def _take_step(self, request: Request, done: float) -> dict[str, Tensor]:
        self._set_rate(learning_rate(self.stage.rate, self.step, done, self.stage.batch))
        masks = self._to_device(request.draw())
        learn = partial(self._learn, first=request.first)
        losses = learn(masks) if self.captured is None else self.captured.take(masks, learn)
        self._average()
        return {name: self.processes.total(loss) for name, loss in losses.items()}

    def _set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _learn(self, masks: Tensor, first: int) -> dict[str, Tensor]:
        """All of a step that is done on the device, by what lies there alone."""
        tasks = self._tasks(len(masks))
        batch = self.source.batch(masks.shape[1], masks.flatten(1).any(1))
        ready = prepare_tasks(batch, masks, tasks, self.config.model.input_form)
        ready, mine = ready.share(tasks, self.processes)
        cached = self.captured is None  # what a capture casts must not be left to what runs outside of it
        is_bfloat16 = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=is_bfloat16, cache_enabled=cached):
            losses = self._losses(ready, tasks, mine, first)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.processes.add_gradients(self.model)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def _losses(self, ready: TaskInputs, tasks: Tasks, mine: Tasks, first: int) -> dict[str, Tensor]:
        model, stage = self.model, self.stage
        if not (isinstance(model, Denoiser) and isinstance(stage, StageTwoConfig)):
            return losses_of(model, ready, mine, stage, first, self.processes)
        frames = ready.target_lift.shape[1]
        noising = Noising.draw(Draw(self.generator), tasks, frames, model.config.joints, stage)
        return denoising_losses(model, ready, mine, stage, noising.share(tasks, self.processes), self.processes)

    def _tasks(self, windows: int) -> Tasks:
        stage, completes = self.stage, self.model.completes
        if isinstance(stage, StageOneConfig):
            return Tasks.of_stage_one(windows, stage, completes)
        if isinstance(self.model, Denoiser):
            return tasks_of(windows, stage)
        return Tasks.of_stage_two(windows, stage, completes)

    def _request(self) -> Request:
        """What this step draws of masks."""
        stage, whole, seed = self.stage, self.config.model.frames, (self.mask_seed, self.step)
        frames, first = draw_length(stage.lengths, whole, self.model.takes_any_length, seed)
        windows = stage.batch * whole // frames
        if isinstance(stage, StageOneConfig):
            return Request(frames, first, [(windows, {stage.masker: 1.0})], stage.ratios, seed)
        lifted = self._tasks(windows).lift
        parts = [(lifted, stage.masks), (windows - lifted, stage.masks_filled)]
        return Request(frames, first, parts, stage.ratios, seed)

    def _to_device(self, masks: Mask) -> Tensor:
        rows = torch.from_numpy(masks)
        # From pinned memory a GPU takes them while it still works on the step before.
        return rows.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else rows

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of the weights, short at first; batch norm's buffers are taken over as they are."""
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        mine: list[Tensor] = list(self.averaged.parameters())
        theirs: list[Tensor] = list(self.model.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - decay)
        for kept, new in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            kept.copy_(new)

    def _dropout_states(self) -> dict[str, Tensor]:
        states = {"torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def save(self, path: Path) -> None:
        """Everything that an exact resume on this kind of device, with as many processes, needs. Every process calls
        this, and the first one writes."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in state.items()}
        tensors["random.draw"] = self.generator.get_state()
        for kind, state in self._dropout_states().items():
            tensors |= {f"random.{kind}.{rank}": each for rank, each in enumerate(self.processes.gather(state))}
        if not self.processes.is_first:
            return
        header = {
            "format": _CHECKPOINT_FORMAT,
            "stage": self.stage.name,
            "step": self.step,
            "seconds": self.seconds,
            "mask_seed": self.mask_seed,
            "config": asdict(self.config),
        }
        save_tensors(path, tensors, header)

    def resume(self, path: Path) -> None:
        """Go on exactly where save() left off; UserError when the file is of another stage or network."""
        try:
            tensors, header = load_tensors(path, self.device)
        except UserError as error:
            raise UserError(f"{error}; delete it to begin the stage anew") from error
        if header.get("format") != _CHECKPOINT_FORMAT or header.get("stage") != self.stage.name:
            raise UserError(f"{path}: not a training checkpoint of stage {self.stage.name}")
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = value
        try:
            self.model.load_state_dict(parts["model"])
            self.averaged.load_state_dict(parts["averaged"])
        except (KeyError, RuntimeError) as error:
            raise UserError(f"{path}: made for a network of another size") from error
        try:
            self._resume_adam(parts.get("adam", {}))
            self._resume_chance(parts["random"], path)
            self.mask_seed, self.step, self.seconds = int(header["mask_seed"]), int(header["step"]), float(header["seconds"])
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise UserError(f"{path}: this checkpoint is damaged; delete it to begin the stage anew") from error

    def _resume_chance(self, saved: dict[str, Tensor], path: Path) -> None:
        self.generator.set_state(saved["draw"].cpu())
        rank = self.processes.rank
        if sum(name.startswith("torch.") for name in saved) != self.processes.size:
            _log.warning("%s: saved by another number of processes, so that dropout goes on with other numbers", path)
        if f"torch.{rank}" in saved:
            torch.set_rng_state(saved[f"torch.{rank}"].cpu())
        if self.device.type == "cuda" and f"cuda.{rank}" in saved:
            torch.cuda.set_rng_state(saved[f"cuda.{rank}"].cpu(), self.device)

    def _resume_adam(self, saved: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in saved.items():
            number, _, field = name.partition(".")
            state.setdefault(int(number), {})[field] = value
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})

    def start_from(self, model: PoseNetwork) -> None:
        """Begin this stage with another network's weights; parts that it lacks or sizes differently stay as drawn."""
        own = self.model.state_dict()
        fitting = {k: v for k, v in model.state_dict().items() if k in own and own[k].shape == v.shape}
        self.model.load_state_dict(own | fitting)
        self.averaged.load_state_dict(self.model.state_dict())

    def export(self, path: Path, card: dict[str, object]) -> None:
        """The averaged weights alone, for the lifter and for going on elsewhere."""
        save_weights(path, self.averaged, card)


def _compile_blocks(model: PoseNetwork) -> None:
    """In place, so that weights keep their names. Where that fails, as without a C++ compiler, torch says so and goes on with
    what it has."""
    torch._dynamo.config.suppress_errors = True
    for module in model.modules():
        if isinstance(module, Block):
            module.compile(dynamic=True)


def learning_rate(config: RateConfig, step: int, done: float, batch: int) -> float:
    """Rate at a step, before which a share of the stage was done: linear warm-up, decay by epochs, linear cool-down over
    the last share."""
    rate = config.peak * config.decay ** (step * batch // config.windows_per_epoch)
    rate *= min(1.0, (step + 1) / max(config.warm_up_steps, 1))
    return rate * min(1.0, (1 - done) / config.cool_down_share) if config.cool_down_share else rate
