"""Reads MMPose output: a JSON list of frames with their instances, bare or under 'instance_info'."""

from __future__ import annotations

from typing import Any

import numpy as np

from mpm_core.clip import as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import Probe
from mpm_core.formats.keypoints.people import DetectionFile, detection_format, skeleton_of_size
from mpm_core.people import Detection
from mpm_core.skeleton import COCO17

_SKELETONS = ("coco17", "halpe26")
_H36M_DATASETS = ("h36m", "human36m")
_COCO_WHOLE_BODY = 133


def _frames(content: Any) -> Any:
    return content.get("instance_info") if isinstance(content, dict) else content


def _sniff(probe: Probe) -> bool:
    if probe.suffix != ".json":
        return False
    frames = _frames(probe.json)
    return isinstance(frames, list) and bool(frames) and isinstance(frames[0], dict) and "instances" in frames[0]


def _parse(probe: Probe) -> DetectionFile:
    content = probe.json
    detections, numbers = [], []
    for place, frame in enumerate(_frames(content)):
        if not isinstance(frame, dict) or not isinstance(frame.get("instances"), list):
            raise UserError(f"{probe.path}: frame entry {place}: no list 'instances'")
        number = frame.get("frame_id", place)
        if not isinstance(number, int):
            raise UserError(f"{probe.path}: frame entry {place}: 'frame_id' is not a whole number")
        numbers.append(number)
        for which, instance in enumerate(frame["instances"]):
            detections.append(_detection(instance, number, f"{probe.path}: frame {number}, instance {which}"))
    if not detections:
        raise UserError(f"{probe.path}: no person is detected in any frame")
    joints = len(detections[0].points)
    odd = next((d for d in detections if len(d.points) != joints), None)
    if odd is not None:
        raise UserError(f"{probe.path}: frame {odd.frame}: {len(odd.points)} joints, but {joints} in the frames before")
    names = ("h36m17",) if _is_h36m(content) else _SKELETONS
    return DetectionFile(detections, (min(numbers), max(numbers)), skeleton_of_size(joints, names, str(probe.path)))


def _is_h36m(content: Any) -> bool:
    meta = content.get("meta_info") if isinstance(content, dict) else None
    return isinstance(meta, dict) and str(meta.get("dataset_name", "")).lower() in _H36M_DATASETS


def _detection(instance: Any, frame: int, where: str) -> Detection:
    if not isinstance(instance, dict):
        raise UserError(f"{where}: not an object with keypoints")
    points = as_floats(instance.get("keypoints"), f"{where}: 'keypoints'")
    if points.ndim != 2 or points.shape[1] != 2:
        raise UserError(f"{where}: 'keypoints' are not x, y pairs")
    scores = np.ones(len(points))
    if "keypoint_scores" in instance:
        scores = as_floats(instance["keypoint_scores"], f"{where}: 'keypoint_scores'")
        if scores.shape != (len(points),):
            raise UserError(f"{where}: {scores.size} 'keypoint_scores' for {len(points)} keypoints")
    if len(points) == _COCO_WHOLE_BODY:
        points, scores = points[: len(COCO17)], scores[: len(COCO17)]
    track = instance.get("track_id", instance.get("instance_id"))
    return Detection(frame, points, np.nan_to_num(scores), track if isinstance(track, int) else None)


FORMAT = detection_format("mmpose", "MMPose JSON", (".json",), _sniff, _parse)
