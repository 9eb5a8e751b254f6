"""Reads TRC files of Sports2D and Pose2Sim that hold pixels: markers by name, Z without meaning."""

from __future__ import annotations

import numpy as np

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import SightingRows
from mpm_core.formats.tables import read_table

_HEADER_LINES = 3


def _recognise(probe: Probe) -> Recognition | None:
    is_one = probe.kind == "text" and probe.text.startswith("PathFileType")
    return Recognition(CERTAIN, "a first word 'PathFileType'") if is_one else None


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    where = str(probe.path)
    lines = probe.text.replace("\r\n", "\n").split("\n")
    if len(lines) < _HEADER_LINES + 2:
        raise UserError(f"{where}: ends before its markers")
    facts = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    names = [name.strip() for name in lines[_HEADER_LINES].split("\t")]
    markers = [(place, name) for place, name in enumerate(names) if place >= 2 and name]
    width = max(place for place, _ in markers) + 3 if markers else 0
    # Names stand over X only; the table below needs a name for every column.
    header = "\t".join(f"column{n}" for n in range(width))
    rows = [line.rstrip("\t").ljust(1) for line in lines[_HEADER_LINES + 2 :] if line.strip()]
    body = "\n".join(row + "\t" * (width - 1 - row.count("\t")) for row in rows)
    table = read_table(f"{header}\n{body}", probe.path)
    if not markers or not len(table):
        raise UserError(f"{where}: holds no markers")
    values = table.columns(range(width))
    x, y, z = (values[:, [place + axis for place, _ in markers]] for axis in range(3))
    if np.nanmax(np.abs(z), initial=0.0) > 1e-6 * max(float(np.nanmax(np.abs(x))), 1.0):
        raise UserError(f"{where}: holds markers in 3D ({facts.get('Units', 'no unit')}), while 2D in pixels is read from TRC")
    frames = values[:, 0]
    if not np.isfinite(frames).all() or (frames != np.rint(frames)).any() or len(np.unique(frames)) < len(frames):
        raise UserError(f"{where}: 'Frame#' must hold different whole numbers")
    points = np.stack((x, y, np.ones_like(x)), axis=-1)
    entries = SightingRows.of(frames, points, ["the only one"] * len(points), str(where))
    first_and_last = (int(frames.min()), int(frames.max()))
    return Sightings(entries, first_and_last, _rate(facts), joints=tuple(name for _, name in markers))


def _rate(facts: dict[str, str]) -> float | None:
    try:
        rate = float(facts["DataRate"].replace(",", "."))
    except (KeyError, ValueError):
        return None
    return rate if 0 < rate < float("inf") else None


FORMAT = detection_format("trc", "TRC in pixels (Sports2D, Pose2Sim)", (".trc",), _recognise, _parse)
