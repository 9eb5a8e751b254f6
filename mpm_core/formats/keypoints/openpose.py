"""Reads OpenPose output: a folder of *_keypoints.json, one file per frame, BODY_25 or COCO-18."""

from __future__ import annotations

import re
from pathlib import Path

from mpm_core.errors import UserError
from mpm_core.formats.base import Probe, read_json
from mpm_core.formats.keypoints.people import DetectionFile, detection_format, flat_keypoints, skeleton_of_size
from mpm_core.people import Detection

_FRAME_NUMBER = re.compile(r"(\d+)_keypoints\.json$")
_SKELETONS = ("body25", "coco18")


def _frame_files(folder: Path) -> dict[int, Path]:
    """Files by frame number; UserError when two files claim the same frame (two videos in one folder)."""
    files: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        match = _FRAME_NUMBER.search(path.name)
        if match and path.is_file():
            number = int(match.group(1))
            if number in files:
                raise UserError(
                    f"{folder}: {files[number].name} and {path.name} are both frame {number}; use one folder per video"
                )
            files[number] = path
    return files


def _sniff(probe: Probe) -> bool:
    return probe.is_folder and any(_FRAME_NUMBER.search(path.name) for path in probe.path.iterdir())


def _parse(probe: Probe) -> DetectionFile:
    detections, joints = [], None
    files = _frame_files(probe.path)
    for number, path in files.items():
        content = read_json(path)
        people = content.get("people") if isinstance(content, dict) else None
        if not isinstance(people, list):
            raise UserError(f"{path}: no list 'people', so not a file of OpenPose keypoints")
        for place, person in enumerate(people):
            where = f"{path}: person {place}"
            flat = person.get("pose_keypoints_2d") if isinstance(person, dict) else None
            if flat is None:
                raise UserError(f"{where}: 'pose_keypoints_2d' is missing")
            points, scores = flat_keypoints(flat, where)
            if joints is None:
                joints = len(points)
            skeleton_of_size(len(points), _SKELETONS, where)
            if len(points) != joints:
                raise UserError(f"{where}: {len(points)} joints, but {joints} in the files before")
            detections.append(Detection(number, points, scores))
    if joints is None:
        raise UserError(f"{probe.path}: no person is detected in any of the {len(files)} frames")
    return DetectionFile(detections, (min(files), max(files)), skeleton_of_size(joints, _SKELETONS, str(probe.path)))


FORMAT = detection_format("openpose", "OpenPose folder", (), _sniff, _parse)
