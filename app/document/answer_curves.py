"""What the timeline tells of an answer: an error curve, and where feet stand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.document.measured import is_as_given
from mpm_core.clip import Clip
from mpm_core.grounding.floor import LEAST_CONTACT
from mpm_core.metrics import joint_errors, reprojection_errors
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_TOP_MM = 60.0  # the axis reaches at least so high
_TOP_PX = 20.0

_USUAL_PERCENT, _USUAL_ROOM, _OUTLIER = 98.0, 1.2, 2.0
"""The axis reaches a little over so many per cent of the frames where the highest of the others is so many times that."""

_FRAMES_AT_ONCE = 8192
_ANKLES = MPM16.indices(("LAnkle", "RAnkle"))


@dataclass(frozen=True, eq=False)
class Curve:
    """One value per frame, NaN where there is none, under a name. colour: the name of one in the theme."""

    name: str
    values: NDArray[np.floating]
    colour: str


@dataclass(frozen=True, eq=False)
class AnswerCurves:
    """Curves that share an axis from 0 to `highest`, in `unit`; beyond: the largest value where a few are higher than that,
    else 0. stands: (frames, 2) bool, left foot first; None where nobody
    tells; guessed: the same, whether the ankle is not seen, so that this is a guess."""

    curves: tuple[Curve, ...]
    highest: float
    unit: str
    stands: NDArray[np.bool_] | None = None
    guessed: NDArray[np.bool_] | None = None
    beyond: float = 0.0


class KnownMeans:
    """Means over the joints of an answer that streams in: only what is new of it is computed anew, since all of a long clip
    takes longer than the part that was lifted meanwhile."""

    def __init__(self) -> None:
        self._before: tuple[Prediction, Clip] | None = None
        self._means: NDArray[np.float64] = np.zeros((0, 0))

    def of(self, prediction: Prediction, clip: Clip) -> NDArray[np.float64]:
        """(1 or 2, frames), NaN where there is none: with ground truth the error in mm, of all joints and of the hidden ones;
        else the distance in pixels from the 2D."""
        new, truth = _new_frames(self._before, prediction, clip), clip.measured_truth
        if len(new) == len(prediction):
            self._means = np.full((1 if truth is None else 2, len(prediction)), np.nan)
        else:
            self._means = self._means.copy()  # somebody draws what was told before
        for part in np.split(new, [*range(_FRAMES_AT_ONCE, len(new), _FRAMES_AT_ONCE)]):
            if truth is None:
                apart = reprojection_errors(prediction, clip, part)
                self._means[0, part] = _mean_over(apart, np.isfinite(apart))
            else:
                errors = joint_errors(prediction.positions[part], truth[part])
                self._means[0, part] = _mean_over(errors, np.isfinite(errors))
                self._means[1, part] = _mean_over(errors, prediction.hidden[part])
        self._before = (prediction, clip)
        return self._means


def _new_frames(before: tuple[Prediction, Clip] | None, prediction: Prediction, clip: Clip) -> NDArray[np.int64]:
    """The numbers of the frames whose means may differ from those of an answer and clip before."""
    every = np.arange(len(prediction))
    if before is None:
        return every
    old, old_clip = before
    if old_clip.times is not clip.times or old_clip.camera != clip.camera or not _has_same_truth(old_clip, clip):
        return every
    differs = (prediction.positions != old.positions).reshape(len(every), -1).any(1)
    differs |= (prediction.root != old.root).any(1)
    differs &= ~(np.isnan(prediction.positions[:, 0, 0]) & np.isnan(old.positions[:, 0, 0]))  # still without an answer
    differs |= (prediction.hidden != old.hidden).any(1)
    if clip.keypoints is not None and old_clip.keypoints is not None and clip.keypoints is not old_clip.keypoints:
        differs |= (clip.keypoints != old_clip.keypoints).any((1, 2))
    if clip.visible is not old_clip.visible:
        differs |= (clip.visible != old_clip.visible).any(1)
    return np.flatnonzero(differs)


def _has_same_truth(one: Clip, other: Clip) -> bool:
    return one.ground_truth is other.ground_truth and one.completed is other.completed


def curves_of(prediction: Prediction, clip: Clip, known: KnownMeans) -> AnswerCurves | None:
    """Mean error of each frame and of its hidden joints; without ground truth how far the 3D is from the 2D; else None. No
    curve where the answer is the 3D that was given."""
    is_whole = prediction.is_pending is None
    contact = prediction.contact if is_whole and prediction.task == "lift" else None
    if clip.measured_truth is None and clip.keypoints is None:
        return None
    if is_as_given(prediction, clip):
        return AnswerCurves((), _TOP_MM, "mm")
    means = known.of(prediction, clip)
    if clip.measured_truth is None:
        axis = _on_one_axis((Curve("reprojection", means[0], "curve"),), _TOP_PX, "px")
    else:
        curves = Curve("MPJPE", means[0], "curve"), Curve("hidden joints", means[1], "hidden_curve")
        axis = _on_one_axis(curves, _TOP_MM, "mm")
    return axis if contact is None else replace(axis, stands=contact > LEAST_CONTACT, guessed=prediction.hidden[:, _ANKLES])


def _on_one_axis(curves: tuple[Curve, ...], lowest_top: float, unit: str) -> AnswerCurves:
    known = [values for curve in curves if len(values := curve.values[np.isfinite(curve.values)])]
    top = max((float(values.max()) for values in known), default=0.0)
    usual = max((_USUAL_ROOM * float(np.percentile(values, _USUAL_PERCENT)) for values in known), default=0.0)
    if top > max(_OUTLIER * usual, lowest_top):  # a few frames would flatten all others
        return AnswerCurves(curves, max(lowest_top, usual), unit, beyond=top)
    return AnswerCurves(curves, max(lowest_top, top), unit)


def _mean_over(errors: NDArray[np.floating], joints: NDArray[np.bool_]) -> NDArray[np.floating]:
    """(frames,) mean of errors (frames, 16) over the chosen joints that have one, NaN without any."""
    chosen = joints & np.isfinite(errors)
    counts = chosen.sum(1)
    return np.where(counts > 0, np.where(chosen, errors, 0).sum(1) / np.maximum(counts, 1), np.nan)
