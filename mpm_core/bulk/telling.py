"""Owns what a run over many inputs tells: progress, a table at the end, a log file, and a document for programs."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from mpm_core.bulk.outcomes import DONE, FAILED, SKIPPED, Outcome
from mpm_core.errors import UserError
from mpm_core.terminal import can_say, say

_log = logging.getLogger("mpm")

LOG_NAME = "mpm.log"
_MOST_ROWS, _LONGEST_NAME = 60, 60
_MOST_LEFT_OUT = 5
_TELL_EVERY_S = 30.0


class LogFile:
    """Everything that is said of a run, with times, after what is there of earlier ones."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_NAME
        try:
            self._file: TextIO = self.path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def add(self, text: str) -> None:
        when = datetime.now().astimezone().isoformat(timespec="seconds")
        self._file.writelines(f"{when} {line}\n" for line in text.splitlines())

    def close(self) -> None:
        self._file.close()


class Teller:
    """Tells of outcomes as they come. On standard error go warnings, each text once, failures, and how far it is; the log has
    everything."""

    def __init__(self, what: str, total: int, log: LogFile) -> None:
        self._total, self._log = total, log
        self._said: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._last = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=what, unit="file", leave=False)

    def tell(self, outcome: Outcome) -> None:
        self._states[outcome.state] += 1
        for level, text in outcome.notes:
            self._log.add(text)
            if level >= logging.WARNING:
                self._warn(level, text, outcome.input)
        if outcome.trace:
            self._log.add(outcome.trace)
        frames = "" if outcome.frames is None else f", {outcome.frames} frames"
        self._log.add(f"{outcome.state}: {outcome.reason or outcome.input}{frames}, {outcome.seconds:.1f} s")
        if outcome.state == FAILED:
            self._clear()
            _log.error("mpm: %s", outcome.reason)
        self._show()

    def _warn(self, level: int, text: str, path: Path) -> None:
        """The same text of other inputs is only counted: ten thousand clips of one camera lack the same."""
        plain = text.replace(str(path), "").replace(path.name, "").lstrip(": ")
        self._said[plain] += 1
        if self._said[plain] == 1:
            self._clear()
            _log.log(level, "%s", text)

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._states[FAILED]} failed" if self._states[FAILED] else "", refresh=False)
            self._bar.update(1)
        elif time.monotonic() - self._last > _TELL_EVERY_S:
            self._last = time.monotonic()
            _log.info("%d of %d files, %d failed", self._states.total(), self._total, self._states[FAILED])

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        for text, times in self._said.items():
            if times > 1:
                _log.info("said of %d files: %s", times, text)


def tell_left_out(left_out: Sequence[tuple[Path, str]], log: LogFile | None) -> None:
    """What of folders is passed over: the first on standard error, all in the log."""
    for number, (path, why) in enumerate(left_out):
        text = f"left out: {path} ({why})"
        if log is not None:
            log.add(text)
        if number < _MOST_LEFT_OUT:
            _log.info("%s", text)
    if len(left_out) > _MOST_LEFT_OUT:
        _log.info("left out: %d others%s", len(left_out) - _MOST_LEFT_OUT, f" ({log.path} has all)" if log else "")


def command_line() -> str:
    """What was typed, for the log."""
    return shlex.join(["mpm", *sys.argv[1:]])


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many inputs became what, and how long that took, in a line."""
    states = Counter(outcome.state for outcome in outcomes)
    frames = sum(outcome.frames or 0 for outcome in outcomes if outcome.state == DONE)
    skipped = f", {states[SKIPPED]} were done before" if states[SKIPPED] else ""
    seconds = sum(outcome.seconds for outcome in outcomes)
    return f"{states[DONE]} done ({frames} frames, {seconds:.1f} s of work){skipped}, {states[FAILED]} failed"


def table(outcomes: Sequence[Outcome], most: int | None = _MOST_ROWS) -> str:
    """A row for each input: file, frames, seconds, and what became of it and why. Of more than `most` those that are done are
    left out, and counted."""
    shown = list(outcomes)
    if most is not None and len(shown) > most:
        shown = [outcome for outcome in shown if outcome.state == FAILED]
    start = _shared(outcomes)
    rows = [("file", "frames", "seconds", "outcome")]
    rows += [
        (
            _short(str(outcome.input)[start:]),
            "" if outcome.frames is None else str(outcome.frames),
            "" if outcome.state == SKIPPED else f"{outcome.seconds:.1f}",
            outcome.state + (f": {_without_path(outcome)}" if outcome.reason else ""),
        )
        for outcome in shown
    ]
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in rows]
    if len(shown) < len(outcomes):
        lines.append(f"… and {len(outcomes) - len(shown)} files that did not fail")
    return "\n".join((*lines, summary(outcomes)))


def _shared(outcomes: Sequence[Outcome]) -> int:
    """How many letters at the beginning of all paths are folders that they share."""
    try:
        prefix = os.path.commonpath([outcome.input.parent for outcome in outcomes])
    except ValueError:  # of none, or whole ones and others
        return 0
    return len(prefix) + 1 if prefix not in ("", ".", os.sep) else 0


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def _without_path(outcome: Outcome) -> str:
    return outcome.reason.removeprefix(f"{outcome.input}: ")


def document(
    command: str, outcomes: Sequence[Outcome], left_out: Sequence[tuple[Path, str]], seconds: float, is_dry: bool = False
) -> dict[str, Any]:
    """What became of everything, for programs."""
    from mpm_core.about import version_text

    states = Counter(outcome.state for outcome in outcomes)
    return {
        "command": command,
        "version": version_text(),
        "dry_run": is_dry,
        **{state: states[state] for state in (DONE, SKIPPED, FAILED)},
        "seconds": round(seconds, 3),
        "files": [
            {
                "input": str(outcome.input),
                "outputs": [str(path) for path in outcome.outputs],
                "frames": outcome.frames,
                "seconds": round(outcome.seconds, 3),
                "outcome": outcome.state,
                "reason": outcome.reason or None,
                "notes": [text for _, text in outcome.notes],
            }
            for outcome in outcomes
        ],
        "left_out": [{"path": str(path), "why": why} for path, why in left_out],
    }


def say_json(content: object) -> None:
    """One document on standard output, where nothing else then goes."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    say(text if can_say(text) else json.dumps(content, indent=1))
