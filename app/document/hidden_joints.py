"""Owns what the lifter is not shown beside the mask, and why; it is known until something that it depends on changes."""

from __future__ import annotations

import numpy as np

from mpm_core.clip import Clip
from mpm_core.masking import Mask, unsure_joints


class HiddenJoints:
    """Of one clip at a time, for a task ('lift' or 'complete') and a threshold of confidence. Masks are (frames, 16), not to be
    written to."""

    def __init__(self) -> None:
        self._missing: Mask | None = None
        self._unsure: Mask | None = None

    def forget(self) -> None:
        """Something else counts now."""
        self._missing = self._unsure = None

    def renew(self, first: int, last: int, clip: Clip, task: str, threshold: float) -> None:
        """Frames first to last of the clip have changed; a long clip's others are left alone."""
        if self._missing is None or self._unsure is None:
            self.forget()
            return
        part = slice(first, last + 1)
        self._missing, self._unsure = self._missing.copy(), self._unsure.copy()
        if task != "complete" and threshold > 0:
            self._unsure[part] = unsure_joints(clip, threshold, part)
        self._missing[part] = _absent(clip, task, part) | self._unsure[part]

    def missing(self, clip: Clip, task: str, threshold: float) -> Mask:
        """Joints that the clip itself lacks, or is unsure of."""
        if self._missing is None:
            self._missing = _absent(clip, task, slice(None)) | self.unsure(clip, task, threshold)
        return self._missing

    def unsure(self, clip: Clip, task: str, threshold: float) -> Mask:
        """Joints that were measured with less confidence than the threshold."""
        if self._unsure is None:
            counts = task != "complete" and threshold > 0
            self._unsure = unsure_joints(clip, threshold) if counts else np.zeros(clip.visible.shape, bool)
        return self._unsure


def _absent(clip: Clip, task: str, frames: slice) -> Mask:
    """What was never measured."""
    truth = clip.ground_truth if task == "complete" else None
    return ~clip.visible[frames] if truth is None else ~np.all(np.isfinite(truth[frames]), axis=-1)
