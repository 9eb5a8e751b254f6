"""Reads CSV of other programs: columns per joint (by name or number) or a row per joint, MediaPipe's among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_FPS, LIKELY, POSSIBLE, Probe, ReadOptions, Recognition, rate_of_times
from mpm_core.formats.keypoints.depths import is_guessed
from mpm_core.formats.keypoints.frames import Numbered, frames_at, number_frames
from mpm_core.formats.keypoints.layouts import counts_known
from mpm_core.formats.keypoints.naming import joint_of
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import SightingRows, is_about_hips
from mpm_core.formats.tables import Table, check_once
from mpm_core.skeleton import MEDIAPIPE33

_SCORES = ("conf", "confidence", "score", "likelihood", "visibility", "visible", "prob", "probability", "c", "p", "s", "v")
_PARTS = "|".join(("x", "y", "z", *_SCORES))
_COLUMN = (
    re.compile(rf"(?P<joint>.+?)[ _.\-:]+(?P<part>{_PARTS})", re.IGNORECASE),
    re.compile(rf"(?P<part>{_PARTS})[ _.\-:]?(?P<joint>\d+)", re.IGNORECASE),
    re.compile(rf"(?P<part>{_PARTS})[ _.\-:]+(?P<joint>.+)", re.IGNORECASE),
    re.compile(rf"(?P<joint>\d+)(?P<part>{_PARTS})", re.IGNORECASE),
)
_JOINT = ("joint", "landmark", "keypoint", "bodypart", "marker", "jointname", "landmarkname", "keypointname", "jointid",
          "landmarkid", "landmarkindex", "keypointid")  # fmt: skip
_FRAME = ("frame", "frameid", "framenumber", "frameno", "frameidx", "frameindex", "image", "imageid", "imagename", "filename")
_TIME = {"time": 0.0, "times": 1.0, "t": 0.0, "timestamp": 0.0, "seconds": 1.0, "sec": 1.0, "timems": 1e-3,
         "timestampms": 1e-3, "timestamps": 0.0, "timeus": 1e-6, "timestampus": 1e-6, "timens": 1e-9,
         "timestampns": 1e-9}  # fmt: skip
_PERSON = ("person", "personid", "trackid", "track", "idx", "subject", "pid", "id")

# Units in which times of no named one may be, each in seconds: frames are less than a second apart, and more than a thousandth.
_TIME_UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
_LONGEST_STEP_S = 1.0


@dataclass(frozen=True)
class _Columns:
    """Where things stand in the table: for each joint x, y, z and score; -1 for what it lacks."""

    joints: tuple[str, ...]
    places: NDArray[np.intp]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _find(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((n for n, name in enumerate(header) if _plain(name) in names), None)


def _wide_columns(header: Sequence[str]) -> _Columns | None:
    """The joints that have both x and y; None when there are too few."""
    for pattern in _COLUMN:
        found: dict[str, dict[str, int]] = {}
        for place, name in enumerate(header):
            match = pattern.fullmatch(name.strip())
            if match:
                part = match["part"].lower()
                found.setdefault(match["joint"].strip(), {})[part if part in "xyz" else "score"] = place
        joints = [joint for joint, parts in found.items() if {"x", "y"} <= set(parts)]
        if sum(joint_of(joint) is not None for joint in joints) >= 4 or (
            len(joints) in counts_known() and all(joint.isdecimal() for joint in joints)
        ):
            if all(joint.isdecimal() for joint in joints):
                joints.sort(key=int)
            places = [[found[joint].get(part, -1) for part in ("x", "y", "z", "score")] for joint in joints]
            return _Columns(tuple(joints), np.array(places))
    return None


def _is_long(header: Sequence[str]) -> bool:
    return {"x", "y"} <= {_plain(name) for name in header} and _find(header, _JOINT) is not None


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind != "text":
        return None
    header = probe.head.header
    if _is_long(header):
        return Recognition(POSSIBLE, "columns for joint, x and y")
    columns = _wide_columns(header)
    if columns is None:
        return None
    is_named = not all(joint.isdecimal() for joint in columns.joints)
    return Recognition(LIKELY if is_named else POSSIBLE, "columns with x and y of joints")


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    table = probe.table
    if not len(table):
        raise UserError(f"{probe.path}: the clip has no frames")
    if _is_long(table.header):
        keys, joints, values = _long(table)
    else:
        columns = _wide_columns(table.header)
        if columns is None:
            raise UserError(f"{probe.path}: no columns with x and y of joints that are known by name")
        check_once([table.header[place] for place in np.ravel(columns.places[:, :3]) if place >= 0], table.header, probe.path)
        keys, joints, values = np.arange(len(table)), columns.joints, _wide(table, columns)
    notes = _check_depth(values, joints, probe.path, options.normalised is not None)
    frames, fps, said = _frames(table, keys, probe.path)
    person = _find(table.header, _PERSON)
    who = [table.texts(table.header[person])[key] for key in keys] if person is not None else ["the only one"] * len(keys)
    entries = SightingRows.of(frames, values[..., [0, 1, 3]], who, str(probe.path), "row", np.asarray(keys) + 1)
    are_numbers = all(joint.isdecimal() for joint in joints)
    return Sightings(
        entries, (int(frames.min()), int(frames.max())), fps, joints=None if are_numbers else joints, notes=(*notes, *said)
    )  # fmt: skip


def _wide(table: Table, columns: _Columns) -> NDArray[np.float64]:
    """(rows, joints, 4) x, y, z and score; NaN for what is not there, 1 for scores that are not."""
    values = np.full((len(table), len(columns.joints), 4), np.nan)
    values[..., 3] = 1.0
    for part in range(4):
        has = np.flatnonzero(columns.places[:, part] >= 0)
        if len(has):
            values[:, has, part] = table.columns(columns.places[has, part].tolist())
    return values


def _long(table: Table) -> tuple[NDArray[np.intp], tuple[str, ...], NDArray[np.float64]]:
    """The first row of each frame and person, the joints, and (frames, joints, 4) values."""
    joint = _find(table.header, _JOINT)
    assert joint is not None
    names = table.texts(table.header[joint])
    joints = list(dict.fromkeys(names))
    if all(name.isdecimal() for name in joints):
        joints.sort(key=int)
    frame = _find(table.header, _FRAME)
    moment = frame if frame is not None else _find(table.header, tuple(_TIME))
    keyed = [place for place in (moment, _find(table.header, _PERSON)) if place is not None]
    if not keyed:
        raise UserError(f"{table.path}: a row per joint needs a column 'frame' or 'time'")
    _, first, places = np.unique(table.cells[:, keyed], axis=0, return_index=True, return_inverse=True)
    which = np.array([joints.index(name) for name in names])
    if len(np.unique(places.ravel() * len(joints) + which)) < len(which):
        raise UserError(f"{table.path}: a joint has two rows for one frame, and no column says which person each is")
    values = np.full((len(first), len(joints), 4), np.nan)
    values[..., 3] = 1.0
    for part, wanted in enumerate((("x",), ("y",), ("z",), _SCORES)):
        column = _find(table.header, wanted)
        if column is not None:
            values[places.ravel(), which, part] = table.columns([column])[:, 0]
    return first, tuple(joints), values


def _check_depth(values: NDArray[np.float64], joints: Sequence[str], path: Path, are_places: bool) -> tuple[str, ...]:
    """UserError for positions in 3D, unless are_places: somebody said what x and y are in an image. MediaPipe's z is a depth by
    guess, and left out."""
    if not np.isfinite(values[..., 2]).any() or not np.nanmax(np.abs(values[..., 2])) > 0:
        return ()
    are_landmarks = len(joints) == len(MEDIAPIPE33) and all(joint.isdecimal() for joint in joints)
    names = list(MEDIAPIPE33.joints) if are_landmarks else [joint_of(joint) for joint in joints]
    hips = [names.index(hip) for hip in ("LHip", "RHip") if hip in names]
    hips = hips if len(hips) == 2 else []
    is_2d = are_places or is_guessed(values[..., :3], hips) or (hips and is_about_hips(values[..., :2], hips))
    if not is_2d:
        raise UserError(
            f"{path}: its joints have x, y and z, so these are 3D positions, while 2D is wanted from such a file"
            " (--normalised or --no-normalised takes x and y for places in an image all the same)"
        )
    return ("the depth z is left out, as it is not measured in pixels",)


def _frames(table: Table, keys: NDArray[np.intp], path: Path) -> tuple[NDArray[np.intp], float | None, tuple[str, ...]]:
    """The frame of each row, by its number, its image's name or its time; frames per second where times tell."""
    time = _find(table.header, tuple(_TIME))
    seconds, fps, said = None, None, tuple[str, ...]()
    if time is not None:
        seconds = table.columns([time])[keys, 0]
        known = np.unique(seconds[np.isfinite(seconds)])
        step = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
        unit = _TIME[_plain(table.header[time])]
        if not unit and step == 1 and np.all(seconds == np.rint(seconds)):
            # Whole numbers, one after the other, are neither seconds nor thousandths of them.
            number_of = seconds.astype(np.int64)
            return number_of, None, (f"'{table.header[time]}' is taken to count frames",)
        if not unit:
            name, unit = next(((n, u) for n, u in _TIME_UNITS.items() if step * u < _LONGEST_STEP_S), ("seconds", 1.0))
            said = (f"the times in '{table.header[time]}' are taken for {name}",) if unit < 1 else ()
        seconds = seconds * unit
        fps = rate_of_times(known * unit)
    frame = _find(table.header, _FRAME)
    if frame is not None:
        texts = table.texts(table.header[frame])
        names = [texts[key] for key in keys]
        distinct = list(dict.fromkeys(names))
        numbered = _whole_numbers(distinct) or number_frames(distinct, str(path))
        number_by_name = dict(zip(distinct, numbered.numbers, strict=True))
        numbers = np.array([number_by_name[name] for name in names])
        if seconds is not None:
            is_timed = np.isfinite(seconds)
            places, first = np.unique(numbers[is_timed], return_index=True)
            fps = rate_of_times(seconds[is_timed][first], places)
        return numbers, fps or numbered.fps, (*said, *numbered.notes)
    if seconds is not None and np.isfinite(seconds).all():
        places, rate = frames_at(seconds) or (np.rint((seconds - seconds.min()) * (fps or ASSUMED_FPS)).astype(np.int64), fps)
        return places, rate, said
    return np.arange(len(keys)), None, ()


def _whole_numbers(names: Sequence[str]) -> Numbered | None:
    """Numbers of frames as they stand, which count from below zero where zero is an event; None for other names."""
    if not all(name.removeprefix("-").isdecimal() for name in names):
        return None
    numbers = [int(name) for name in names]
    return Numbered(tuple(number - min(0, *numbers) for number in numbers))


FORMAT = detection_format("csv-joints", "CSV of other programs, joints by name", (".csv", ".tsv", ".txt"), _recognise, _parse)
