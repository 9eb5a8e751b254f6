"""Owns the curves of an answer: one value a frame for each joint, such as its error, speed or angle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.metrics import MM_PER_M, joint_errors, reprojection_errors
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

Values = NDArray[np.float64]
"""(frames, 16), NaN where there is nothing to tell."""


@dataclass(frozen=True)
class CurveKind:
    """label, unit, tip: for people. of: the values of an answer to a clip in MPM-16 joints; without an answer, of the ground
    truth, where that has any such values. can_be_true: whether it has."""

    label: str
    unit: str
    tip: str
    of: Callable[[Clip, Prediction | None], Values]
    can_be_true: bool = True


def _poses(clip: Clip, answer: Prediction | None) -> Values:
    """(frames, 16, 3) metres from Hip of the answer, or else of the ground truth."""
    if answer is not None:
        return answer.positions.astype(np.float64)
    if clip.ground_truth is None:
        return np.full((len(clip), len(MPM16), 3), np.nan)
    return clip.ground_truth.astype(np.float64) - clip.ground_truth[:, MPM16.root, None]


def _error(clip: Clip, answer: Prediction | None) -> Values:
    if answer is None or clip.measured_truth is None:
        return _nothing(clip)
    return joint_errors(answer.positions, clip.measured_truth)


def _position(axis: int) -> Callable[[Clip, Prediction | None], Values]:
    return lambda clip, answer: _poses(clip, answer)[..., axis]


def _speed(clip: Clip, answer: Prediction | None) -> Values:
    """m/s between the frames before and after."""
    poses, times, speed = _poses(clip, answer), clip.times, _nothing(clip)
    if len(poses) > 2:
        moved = np.linalg.norm(poses[2:] - poses[:-2], axis=-1)
        speed[1:-1] = moved / (times[2:] - times[:-2])[:, None]
    return speed


def _acceleration(clip: Clip, answer: Prediction | None) -> Values:
    """m/s2, from three frames that follow one another, whose times may be uneven."""
    poses, acceleration = _poses(clip, answer), _nothing(clip)
    if len(poses) > 2:
        steps = np.diff(clip.times)
        velocity = np.diff(poses, axis=0) / steps[:, None, None]
        bent = np.diff(velocity, axis=0) / ((steps[1:] + steps[:-1]) / 2)[:, None, None]
        acceleration[1:-1] = np.linalg.norm(bent, axis=-1)
    return acceleration


def _angle(clip: Clip, answer: Prediction | None) -> Values:
    """Degrees between the bones on both sides of a joint; 180 where they are in one line. Of joints with one bone that leads
    on from them alone."""
    poses, angle = _poses(clip, answer), _nothing(clip)
    for joint, (parent, child) in _HINGES.items():
        before, after = poses[:, parent] - poses[:, joint], poses[:, child] - poses[:, joint]
        lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
        cosine = (before * after).sum(-1) / np.where(lengths > 0, lengths, np.nan)
        angle[:, joint] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angle


def _hinges() -> dict[int, tuple[int, int]]:
    """Parent and child of the joints that have one of each."""
    children = {joint: [child for parent, child in MPM16.bones if parent == joint] for joint in range(len(MPM16))}
    return {
        joint: (MPM16.parents[joint], found[0]) for joint, found in children.items() if len(found) == 1 and joint != MPM16.root
    }


_HINGES = _hinges()


def _bone(clip: Clip, answer: Prediction | None) -> Values:
    """Centimetres from a joint to the one that it hangs on; nothing for Hip."""
    poses, length = _poses(clip, answer), _nothing(clip)
    for parent, child in MPM16.bones:
        length[:, child] = np.linalg.norm(poses[:, child] - poses[:, parent], axis=-1) * 100
    return length


def _confidence(clip: Clip, answer: Prediction | None) -> Values:
    return np.where(clip.visible, clip.confidence, np.nan).astype(np.float64)


def _uncertainty(clip: Clip, answer: Prediction | None) -> Values:
    if answer is None or answer.uncertainty is None:
        return _nothing(clip)
    return answer.uncertainty.astype(np.float64) * MM_PER_M


def _reprojection(clip: Clip, answer: Prediction | None) -> Values:
    if answer is None or answer.task != "lift":
        return _nothing(clip)
    return reprojection_errors(answer, clip)


def _nothing(clip: Clip) -> Values:
    return np.full((len(clip), len(MPM16)), np.nan)


CURVES: Mapping[str, CurveKind] = {
    "error": CurveKind("Error", "mm", "Distance from the ground truth, Hip at zero", _error, can_be_true=False),
    "x": CurveKind("Position, right", "m", "From Hip, to the right of the picture", _position(0)),
    "y": CurveKind("Position, down", "m", "From Hip, downward in the picture", _position(1)),
    "z": CurveKind("Position, away", "m", "From Hip, away from the camera", _position(2)),
    "speed": CurveKind("Speed", "m/s", "Of the joint, Hip at zero", _speed),
    "acceleration": CurveKind("Acceleration", "m/s²", "Of the joint, Hip at zero: trembling shows here", _acceleration),
    "angle": CurveKind("Joint angle", "°", "Between the bones on both sides of the joint; straight is 180°", _angle),
    "bone": CurveKind("Bone length", "cm", "From the joint to the one that it hangs on", _bone),
    "confidence": CurveKind("Confidence", "", "Of the detector; the same for all answers", _confidence, can_be_true=False),
    "uncertainty": CurveKind(
        "Uncertainty", "mm", "Half the distance between the answer and the mirrored one", _uncertainty, can_be_true=False
    ),
    "reprojection": CurveKind(
        "Reprojection", "px", "From the keypoint to the 3D as the camera sees it", _reprojection, can_be_true=False
    ),
}
"""What can be drawn, by name."""

BY_CLIP_ALONE = ("confidence",)
"""Curves that are the same whatever the answer is."""
