"""Owns which files are written for an input, in which formats, and that no two inputs write the same."""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from mpm_core.bulk.inputs import Input
from mpm_core.errors import UserError
from mpm_core.formats.base import CHOICES, Format, WriteOptions


class Gives(Protocol):
    """What a command writes: kinds of files, each with a name and an ending."""

    def named(self, told: str) -> Sequence[tuple[Any, str]]:
        """The kinds in a text such as 'bvh,csv', each with the ending of files of it; UserError for one that there is not."""
        ...

    def meant(self, target: Path) -> Any:
        """The kind that a file would be of, by its ending; UserError for none."""
        ...

    def is_file_name(self, path: Path) -> bool:
        """Whether a path that is not there yet would be a file, by its ending."""
        ...

    def check(self, options: argparse.Namespace, kinds: Sequence[Any]) -> list[str]:
        """What is to be said of options that some of several kinds do not have; UserError where none has one."""
        ...


class PoseFiles:
    """Files of poses, in every format that can be written."""

    def named(self, told: str) -> Sequence[tuple[Format, str]]:
        """See Gives.named; by a format's name or its ending."""
        return formats_of(told)

    def meant(self, target: Path) -> Format:
        """See Gives.meant."""
        from mpm_core.formats import check_ending

        return check_ending(target)

    def is_file_name(self, path: Path) -> bool:
        """See Gives.is_file_name."""
        from mpm_core.formats import writers

        return any(path.name.lower().endswith(suffix) for f in writers() for suffix in f.suffixes)

    def check(self, options: argparse.Namespace, kinds: Sequence[Format]) -> list[str]:
        """See Gives.check."""
        return _check_choices(options, kinds)


def formats_of(told: str) -> tuple[tuple[Format, str], ...]:
    """The formats in a text such as 'bvh,csv,trc', each by its name or its ending, with the ending of files of it; UserError
    for one that cannot be written or is named twice."""
    from mpm_core.formats import writers

    found: list[tuple[Format, str]] = []
    for name in (part.strip().lower() for part in told.split(",")):
        by_ending = [(f, suffix) for f in writers() for suffix in f.suffixes if suffix == f".{name.removeprefix('.')}"]
        meant = next(((f, f.suffixes[0]) for f in writers() if f.name == name), None) or next(iter(by_ending), None)
        if meant is None:
            known = ", ".join(sorted({suffix[1:] for f in writers() for suffix in f.suffixes}))
            raise UserError(f"--to {name}: cannot write this format (known: {known})")
        if meant in found:
            raise UserError(f"--to {told}: names {meant[0].label} twice")
        found.append(meant)
    return tuple(found)


def targets_of(one: Input, folder: Path, endings: Sequence[str], gives: Gives) -> tuple[Path, ...]:
    """The files to write for one input; UserError where its name would make one of another format."""
    targets = tuple(folder / one.place.with_name(one.place.name + ending) for ending in endings)
    for target, ending in zip(targets, endings, strict=True):
        if gives.meant(target) != gives.meant(Path(f"a{ending}")):
            raise UserError(f"{one.path}: its name would make {target.name} another kind of file; give it another name")
    return targets


def doubles(targets: Sequence[tuple[Input, tuple[Path, ...]]]) -> dict[Path, str]:
    """Inputs that would write the same file as another, and why that cannot be."""
    writing: dict[str, list[Input]] = defaultdict(list)
    for one, files in targets:
        for file in files:
            writing[os.path.normcase(file)].append(one)
    found: dict[Path, str] = {}
    for name, inputs in writing.items():
        for one in inputs if len(inputs) > 1 else ():
            other = next((x.path for x in inputs if x.path != one.path), one.path)
            found[one.path] = f"{one.path}: {other} would be written to {name} too; give them names or folders of their own"
    return found


def _check_choices(options: argparse.Namespace, formats: Sequence[Format]) -> list[str]:
    """What is to be said of options of writers that some of several formats do not have; UserError where none has one."""
    usual, named = WriteOptions(), {"unit": "out_unit", "up_axis": "out_up", "fps": "out_fps"}
    given = {name: getattr(options, named.get(name, name), getattr(usual, name)) for name in CHOICES}
    said = []
    for name in replace(usual, **given).chosen():
        without = [f.label for f in formats if name not in f.choices]
        if len(without) == len(formats):
            raise UserError(f"{CHOICES[name]}: none of the formats that are written has this choice")
        if without:
            said.append(f"{CHOICES[name]} is not for {' and '.join(without)}, which are written as usual")
    return said
