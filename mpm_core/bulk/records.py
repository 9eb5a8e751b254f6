"""Owns what was done in an output folder: of what, as it was asked, by which version, and which files came of it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mpm_core.bulk.inputs import whole
from mpm_core.bulk.outcomes import Outcome
from mpm_core.errors import UserError
from mpm_core.formats.project import SUFFIX as PROJECT_SUFFIX
from mpm_core.formats.project import linked_files

NAME = ".mpm-done.jsonl"

# Options that change how the work goes and not what comes of it, and those that are looked at by themselves.
_NO_MATTER = frozenset(
    (
        "run",
        "input",
        "inputs",
        "output",
        "outputs",
        "to",
        "jobs",
        "resume",
        "json",
        "dry_run",
        "config",
        "dask",
        "base",
        "fresh",
    )
)


class Records:
    """A line of JSON for each input that was done, appended when all its files are whole; the last one of an input counts.

    Files are known by size and time of change, as by make and rsync; a folder by those of what is in it. A line that a killed
    program has begun is passed over, and so is one whose files are no longer as they were written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._known: dict[str, dict[str, Any]] = {}
        for entry in self._read():
            self._known[entry["input"]] = entry

    def _read(self) -> Iterable[dict[str, Any]]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(f"{self._path}: cannot be read ({error.strerror})") from error
        for line in lines:
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(entry, dict) or not {"asked", "frames"} <= entry.keys():
                continue
            if isinstance(entry.get("input"), str) and isinstance(entry.get("outputs"), dict):
                yield entry

    def outputs(self) -> frozenset[Path]:
        """All files that were written here, by their whole paths without links."""
        folder = Path(os.path.realpath(self._folder))
        return frozenset(folder / name for entry in self._known.values() for name in entry["outputs"])

    def find(self, source: Path, asked: str) -> tuple[int, tuple[Path, ...]] | None:
        """Frames and files of an input that was done as it is asked now, if these are still as they were written."""
        entry = self._known.get(str(whole(source)))
        if entry is None or entry["asked"] != asked or not entry["outputs"]:
            return None
        files = tuple(self._folder / name for name in entry["outputs"])
        if any(_mark(file) != mark for file, mark in zip(files, entry["outputs"].values(), strict=True)):
            return None
        return entry["frames"], files

    def add(self, outcome: Outcome, asked: str) -> None:
        """Note that an input was done. UserError when that cannot be written."""
        outputs = {os.path.relpath(file, self._folder): _mark(file) for file in outcome.outputs}
        source = str(whole(outcome.input))
        entry = {"input": source, "asked": asked, "outputs": outputs, "frames": outcome.frames}
        line = json.dumps(entry) + "\n"  # in ASCII: names of files need not be text
        try:
            with self._path.open("ab") as file:
                file.write((("" if self._ends_whole() else "\n") + line).encode())
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._known[source] = entry

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


class Asked:
    """What is asked of every input, so that it can be told for each whether the same was asked before."""

    def __init__(self, command: str, options: argparse.Namespace, endings: Iterable[str], aids: Iterable[Path]) -> None:
        from mpm_core.about import version_text

        given = {name: str(value) for name, value in sorted(vars(options).items()) if name not in _NO_MATTER}
        weights = _shipped_weights(options)
        marks = [[str(path), _mark(path)] for path in (*aids, *weights)]
        self._skeletons: dict[Path, list[Any]] = {}
        self._told = [command, version_text(), given, list(endings), marks]

    def of(self, source: Path) -> str:
        """A digest of what is asked and of the input as it is now."""
        text = json.dumps([*self._told, str(whole(source)), _mark(source), *self._read_with(source)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _read_with(self, source: Path) -> list[Any]:
        """Other files that an input needs: a project's video, and of an AMC the ASFs in its folder, one of which it is read
        with."""
        if source.suffix.lower() == PROJECT_SUFFIX and source.is_file():
            return [[str(path), _mark(path)] for path in linked_files(source)]
        if source.suffix.lower() != ".amc" or source.is_dir():
            return []
        folder = source.parent
        if folder not in self._skeletons:
            found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".asf")
            self._skeletons[folder] = [[path.name, _mark(path)] for path in found]
        return self._skeletons[folder]


def _shipped_weights(options: argparse.Namespace) -> tuple[Path, ...]:
    from mpm_core.assets import SAMPLING_LIFTERS, find_asset, shipped_weights

    name = getattr(options, "lifter", None)
    if name is None:
        return ()
    names = shipped_weights(name, getattr(options, "samples", None) or 0)
    # Of one's own is the last network of those that answer by hypotheses, the first of others.
    own = () if options.weights is None else (names[-1] if name in SAMPLING_LIFTERS else names[0],)
    found = []
    for asset in (asset for asset in names if asset not in own):
        with suppress(UserError):  # it is said when they are loaded
            found.append(find_asset(asset))
    return tuple(found)


def _mark(path: Path) -> list[Any] | None:
    """What changes when a file, or anything in a folder, does; None where there is none."""
    try:
        if not path.is_dir():
            found = path.stat()
            return [found.st_size, found.st_mtime_ns]
        with os.scandir(path) as entries:
            parts = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries)
    except (OSError, ValueError):
        return None
    return [len(parts), hashlib.sha256(repr(parts).encode()).hexdigest()]
