"""Owns the detector MediaPipe Pose (Bazarevsky et al., BlazePose, 2020), by its Tasks API in video mode."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.decoding import Picture
from mpm_core.detectors.base import Detector, FoundPose
from mpm_core.errors import UserError
from mpm_core.skeleton import MEDIAPIPE33
from mpm_core.video import import_cv2

# Two that take standard error away at once would not both give it back.
_one_at_a_time = threading.Lock()


class _MediaPipeFinder:
    def __init__(self, people: int, models: Mapping[str, Path]) -> None:
        (model,) = models.values()
        import_cv2()  # mediapipe imports it too, and would leave its traces in Qt's settings
        try:
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
        except (ImportError, OSError) as error:
            raise UserError(f"MediaPipe is installed but does not start ({_first_line(error)})") from error
        self._image = lambda picture: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=people,
        )
        with _quiet():
            try:
                self._landmarker: Any = vision.PoseLandmarker.create_from_options(options)
            except (RuntimeError, ValueError, OSError) as error:
                raise UserError(f"{model}: MediaPipe refuses this model file ({_first_line(error)})") from error
        self._last_ms = -1
        self._has_seen = False

    def find(self, picture: Picture, time_s: float) -> list[FoundPose]:
        # Its clock has whole milliseconds, which must rise.
        now_ms = max(round(time_s * 1000), self._last_ms + 1)
        # Parts of it are only set up, with remarks, when it first sees somebody.
        with _as_ever() if self._has_seen else _quiet():
            try:
                result = self._landmarker.detect_for_video(self._image(np.ascontiguousarray(picture)), now_ms)
            except (RuntimeError, ValueError) as error:
                raise UserError(f"MediaPipe failed at {time_s:.2f} s ({_first_line(error)})") from error
        self._last_ms = now_ms
        self._has_seen = self._has_seen or bool(result.pose_landmarks)
        size = np.array([picture.shape[1], picture.shape[0]], np.float32)
        return [
            (
                np.array([(mark.x, mark.y) for mark in pose], np.float32) * size,
                np.clip(np.array([mark.visibility for mark in pose], np.float32), 0, 1),
            )
            for pose in result.pose_landmarks
        ]

    def close(self) -> None:
        with _quiet():
            self._landmarker.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _as_ever() -> Iterator[None]:
    yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the remarks of its C++ libraries, which no logging setting reaches, off standard error while they load."""
    with _one_at_a_time:
        yield from _without_standard_error()


def _without_standard_error() -> Iterator[None]:
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError):  # no standard error at all, as under pythonw
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _detector(name: str, label: str, model: str) -> Detector:
    return Detector(name, label, MEDIAPIPE33, (model,), "mediapipe", "video", _MediaPipeFinder)


DETECTORS = (
    _detector("mediapipe", "MediaPipe Pose", "mediapipe-pose-full"),
    _detector("mediapipe-lite", "MediaPipe Pose, faster", "mediapipe-pose-lite"),
    _detector("mediapipe-heavy", "MediaPipe Pose, more accurate", "mediapipe-pose-heavy"),
)
"""The same network in three sizes. The package index has the first alone; the others come from Google."""
