"""Owns running one command over what was typed: an input by itself, or many, here or on a cluster."""

from __future__ import annotations

import argparse
import copy
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from mpm_core.bulk.ending import GRACE_ALONE_S, GRACE_S, TerminatedError, ending_at_once
from mpm_core.bulk.inputs import Input, Inputs, Takes, find_inputs, is_single, why_no_clip
from mpm_core.bulk.outcomes import DONE, FAILED, SKIPPED, Outcome, RunOne, attempt
from mpm_core.bulk.records import Asked, Records
from mpm_core.bulk.targets import Gives, PoseFiles, doubles, targets_of
from mpm_core.bulk.telling import LogFile, Teller, command_line, document, say_json, summary, table, tell_left_out
from mpm_core.bulk.workers import run_beside
from mpm_core.errors import UserError
from mpm_core.files import check_spares
from mpm_core.terminal import say

_log = logging.getLogger("mpm")

_MOST_DRY_ROWS = 200
_POSE_FILES = PoseFiles()


def run_each(options: argparse.Namespace, run_one: RunOne, takes: Takes, gives: Gives = _POSE_FILES) -> None:
    """Run a command for each of options.inputs, in options.jobs processes or on the cluster options.dask. takes, gives: what it
    makes something of, and what.

    One input by itself and an options.output with the ending of a format: that is the file to write. Else options.output is a
    folder. What fails is logged and does not keep the others back; UserError at the end counts it. Ends within a second of
    SIGTERM (TerminatedError) or Ctrl+C.
    """
    if options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    formats = gives.named(options.to or options.usual_format)
    if is_single(options.inputs, takes) and not _is_folder(options, len(formats), gives):
        with ending_at_once(GRACE_ALONE_S):
            _run_alone(options, run_one, gives)
        return
    if not options.output.is_dir() and (options.output.exists() or gives.is_file_name(options.output)):
        if len(options.inputs) == 1 and (reason := why_no_clip(options.inputs[0], takes)):
            raise UserError(f"{reason}; for the files in it one by one the output must be a folder, not {options.output}")
        why = "are several formats" if is_single(options.inputs, takes) else "are several inputs"
        if len(options.inputs) == 1 and not is_single(options.inputs, takes):
            why = "may be several inputs"
        raise UserError(f"{options.output}: must be a folder, as there {why}")
    for note in gives.check(options, [found for found, _ in formats]):
        _log.info("%s", note)
    with ending_at_once(GRACE_ALONE_S if options.jobs == 1 and options.dask is None else GRACE_S):
        _run_many(options, run_one, takes, [ending for _, ending in formats], gives)


def aids_of(options: argparse.Namespace) -> list[Path]:
    """Files that are read beside the inputs: weights, joint maps, ground truth, and a video behind the answer."""
    given = (getattr(options, name, None) for name in ("weights", "joint_map", "truth", "truth_joint_map", "video"))
    return [path for path in given if path is not None]


def _is_folder(options: argparse.Namespace, formats: int, gives: Gives) -> bool:
    """Whether one input's output is a folder."""
    if options.output.is_dir() or formats > 1:
        return True
    return options.to is not None and not gives.is_file_name(options.output)


def _run_alone(options: argparse.Namespace, run_one: RunOne, gives: Gives) -> None:
    """One input and one file to write, in this process, whose words are told as they come."""
    for name in ("resume", "dask"):
        if getattr(options, name):
            raise UserError(f"--{name} is for an output folder, and {options.output} is a file")
    meant = gives.meant(options.output)
    if options.to is not None and gives.named(options.to)[0][0] != meant:
        raise UserError(f"--to {options.to} and {options.output} name two formats")
    (path,) = options.inputs
    check_spares([options.output], [path, *aids_of(options)])
    command = options.run.__name__.rpartition("_")[2]
    if options.dry_run:
        _tell_dry(options, command, [Outcome(path, DONE, (options.output,))], [])
        return
    began = time.monotonic()
    if not options.json:
        run_one(_with(options, path, (options.output,)))
        return
    try:
        made = run_one(_with(options, path, (options.output,)))
    except UserError as error:
        failed = Outcome(path, FAILED, seconds=time.monotonic() - began, reason=str(error))
        say_json(document(command, [failed], [], failed.seconds))
        raise
    seconds = time.monotonic() - began
    say_json(document(command, [Outcome(path, DONE, made.outputs, made.frames, seconds)], [], seconds))


@dataclass
class _Plan:
    """What is to be done: inputs with the files to write, as it is asked of each, and outcomes that are known before."""

    tasks: list[tuple[Path, tuple[Path, ...]]] = field(default_factory=list)
    asked: dict[Path, str] = field(default_factory=dict)
    known: list[Outcome] = field(default_factory=list)


