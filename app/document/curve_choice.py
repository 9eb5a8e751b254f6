"""Which curves are drawn, and those that were computed for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.document.measured import is_as_given
from mpm_core.clip import Clip
from mpm_core.curves import CURVES
from mpm_core.prediction import Prediction

TRUTH, ON_SHOW = -1, 0
"""Numbers of the ground truth and of the answer on show, beside those of kept answers."""

MEAN = -1
"""In place of a joint: the mean of all of them."""

MEANT_FOR_ALL = ("error", "speed", "acceleration", "confidence", "uncertainty", "reprojection")
"""Kinds of which the mean over joints tells something."""


def usual_kind(clip: Clip) -> str:
    """What is drawn of a clip until a person chooses: how good the answer is, as far as that can be told."""
    if clip.measured_truth is not None:
        return "error"
    return "speed" if clip.keypoints is None else "reprojection"


def why_nothing(kind: str, clip: Clip, answer: Prediction | None) -> str:
    """Why there can be no values of a kind; nothing where there can, or will once there is an answer."""
    if kind == "error" and clip.measured_truth is None:
        return "No ground truth here: choose another quantity"
    if kind == "error" and answer is not None and is_as_given(answer, clip):
        return "Nothing is hidden, so there is no error to measure: choose another quantity"
    if kind in ("reprojection", "confidence") and clip.keypoints is None:
        return "No 2D here: choose another quantity"
    if kind == "reprojection" and answer is not None and answer.task != "lift":
        return "Completing does not look at the 2D: choose another quantity"
    if kind == "uncertainty" and answer is not None and answer.uncertainty is None:
        return "This answer does not tell how sure it is: average with the mirrored one"
    return ""


@dataclass(frozen=True)
class CurveChoice:
    """kind: a key of CURVES. joints: those chosen; without any, the mean over all of them."""

    kind: str = "error"
    joints: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[int, ...]:
        """Joints, or MEAN; nothing where joints have to be chosen first."""
        if self.joints:
            return self.joints
        return (MEAN,) if self.kind in MEANT_FOR_ALL else ()


@dataclass(frozen=True, eq=False)
class CurveLine:
    """answer: its number, see TRUTH and ON_SHOW. joint: or MEAN. values: (frames,), NaN where there is none."""

    answer: int
    joint: int
    values: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class CurveSet:
    """The lines of a choice."""

    choice: CurveChoice
    lines: tuple[CurveLine, ...]

    @property
    def unit(self) -> str:
        """Of all values."""
        return CURVES[self.choice.kind].unit


NO_CURVES = CurveSet(CurveChoice(), ())
