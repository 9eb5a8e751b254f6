"""Reads this project's CSV: a row per frame or per joint, x, y (and z), where each value came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import (
    ASSUMED_SIZE,
    CERTAIN,
    IN_WORLD,
    Contents,
    Format,
    Probe,
    ReadOptions,
    Recognition,
)
from mpm_core.formats.csv_writing import write_csv
from mpm_core.formats.stated import rate_stated, size_stated
from mpm_core.formats.tables import Table
from mpm_core.formats.units import to_metres
from mpm_core.limits import check_rate
from mpm_core.pauses import at_rate, frames_to_keep, pause_notes
from mpm_core.skeleton import SKELETONS, Skeleton

_ASSUMED_FPS = 50.0
# Keys of the lines above the table, of which one is enough.
_COMMENTS = {"mpm-viewer", "units", "skeleton", "fps", "image_size", "camera", "up"}


@dataclass(frozen=True)
class _Rows:
    """A row per frame, also where the file has one per joint: (rows, joints, 2 or 3) points, (rows, joints) confidence, and
    what each is (see sources.py)."""

    skeleton: Skeleton
    points: NDArray[np.float64]
    confidence: NDArray[np.float64] | None
    frames: NDArray[np.float64] | None
    times: NDArray[np.float64] | None
    sources: NDArray[np.str_] | None = None


def _skeleton(joints: set[str]) -> Skeleton | None:
    return next((s for s in SKELETONS.values() if set(s.joints) == joints), None)


def _is_long(header: tuple[str, ...]) -> bool:
    return {"joint", "x", "y"} <= set(header) and bool({"frame", "time_s"} & set(header))


def _joints_of(table: Table) -> Skeleton | None:
    if _is_long(table.header):
        return _skeleton(set(table.labels("joint")[0]))
    return _skeleton({name[:-2] for name in table.header if name.endswith("_x")})


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind != "text" or _joints_of(_plain(probe.head)) is None or not _is_ours(probe.head):
        return None
    return Recognition(CERTAIN, "columns of our joints")


def _is_ours(table: Table) -> bool:
    """Whether a table of our joints was written by us, as our comments, our sources or our units tell, or is 3D. Anybody may
    call joints so, and have scores, times and shares of an image that are none of ours."""
    header = table.header
    marks = any(name == "source" or name.endswith(("_source", "x_px")) for name in header)
    return marks or bool(_COMMENTS & table.comments.keys()) or any(name == "z" or name.endswith("_z") for name in header)


def _inspect(probe: Probe, options: ReadOptions) -> Contents:
    comments, header = probe.table.comments, _plain(probe.table).header
    is_3d = any(name == "z" or name.endswith("_z") for name in header)
    lacks = [] if "time_s" in header or "fps" in comments else ["fps"]
    if not is_3d and "image_size" not in comments:
        lacks.append("image_size")
    return Contents(lacks=tuple(lacks), assumed_fps=_ASSUMED_FPS)


def _read(probe: Probe, options: ReadOptions) -> Clip:
    table = _plain(probe.table)
    skeleton = _joints_of(table)
    if skeleton is None:
        raise UserError(f"{probe.path}: its columns are not those of a skeleton that we know")
    if not len(table):
        raise UserError(f"{probe.path}: the clip has no frames")
    rows = _long_rows(table, skeleton) if _is_long(table.header) else _wide_rows(table, skeleton)
    places = _frame_places(rows, probe.path)
    notes: list[str] = []
    told_fps, said = rate_stated(_told_rate(table.comments), rows.times, places)
    notes += said
    fps = options.fps or told_fps
    if fps is None:
        fps = _ASSUMED_FPS
        notes.append(f"the file has no frame rate: {_ASSUMED_FPS:g} frames/s assumed")
    if options.fps is not None and rows.times is not None:
        rows = replace(rows, times=at_rate(rows.times, fps) if np.isfinite(rows.times).all() else None)
    rows, told = _with_gaps(rows, places, check_rate(fps, f"{probe.path}: "), probe.path)
    notes += told
    is_3d = rows.points.shape[-1] == 3
    size, said = size_stated(options.image_size, _image_size(table.comments))
    notes += said
    if size is None:
        size = ASSUMED_SIZE
        if not is_3d:
            notes.append(f"the file has no image size: {size[0]} x {size[1]} assumed")
    points = rows.points
    if is_3d:
        if not _COMMENTS & table.comments.keys():
            notes.append("the file names no axes: a camera's are assumed, x to the right, y down and z away from it")
        points, unit_notes = to_metres(points, skeleton, options.unit)
        notes += unit_notes
    clip = Clip.from_arrays(
        None if is_3d else points,
        size,
        fps,
        skeleton.name,
        rows.confidence,
        points if is_3d else None,
        rows.times,
        _camera(table.comments, probe.path),
        up=_up(table.comments, probe.path),
        source=str(probe.path),
        notes=(*notes, *([table.comments["note"]] if "note" in table.comments else [])),
        height_m=_height(table.comments, probe.path),
    )
    clip = replace(clip, own_fps=_own_rate(table.comments, told_fps, clip.fps, probe.path))
    return clip if rows.sources is None else _marked(clip, rows.sources)


def _marked(clip: Clip, sources: NDArray[np.str_]) -> Clip:
    """The clip with what its table says of each joint. What was corrected was so in the 2D, which a table of 3D lacks."""
    derived, edited, completed = (clip.visible & (sources == name) for name in ("derived", "edited", "completed"))
    if clip.keypoints is not None:
        return replace(clip, derived=derived, edited=edited)
    return replace(clip, derived=derived, completed=completed if completed.any() else None)


def _plain(table: Table) -> Table:
    """A tidy table of pixels with the names of columns that the other has; one of 3D is motion in the world, see
    motion/tidy.py."""
    if not any(name.endswith("x_px") for name in table.header):
        return table
    names = (re.sub(r"(?<=[xy])_px$", "", name).replace("confidence", "conf") for name in table.header)
    return replace(table, header=tuple(names))


def _wide_rows(table: Table, skeleton: Skeleton) -> _Rows:
    axes = "xyz" if f"{skeleton.joints[0]}_z" in table.header else "xy"
    points = table.numbers([f"{j}_{a}" for j in skeleton.joints for a in axes])
    names = [f"{j}_conf" for j in skeleton.joints]
    confidence = table.numbers(names) if set(names) <= set(table.header) else None
    frames, times = (table.numbers([name])[:, 0] if name in table.header else None for name in ("frame", "time_s"))
    sources = None
    if {f"{joint}_source" for joint in skeleton.joints} <= set(table.header):
        sources = np.stack([_texts(table, f"{joint}_source") for joint in skeleton.joints], axis=1)
    return _Rows(skeleton, points.reshape(len(table), len(skeleton), len(axes)), confidence, frames, times, sources)


def _texts(table: Table, name: str) -> NDArray[np.str_]:
    """(rows,)."""
    names, which = table.labels(name)
    return np.array(names)[which]


def _long_rows(table: Table, skeleton: Skeleton) -> _Rows:
    """Rows of one frame, by its number or else its time, put together; UserError for a joint that is there twice."""
    key = table.numbers(["frame" if "frame" in table.header else "time_s"])[:, 0]
    names, which = table.labels("joint")
    joints = np.array([skeleton.index(name) for name in names])[which]
    found, first, places = np.unique(key, return_index=True, return_inverse=True)
    if (np.bincount(places * len(skeleton) + joints) > 1).any():
        raise UserError(f"{table.path}: a joint has two rows for one frame; only one person can be read from a CSV")
    axes = [axis for axis in "xyz" if axis in table.header]
    points = np.full((len(found), len(skeleton), len(axes)), np.nan)
    points[places, joints] = table.numbers(axes)
    confidence = None
    if "conf" in table.header:
        confidence = np.zeros(points.shape[:2])
        confidence[places, joints] = table.numbers(["conf"])[:, 0]
    sources = None
    if "source" in table.header:
        sources = np.full(points.shape[:2], "hidden", "<U16")
        sources[places, joints] = _texts(table, "source")
    times = table.numbers(["time_s"])[first, 0] if "time_s" in table.header else None
    return _Rows(skeleton, points, confidence, found if "frame" in table.header else None, times, sources)


def _frame_places(rows: _Rows, path: Path) -> NDArray[np.int64]:
    """The frame of each row, from 0: by the numbers, or by the times where these are whole steps, or one after the other."""
    places = _places(rows.frames, "frame", path)
    if places is None and rows.times is not None and len(rows.times) > 1 and np.isfinite(rows.times).all():
        steps = np.diff(rows.times)
        whole = np.concatenate([[0.0], np.cumsum(np.rint(steps / max(float(np.median(steps)), 1e-9)))])
        even = np.abs(whole * float(np.median(steps)) - (rows.times - rows.times[0])) < 0.3 * float(np.median(steps))
        places = whole if even.all() and (steps > 0).all() else None
    return np.arange(len(rows.points)) if places is None else places.astype(np.int64)


def _with_gaps(rows: _Rows, places: NDArray[np.int64], fps: float, path: Path) -> tuple[_Rows, tuple[str, ...]]:
    """The same with the frames that have no row, as hidden ones. Where they last long they are left out, which is said."""
    last = int(places.max())
    kept = frames_to_keep(places, 0, last, fps, f"{path}: ")
    if len(kept) == len(places) and (places == kept).all():
        return rows, ()
    order = np.searchsorted(kept, places)

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.full((len(kept), *values.shape[1:]), np.nan)
        out[order] = values
        return out

    times = None if rows.times is None else spread(rows.times)
    if times is not None:
        known = np.isfinite(times)
        times = np.interp(kept, kept[known], times[known]) if known.any() else None
    if times is None and len(kept) <= last:
        times = kept / fps
    confidence = None if rows.confidence is None else np.nan_to_num(spread(rows.confidence))
    sources = None
    if rows.sources is not None:
        sources = np.full((len(kept), len(rows.skeleton)), "hidden", rows.sources.dtype)
        sources[order] = rows.sources
    rows = replace(rows, points=spread(rows.points), confidence=confidence, times=times, sources=sources)
    return rows, pause_notes(kept, 0, last, fps)


def _places(numbers: NDArray[np.float64] | None, name: str, path: Path) -> NDArray[np.float64] | None:
    """Whole numbers counted from the smallest; UserError when two are the same or one is missing or broken."""
    if numbers is None:
        return None
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any():
        raise UserError(f"{path}: '{name}' must hold whole numbers")
    if len(np.unique(numbers)) < len(numbers):
        raise UserError(f"{path}: a number in '{name}' stands in two rows; only one person can be read from a CSV")
    return numbers - numbers.min()


def _told_rate(comments: dict[str, str]) -> float | None:
    try:
        return _number(comments["fps"])
    except (KeyError, ValueError):
        return None


def _own_rate(comments: dict[str, str], told: float | None, fps: float, path: Path) -> float | None:
    """By which its video's own times go, where somebody said another rate than they do; UserError for no rate."""
    try:
        own = check_rate(_number(comments["own_fps"]), f"{path}: 'own_fps': ") if "own_fps" in comments else told
    except ValueError:
        raise UserError(f"{path}: 'own_fps' must be a number, not '{comments['own_fps'][:40]}'") from None
    return None if own == fps else own


