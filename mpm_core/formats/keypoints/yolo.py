"""Reads what Ultralytics' YOLO writes of poses: a folder of text files with shares of the image, and JSON of its results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, LIKELY, Probe, ReadOptions, Recognition, read_text
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, as_people, broken_note, frame_format
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.layouts import counts_known
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting, identity_of

_USUAL = ("coco17",)
# A line begins with the class and the box, all as shares of the image.
_BOX = 5


def _knows(content: Any) -> Recognition | None:
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        return None
    keypoints = content[0].get("keypoints")
    is_one = isinstance(keypoints, dict) and {"x", "y"} <= set(keypoints)
    return Recognition(CERTAIN, "results whose 'keypoints' hold 'x' and 'y'") if is_one else None


def _people(content: Any, where: str) -> Iterator[RawPerson]:
    for place, person in enumerate(as_people(content, where, "results")):
        here = f"{where}: person {place}"
        keypoints = person.get("keypoints") if isinstance(person, dict) else None
        if keypoints is None:
            continue
        x, y = (keypoints.get(axis) if isinstance(keypoints, dict) else None for axis in "xy")
        if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y):
            raise UserError(f"{here}: 'keypoints' are not lists 'x' and 'y' of one length")
        if x:
            yield RawPerson(
                [list(pair) for pair in zip(x, y, strict=True)], here, keypoints.get("visible"), identity_of(person)
            )


JSON_FORMAT = frame_format(FrameLayout("yolo-json", "YOLO-pose JSON", _USUAL, _knows, _people))


def _names(probe: Probe) -> list[str]:
    return [name for name in probe.files if name.lower().endswith(".txt")] if probe.kind == "folder" else []


def _recognise(probe: Probe) -> Recognition | None:
    names = _names(probe)
    if not names:
        return None
    fullest = max(names, key=lambda name: (probe.path / name).stat().st_size)
    try:
        rows = _rows(read_text(probe.path / fullest), str(probe.path / fullest))
    except UserError:
        return None
    is_one = bool(rows) and _joint_count(len(rows[0])) is not None and all(0 <= value <= 1 for value in rows[0][1:_BOX])
    return Recognition(LIKELY, "lines of a class, a box and keypoints") if is_one else None


def _rows(text: str, where: str) -> list[list[float]]:
    try:
        return [[float(cell) for cell in line.split()] for line in text.splitlines() if line.strip()]
    except ValueError:
        raise UserError(f"{where}: not lines of numbers") from None


def _joint_count(cells: int) -> tuple[int, int] | None:
    """How many joints a line of so many numbers has, with x, y and score each, and how many numbers follow them."""
    for rest in (0, 1, 2):  # the person's confidence and number may stand at the end
        joints, odd = divmod(cells - _BOX - rest, 3)
        if odd == 0 and joints in counts_known():
            return joints, rest
    return None


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    names = _names(probe)
    numbered = number_frames(names, str(probe.path))
    entries: list[Sighting] = []
    broken: list[UserError] = []
    for number, name in zip(numbered.numbers, names, strict=True):
        try:
            entries += _sightings(number, probe.path / name)
        except UserError as error:
            broken.append(error)
    is_share = all(np.nanmax(np.abs(np.array(entry.values).reshape(-1, 3)[:, :2])) <= 1.5 for entry in entries[:50])
    first_and_last = (min(numbered.numbers), max(numbered.numbers))
    notes = (*broken_note(broken, len(names)), *numbered.notes)
    return Sightings(entries, first_and_last, numbered.fps, usual=_USUAL, normalised=is_share, notes=notes)


def _sightings(number: int, path: Path) -> list[Sighting]:
    """Everybody in the file of one frame."""
    found = []
    for place, row in enumerate(_rows(read_text(path), str(path))):
        where = f"{path}: line {place + 1}"
        counted = _joint_count(len(row))
        if counted is None:
            raise UserError(f"{where}: {len(row)} numbers are no box with x, y and score of known joints")
        joints, rest = counted
        last = row[-1] if rest else float("nan")
        is_number = rest == 2 or (rest == 1 and float(last).is_integer())
        found.append(Sighting(number, row[_BOX : _BOX + 3 * joints], where, identity=int(last) if is_number else None))
    return found


FORMAT = detection_format("yolo", "YOLO-pose text folder", (), _recognise, _parse)
