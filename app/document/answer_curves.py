"""What the timeline tells of an answer: an error curve, and where feet stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.floor import LEAST_CONTACT
from mpm_core.metrics import joint_errors, reprojection_errors
from mpm_core.prediction import Prediction

_TOP_MM = 60.0  # the axis reaches at least so high
_TOP_PX = 20.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One value per frame, NaN where there is none, under a name. colour: the name of one in the theme."""

    name: str
    values: NDArray[np.floating]
    colour: str


@dataclass(frozen=True, eq=False)
class AnswerCurves:
    """Curves that share an axis from 0 to `highest`, in `unit`. stands: (frames, 2) bool, left foot first; None where nobody
    tells."""

    curves: tuple[Curve, ...]
    highest: float
    unit: str
    stands: NDArray[np.bool_] | None = None


class KnownErrors:
    """Errors of an answer that streams in: only what is new of it is computed anew."""

    def __init__(self) -> None:
        self._positions: NDArray[np.float32] | None = None
        self._truth: NDArray[np.float32] | None = None
        self._errors = np.zeros((0, 0))

    def of(self, positions: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
        """(frames, 16) mm, NaN where the truth is unknown."""
        if self._positions is None or self._truth is not truth or len(self._positions) != len(positions):
            self._errors = joint_errors(positions, truth)
        elif positions is not self._positions:
            new = np.any(positions != self._positions, axis=(1, 2))
            self._errors = self._errors.copy()
            self._errors[new] = joint_errors(positions[new], truth[new])
        self._positions, self._truth = positions, truth
        return self._errors


def curves_of(prediction: Prediction, clip: Clip, known: KnownErrors) -> AnswerCurves | None:
    """Mean error of each frame and of its hidden joints; without ground truth how far the 3D is from the 2D; else None."""
    is_whole = prediction.is_pending is None
    contact = prediction.contact if is_whole and prediction.task == "lift" else None
    stands = None if contact is None else contact > LEAST_CONTACT
    if clip.measured_truth is not None:
        errors = known.of(prediction.positions, clip.measured_truth)
        mean = Curve("MPJPE", _mean_over(errors, np.isfinite(errors)), "curve")
        hidden = Curve("hidden joints", _mean_over(errors, prediction.hidden), "hidden_curve")
        return _on_one_axis((mean, hidden), _TOP_MM, "mm", stands)
    if clip.keypoints is None:
        return None
    apart = reprojection_errors(prediction, clip)
    curve = Curve("reprojection", _mean_over(apart, np.isfinite(apart)), "curve")
    return _on_one_axis((curve,), _TOP_PX, "px", stands)


def _on_one_axis(curves: tuple[Curve, ...], lowest_top: float, unit: str, stands: NDArray[np.bool_] | None) -> AnswerCurves:
    tops = [float(np.nanmax(curve.values, initial=0)) for curve in curves]
    return AnswerCurves(curves, max(lowest_top, *tops), unit, stands)


def _mean_over(errors: NDArray[np.floating], joints: NDArray[np.bool_]) -> NDArray[np.floating]:
    """(frames,) mean of errors (frames, 16) over the chosen joints that have one, NaN without any."""
    chosen = joints & np.isfinite(errors)
    counts = chosen.sum(1)
    return np.where(counts > 0, np.where(chosen, errors, 0).sum(1) / np.maximum(counts, 1), np.nan)
