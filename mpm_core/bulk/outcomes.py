"""Owns what became of one input: who makes it, how long it took, what was said, and why it failed if it did."""

from __future__ import annotations

import argparse
import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mpm_core.errors import UserError, as_sentence

_log = logging.getLogger("mpm")

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


@dataclass(frozen=True)
class Made:
    """What a command has made of one input: frames of the clip, and the files that were written."""

    frames: int
    outputs: tuple[Path, ...]


RunOne = Callable[[argparse.Namespace], Made]
"""A command for one input: options.input is a path, options.outputs are those to write. It must be importable by its name."""


@dataclass(frozen=True)
class Outcome:
    """state: DONE, SKIPPED (it was done before) or FAILED; reason: why, for people; seconds: of work; notes: (level, text) of
    what was said meanwhile; trace: where a defect of ours lies, for the log."""

    input: Path
    state: str
    outputs: tuple[Path, ...] = ()
    frames: int | None = None
    seconds: float = 0.0
    reason: str = ""
    notes: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    trace: str = field(default="", repr=False)


_one_at_a_time = threading.Lock()


def attempt(run_one: RunOne, task: argparse.Namespace) -> Outcome:
    """Run a command for one input and listen to what it says; one that brings out a defect of ours does not stop the others.

    One at a time in a process: a cluster's worker may have several threads, whose words would be mixed up.
    """
    with _one_at_a_time:
        collector, began = _Collector(), time.monotonic()
        level, propagates = _log.level, _log.propagate
        _log.addHandler(collector)
        _log.setLevel(logging.INFO)
        _log.propagate = False
        reason = trace = ""
        made = Made(0, ())
        try:
            for target in task.outputs:
                target.parent.mkdir(parents=True, exist_ok=True)
            made = run_one(task)
        except UserError as error:
            reason = str(error)
        except (OSError, MemoryError) as error:
            reason = f"{task.input}: {as_sentence(error)}"
        except Exception as error:
            reason = f"{task.input}: {' '.join(str(error).split()) or type(error).__name__}"
            trace = traceback.format_exc()
        finally:
            _log.removeHandler(collector)
            _log.setLevel(level)
            _log.propagate = propagates
        seconds, notes = time.monotonic() - began, tuple(collector.notes)
    if reason:
        return Outcome(task.input, FAILED, (), None, seconds, reason, notes, trace)
    return Outcome(task.input, DONE, made.outputs, made.frames, seconds, "", notes)


class _Collector(logging.Handler):
    """Keeps what is logged, with how grave it is."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append((record.levelno, record.getMessage()))
