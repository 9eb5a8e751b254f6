"""Which frame of the clip, or of the range, is the worst: by the ground truth, or else by what looks most suspicious."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.document.measured import NOTHING_TO_MEASURE, is_as_given
from app.document.session import Session
from app.document.suspicions import sentence_of
from app.document.words import frames_in_words, joint_in_words
from mpm_core.metrics import joint_errors
from mpm_core.suspicions import Suspicion

_AT_ONCE = 20_000
"""Frames whose errors are computed at once, so that an hour of them takes little memory."""


@dataclass(frozen=True)
class Worst:
    """frame: None where there is none to go to; words: why it is the worst, or why there is none; suspicion: what it was told
    by, None with ground truth. is_sure: whether nothing was left out that is still being computed."""

    frame: int | None
    words: str
    suspicion: Suspicion | None = None
    is_sure: bool = True


def find_worst(session: Session, by_error: bool = True) -> Worst:
    """Of the range if one is chosen, else of the clip; of suspicions only of the kind on show. by_error: where errors are
    known; else it is the most suspicious one in any case."""
    first, last = session.range or (0, len(session) - 1)
    where = "the clip" if session.range is None else frames_in_words(first, last)
    if session.has_errors and by_error:
        return _by_error(session, first, last, where)
    answer, clip = session.prediction, session.clip
    if by_error and answer is not None and clip is not None and is_as_given(answer, clip):
        return Worst(None, NOTHING_TO_MEASURE)
    suspicions = session.suspicions
    if suspicions.items is None:
        return Worst(None, "Still looking for bad frames …")
    within = [item for item in suspicions.shown if first <= item.worst <= last]
    if not within:
        more = "" if session.has_errors else "; there is no ground truth to tell more"
        return Worst(None, f"Nothing looks wrong in {where}{more}.", None)
    worst = max(within, key=lambda item: (item.kind != "gap", item.badness))  # what is missing is known to be
    words = f"Most suspicious of {where}: {sentence_of(worst)}"
    return Worst(worst.worst, words, worst, not suspicions.is_outdated)


def _by_error(session: Session, first: int, last: int, where: str) -> Worst:
    """MPJPE of each frame; those that are still being renewed do not count."""
    answer, clip = session.prediction, session.clip
    assert answer is not None and clip is not None and clip.measured_truth is not None
    end = min(last + 1, len(answer), len(clip.measured_truth))
    mean = np.full(max(end - first, 0), np.nan)
    for start in range(first, end, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, end))
        errors = joint_errors(answer.positions[part], clip.measured_truth[part])
        known = np.isfinite(errors)
        sums = np.where(known, errors, 0).sum(1) / np.maximum(known.sum(1), 1)
        mean[part.start - first : part.stop - first] = np.where(known.any(1), sums, np.nan)
    marks = session.renewal.marks
    is_old = np.zeros(len(mean), bool) if marks is None or len(marks) != len(session) else marks[first:end]
    mean[is_old] = np.nan
    if not np.isfinite(mean).any():
        return Worst(None, f"No error is known in {where}" + (" yet." if is_old.any() else "."))
    frame = first + int(np.nanargmax(mean))
    of_frame = session.errors_at(frame)
    if of_frame is None:  # which is so in all frames that count
        return Worst(None, NOTHING_TO_MEASURE)
    joint = int(np.nanargmax(of_frame))
    words = (
        f"Worst of {where}: {frames_in_words(frame)}, MPJPE {mean[frame - first]:.0f} mm; "
        f"{joint_in_words(joint)} is farthest off, {of_frame[joint]:.0f} mm"
    )
    return Worst(frame, words, None, not is_old.any())
