"""Owns running one command over several inputs: folders and patterns are spread out, each input gets an output of its own."""

from __future__ import annotations

import argparse
import copy
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES, check_spares

_log = logging.getLogger("mpm")

_MOST_JOBS = 61  # more than Windows can wait for

RunOne = Callable[[argparse.Namespace], None]
"""A command for one input: options.input and options.output are single paths. It must be importable by its name."""


def run_each(options: argparse.Namespace, run_one: RunOne, suffix: str, takes_folders: bool = True) -> None:
    """Run a command for each of options.inputs, in options.jobs processes.

    One file as input: options.output is the file to write. Several, or a folder of videos: it is a folder, and each output has
    its input's name and `suffix`. takes_folders: whether a folder without videos may be an input itself. What fails is
    logged and does not keep the others back; UserError at the end counts it.
    """
    if options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    if len(options.inputs) == 1:
        inputs, failed = spread(options.inputs), 0
        if inputs[0].is_dir() and not takes_folders:
            raise UserError(f"{inputs[0]}: holds no videos")
        if inputs == options.inputs and not options.output.is_dir():
            check_spares([options.output], [*inputs, *aids_of(options)])
            run_one(_with(options, inputs[0], options.output))
            return
    else:
        inputs, failed = _usable(options.inputs, takes_folders)
    targets = _targets(inputs, options.output, suffix)
    check_spares([target for _, target in targets], [*inputs, *aids_of(options)])
    tasks = [_with(options, path, target) for path, target in targets]
    count = len(tasks) + failed
    if tasks:
        failed += _run_in_turn(tasks, run_one) if options.jobs == 1 else _run_beside(tasks, run_one, options.jobs)
    if failed:
        raise UserError(f"{failed} of {count} inputs could not be used (see above)")


def aids_of(options: argparse.Namespace) -> list[Path]:
    """Files that are read beside the inputs: weights, joint maps and ground truth."""
    given = (getattr(options, name, None) for name in ("weights", "joint_map", "truth", "truth_joint_map"))
    return [path for path in given if path is not None]


def _usable(paths: Sequence[Path], takes_folders: bool) -> tuple[list[Path], int]:
    """The inputs that are meant by several, without those that nothing can be made of, which are logged and counted."""
    found: list[Path] = []
    failed = 0
    for path in paths:
        try:
            inputs = spread([path])
            if inputs[0].is_dir() and not takes_folders:
                raise UserError(f"{path}: holds no videos")
            found += inputs
        except UserError as error:
            _log.error("mpm: %s", error)
            failed += 1
    return found, failed


def spread(paths: Sequence[Path]) -> list[Path]:
    """The inputs that are meant: a folder stands for its videos if it has any, a pattern with * for what it matches."""
    return [found for path in paths for found in _meant(path)]


def _meant(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES) or [path]
        if path.exists() or not any(sign in path.name for sign in "*?["):
            return [path]
        matches = sorted(path.parent.glob(path.name))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not matches:
        raise UserError(f"{path}: nothing matches this pattern")
    return matches


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
    times = Counter(target for _, target in targets)
    for path, target in targets:
        if times[target] > 1:
            raise UserError(f"{path}: several inputs would be written to {target}; give them folders of their own")
    return targets


def _with(options: argparse.Namespace, path: Path, target: Path) -> argparse.Namespace:
    one = copy.copy(options)
    one.input, one.output = path, target
    return one


def _run_in_turn(tasks: Sequence[argparse.Namespace], run_one: RunOne) -> int:
    return sum(_tell(_attempt(run_one, task)) for task in tasks)


def _run_beside(tasks: Sequence[argparse.Namespace], run_one: RunOne, jobs: int) -> int:
    """In processes that share the cores evenly: networks that each take all of them would only get in each other's way."""
    left = list(range(len(tasks)))
    failed = 0
    for number, error in _outcomes(tasks, run_one, jobs):
        left.remove(number)
        failed += _tell(error)
    # A process that dies takes the pool with it: who is left gets a process of its own.
    for number in left:
        outcomes = list(_outcomes(tasks[number : number + 1], run_one, 1))
        died = f"{tasks[number].input}: the process that worked on it died (was there too little memory?)"
        failed += _tell(outcomes[0][1] if outcomes else died)
    return failed


def _outcomes(tasks: Sequence[argparse.Namespace], run_one: RunOne, jobs: int) -> Iterator[tuple[int, str]]:
    """The numbers of tasks that have ended, and why they failed if they did, until all have or a process dies."""
    threads = max((os.cpu_count() or 1) // jobs, 1)
    jobs = min(jobs, len(tasks), _MOST_JOBS)
    try:
        with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare_process, (threads,)) as pool:
            futures = {pool.submit(_attempt_and_listen, run_one, task): number for number, task in enumerate(tasks)}
            for done in as_completed(futures):
                texts, error = done.result()
                for text in texts:
                    _log.info("%s", text)
                yield futures[done], error
    except BrokenProcessPool:
        return


def _tell(error: str) -> bool:
    """Log why an input could not be used, if it could not."""
    if error:
        _log.error("mpm: %s", error)
    return bool(error)


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
