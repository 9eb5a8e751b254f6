"""Reads and writes this project's CSV: a row per frame, x, y (and z) of every joint, where each value came from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_SIZE, Contents, Format, Probe, ReadOptions, WriteOptions, rate_of_times
from mpm_core.grounding.up import find_up
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16, SKELETONS, Skeleton

_ASSUMED_FPS = 50.0

_AXES_3D = "metres; camera axes: x right, y down, z forward; <joint>_conf: detector confidence"
_AXES_2D = "pixels; x right, y down from the top left corner; <joint>_conf: detector confidence"


def _table(probe: Probe) -> tuple[dict[str, str], list[str], list[list[str]]]:
    """The '# key: value' comments, the header and the rows of a file."""
    comments, lines = {}, []
    for line in probe.text.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            comments[key.strip()] = value.strip()
        elif line.strip():
            lines.append(line)
    reader = csv.reader(lines)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise UserError(f"{probe.path}: line {reader.line_num} after the comments: {error}") from None
    return (comments, rows[0], rows[1:]) if rows else (comments, [], [])


def _skeleton(header: list[str]) -> Skeleton | None:
    joints = {name[:-2] for name in header if name.endswith("_x")}
    return next((s for s in SKELETONS.values() if set(s.joints) == joints), None)


def _sniff(probe: Probe) -> bool:
    if probe.suffix != ".csv":
        return False
    header = _table(probe)[1]
    return _skeleton(header) is not None


def _inspect(probe: Probe) -> Contents:
    comments, header, _ = _table(probe)
    is_3d = any(name.endswith("_z") for name in header)
    lacks = [] if "time_s" in header or "fps" in comments else ["fps"]
    if not is_3d and "image_size" not in comments:
        lacks.append("image_size")
    return Contents(lacks=tuple(lacks), assumed_fps=_ASSUMED_FPS)


def _read(probe: Probe, options: ReadOptions) -> Clip:
    comments, header, rows = _table(probe)
    skeleton = _skeleton(header)
    assert skeleton is not None  # sniffing saw it
    if not rows:
        raise UserError(f"{probe.path}: the clip has no frames")
    columns = {name: n for n, name in enumerate(header)}
    axes = "xyz" if f"{skeleton.joints[0]}_z" in columns else "xy"
    points = _numbers(probe.path, columns, rows, [f"{j}_{a}" for j in skeleton.joints for a in axes])
    points = points.reshape(len(rows), len(skeleton), len(axes))
    confidence = None
    if all(f"{j}_conf" in columns for j in skeleton.joints):
        confidence = _numbers(probe.path, columns, rows, [f"{j}_conf" for j in skeleton.joints])
    times = _numbers(probe.path, columns, rows, ["time_s"])[:, 0] if "time_s" in columns else None
    notes: list[str] = []
    fps = options.fps or _rate(comments, times, notes)
    size = options.image_size or _image_size(comments, axes, notes)
    is_3d = axes == "xyz"
    return Clip.from_arrays(
        None if is_3d else points,
        size,
        fps,
        skeleton.name,
        None if is_3d else confidence,
        points if is_3d else None,
        times if options.fps is None else None,
        up=_up(comments, probe.path),
        source=str(probe.path),
        notes=(*notes, *([comments["note"]] if "note" in comments else [])),
        height_m=_height(comments, probe.path),
    )


def _numbers(path: Path, columns: dict[str, int], rows: list[list[str]], names: list[str]) -> NDArray[np.float64]:
    """(rows, names) numbers, NaN for empty cells; UserError with row and column for anything else."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise UserError(f"{path}: the column '{missing[0]}' is missing")
    values = np.full((len(rows), len(names)), np.nan)
    for number, row in enumerate(rows):
        for place, name in enumerate(names):
            cell = row[columns[name]].strip() if columns[name] < len(row) else None
            if cell is None:
                raise UserError(f"{path}: row {number + 1} has {len(row)} columns, the header has {len(columns)}")
            if cell:
                try:
                    values[number, place] = float(cell)
                except ValueError:
                    raise UserError(f"{path}: row {number + 1}, column '{name}': '{cell[:20]}' is not a number") from None
    return values


def _rate(comments: dict[str, str], times: NDArray[np.float64] | None, notes: list[str]) -> float:
    try:
        return float(comments["fps"])
    except (KeyError, ValueError):
        pass
    rate = None if times is None else rate_of_times(times)
    if rate is not None:
        return rate
    notes.append(f"the file has no frame rate: {_ASSUMED_FPS:g} frames/s assumed")
    return _ASSUMED_FPS


def _image_size(comments: dict[str, str], axes: str, notes: list[str]) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in comments["image_size"].split("x"))
        return width, height
    except (KeyError, ValueError):
        if axes == "xy":
            notes.append(f"the file has no image size: {ASSUMED_SIZE[0]} x {ASSUMED_SIZE[1]} assumed")
        return ASSUMED_SIZE


