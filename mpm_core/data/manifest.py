"""Owns manifests: what a folder of motion files says about them in its manifest.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mpm_core.errors import UserError
from mpm_core.formats.base import read_text

NAME = "manifest.csv"
_LEVELS_ABOVE = 3
_MOST_DIGITS = 9  # of a frame's number


@dataclass(frozen=True)
class FileFacts:
    """What is known of one motion file beside the file; None where nothing is.

    units_per_metre: source units in a metre. bad: (first, last) frames to leave out, 0-based, last included.
    """

    subject: str | None = None
    split: str | None = None
    fps: float | None = None
    units_per_metre: float | None = None
    bad: tuple[tuple[int, int], ...] = ()


def find_manifest(folder: Path) -> dict[Path, FileFacts]:
    """Facts by resolved path, from the manifest.csv in a folder or in one above it; empty when there is none.

    Columns: file (relative to the manifest), subject, split, fps, units_per_metre, bad_frames ('12-30 100-120'); any may be
    missing but the first. UserError with the line for a damaged one.
    """
    manifest = manifest_for(folder)
    return {} if manifest is None else _read(manifest)


def manifest_for(folder: Path) -> Path | None:
    """The manifest.csv in a folder or in one above it, None when there is none."""
    folder = folder.resolve()
    places = (place / NAME for place in (folder, *folder.parents[:_LEVELS_ABOVE]))
    return next((path for path in places if path.is_file()), None)


def _read(path: Path) -> dict[Path, FileFacts]:
    facts = {}
    reader = csv.DictReader(read_text(path).splitlines())
    try:
        if "file" not in (reader.fieldnames or ()):
            raise UserError(f"{path}: the column 'file' is missing")
        for row in reader:
            facts[(path.parent / _name_of(row)).resolve()] = _facts_of(row)
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}") from None
    except OSError as error:
        raise UserError(f"{path}, line {reader.line_num}: {error.strerror}") from None
    return facts


def _name_of(row: dict[str, str | None]) -> str:
    name = row["file"]
    if not name or "\0" in name:
        raise ValueError("no name of a file in the column 'file'")
    return name


def _facts_of(row: dict[str, str | None]) -> FileFacts:
    return FileFacts(
        subject=row.get("subject") or None,
        split=row.get("split") or None,
        fps=_positive(row.get("fps"), "fps"),
        units_per_metre=_positive(row.get("units_per_metre"), "units_per_metre"),
        bad=tuple(_range_of(text) for text in (row.get("bad_frames") or "").replace(";", " ").split()),
    )


def _positive(text: str | None, name: str) -> float | None:
    if not text:
        return None
    value = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"'{text[:20]}' is no positive number for {name}")
    return value


def _range_of(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    last = last if dash else first
    is_range = all(part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS for part in (first, last))
    if not is_range or int(last) < int(first):
        raise ValueError(f"'{text[:20]}' is no range of frames such as 12-30")
    return int(first), int(last)
