"""Owns TRC, the table of markers that OpenSim reads: its layout, whatever it holds, and reading it as motion in 3D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, IN_WORLD, UNITS, Probe, ReadOptions, Recognition
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track
from mpm_core.formats.motion.trc_writing import write_trc
from mpm_core.formats.stated import rate_stated
from mpm_core.formats.tables import read_table

_HEADER_LINES = 3
_ROWS_LOOKED_AT = 60
_UNIT_NAMES = {"in": "inch", "inches": "inch", "meters": "m", "metres": "m", "millimeters": "mm", "centimeters": "cm"}
# More frames without a row than this, for each that has one, are no gaps.
_MOST_GAPS = 100


@dataclass(frozen=True)
class TrcTable:
    """facts: DataRate, Units and more, as they are written. names: of the markers. frames, times: (rows,) numbers and seconds,
    which may be missing. values: (rows, markers, 3), NaN where missing."""

    facts: Mapping[str, str]
    names: tuple[str, ...]
    frames: NDArray[np.float64]
    times: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def is_flat(self) -> bool:
        """Whether the markers lie in a plane of pixels: Z is zero everywhere."""
        across, depth = (np.nanmax(np.abs(self.values[..., axis]), initial=0.0) for axis in (0, 2))
        return bool(depth <= 1e-6 * max(across, 1.0))

    def rate(self) -> tuple[float | None, tuple[str, ...]]:
        """Frames per second by the header and the times, and what to say where they differ."""
        told = self._fact("DataRate")
        return rate_stated(
            told if told is not None and 0 < told < float("inf") else None, self.times, self.frames.astype(np.int64)
        )

    def notes(self) -> tuple[str, ...]:
        """What to say of rows that are missing at the end, as of a file that was not written to it."""
        announced = self._fact("NumFrames")
        if announced is None or announced <= len(self.frames):
            return ()
        return (f"the file announces {announced:g} frames and holds {len(self.frames)}: it may have been cut short",)

    def _fact(self, name: str) -> float | None:
        try:
            return float(self.facts[name].replace(",", "."))
        except (KeyError, ValueError):
            return None


def is_trc(probe: Probe) -> bool:
    """Whether a file is TRC, of pixels or of 3D."""
    return probe.kind == "text" and probe.text.startswith("PathFileType")


def is_flat(probe: Probe) -> bool:
    """Whether some rows of a TRC file hold pixels; not of a damaged one, of which the reader of 3D says what is wrong."""
    lines = probe.text.replace("\r\n", "\n").split("\n")
    head, rows = lines[: _HEADER_LINES + 2], lines[_HEADER_LINES + 2 :]
    try:
        return parse_trc(probe.path, "\n".join((*head, *rows[:: max(1, len(rows) // _ROWS_LOOKED_AT)]))).is_flat
    except UserError:
        return False


def parse_trc(path: Path, text: str) -> TrcTable:
    """The table of a TRC file; UserError with the path, and with the row where one is at fault."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) < _HEADER_LINES + 2:
        raise UserError(f"{path}: ends before its markers")
    facts = {key.strip(): value.strip() for key, value in zip(lines[1].split("\t"), lines[2].split("\t"), strict=False)}
    names = [name.strip() for name in lines[_HEADER_LINES].split("\t")]
    markers = [(place, name) for place, name in enumerate(names) if place >= 2 and name]
    width = max(place for place, _ in markers) + 3 if markers else 0
    # Names stand over X only; the table below needs a name for every column.
    header = "\t".join(f"column{n}" for n in range(width))
    rows = [line.rstrip("\t").ljust(1) for line in lines[_HEADER_LINES + 2 :] if line.strip()]
    body = "\n".join(row + "\t" * (width - 1 - row.count("\t")) for row in rows)
    table = read_table(f"{header}\n{body}", path)
    if not markers or not len(table):
        raise UserError(f"{path}: holds no markers")
    values = table.columns(range(width))
    frames = values[:, 0]
    if not np.isfinite(frames).all() or (frames != np.rint(frames)).any() or len(np.unique(frames)) < len(frames):
        raise UserError(f"{path}: 'Frame#' must hold different whole numbers")
    points = np.stack([values[:, place : place + 3] for place, _ in markers], axis=1)
    return TrcTable(facts, tuple(name for _, name in markers), frames, values[:, 1], points)


def _recognise(probe: Probe) -> Recognition | None:
    if not is_trc(probe) or is_flat(probe):
        return None
    return Recognition(CERTAIN, "a first word 'PathFileType', and markers in 3D")


def _parse(probe: Probe, options: ReadOptions) -> Track:
    table = parse_trc(probe.path, probe.text)
    places = table.frames - table.frames.min()
    count = int(places.max()) + 1
    if count > _MOST_GAPS * len(places) + 1000:
        raise UserError(f"{probe.path}: {len(places)} rows for {count} frames: the numbers in 'Frame#' cannot be frames")
    positions = np.full((count, len(table.names), 3), np.nan)
    is_known = np.isfinite(table.values).all(-1) & (table.values != 0).any(-1)
    positions[places.astype(int)] = np.where(is_known[..., None], table.values, np.nan)
    unit = table.facts.get("Units", "").lower()
    unit_m = UNITS.get(_UNIT_NAMES.get(unit, unit))
    fps, notes = table.rate()
    return Track(table.names, positions, None, fps, unit_m, notes=(*table.notes(), *notes))


FORMAT = replace(
    motion_format("trc-3d", "TRC in 3D (OpenSim, Pose2Sim)", (".trc",), _recognise, _parse),
    write=write_trc, takes_2d=False, choices=IN_WORLD,
)  # fmt: skip