def _up(comments: dict[str, str], path: Path) -> tuple[float, float, float] | None:
    """The direction away from the ground, where the file says it; UserError for anything but one."""
    if "up" not in comments:
        return None
    try:
        x, y, z = (float(part) for part in comments["up"].split())
    except ValueError:
        raise UserError(f"{path}: 'up' must be three numbers, not '{comments['up'][:40]}'") from None
    if not np.isfinite((x, y, z)).all() or not any((x, y, z)):
        raise UserError(f"{path}: 'up' must be a direction, not '{comments['up'][:40]}'")
    return x, y, z


def _height(comments: dict[str, str], path: Path) -> float | None:
    """How tall the person is, where the file says it; UserError for no number."""
    if "height_m" not in comments:
        return None
    try:
        return float(comments["height_m"])
    except ValueError:
        raise UserError(f"{path}: 'height_m' must be a number of metres, not '{comments['height_m'][:40]}'") from None


def _up_comment(up: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.6f}" for value in up)


def _write(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    part = options.frames(len(content))
    table = _prediction_table(content, options) if isinstance(content, Prediction) else _clip_table(content)
    clip = content if isinstance(content, Clip) else options.clip
    if clip is not None and clip.height_m is not None:
        table.comments["height_m"] = f"{clip.height_m:g}"
    if clip is not None and clip.lasting_notes:
        table.comments["note"] = "; ".join(clip.lasting_notes)
    with path.open("w", newline="", encoding="utf-8") as file:
        for key, value in table.comments.items():
            file.write(f"# {key}: {value}\n")
        (_write_long if options.long else _write_wide)(file, table, part)


@dataclass(frozen=True)
class _Table:
    """What is written: (frames, joints, axes) points, (frames, joints) confidence and sources, (frames,) seconds.

    A source is 'detected' (measured or given), 'edited' (by hand), 'hidden' (not there), 'completed' (by the lifter) or
    'derived' (from other joints).
    """

    comments: dict[str, str]
    skeleton: Skeleton
    points: NDArray[np.floating]
    confidence: NDArray[np.floating]
    sources: NDArray[np.str_]
    times: NDArray[np.float64]

    @property
    def fields(self) -> list[str]:
        return [*"xyz"[: self.points.shape[-1]], "conf", "source"]


def _prediction_table(prediction: Prediction, options: WriteOptions) -> _Table:
    clip = None if options.clip is None else options.clip.to_mpm16()
    if clip is not None and prediction.task == "complete" and clip.keypoints is not None:
        clip = None  # its marks tell of the 2D, while what was completed is the 3D beside it
    confidence = clip.confidence if clip is not None else (~prediction.hidden).astype(float)
    sources = np.where(prediction.hidden, "completed", "detected" if clip is None else _marks(clip))
    comments = {
        "mpm-viewer": "3D positions", "units": _AXES_3D, "skeleton": MPM16.name, "fps": f"{prediction.fps:.10g}",
        "lifter": f"{prediction.lifter}, {prediction.task}, {prediction.mode}",
    }  # fmt: skip
    up = find_up(options.clip, prediction)
    if up.source != "level":
        comments["up"] = _up_comment(up.direction)
    return _Table(comments, MPM16, prediction.absolute(), confidence, sources, prediction.times)


def _clip_table(clip: Clip) -> _Table:
    comments = {"mpm-viewer": "2D keypoints", "units": _AXES_2D, "skeleton": clip.skeleton.name, "fps": f"{clip.fps:.10g}"}
    points: NDArray[np.floating]
    if clip.keypoints is not None:
        points = np.where(clip.visible[..., None], clip.keypoints, np.nan)
        comments["image_size"] = f"{clip.image_size[0]}x{clip.image_size[1]}"
    else:
        assert clip.ground_truth is not None
        points, comments["mpm-viewer"], comments["units"] = clip.ground_truth, "3D positions", _AXES_3D
    if clip.up is not None:
        comments["up"] = _up_comment(clip.up)
    return _Table(comments, clip.skeleton, points, clip.confidence, _marks(clip), clip.times)


def _marks(clip: Clip) -> NDArray[np.str_]:
    """(frames, joints): what each of a clip's own values is."""
    return np.select([~clip.visible, clip.edited, clip.derived], ["hidden", "edited", "derived"], "detected")


def _cells(table: _Table, frame: int, joint: int) -> Iterator[str]:
    for value in table.points[frame, joint]:
        yield f"{value:.6f}" if np.isfinite(value) else ""
    yield f"{table.confidence[frame, joint]:.4f}"
    yield str(table.sources[frame, joint])


def _write_wide(file: IO[str], table: _Table, part: slice) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["frame", "time_s"] + [f"{joint}_{name}" for joint in table.skeleton.joints for name in table.fields])
    for frame in range(len(table.times))[part]:
        cells = [cell for joint in range(len(table.skeleton)) for cell in _cells(table, frame, joint)]
        writer.writerow([frame, f"{table.times[frame]:.6f}", *cells])


def _write_long(file: IO[str], table: _Table, part: slice) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["frame", "time_s", "joint", *table.fields])
    for frame in range(len(table.times))[part]:
        for joint, name in enumerate(table.skeleton.joints):
            writer.writerow([frame, f"{table.times[frame]:.6f}", name, *_cells(table, frame, joint)])


FORMAT = Format("csv", "CSV", (".csv",), _sniff, _inspect, _read, _write)
