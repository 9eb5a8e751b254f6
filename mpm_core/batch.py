"""Owns running one command over several inputs: folders and patterns are spread out, each input gets an output of its own."""

from __future__ import annotations

import argparse
import copy
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES

_log = logging.getLogger("mpm")

RunOne = Callable[[argparse.Namespace], None]
"""A command for one input: options.input and options.output are single paths. It must be importable by its name."""


def run_each(options: argparse.Namespace, run_one: RunOne, suffix: str, takes_folders: bool = True) -> None:
    """Run a command for each of options.inputs, in options.jobs processes.

    One file as input: options.output is the file to write. Several, or a folder of videos: it is a folder, and each output has
    its input's name and `suffix`. takes_folders: whether a folder without videos may be an input itself. What fails is
    logged and does not keep the others back; UserError at the end counts it.
    """
    inputs = spread(options.inputs)
    for path in inputs:
        if path.is_dir() and not takes_folders:
            raise UserError(f"{path}: holds no videos")
    sources = {path.resolve() for path in inputs}
    if options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    if len(inputs) == 1 and inputs == options.inputs and not options.output.is_dir():
        _spare_inputs([options.output], sources)
        run_one(_with(options, inputs[0], options.output))
        return
    targets = _targets(inputs, options.output, suffix)
    _spare_inputs([target for _, target in targets], sources)
    tasks = [_with(options, path, target) for path, target in targets]
    failed = _run_in_turn(tasks, run_one) if options.jobs == 1 else _run_beside(tasks, run_one, options.jobs)
    if failed:
        raise UserError(f"{failed} of {len(tasks)} inputs could not be used (see above)")


def spread(paths: Sequence[Path]) -> list[Path]:
    """The inputs that are meant: a folder stands for its videos if it has any, a pattern with * for what it matches."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            videos = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
            found += videos or [path]
        elif not path.exists() and any(sign in path.name for sign in "*?["):
            matches = sorted(path.parent.glob(path.name))
            if not matches:
                raise UserError(f"{path}: nothing matches this pattern")
            found += matches
        else:
            found.append(path)
    return found


def suffix_of(name: str) -> str:
    """The ending of files of a format; UserError for one that cannot be written."""
    from mpm_core.formats import writers

    found = next((f for f in writers() if f.name == name), None)
    if found is None:
        raise UserError(f"--to {name}: cannot write this format (known: {', '.join(f.name for f in writers())})")
    return found.suffixes[0]


def _targets(inputs: Sequence[Path], folder: Path, suffix: str) -> list[tuple[Path, Path]]:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: must be a folder, as there are {len(inputs)} inputs")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    targets = [(path, folder / f"{path.stem}{suffix}") for path in inputs]
    names = [target for _, target in targets]
    for path, target in targets:
        if names.count(target) > 1:
            raise UserError(f"{path}: several inputs would be written to {target}; give them folders of their own")
    return targets


def _spare_inputs(targets: Sequence[Path], sources: set[Path]) -> None:
    """UserError when a file would be written over one that is read."""
    for target in targets:
        if target.resolve() in sources:
            raise UserError(f"{target}: is an input, so it is not written over; give the output another name or folder")


def _with(options: argparse.Namespace, path: Path, target: Path) -> argparse.Namespace:
    one = copy.copy(options)
    one.input, one.output = path, target
    return one


def _run_in_turn(tasks: Sequence[argparse.Namespace], run_one: RunOne) -> int:
    failed = 0
    for task in tasks:
        error = _attempt(run_one, task)
        if error:
            _log.error("mpm: %s", error)
            failed += 1
    return failed


def _run_beside(tasks: Sequence[argparse.Namespace], run_one: RunOne, jobs: int) -> int:
    """In processes that share the cores evenly: networks that each take all of them would only get in each other's way."""
    threads = max((os.cpu_count() or 1) // jobs, 1)
    failed = 0
    with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare_process, (threads,)) as pool:
        for outcome in as_completed([pool.submit(_attempt_and_listen, run_one, task) for task in tasks]):
            texts, error = outcome.result()
            for text in texts:
                _log.info("%s", text)
            if error:
                _log.error("mpm: %s", error)
                failed += 1
    return failed


def _attempt(run_one: RunOne, task: argparse.Namespace) -> str:
    """Why an input could not be used; nothing when it could. One that brings out a defect of ours does not stop the others."""
    try:
        run_one(task)
    except UserError as error:
        return str(error)
    except Exception as error:
        _log.debug("%s: failed", task.input, exc_info=True)
        return f"{task.input}: {' '.join(str(error).split()) or type(error).__name__}"
    return ""


def _attempt_and_listen(run_one: RunOne, task: argparse.Namespace) -> tuple[list[str], str]:
    """In another process: what was said meanwhile, and why the input could not be used."""
    notes = _Collector()
    _log.addHandler(notes)
    try:
        return notes.texts, _attempt(run_one, task)
    finally:
        _log.removeHandler(notes)


class _Collector(logging.Handler):
    """Keeps what is logged, for the process that started this one."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def _prepare_process(threads: int) -> None:
    logger = logging.getLogger("mpm")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    os.environ["OMP_NUM_THREADS"] = str(threads)
