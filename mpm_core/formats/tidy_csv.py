"""Writes CSV for pandas, R and Excel: one header line, units in the names of its columns, nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import to_up_axis, world_of
from mpm_core.formats.sources import sources_of
from mpm_core.formats.table_rows import write_rows
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16


def write_tidy(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """3D: on the floor, Y up and in metres unless told otherwise. 2D alone: pixels from the top left corner. What is unknown is
    left empty."""
    if isinstance(content, Clip) and content.ground_truth is None:
        _write_2d(content, path, options)
        return
    world = world_of(content, options)
    unit = options.unit or "m"
    points = to_up_axis(world.positions, options.up_axis) * options.per_metre("m")
    _write(path, options.long, MPM16.joints, (world.times, points, world.confidence, world.sources), unit)


def _write_2d(clip: Clip, path: Path, options: WriteOptions) -> None:
    assert clip.keypoints is not None
    part = options.frames(len(clip))
    points = np.where(clip.visible[..., None], clip.keypoints, np.nan)[part]
    sources, confidence = sources_of(clip, None)
    _write(path, options.long, clip.skeleton.joints, (clip.times[part], points, confidence[part], sources[part]), "px")


_Rows = tuple[NDArray[np.float64], NDArray[np.floating], NDArray[np.floating], NDArray[np.str_]]


def _write(path: Path, is_long: bool, joints: tuple[str, ...], rows: _Rows, unit: str) -> None:
    """rows: (frames,) seconds, (frames, joints, axes) points, (frames, joints) confidence and sources."""
    times, points, confidence, sources = rows
    fields = [*(f"{axis}_{unit}" for axis in "xyz"[: points.shape[-1]]), "confidence", "source"]
    heads = ["joint", *fields] if is_long else [f"{joint}_{field}" for joint in joints for field in fields]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(["frame", "time_s", *heads]) + "\n")
        write_rows(file, joints, range(len(times)), times, points, confidence, sources, is_long)
