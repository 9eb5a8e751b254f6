"""Where the poses of the document are in the scene: z up, metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.document.session import Session
from mpm_core.camera import upright
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16


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


def in_scene(points: NDArray[np.float32], up: tuple[float, float, float]) -> NDArray[np.float32]:
    """Camera axes -> the scene's: x right, y away from the camera, z up."""
    x, y, z = np.moveaxis(upright(points, up), -1, 0)
    return np.stack((x, -z, y), axis=-1).astype(np.float32)
