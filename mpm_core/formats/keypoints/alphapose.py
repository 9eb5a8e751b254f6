"""Reads AlphaPose output: one flat JSON list of people, COCO-17 or Halpe-26 (also the first 26 of Halpe-136)."""

from __future__ import annotations

import re
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import Probe
from mpm_core.formats.keypoints.people import DetectionFile, detection_format, flat_keypoints, skeleton_of_size
from mpm_core.people import Detection
from mpm_core.skeleton import HALPE26

_SKELETONS = ("coco17", "halpe26")
_HALPE_WHOLE_BODY = 136


def _sniff(probe: Probe) -> bool:
    if probe.suffix != ".json":
        return False
    entries = probe.json
    return (
        isinstance(entries, list)
        and bool(entries)
        and isinstance(entries[0], dict)
        and {"image_id", "keypoints"} <= set(entries[0])
    )


def _frame_number(entry: dict[str, Any], where: str) -> int:
    digits = re.findall(r"\d+", str(entry.get("image_id", "")))
    if not digits:
        raise UserError(f"{where}: 'image_id' holds no frame number")
    return int(digits[-1])


def _parse(probe: Probe) -> DetectionFile:
    detections, joints = [], None
    for place, entry in enumerate(probe.json):
        where = f"{probe.path}: entry {place}"
        if not isinstance(entry, dict) or "keypoints" not in entry:
            raise UserError(f"{where}: no 'keypoints'")
        points, scores = flat_keypoints(entry["keypoints"], where)
        if len(points) == _HALPE_WHOLE_BODY:
            points, scores = points[: len(HALPE26)], scores[: len(HALPE26)]
        joints = joints or len(points)
        if len(points) != joints:
            raise UserError(f"{where}: {len(points)} joints, but {joints} in the entries before")
        track = entry.get("idx")
        detections.append(Detection(_frame_number(entry, where), points, scores, track if isinstance(track, int) else None))
    assert joints is not None  # sniffing saw an entry
    numbers = [d.frame for d in detections]
    return DetectionFile(detections, (min(numbers), max(numbers)), skeleton_of_size(joints, _SKELETONS, str(probe.path)))


FORMAT = detection_format("alphapose", "AlphaPose JSON", (".json",), _sniff, _parse)
