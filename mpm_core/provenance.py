"""Owns Step, one thing that was done to a clip or for an answer, dated and in a plain sentence, and lists of them in files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

_MOST_STEPS = 10_000
_LONGEST = 2_000


@dataclass(frozen=True)
class Step:
    """when: ISO 8601 with the offset from UTC, to the second, or nothing where nobody noted it; text: a sentence without its
    full stop, for people."""

    when: str
    text: str

    @classmethod
    def now(cls, text: str) -> Step:
        """Something that was done just now, or at the time in seconds since 1970 that SOURCE_DATE_EPOCH names, for files that
        must be the same byte for byte whenever they are made (reproducible-builds.org)."""
        told = os.environ.get("SOURCE_DATE_EPOCH", "")
        when = datetime.fromtimestamp(int(told), timezone.utc) if told.isdecimal() else datetime.now().astimezone()
        return cls(when.isoformat(timespec="seconds"), text)

    @property
    def time(self) -> str:
        """The day and the time of day, as people write them."""
        return self.when[:16].replace("T", " ")


History = tuple[Step, ...]
"""What was done, the first thing first."""


def with_notes(history: History, source: str, notes: Iterable[str]) -> History:
    """The history with where a clip was read from, and with what was assumed at that."""
    known = {step.text for step in history}
    said = [f"read from {source}", *(text for note in notes if (text := f"noted: {note}") not in known)]
    return (*history, *(Step.now(text) for text in said))


def as_rows(history: History) -> list[list[str]]:
    """For files: [when, text] of each step."""
    return [[step.when, step.text] for step in history]


def of_rows(rows: Any) -> History | None:
    """What as_rows gave, as a list or as an array of text; None where it is anything else."""
    table = np.asarray(rows, object) if isinstance(rows, list) else np.asarray(rows)
    if table.size == 0:
        return ()
    if table.ndim != 2 or table.shape[1] != 2 or len(table) > _MOST_STEPS or table.dtype.kind not in "UO":
        return None
    pairs = table.tolist()
    if not all(isinstance(value, str) for pair in pairs for value in pair):
        return None
    return tuple(Step(when[:40], " ".join(text.split())[:_LONGEST]) for when, text in pairs)
