"""Owns what the commands `mpm train` and `mpm eval` do."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mpm_core.data.pack import MotionPack, read_pack
from mpm_core.errors import UserError
from mpm_core.lifters import find_device, load_lifter
from mpm_core.networks import NETWORKS
from mpm_core.progress import Progress
from mpm_core.training.baselines import Baseline, make_baselines
from mpm_core.training.checkpoint import load_weights
from mpm_core.training.config import StageConfig, TrainConfig, with_changes
from mpm_core.training.evaluation import Evaluation, as_markdown, evaluate
from mpm_core.training.log import TrainingLog
from mpm_core.training.loop import Trainer, TrainingProgress
from mpm_core.training.protocols import find_protocols
from mpm_core.training.team import Team

_log = logging.getLogger("mpm")
_BASELINE_WINDOWS = 300_000

Follow = Callable[[Iterator[Any], str], Iterator[Any]]


def train(options: argparse.Namespace, follow: Follow) -> None:
    """Train the chosen stages, saving as it goes; a run that finds its own checkpoint goes on from there.

    Under torchrun all processes work on the same batches, and the first one writes.
    """
    if options.network not in NETWORKS:
        raise UserError(f"unknown network '{options.network}' (known: {', '.join(NETWORKS)})")
    network = NETWORKS[options.network]
    config = with_changes(TrainConfig(model=network.config_class()), dict(_parse_setting(text) for text in options.set))
    stages: dict[str, tuple[StageConfig, ...]] = {
        "1": (config.stage_one,),
        "2": (config.stage_two,),
        "both": (config.stage_one, config.stage_two) if network.is_pretrained else (config.stage_two,),
    }
    if options.stage == "1" and not network.is_pretrained:
        raise UserError(f"the network '{network.name}' has no stage 1")
    device = torch.device(find_device(options.device))
    pack = read_pack(options.pack, "train").part(options.share, config.seed)
    team = Team.join(device)
    try:
        for _ in follow(run_stages(config, stages[options.stage], pack, device, team, _Files.of(options)), "training"):
            pass
    finally:
        team.leave()


@dataclass(frozen=True)
class _Files:
    """Where a run writes, and what it begins with. save_every: minutes."""

    folder: Path
    data: str
    start_from: Path | None = None
    save_every: float = 5.0

    @classmethod
    def of(cls, options: argparse.Namespace) -> _Files:
        return cls(options.output, options.pack.name, options.start_from, options.save_every)


def run_stages(
    config: TrainConfig, stages: Sequence[StageConfig], pack: MotionPack, device: torch.device, team: Team, files: _Files
) -> Iterator[Progress]:
    """One stage after the other, each from the weights of the one before."""
    begin_with = files.start_from
    for stage in stages:
        trainer = Trainer(config, stage, pack, device, team)
        checkpoint = files.folder / f"stage-{stage.name}.checkpoint"
        weights = files.folder / f"stage-{stage.name}.safetensors"
        if checkpoint.exists():
            trainer.resume(checkpoint)
            _log.info("stage %s goes on from step %d of %d", stage.name, trainer.step, trainer.steps)
        elif begin_with is not None:
            trainer.start_from(load_weights(begin_with, device)[0])
        yield from _run_stage(trainer, checkpoint, weights, _card(files.data, pack, trainer), files)
        begin_with = weights


def _run_stage(
    trainer: Trainer, checkpoint: Path, weights: Path, card: dict[str, Any], files: _Files
) -> Iterator[TrainingProgress]:
    def save() -> None:
        trainer.save(checkpoint)
        if trainer.team.leads:
            trainer.export(weights, card | {"steps": trainer.step, "hours": round(trainer.seconds / 3600, 2)})
        trainer.team.wait()

    saved_after = 0
    with TrainingLog(files.folder, trainer.stage.name, trainer.step) if trainer.team.leads else nullcontext() as log:
        for progress in trainer.run():
            if log is not None:
                log.write(trainer.step, progress, trainer.seconds)
            yield replace(progress, note=f"stage {trainer.stage.name}: {progress.note}")
            # Counted by the first process and told to the others, so that all save together.
            due = int(trainer.team.from_first(trainer.seconds) // (files.save_every * 60))
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


def _parse_setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set '{text}': write it as name=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def evaluate_command(options: argparse.Namespace, follow: Follow, say: Callable[[str], None]) -> None:
    """Print the tables of the lifter and, when asked for, of the baselines; write them as JSON too."""
    lifter = load_lifter(options.lifter, options.device, options.weights)
    protocols = find_protocols(tuple(options.protocol))
    steps = evaluate(lifter, options.folder, protocols, options.mode, options.stride, options.mirror, options.calibrate)
    found: list[Evaluation] = list(follow(steps, "evaluating"))
    if options.baselines is not None:
        pack = read_pack(options.baselines, "train")
        for baseline in follow(make_baselines(pack, _BASELINE_WINDOWS), "baselines"):
            assert isinstance(baseline, Baseline)
            lifted = [protocol for protocol in protocols if protocol.task == "lift"]
            found += follow(evaluate(baseline, options.folder, lifted), baseline.name)
    say("\n\n".join(as_markdown(evaluation, options.details) for evaluation in found))
    if options.json is not None:
        text = json.dumps([evaluation.to_json() for evaluation in found], indent=1)
        try:
            options.json.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{options.json}: cannot be written ({error.strerror})") from error
