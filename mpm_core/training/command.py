"""Owns what the commands `mpm train` and `mpm eval` do."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import torch

from mpm_core.aids_command import aids_of
from mpm_core.data.pack import MotionPack, mix_packs, read_pack
from mpm_core.errors import UserError
from mpm_core.files import check_spares, written_whole
from mpm_core.lifters import find_device, load_lifter
from mpm_core.lifters.denoisers import has_denoiser, load_denoiser
from mpm_core.networks import NETWORKS
from mpm_core.progress import Progress
from mpm_core.training import hypotheses, refining_eval, rigs, up_views
from mpm_core.training.baselines import Baseline, make_baselines
from mpm_core.training.checkpoint import why_no_network
from mpm_core.training.config import PRECISIONS, StageConfig, TrainConfig, with_changes
from mpm_core.training.drawn import WAYS, Drawing
from mpm_core.training.evaluation import Evaluation, evaluate
from mpm_core.training.processes import ProcessGroup
from mpm_core.training.protocols import Protocol, find_protocols
from mpm_core.training.runs import RunFiles, run_stages
from mpm_core.training.studies import STUDIES, CellResult, StudySize, run_study
from mpm_core.training.studies import as_markdown as study_as_markdown
from mpm_core.training.tables import as_markdown

_log = logging.getLogger("mpm")
_BASELINE_WINDOWS = 300_000
RIGS = "rigs"
"""The protocol that holds one family of files back; see rigs.py."""
UP = "up"
"""The protocol of cameras that look down; see up_views.py."""
REFINE = "refine"
"""The protocol of refining; see refining_eval.py."""
OF_HYPOTHESES = ("hypotheses", "calibration")
"""The protocols of several answers, which are one run; see hypotheses.py."""
_OWN = (RIGS, UP, REFINE, *OF_HYPOTHESES)

Follow = Callable[[Iterator[Any], str], Iterator[Any]]


def train(options: argparse.Namespace, follow: Follow) -> None:
    """Train the chosen stages, saving as it goes; a run that finds its own checkpoint goes on from there.

    Under torchrun all processes work on the same batches, and the first one writes.
    """
    for name, minutes in (("--save-every", options.save_every), ("--minutes", options.minutes)):
        if minutes is not None and not 0 < minutes < float("inf"):
            raise UserError(f"{name} must be a positive number of minutes, not {minutes:g}")
    if options.network not in NETWORKS:
        raise UserError(f"unknown network '{options.network}' (known: {', '.join(NETWORKS)})")
    network = NETWORKS[options.network]
    config = with_changes(TrainConfig(model=network.config_class()), dict(_parse_setting(text) for text in options.set))
    _check(config)
    stages: dict[str, tuple[StageConfig, ...]] = {
        "1": (config.stage_one,),
        "2": (config.stage_two,),
        "both": (config.stage_one, config.stage_two) if network.is_pretrained else (config.stage_two,),
    }
    if options.stage == "1" and not network.is_pretrained:
        raise UserError(f"the network '{network.name}' has no stage 1")
    device = torch.device(find_device(options.device))
    pack = mix_packs([read_pack(path, "train") for path in options.pack], options.mix).part(options.share, config.seed)
    names = ", ".join(path.name for path in options.pack)
    files = RunFiles(options.output, names, options.start_from, options.save_every, options.minutes)
    processes, device = ProcessGroup.join(device)
    try:
        steps = run_stages(config, stages[options.stage], pack, device, processes, files)
        draws_bar = processes.is_first and sys.stderr.isatty()
        for _ in follow(steps, "training") if draws_bar else _written_down(steps, processes):
            pass
    finally:
        processes.leave()


def _check(config: TrainConfig) -> None:
    """UserError for settings that nothing can be trained with, or that would be trained with other ones instead."""
    if reason := why_no_network(config.model):
        raise UserError(f"--set: no network can be made of the settings of 'model' ({reason})")
    if config.precision not in PRECISIONS:
        raise UserError(f"--set precision={config.precision}: unknown (known: {', '.join(PRECISIONS)})")
    if not 0 <= config.average < 1:
        raise UserError(f"--set average={config.average:g}: must be a decay from 0 to less than 1")
    for name in ("masks", "masks_filled"):
        shares = getattr(config.stage_two, name).values()
        if not all(isinstance(share, (int, float)) and share >= 0 for share in shares) or not sum(shares) > 0:
            raise UserError(f"--set stage_two.{name}: the shares must be 0 or more, and some of them more")


def _written_down(steps: Iterator[Progress], processes: ProcessGroup) -> Iterator[Progress]:
    """The same steps; where no bar can be drawn, as in a log file, the first process writes a line with the time left."""
    began, first, last = 0.0, 0, None
    for step in steps:
        if last is None or step.done <= last:  # a stage begins
            began, first = time.monotonic(), step.done
        last = step.done
        if processes.is_first:
            left = (time.monotonic() - began) / max(step.done - first, 1) * (step.total - step.done)
            known = f", {timedelta(seconds=round(left))} left" if step.done > first else ""
            _log.info("%d of %d windows%s, %s", step.done, step.total, known, step.note)
        yield step


def _parse_setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set '{text}': write it as name=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def evaluate_command(options: argparse.Namespace, follow: Follow, say: Callable[[str], None]) -> None:
    """Print the tables of the lifter and, when asked for, of the baselines, or those of studies; write them as JSON too."""
    if options.json is not None:
        read = [*options.folder.rglob("*.npz"), *(options.pack or ()), options.weights, options.baselines, options.denoiser]
        check_spares([options.json], [path for path in read if path is not None])
    studied = [name for name in dict.fromkeys(options.protocol) if name in (*STUDIES, *_OWN)]
    plain = tuple(name for name in options.protocol if name not in studied)
    found: list[dict[str, Any]] = []
    if plain or not studied:
        found += _evaluate(options, find_protocols(plain, (*STUDIES, *_OWN)), follow, say)
    runs = {RIGS: _rigs, UP: _up, REFINE: _refine}
    for name in studied:
        if name in runs:
            found += runs[name](options, follow, say)
        elif name not in OF_HYPOTHESES:
            found += _study(options, name, follow, say)
    if asked := [name for name in studied if name in OF_HYPOTHESES]:
        found += _hypotheses(options, asked, follow, say)
    if options.json is not None:
        with written_whole(options.json) as partial:
            partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _evaluate(
    options: argparse.Namespace, protocols: Sequence[Protocol], follow: Follow, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    lifter = load_lifter(options.lifter, options.device, options.weights)
    able = [protocol for protocol in protocols if protocol.task in lifter.tasks]
    if not able:
        raise UserError(f"the lifter '{lifter.name}' can do none of these protocols")
    lifted = [protocol for protocol in protocols if protocol.task == "lift"]
    if options.baselines is not None and not lifted:
        raise UserError("the baselines only lift: name a protocol of lifting or occlusion")
    steps = evaluate(lifter, options.folder, able, options.mode, options.stride, aids_of(options), options.threshold)
    found: list[Evaluation] = list(follow(steps, "evaluating"))
    if options.baselines is not None:
        pack = read_pack(options.baselines, "train")
        for baseline in follow(make_baselines(pack, _BASELINE_WINDOWS), "baselines"):
            assert isinstance(baseline, Baseline)
            found += follow(evaluate(baseline, options.folder, lifted), baseline.name)
    say("\n\n".join(as_markdown(evaluation, options.details) for evaluation in found))
    return [evaluation.to_json() for evaluation in found]


def _packs_and_size(options: argparse.Namespace, name: str, size: StudySize) -> tuple[list[MotionPack], StudySize]:
    """What a protocol that trains networks trains them on, and for how long."""
    if options.pack is None or options.runs is None:
        raise UserError(f"the protocol '{name}' trains networks: name a motion pack with --pack and a folder with --runs")
    if options.weights is not None or options.baselines is not None:
        raise UserError(f"the protocol '{name}' trains its own networks: leave out --weights and --baselines")
    size = replace(size, **dict(zip(("stage_one", "stage_two"), options.windows or (), strict=False)))
    return [read_pack(path, "train") for path in options.pack], size


def _rigs(options: argparse.Namespace, follow: Follow, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The old recipe learns from the first pack that is named, as it did."""
    packs, size = _packs_and_size(options, RIGS, rigs.SIZE)
    both = dict(zip(rigs.RECIPES, (packs[0], mix_packs(packs)), strict=True))
    steps = rigs.run_rigs(both, options.runs, size, options.device, options.family, aids_of(options).mirror)
    results: list[rigs.RigResult] = list(follow(steps, RIGS))
    say(rigs.as_markdown(results, size))
    return [{"study": RIGS} | vars(result) for result in results]


