"""Owns how a recording is written: as arrays, and as what JSON can say of its video and of what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.camera import Intrinsics
from mpm_core.detectors.background import BackgroundPath
from mpm_core.detectors.base import DetectOptions, FoundPose
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.limits import check_camera, check_rate, check_size
from mpm_core.skeleton import Skeleton, find_skeleton
from mpm_core.video import VideoInfo, VideoPart

ARRAYS = ("times", "look", "points", "scores", "looks", "is_whole", "shots", "gone")
"""Those of arrays_of, of which 'shots' and 'gone' may lack."""

DAMAGED = (UserError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What recording_from and described raise for what was not written so."""


def arrays_of(recording: Recording) -> dict[str, Any]:
    """What was seen, by the names of ARRAYS."""
    poses = [(look, *pose) for look, found in enumerate(recording.seen) for pose in found]
    joints = len(recording.skeleton)
    path = recording.background
    background: dict[str, Any] = {} if path is None else {"shots": path.shots, "gone": path.gone}
    return {
        "times": recording.times,
        "look": np.array([pose[0] for pose in poses], np.int64),
        "points": np.array([pose[1] for pose in poses], np.float32).reshape(-1, joints, 2),
        "scores": np.array([pose[2] for pose in poses], np.float32).reshape(-1, joints),
        "looks": np.array(len(recording.seen)),
        "is_whole": np.array(recording.is_whole),
        **background,
    }


def recording_from(arrays: Mapping[str, Any], info: VideoInfo, options: DetectOptions, skeleton: Skeleton) -> Recording:
    """What arrays_of gave; see DAMAGED."""
    seen = _poses(arrays, len(skeleton), options.part.every)
    return Recording(info, options, skeleton, arrays["times"], seen, bool(arrays["is_whole"]), _background(arrays))


def description_of(recording: Recording) -> dict[str, Any]:
    """What JSON can say: the video but for where it is, what was asked of the detector, and the detector's skeleton."""
    info = asdict(recording.info)
    del info["path"]
    return {"video": info, "asked": asdict(recording.options), "skeleton": recording.skeleton.name}


def described(note: Mapping[str, Any], path: Path) -> tuple[VideoInfo, DetectOptions, Skeleton]:
    """What description_of gave, of the video at a path; see DAMAGED."""
    video, asked = note["video"], note["asked"]
    part, camera = asked["part"], video["camera"]
    where = f"{path}: "
    size = check_size(video["image_size"], where)
    intrinsics = Intrinsics(_pair(camera["focal"]), _pair(camera["centre"]), bool(camera["is_assumed"]))
    info = VideoInfo(
        path, size, check_rate(video["fps"], where), int(video["frames"]), check_camera(intrinsics, size, where),
        bool(video["has_times"]),
    )  # fmt: skip
    region = part["region"]
    wanted = VideoPart(
        float(part["first_s"]), None if part["last_s"] is None else float(part["last_s"]), max(int(part["every"]), 1),
        None if region is None else (int(region[0]), int(region[1]), int(region[2]), int(region[3])),
    )  # fmt: skip
    return info, DetectOptions(str(asked["detector"]), int(asked["people"]), wanted), find_skeleton(note["skeleton"])


def _pair(values: Any) -> tuple[float, float]:
    x, y = values
    return float(x), float(y)


def _poses(arrays: Mapping[str, Any], joints: int, every: int) -> list[list[FoundPose]]:
    """The poses of every look; ValueError where the arrays are not those that arrays_of gives."""
    times, look, points, scores = (np.asarray(arrays[name]) for name in ("times", "look", "points", "scores"))
    looks = int(arrays["looks"])
    is_rising = times.dtype == float and times.ndim == 1 and np.isfinite(times).all() and (np.diff(times) > 0).all()
    if not is_rising or looks != -(-len(times) // every) or np.shape(arrays["is_whole"]):
        raise ValueError("times")
    if look.dtype.kind != "i" or look.ndim != 1 or (look < 0).any() or (look >= looks).any():
        raise ValueError("looks")
    if points.shape != (len(look), joints, 2) or scores.shape != (len(look), joints):
        raise ValueError("poses")
    if not all(array.dtype == np.float32 and not np.isinf(array).any() for array in (points, scores)):
        raise ValueError("numbers")
    seen: list[list[FoundPose]] = [[] for _ in range(looks)]
    for number, pose in zip(look, zip(points, scores, strict=True), strict=True):
        seen[number].append(pose)
    return seen


def _background(arrays: Mapping[str, Any]) -> BackgroundPath | None:
    """What was seen of the background, which version 0.1.0 did not watch; ValueError for what is none."""
    if "gone" not in arrays:
        return None
    shots, gone = np.asarray(arrays["shots"]), np.asarray(arrays["gone"])
    if shots.dtype.kind != "i" or shots.ndim != 1 or gone.shape != (len(shots), 5, 2):
        raise ValueError("background")
    if gone.dtype != np.float32 or not np.isfinite(gone).all():
        raise ValueError("background")
    return BackgroundPath(shots, gone)
