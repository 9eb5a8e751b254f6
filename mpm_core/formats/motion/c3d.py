"""Reads C3D, the markers of motion capture in the lab, by the package c3d.

ezc3d reads more of what there is, but a damaged file ends the whole process in it (six of 150 mutated ones did); c3d is Python
alone, and whatever a file makes of it is an exception.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, IN_WORLD, UNITS, Probe, ReadOptions, Recognition
from mpm_core.formats.motion.c3d_writing import SOFTWARE, write_c3d
from mpm_core.formats.motion.markers import are_places
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track
from mpm_core.limits import MOST_FRAMES, RATES

_MAGIC, _PROCESSORS = 0x50, (84, 85, 86)
_BLOCK = 512
_UNITS = {"meters": "m", "meter": "m", "metre": "m", "millimeters": "mm", "in": "inch", "inches": "inch"}
_MORE_LABELS = 9


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind not in ("binary", "text"):
        return None
    with probe.path.open("rb") as file:
        head = file.read(2)
        if len(head) < 2 or head[1] != _MAGIC or not head[0]:
            return None
        file.seek((head[0] - 1) * _BLOCK + 3)
        processor = file.read(1)
    is_one = len(processor) == 1 and processor[0] in _PROCESSORS
    return Recognition(CERTAIN, "the first bytes of C3D") if is_one else None


def _parse(probe: Probe, options: ReadOptions) -> Track:
    path = probe.path
    try:
        import c3d
    except ImportError:
        raise UserError(f"{path}: reading C3D needs the package c3d (pip install c3d)") from None
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of what is checked below
            reader = c3d.Reader(file)
            _check_size(reader, path)
            labels = _labels(reader)
            points = _points(reader, path)
            fps, unit = float(reader.point_rate), _text(reader, "POINT:UNITS")
            is_ours = _text(reader, "MANUFACTURER:SOFTWARE") == SOFTWARE
    except (UserError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file brings out
        raise UserError(f"{path}: is damaged ({type(error).__name__} in its C3D blocks)") from error
    places = [n for n, label in enumerate(labels[: points.shape[1]]) if label and are_places(label)]
    if not places:
        raise UserError(f"{path}: holds no markers with names")
    is_known = np.isfinite(points[..., :3]).all(-1) & (points[..., 3] >= 0) & (points[..., :3] != 0).any(-1)
    positions = np.where(is_known[..., None], points[..., :3], np.nan)[:, places]
    unit_m = UNITS.get(_UNITS.get(unit.lower(), unit.lower()))
    rate = fps if RATES[0] <= fps <= RATES[1] else None
    completed = (is_known & (points[..., 3] == 0))[:, places] if is_ours else None
    return Track(tuple(labels[n] for n in places), positions, None, rate, unit_m, "z", completed=completed)


def _check_size(reader: Any, path: Path) -> None:
    """UserError for a header that promises what the file cannot hold."""
    frames, markers = int(reader.frame_count), int(reader.point_used)
    if frames <= 0 or markers <= 0:
        raise UserError(f"{path}: holds no markers ({max(frames, 0)} frames of {markers})")
    words = 4 if float(reader.point_scale) < 0 else 2
    if frames > MOST_FRAMES or frames * markers * 4 * words > path.stat().st_size:
        raise UserError(f"{path}: {frames} frames of {markers} markers are announced, but the file is shorter than they are")


def _points(reader: Any, path: Path) -> NDArray[np.float64]:
    """(frames, markers, 4): x, y, z and the residual, below zero where the marker was not seen."""
    frames = [points[:, :4] for _, points, _ in reader.read_frames()]
    announced = int(reader.frame_count)
    if len(frames) < announced:
        raise UserError(f"{path}: {announced} frames are announced, but the file ends after {len(frames)}")
    return np.stack(frames).astype(np.float64)


def _labels(reader: Any) -> list[str]:
    """Names of all markers, also of those beyond the 255 that one list can hold."""
    labels: list[str] = []
    for number in ("", *range(2, _MORE_LABELS)):
        found = reader.get(f"POINT:LABELS{number}")
        if found is None:
            break
        labels += [str(label).strip().strip("\0").strip() for label in found.string_array]
    return labels


def _text(reader: Any, name: str) -> str:
    found = reader.get(name)
    return "" if found is None else str(found.string_value).strip().strip("\0").strip()


FORMAT = replace(
    motion_format("c3d", "C3D markers", (".c3d",), _recognise, _parse), write=write_c3d, takes_2d=False, choices=IN_WORLD,
    keeps_marks=True,
)  # fmt: skip
