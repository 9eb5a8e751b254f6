"""Where the poses of the document are in the scene: z up, metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.document.session import Session
from mpm_core.camera import upright
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_FROM_CAMERA_DEG = -90.0
_LEAST_HIPS_M = 1e-3

MOST_BYSTANDERS = 6
"""Other people that are lifted and shown beside the one at work."""


def true_in_scene(session: Session, frame: int) -> NDArray[np.float32] | None:
    """(16, 3) true positions of a frame for the scene: z up, metres from Hip; None without any."""
    if session.clip is None or session.clip.ground_truth is None:
        return None
    truth = session.clip.ground_truth[frame]
    return in_scene(truth - truth[MPM16.root], session.up.direction)


def predicted_in_scene(session: Session, frame: int) -> NDArray[np.float32] | None:
    """(16, 3) predicted positions of a frame for the scene: z up, metres from Hip; None before there are any."""
    if session.clip is None or session.prediction is None:
        return None
    return answer_in_scene(session, session.prediction, frame)


def answer_in_scene(session: Session, answer: Prediction, frame: int) -> NDArray[np.float32] | None:
    """(16, 3) of any answer to the clip, likewise; None in frames that it lacks."""
    pose = answer.positions[frame]
    return in_scene(pose, session.up.direction) if np.isfinite(pose).all() else None


def root_in_scene(session: Session, frame: int) -> NDArray[np.float32]:
    """(3,) where Hip is in the scene: the true place if known, else the predicted one, else the origin."""
    if session.clip is None:
        return np.zeros(3, np.float32)
    truth = session.clip.ground_truth
    root = np.zeros(3, np.float32)
    if truth is not None and np.isfinite(truth[frame, MPM16.root]).all():
        root = truth[frame, MPM16.root]
    elif session.prediction is not None and np.isfinite(session.prediction.root[frame]).all():
        root = session.prediction.root[frame]
    return in_scene(root, session.up.direction)


def heading_in_scene(session: Session, frame: int) -> float:
    """Azimuth, in degrees, from which the person is seen from the front; from the camera where that is not known."""
    pose = predicted_in_scene(session, frame)
    pose = pose if pose is not None else true_in_scene(session, frame)
    if pose is None:
        return _FROM_CAMERA_DEG
    right, left = (pose[j] for j in MPM16.indices(("RHip", "LHip")))
    to_left = left - right
    if not np.isfinite(to_left).all() or np.linalg.norm(to_left[:2]) < _LEAST_HIPS_M:
        return _FROM_CAMERA_DEG
    return math.degrees(math.atan2(-to_left[0], to_left[1]))


def ways_in_scene(session: Session, first: int, last: int, joints: Sequence[int]) -> NDArray[np.float32]:
    """(frames, joints, 3) where predicted joints are from a frame to another (included), metres; NaN where nobody knows."""
    clip, answer, part = session.clip, session.prediction, slice(first, last + 1)
    assert clip is not None and answer is not None
    roots = np.where(np.isfinite(answer.root[part]), answer.root[part], 0)
    if clip.ground_truth is not None:
        true = clip.ground_truth[part, MPM16.root]
        roots = np.where(np.isfinite(true).all(-1, keepdims=True), true, roots)
    return in_scene(answer.positions[part][:, list(joints)] + roots[:, None], session.up.direction)


def in_scene(points: NDArray[np.float32], up: tuple[float, float, float]) -> NDArray[np.float32]:
    """Camera axes -> the scene's: x right, y away from the camera, z up."""
    return (points @ _axes(up)).astype(np.float32)


@lru_cache(maxsize=8)
def _axes(up: tuple[float, float, float]) -> NDArray[np.float64]:
    """(3, 3) what turns points in camera axes to the scene's."""
    x, y, z = upright(np.eye(3), up).T
    return np.stack((x, -z, y), axis=-1)
