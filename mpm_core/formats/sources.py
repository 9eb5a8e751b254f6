"""Owns where each value of what is written came from, and how sure the detector was of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.prediction import Prediction


def sources_of(content: Clip | Prediction, clip: Clip | None) -> tuple[NDArray[np.str_], NDArray[np.floating]]:
    """(frames, joints) what each value is, and (frames, joints) confidence 0 to 1.

    'detected': measured or given, 'edited': corrected by hand, 'hidden': not there, 'completed': filled in by the lifter,
    'derived': from other joints.
    clip: what a prediction was made from, if that is known.
    """
    if isinstance(content, Clip):
        return marks_of(content), content.confidence
    clip = None if clip is None or len(clip) != len(content) else clip.to_mpm16()  # of another length it tells nothing here
    if clip is not None and content.task == "complete" and clip.keypoints is not None:
        clip = None  # its marks tell of the 2D, while what was completed is the 3D beside it
    confidence = clip.confidence if clip is not None else (~content.hidden).astype(float)
    return np.where(content.hidden, "completed", "detected" if clip is None else marks_of(clip)), confidence


def marks_of(clip: Clip) -> NDArray[np.str_]:
    """(frames, joints): what each of a clip's own values is."""
    return np.select([~clip.visible, clip.edited, clip.derived], ["hidden", "edited", "derived"], "detected")
