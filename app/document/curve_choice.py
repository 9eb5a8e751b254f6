"""Which curves are drawn, and those that were computed for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.curves import CURVES

TRUTH, ON_SHOW = -1, 0
"""Numbers of the ground truth and of the answer on show, beside those of kept answers."""

MEAN = -1
"""In place of a joint: the mean of all of them."""

MEANT_FOR_ALL = ("error", "speed", "acceleration", "confidence", "uncertainty", "reprojection")
"""Kinds of which the mean over joints tells something."""


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
