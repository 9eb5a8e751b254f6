"""Owns a training run in a folder: its stages one after the other, checkpoints, weights and logs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mpm_core.data.pack import MotionPack
from mpm_core.progress import Progress
from mpm_core.training.checkpoint import load_weights
from mpm_core.training.config import StageConfig, TrainConfig
from mpm_core.training.log import TrainingLog
from mpm_core.training.loop import Trainer, TrainingProgress
from mpm_core.training.processes import ProcessGroup

_STAGE_ONE_SHARE = 0.12
"""Of the time, where that is limited: what stage I gets when stage II follows."""

_log = logging.getLogger("mpm")


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes, and what it begins with. save_every: minutes; limit: the same, after which the run ends, or None."""

    folder: Path
    data: str
    start_from: Path | None = None
    save_every: float = 5.0
    limit: float | None = None


def run_stages(
    config: TrainConfig,
    stages: Sequence[StageConfig],
    pack: MotionPack,
    device: torch.device,
    processes: ProcessGroup,
    files: RunFiles,
) -> Iterator[Progress]:
    """One stage after the other, each from the weights of the one before."""
    begin_with = files.start_from
    began = time.monotonic()
    for number, stage in enumerate(stages):
        limit_s = None if files.limit is None else files.limit * 60 - (time.monotonic() - began)
        if limit_s is not None and number < len(stages) - 1:
            limit_s *= _STAGE_ONE_SHARE
        trainer = Trainer(config, stage, pack, device, processes, limit_s)
        checkpoint = files.folder / f"stage-{stage.name}.checkpoint"
        weights = files.folder / f"stage-{stage.name}.safetensors"
        if checkpoint.exists():
            trainer.resume(checkpoint)
            if processes.is_first:
                _log.info("stage %s goes on from step %d of %d", stage.name, trainer.step, trainer.steps)
        elif begin_with is not None:
            trainer.start_from(load_weights(begin_with, device)[0])
        yield from _run_stage(trainer, checkpoint, weights, _card(files.data, pack, trainer), files)
        begin_with = weights


def _run_stage(
    trainer: Trainer, checkpoint: Path, weights: Path, card: dict[str, Any], files: RunFiles
) -> Iterator[TrainingProgress]:
    def save() -> None:
        trainer.save(checkpoint)
        if trainer.processes.is_first:
            trainer.export(weights, card | {"steps": trainer.step, "hours": round(trainer.seconds / 3600, 2)})
        trainer.processes.wait()

    saved_after = 0
    with TrainingLog(files.folder, trainer.stage.name, trainer.step) if trainer.processes.is_first else nullcontext() as log:
        for progress in trainer.run():
            if log is not None:
                log.write(trainer.step, progress, trainer.seconds)
            yield replace(progress, note=f"stage {trainer.stage.name}: {progress.note}")
            # Counted by the first process and told to the others, so that all save together.
            due = int(trainer.processes.from_first(trainer.seconds) // (files.save_every * 60))
            if due > saved_after:
                save()
                saved_after = due
    save()


def _card(data: str, pack: MotionPack, trainer: Trainer) -> dict[str, Any]:
    """What the weight file says about its training."""
    return {
        "data": data,
        "minutes of motion": round(len(pack.positions) / pack.fps / 60, 1),
        "clips": len(pack.names),
        "stage": trainer.stage.name,
        "batch": trainer.stage.batch,
        "device": str(trainer.device),
        "precision": trainer.config.precision,
    }
