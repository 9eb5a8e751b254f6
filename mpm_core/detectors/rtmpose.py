"""Owns the detector RTMPose (Jiang et al., 2023), Halpe-26 keypoints, through rtmlib on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mpm_core.decoding import Picture
from mpm_core.detectors.base import Detector, FoundPose
from mpm_core.errors import UserError
from mpm_core.skeleton import HALPE26
from mpm_core.video import import_cv2

_FINDS_PEOPLE, _FINDS_JOINTS = "yolox-m-humanart", "rtmpose-m-halpe26"
_PEOPLE_INPUT_PX, _JOINTS_INPUT_PX = (640, 640), (192, 256)


class _RtmPoseFinder:
    def __init__(self, people: int, models: Mapping[str, Path]) -> None:
        import_cv2()
        try:
            import rtmlib
        except (ImportError, OSError) as error:
            raise UserError(f"rtmlib is installed but does not start ({' '.join(str(error).split())})") from error
        self._people = people
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it loads
                self._find_boxes = rtmlib.YOLOX(str(models[_FINDS_PEOPLE]), model_input_size=_PEOPLE_INPUT_PX)
                self._find_joints = rtmlib.RTMPose(str(models[_FINDS_JOINTS]), model_input_size=_JOINTS_INPUT_PX)
        except Exception as error:  # ONNX Runtime has a class of error for every way a file can be wrong
            paths = " or ".join(str(path) for path in models.values())
            raise UserError(f"{paths}: ONNX Runtime refuses this model file ({' '.join(str(error).split())})") from error

    def find(self, picture: Picture, time_s: float) -> list[FoundPose]:
        bgr = np.ascontiguousarray(picture[..., ::-1])
        boxes = np.asarray(self._find_boxes(bgr), np.float32).reshape(-1, 4)
        if not len(boxes):
            return []  # given no box it would take the whole picture for a person
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        largest = boxes[np.argsort(-areas)[: self._people]]
        points, scores = self._find_joints(bgr, bboxes=largest.tolist())
        return [
            (np.asarray(p, np.float32), np.clip(np.asarray(s, np.float32), 0, 1)) for p, s in zip(points, scores, strict=True)
        ]

    def close(self) -> None:
        del self._find_boxes, self._find_joints


DETECTOR = Detector(
    "rtmpose", "RTMPose", HALPE26, (_FINDS_PEOPLE, _FINDS_JOINTS), "rtmlib", "rtmpose", _RtmPoseFinder
)  # fmt: skip