def _run_many(options: argparse.Namespace, run_one: RunOne, takes: Takes, endings: Sequence[str], gives: Gives) -> None:
    began = time.monotonic()
    command = options.run.__name__.rpartition("_")[2]
    records = Records(options.output)
    inputs = find_inputs(options.inputs, takes, options.output, records.outputs(), options.base)
    plan = _plan(options, command, inputs, endings, records, gives)
    if options.dry_run:
        planned = [Outcome(path, DONE, files) for path, files in plan.tasks]
        _tell_dry(options, command, [*plan.known, *planned], inputs.left_out)
        _count_failures([*plan.known, *planned])
        return
    run = _runner(options, run_one)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{options.output}: cannot be made ({error.strerror})") from error
    log = LogFile(options.output)
    with closing(log):
        log.add(f"begins: {command_line()}")
        tell_left_out(inputs.left_out, log)
        tasks = (_with(options, *task) for task in plan.tasks)  # one by one: a million at once would fill the memory
        teller = Teller(command, len(plan.known) + len(plan.tasks), log)
        outcomes = _work(plan, run(tasks, log.path), records, log, teller, options.json)
        log.add("the whole table:\n" + table(outcomes, None))
    if options.json:
        say_json(document(command, outcomes, inputs.left_out, time.monotonic() - began))
    else:
        say(table(outcomes))
    _count_failures(outcomes)


def _plan(
    options: argparse.Namespace, command: str, inputs: Inputs, endings: Sequence[str], records: Records, gives: Gives
) -> _Plan:
    plan = _Plan(known=[Outcome(path, FAILED, reason=why) for path, why in inputs.failed])
    targets: list[tuple[Input, tuple[Path, ...]]] = []
    for one in inputs.found:
        try:
            targets.append((one, targets_of(one, options.output, endings, gives)))
        except UserError as error:
            plan.known.append(Outcome(one.path, FAILED, reason=str(error)))
    aids = aids_of(options)
    check_spares([file for _, files in targets for file in files], [*(one.path for one in inputs.found), *aids])
    asked = Asked(command, options, endings, aids)
    twice = doubles(targets)
    for one, files in targets:
        if one.path in twice:
            plan.known.append(Outcome(one.path, FAILED, reason=twice[one.path]))
            continue
        plan.asked[one.path] = asked.of(one.path)
        before = records.find(one.path, plan.asked[one.path]) if options.resume else None
        if before is not None:
            plan.known.append(Outcome(one.path, SKIPPED, before[1], before[0], reason="done before"))
        else:
            plan.tasks.append((one.path, files))
    return plan


_Runner = Callable[[Iterable[argparse.Namespace], Path], Iterator[Outcome]]


def _runner(options: argparse.Namespace, run_one: RunOne) -> _Runner:
    """Who works on the tasks. UserError, before anything is written, when that cannot be."""
    if options.dask is not None:
        from mpm_core.bulk.cluster import Cluster

        cluster = Cluster(options.dask)
        return lambda tasks, log: cluster.run(tasks, run_one)
    if options.jobs == 1:
        return lambda tasks, log: (attempt(run_one, task) for task in tasks)
    return lambda tasks, log: run_beside(tasks, run_one, options.jobs, log)


def _work(
    plan: _Plan, work: Iterator[Outcome], records: Records, log: LogFile, teller: Teller, keeps_notes: bool
) -> list[Outcome]:
    """All outcomes, in the order of the inputs' paths; each is told and noted as it comes. keeps_notes: what was said of each
    is wanted at the end as well; of a million it would fill the memory."""
    outcomes = list(plan.known)
    try:
        with closing(teller), closing(work):  # type: ignore[type-var]
            for outcome in plan.known:
                teller.tell(outcome)
            for outcome in work:
                if outcome.state == DONE:
                    records.add(outcome, plan.asked[outcome.input])
                teller.tell(outcome)
                outcomes.append(outcome if keeps_notes else replace(outcome, notes=()))
    except (KeyboardInterrupt, TerminatedError):
        text = f"ended early: {summary(outcomes)}; --resume goes on from there"
        log.add(text)
        _log.info("%s", text)
        raise
    return sorted(outcomes, key=lambda outcome: os.fspath(outcome.input))


def _tell_dry(
    options: argparse.Namespace, command: str, planned: Sequence[Outcome], left_out: Sequence[tuple[Path, str]]
) -> None:
    """What would be done."""
    if options.json:
        say_json(document(command, planned, left_out, 0.0, is_dry=True))
        return
    for outcome in planned[:_MOST_DRY_ROWS]:
        names = ", ".join(map(str, outcome.outputs))
        say(f"{outcome.input} -> {names}" if outcome.state == DONE else f"{outcome.state}: {outcome.reason or outcome.input}")
    if len(planned) > _MOST_DRY_ROWS:
        say(f"… and {len(planned) - _MOST_DRY_ROWS} others")
    tell_left_out(left_out, None)
    count = sum(outcome.state == DONE for outcome in planned)
    say(f"would make files of {count} of {len(planned)} inputs; nothing is written")


def _count_failures(outcomes: Sequence[Outcome]) -> None:
    failed = sum(outcome.state == FAILED for outcome in outcomes)
    if failed:
        raise UserError(f"{failed} of {len(outcomes)} inputs could not be used (see above)")


def _with(options: argparse.Namespace, path: Path, targets: tuple[Path, ...]) -> argparse.Namespace:
    one = copy.copy(options)
    one.input, one.outputs = path, targets
    return one
