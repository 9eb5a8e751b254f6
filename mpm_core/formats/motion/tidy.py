"""Reads tidy CSV of this project that holds 3D: motion in the world, whose unit stands in the names of its columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, UNITS, Probe, ReadOptions, Recognition, rate_of_times
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track
from mpm_core.formats.tables import Table
from mpm_core.limits import MOST_FRAMES
from mpm_core.skeleton import MPM16


def _columns(table: Table) -> tuple[str, bool] | None:
    """The unit, and whether there is a row per joint; None for another table."""
    names = set(table.header)
    for unit in UNITS:
        if {"frame", "time_s", "joint", *(f"{axis}_{unit}" for axis in "xyz")} <= names:
            return unit, True
        if {"frame", "time_s", *(f"{joint}_{axis}_{unit}" for joint in MPM16.joints for axis in "xyz")} <= names:
            return unit, False
    return None


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind != "text" or _columns(probe.head) is None:
        return None
    return Recognition(CERTAIN, "columns of our joints with a unit in their names")


def _parse(probe: Probe, options: ReadOptions) -> Track:
    table = probe.table
    found = _columns(table)
    if found is None:
        raise UserError(f"{probe.path}: its columns are not those of tidy CSV in 3D")
    if not len(table):
        raise UserError(f"{probe.path}: the clip has no frames")
    unit, is_long = found
    numbers = table.numbers(["frame", "time_s"])
    if not np.isfinite(numbers).all() or (numbers[:, 0] != np.rint(numbers[:, 0])).any():
        raise UserError(f"{probe.path}: 'frame' must hold whole numbers, and 'time_s' seconds")
    frames = (numbers[:, 0] - numbers[:, 0].min()).astype(np.int64)
    if frames.max() >= MOST_FRAMES:
        raise UserError(f"{probe.path}: the frames run over {frames.max()}, which cannot be right ({MOST_FRAMES} at most can)")
    joints = _joints(table) if is_long else np.zeros(len(table), np.int64)
    if len(np.unique(frames * len(MPM16) + joints)) < len(table):
        raise UserError(f"{probe.path}: a joint has two rows for one frame; only one person can be read from a CSV")
    shape = (int(frames.max()) + 1, len(MPM16))
    places = (frames, joints) if is_long else (frames,)
    positions = np.full((*shape, 3), np.nan)
    confidence, completed = np.ones(shape), np.zeros(shape, bool)
    of = [""] if is_long else [f"{joint}_" for joint in MPM16.joints]
    rows = (len(table), *(() if is_long else (len(MPM16),)))
    positions[places] = table.numbers([f"{name}{axis}_{unit}" for name in of for axis in "xyz"]).reshape(*rows, 3)
    if {f"{name}confidence" for name in of} <= set(table.header):
        confidence[places] = np.nan_to_num(table.numbers([f"{name}confidence" for name in of])).reshape(rows)
    if {f"{name}source" for name in of} <= set(table.header):
        completed[places] = np.stack([_is_completed(table, f"{name}source") for name in of], axis=-1).reshape(rows)
    times, first = np.unique(frames, return_index=True)
    fps = rate_of_times(numbers[first, 1], times)
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise UserError(f"{probe.path}: a confidence lies outside of 0 to 1")
    return Track(
        MPM16.joints, positions, None, fps, UNITS[unit], completed=completed if completed.any() else None, confidence=confidence
    )


def _joints(table: Table) -> NDArray[np.int64]:
    """(rows,) numbers of the joints."""
    names, which = table.labels("joint")
    unknown = [name for name in names if name not in MPM16.joints]
    if unknown:
        raise UserError(f"{table.path}: '{unknown[0][:40]}' in 'joint' is none of our joints")
    return np.array([MPM16.index(name) for name in names], np.int64)[which]


def _is_completed(table: Table, name: str) -> NDArray[np.bool_]:
    names, which = table.labels(name)
    return np.asarray(np.array(names) == "completed")[which]


FORMAT = motion_format("csv-tidy", "tidy CSV in 3D", (".csv",), _recognise, _parse)