def _number(text: str) -> float:
    """Also with the decimal comma that a search and replace has left in the lines above the table; ValueError for no number."""
    return float(text.replace(",", "."))


def _image_size(comments: dict[str, str]) -> tuple[int, int] | None:
    try:
        width, height = (int(part) for part in comments["image_size"].split("x"))
        return width, height
    except (KeyError, ValueError):
        return None


def _up(comments: dict[str, str], path: Path) -> tuple[float, float, float] | None:
    """The direction away from the ground, where the file says it; UserError for anything but one."""
    if "up" not in comments:
        return None
    try:
        x, y, z = (_number(part) for part in comments["up"].split())
    except ValueError:
        raise UserError(f"{path}: 'up' must be three numbers, not '{comments['up'][:40]}'") from None
    if not np.isfinite((x, y, z)).all() or not any((x, y, z)):
        raise UserError(f"{path}: 'up' must be a direction, not '{comments['up'][:40]}'")
    return x, y, z


def _camera(comments: dict[str, str], path: Path) -> Intrinsics | None:
    """The camera, where the file says it; UserError for anything but one."""
    if "camera" not in comments:
        return None
    *numbers, last = comments["camera"].split() or [""]
    is_assumed = last == "assumed"
    try:
        fx, fy, cx, cy = (_number(part) for part in (numbers if is_assumed else [*numbers, last]))
    except ValueError:
        raise UserError(f"{path}: 'camera' must be two focal lengths and a centre, not '{comments['camera'][:60]}'") from None
    return Intrinsics((fx, fy), (cx, cy), is_assumed)


def _height(comments: dict[str, str], path: Path) -> float | None:
    """How tall the person is, where the file says it; UserError for no number."""
    if "height_m" not in comments:
        return None
    try:
        return _number(comments["height_m"])
    except ValueError:
        raise UserError(f"{path}: 'height_m' must be a number of metres, not '{comments['height_m'][:40]}'") from None


FORMAT = Format(
    "csv", "CSV", (".csv",), _recognise, _inspect, _read, write_csv, choices=("long", "tidy", "uncertainty", *IN_WORLD),
    keeps_times=True, keeps_marks=True, heeds=("image_size", "unit"),
)  # fmt: skip
