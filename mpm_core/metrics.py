"""Owns the metrics: errors of predicted against true 3D poses, in millimetres, as the field defines them.

Poses are (frames, joints, 3) in metres. MPJPE compares after both are put on Hip; a joint whose truth is NaN is left
out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16, Skeleton

Poses = NDArray[np.floating]

MM_PER_M = 1000.0

_FRAMES_AT_ONCE = 8192
"""What is computed on the way is several times as large as what comes of it."""


def going_on() -> None:
    """What long work calls between its parts, where nobody wants to end it: who does passes something that raises
    CancelledError."""


def on_root(poses: Poses, skeleton: Skeleton = MPM16) -> Poses:
    """The same poses relative to the root joint."""
    return poses - poses[:, skeleton.root, None]


def joint_errors(predicted: Poses, truth: Poses) -> NDArray[np.float64]:
    """(frames, joints): distance in mm, NaN where the truth is unknown. MPJPE is its mean (protocol 1)."""
    difference = on_root(predicted).astype(np.float64) - on_root(truth)
    return np.linalg.norm(difference, axis=-1) * MM_PER_M


def _complete_frames(predicted: Poses, truth: Poses) -> tuple[Poses, Poses]:
    """The frames in which all joints are known that the truth has at all."""
    known = np.all(np.isfinite(truth), axis=-1)
    joints = known.any(0)
    frames = known[:, joints].all(1) & joints.any()
    return predicted[frames][:, joints].astype(np.float64), truth[frames][:, joints].astype(np.float64)


def procrustes_aligned(predicted: Poses, truth: Poses) -> NDArray[np.float64]:
    """Each predicted frame moved, turned and scaled onto the true one with least squares (Gower, 1975), no mirroring."""
    centre_p, centre_t = predicted.mean(1, keepdims=True), truth.mean(1, keepdims=True)
    p, t = predicted - centre_p, truth - centre_t
    u, singular, vt = np.linalg.svd(np.swapaxes(p, 1, 2) @ t)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., -1] *= sign[:, None]
    singular[:, -1] *= sign
    size = np.square(p).sum((1, 2))
    scale = singular.sum(1) / np.where(size > 0, size, 1)
    return scale[:, None, None] * (p @ (u @ vt)) + centre_t


def p_mpjpe(predicted: Poses, truth: Poses, between: Callable[[], None] = going_on) -> float:
    """MPJPE in mm after Procrustes alignment of every frame (protocol 2). Frames with unknown joints are left out. between:
    see going_on."""
    return _mean_apart(procrustes_aligned, *_complete_frames(predicted, truth), between)


def n_mpjpe(predicted: Poses, truth: Poses, between: Callable[[], None] = going_on) -> float:
    """MPJPE in mm after the best scale of every frame (Rhodin et al., CVPR 2018). Hip at zero. between: see going_on."""
    return _mean_apart(_scaled, *_complete_frames(on_root(predicted), on_root(truth)), between)


def _scaled(predicted: Poses, truth: Poses) -> Poses:
    size = np.square(predicted).sum((1, 2))
    scale = (predicted * truth).sum((1, 2)) / np.where(size > 0, size, 1)
    return scale[:, None, None] * predicted


def _mean_apart(align: Callable[[Poses, Poses], Poses], predicted: Poses, truth: Poses, between: Callable[[], None]) -> float:
    """Mean distance in mm of all joints when every frame is aligned; NaN without frames."""
    total = 0.0
    for first in range(0, len(truth), _FRAMES_AT_ONCE):
        between()
        true = truth[first : first + _FRAMES_AT_ONCE]
        total += float(np.linalg.norm(align(predicted[first : first + _FRAMES_AT_ONCE], true) - true, axis=-1).sum())
    return total / (len(truth) * truth.shape[1]) * MM_PER_M if len(truth) else float("nan")


def velocity_error(predicted: Poses, truth: Poses, times: NDArray[np.floating]) -> float:
    """Mean length in mm/s of the difference between predicted and true joint velocities, Hip at zero."""
    if len(predicted) < 2:
        return float("nan")
    difference = np.diff(on_root(predicted).astype(np.float64) - on_root(truth), axis=0)
    speed = np.linalg.norm(difference, axis=-1) / np.diff(times)[:, None]
    return float(np.nanmean(speed) * MM_PER_M)


def acceleration_error(predicted: Poses, truth: Poses, fps: float) -> float:
    """Mean length in m/s2 of the difference between predicted and true joint accelerations, Hip at zero, of frames that
    follow one another (Kanazawa et al., CVPR 2019)."""
    if len(predicted) < 3:
        return float("nan")
    difference = np.diff(on_root(predicted).astype(np.float64) - on_root(truth), 2, axis=0) * fps**2
    return float(np.nanmean(np.linalg.norm(difference, axis=-1)))


_JUMP_M, _TRUE_STEP_M = 0.15, 0.075


def jumps(predicted: Poses, truth: Poses) -> int:
    """How often a joint moves 15 cm or more from one frame to the next while the truth moves less than half as far, Hip at
    zero."""
    step, true_step = (np.linalg.norm(np.diff(on_root(poses), axis=0), axis=-1) for poses in (predicted, truth))
    return int(((step > _JUMP_M) & (true_step < _TRUE_STEP_M)).sum())


def angle_deg(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Between two directions (3,) of any length."""
    cosine = np.dot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def f1_score(found: int, false: int, missed: int) -> float:
    """The harmonic mean of precision and recall, from counts of cases; NaN where there is nothing to find."""
    return 2 * found / (2 * found + false + missed) if found + missed else float("nan")


