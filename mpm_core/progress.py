"""Owns Progress, what every long-running generator of this package yields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of work, with a short note for a person."""

    done: int
    total: int
    note: str = ""
