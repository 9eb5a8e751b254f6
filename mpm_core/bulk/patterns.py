"""Owns patterns such as takes/**/*.npz: what they match. Unlike in glob, ** goes into no link, so that it ends where links go
round in circles, and no file is found under two names."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_SIGNS = "*?["
_ANY_FOLDERS = "**"


def is_pattern(path: Path) -> bool:
    """Whether there is a sign of patterns in a path."""
    return any(sign in str(path) for sign in _SIGNS)


def fixed_part(pattern: Path) -> Path:
    """The folder before the first part of a pattern that has a sign in it."""
    kept: list[str] = []
    for part in pattern.parts[:-1]:
        if any(sign in part for sign in _SIGNS):
            break
        kept.append(part)
    return Path(*kept)


def matches(pattern: Path) -> list[Path]:
    """Files and folders that match a pattern, by name; those that begin with a dot only where the pattern has the dot."""
    folder = fixed_part(pattern)
    return sorted(set(_below(folder, pattern.parts[len(folder.parts) :])))


def _below(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """What lies in a folder and matches parts of a pattern."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == _ANY_FOLDERS:
        yield from _below(folder, rest)
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(folder / entry.name, parts)
            elif not rest and not entry.is_dir():
                yield folder / entry.name
    elif is_pattern(Path(part)):
        for entry in _entries(folder):
            is_meant = fnmatch.fnmatch(entry.name, part) and (part.startswith(".") or not entry.name.startswith("."))
            if is_meant and (not rest or entry.is_dir()):
                yield from _below(folder / entry.name, rest)
    elif os.path.lexists(folder / part):
        yield from _below(folder / part, rest)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # no folder, or one that nobody may look into
        return []
