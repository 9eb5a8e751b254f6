"""Owns what the commands `mpm train` and `mpm eval` do."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from mpm_core.data.pack import MotionPack, read_pack
from mpm_core.errors import UserError
from mpm_core.lifters import find_device, load_lifter
from mpm_core.training.baselines import Baseline, make_baselines
from mpm_core.training.checkpoint import load_weights
from mpm_core.training.config import StageConfig, TrainConfig, with_changes
from mpm_core.training.evaluation import Evaluation, as_markdown, evaluate
from mpm_core.training.loop import Trainer
from mpm_core.training.protocols import find_protocols

_log = logging.getLogger("mpm")
_BASELINE_WINDOWS = 300_000

Follow = Callable[[Iterator[Any], str], Iterator[Any]]


def train(options: argparse.Namespace) -> None:
    """Train the chosen stages, saving as it goes; a run that finds its own checkpoint goes on from there."""
    config = with_changes(TrainConfig(), dict(_parse_setting(text) for text in options.set))
    device = torch.device(find_device(options.device))
    pack = read_pack(options.pack, "train")
    stages: dict[str, tuple[StageConfig, ...]] = {
        "1": (config.stage_one,),
        "2": (config.stage_two,),
        "both": (config.stage_one, config.stage_two),
    }
    begin_with = options.start_from
    for stage in stages[options.stage]:
        trainer = Trainer(config, stage, pack, device)
        checkpoint = options.output / f"stage-{stage.name}.checkpoint"
        weights = options.output / f"stage-{stage.name}.safetensors"
        if checkpoint.exists():
            trainer.resume(checkpoint)
            _log.info("stage %s goes on from step %d of %d", stage.name, trainer.step, trainer.steps)
        elif begin_with is not None:
            trainer.start_from(load_weights(begin_with, device)[0])
        _run_stage(trainer, checkpoint, weights, _card(options.pack, pack, trainer), options.save_every)
        begin_with = weights


def _run_stage(trainer: Trainer, checkpoint: Path, weights: Path, card: dict[str, Any], save_every_minutes: float) -> None:
    def save() -> None:
        trainer.save(checkpoint)
        trainer.export(weights, card | {"steps": trainer.step, "hours": round(trainer.seconds / 3600, 2)})

    saved = time.monotonic()
    for progress in trainer.run():
        _log.info("stage %s, %d of %d windows: %s", trainer.stage.name, progress.done, progress.total, progress.note)
        if time.monotonic() - saved > save_every_minutes * 60:
            save()
            saved = time.monotonic()
    save()


def _card(path: Path, pack: MotionPack, trainer: Trainer) -> dict[str, Any]:
    """What the weight file says about its training."""
    return {
        "data": path.name,
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