PCK_LIMIT_MM = 150.0

_AUC_LIMITS_MM = np.arange(0.0, PCK_LIMIT_MM + 1, 5.0)


def pck(errors: NDArray[np.floating], limit_mm: float = PCK_LIMIT_MM) -> float:
    """Percentage of joint errors in mm, NaN left out, that are below a limit (Mehta et al., 3DV 2017)."""
    known = errors[np.isfinite(errors)]
    return float((known < limit_mm).mean() * 100) if len(known) else float("nan")


def auc(errors: NDArray[np.floating]) -> float:
    """Mean PCK over the limits 0, 5, ... 150 mm, as MPI-INF-3DHP's evaluation takes it (Mehta et al., 3DV 2017)."""
    known = np.sort(errors[np.isfinite(errors)])
    if not len(known):
        return float("nan")
    return float(np.searchsorted(known, _AUC_LIMITS_MM, side="left").mean() / len(known) * 100)


@dataclass(frozen=True)
class Reprojection:
    """How far predicted joints lie from the keypoints that they were lifted from, as the camera sees them.

    px: mean over the joints that were shown to the lifter; share: the same as a share of the person's height on the picture,
    NaN where no two joints are ever seen at once.
    It tells whether 3D and 2D agree, not whether the depth is right.
    """

    px: float
    share: float


def reprojection_errors(
    prediction: Prediction, clip: Clip, frames: slice | NDArray[np.int64] = slice(None)
) -> NDArray[np.float64]:
    """(frames, joints) pixels between keypoints and the prediction seen by the clip's camera, over some frames; NaN for what
    was hidden."""
    numbers = np.arange(len(prediction))[frames]
    errors = np.full((len(numbers), prediction.hidden.shape[1]), np.nan)
    if clip.keypoints is None:
        return errors
    for first in range(0, len(errors), _FRAMES_AT_ONCE):
        rows = slice(first, first + _FRAMES_AT_ONCE)
        part = numbers[rows]
        places = (prediction.positions[part] + prediction.root[part, None]).astype(np.float64)
        known = clip.visible[part] & ~prediction.hidden[part] & (places[..., 2] > 0)
        places[..., 2] = np.where(places[..., 2] > 0, places[..., 2], 1)
        apart = clip.camera.project(places) - clip.keypoints[part]
        errors[rows] = np.where(known, np.linalg.norm(apart, axis=-1), np.nan)
    return errors


def reprojection(prediction: Prediction, clip: Clip, frames: slice = slice(None)) -> Reprojection | None:
    """The figures over some frames; None where nothing can be compared."""
    errors = reprojection_errors(prediction, clip, frames)
    if clip.keypoints is None or not np.isfinite(errors).any():
        return None
    visible = clip.visible[frames][..., None]
    points = clip.keypoints[frames]
    low, high = np.where(visible, points, np.inf).min(1), np.where(visible, points, -np.inf).max(1)
    heights = (high - low).max(-1)
    heights = heights[np.isfinite(heights) & (heights > 0)]
    px = float(np.nanmean(errors))
    return Reprojection(px, px / float(np.median(heights)) if len(heights) else float("nan"))


@dataclass(frozen=True)
class ErrorSummary:
    """The figures of one prediction against the truth, mm (velocity: mm/s). hidden, visible: MPJPE over those joints
    alone, NaN when there are none."""

    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    velocity: float
    hidden: float
    visible: float
    frames: int


def summarise(
    predicted: Poses,
    truth: Poses,
    hidden: NDArray[np.bool_],
    times: NDArray[np.floating],
    between: Callable[[], None] = going_on,
) -> ErrorSummary:
    """Every figure at once; hidden: (frames, joints) bool. between: see going_on."""
    errors = joint_errors(predicted, truth)
    return ErrorSummary(
        mpjpe=_mean(errors),
        p_mpjpe=p_mpjpe(predicted, truth, between),
        n_mpjpe=n_mpjpe(predicted, truth, between),
        velocity=velocity_error(predicted, truth, times),
        hidden=_mean(errors[hidden]),
        visible=_mean(errors[~hidden]),
        frames=len(predicted),
    )


def _mean(errors: NDArray[np.float64]) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else float("nan")
