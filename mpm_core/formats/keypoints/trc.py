"""Reads TRC files of Sports2D and Pose2Sim that hold pixels: markers by name, Z without meaning."""

from __future__ import annotations

import numpy as np

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import SightingRows
from mpm_core.formats.motion.trc import is_flat, is_trc, parse_trc


def _recognise(probe: Probe) -> Recognition | None:
    if not is_trc(probe) or not is_flat(probe):
        return None
    return Recognition(CERTAIN, "a first word 'PathFileType', and Z zero")


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    where = str(probe.path)
    table = parse_trc(probe.path, probe.text)
    if not table.is_flat:
        unit = table.facts.get("Units", "no unit")
        raise UserError(f"{where}: holds markers in 3D ({unit}), while pixels were asked for (--format trc-3d reads them)")
    points = np.concatenate((table.values[..., :2], np.ones((*table.values.shape[:2], 1))), axis=-1)
    entries = SightingRows.of(table.frames, points, ["the only one"] * len(points), where)
    first_and_last = (int(table.frames.min()), int(table.frames.max()))
    fps, notes = table.rate()
    return Sightings(entries, first_and_last, fps, joints=table.names, notes=(*table.notes(), *notes))


FORMAT = detection_format("trc", "TRC in pixels (Sports2D, Pose2Sim)", (".trc",), _recognise, _parse)