def _up(options: argparse.Namespace, follow: Follow, say: Callable[[str], None]) -> list[dict[str, Any]]:
    lifter = load_lifter(options.lifter, options.device, options.weights)
    results: list[up_views.UpResult] = list(follow(up_views.run_up(lifter, options.folder), UP))
    say(up_views.as_markdown(results))
    return [{"protocol": UP} | vars(result) for result in results]


def _refine(options: argparse.Namespace, follow: Follow, say: Callable[[str], None]) -> list[dict[str, Any]]:
    lifter = load_lifter(options.lifter, options.device, options.weights)
    steps = refining_eval.run_refine(lifter, options.folder, options.views, options.frames)
    results: list[refining_eval.RefineResult] = list(follow(steps, REFINE))
    say(refining_eval.as_markdown(results))
    return [{"protocol": REFINE} | result.to_json() for result in results]


def _hypotheses(
    options: argparse.Namespace, names: Sequence[str], follow: Follow, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    lifter = load_lifter(options.lifter, options.device, options.weights)
    denoiser = load_denoiser(find_device(options.device), options.denoiser) if options.denoiser or has_denoiser() else None
    if denoiser is None:
        _log.warning("there are no weights of a denoiser: only the lifter and plain baselines are compared")
    if options.samples == 0:
        raise UserError("--samples must be 1 or more, not 0")
    if unknown := [name for name in options.ways or () if name not in WAYS]:
        raise UserError(f"--ways: unknown way '{unknown[0]}' (known: {', '.join(WAYS)})")
    drawing = Drawing(options.samples, tuple(options.steps or Drawing.steps), tuple(options.ways or WAYS))
    model = None if denoiser is None else denoiser.model
    steps = hypotheses.run_hypotheses(lifter, model, options.folder, options.views, options.frames, drawing)
    results: list[hypotheses.HypothesisResult] = list(follow(steps, names[0]))
    tables = {"hypotheses": hypotheses.as_markdown, "calibration": hypotheses.calibration_as_markdown}
    say("\n\n".join(tables[name](results) for name in names))
    return [{"protocol": names[0]} | result.to_json() for result in results]


def _study(options: argparse.Namespace, name: str, follow: Follow, say: Callable[[str], None]) -> list[dict[str, Any]]:
    packs, size = _packs_and_size(options, name, STUDIES[name].size)
    pack = mix_packs(packs)
    how = (options.device, options.mode, options.stride, aids_of(options).mirror, options.cell)
    results: list[CellResult] = list(follow(run_study(name, pack, options.folder, options.runs, size, *how), name))
    say(study_as_markdown(results, size))
    return [
        {"study": name, "cell": result.cell, "cost": result.cost and vars(result.cost)} | result.evaluation.to_json()
        for result in results
    ]
