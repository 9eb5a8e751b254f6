"""Owns where each value of what is written came from, and how sure the detector was of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.prediction import Prediction

NOT_MEASURED = ("completed", "hidden")
"""Sources of joints that nobody measured: where a format must have a place for them, it is a lifter's or interpolated."""


def sources_of(content: Clip | Prediction, clip: Clip | None) -> tuple[NDArray[np.str_], NDArray[np.floating]]:
    """(frames, joints) what each value is, and (frames, joints) confidence 0 to 1.

    'detected': measured or given, 'edited': corrected by hand, 'hidden': not there, 'completed': filled in by the lifter, now
    or when the file was made that this comes from, 'derived': from other joints.
    clip: what a prediction was made from, if that is known.
    """
    if isinstance(content, Clip):
        return marks_of(content), content.confidence
    clip = None if clip is None or len(clip) != len(content) else clip.to_mpm16()  # of another length it tells nothing here
    if clip is not None and content.task == "complete" and clip.ground_truth is not None:
        sources, confidence = marks_of_3d(clip)  # what was completed is the 3D, not the 2D beside it
        is_made = content.hidden | (sources == "hidden")
        return np.where(is_made, "completed", sources), np.where(content.hidden, 0.0, confidence)
    confidence = clip.confidence if clip is not None else (~content.hidden).astype(float)
    return np.where(content.hidden, "completed", "detected" if clip is None else marks_of(clip)), confidence


def marks_of(clip: Clip) -> NDArray[np.str_]:
    """(frames, joints): what each of a clip's own values is, of its 2D if it has any."""
    if clip.keypoints is None:
        return marks_of_3d(clip)[0]
    return np.select([~clip.visible, clip.edited, clip.derived], ["hidden", "edited", "derived"], "detected")


def marks_of_3d(clip: Clip) -> tuple[NDArray[np.str_], NDArray[np.floating]]:
    """(frames, joints) what each place of a clip's 3D is, whatever the 2D beside it is, and how sure it is."""
    assert clip.ground_truth is not None
    known = np.asarray(np.isfinite(clip.ground_truth).all(-1))
    completed = np.zeros_like(known) if clip.completed is None else clip.completed
    speaks = clip.keypoints is None or clip.is_virtual  # of a clip of 2D the marks and scores are the 2D's
    derived = clip.derived if speaks else np.zeros_like(known)
    confidence = clip.confidence if speaks else np.ones(known.shape)
    if clip.keypoints is not None:
        confidence = np.where(completed, 0.0, confidence)
    sources = np.select([~known, completed, derived], ["hidden", "completed", "derived"], "detected")
    return sources, np.where(known, confidence, 0.0)


def spans_of(marks: NDArray[np.bool_], names: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """First and last frames of the runs in which (frames, joints) marks are set, for each joint that has any."""
    edges = np.diff(np.pad(marks.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    spans = {}
    for joint in np.flatnonzero(marks.any(0)).tolist():
        first, after = np.flatnonzero(edges[:, joint] == 1), np.flatnonzero(edges[:, joint] == -1)
        spans[names[joint]] = list(zip(first.tolist(), (after - 1).tolist(), strict=True))
    return spans
