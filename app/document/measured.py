"""Owns which answers there is anything to measure of: 3D that was completed is what was given, but for what was hidden."""

from __future__ import annotations

import numpy as np

from mpm_core.clip import Clip
from mpm_core.prediction import Prediction

NOTHING_TO_MEASURE = "Nothing that is known is hidden, so there is nothing to measure: the 3D on show is what was given."


def is_as_given(answer: Prediction, clip: Clip, frames: slice = slice(None)) -> bool:
    """Whether an answer is, in some frames, the ground truth itself: completed, and nothing was hidden of what is known."""
    truth = clip.measured_truth
    if answer.task != "complete" or truth is None:
        return False
    hidden = answer.hidden[frames]
    return not hidden.any() or not (hidden & np.isfinite(truth[frames, :, 0])).any()
