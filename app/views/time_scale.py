"""Where frames are on the timeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TimeScale:
    """first, count: what is in view, in frames; left, width: where, in pixels; frames: of the clip."""

    first: float
    count: float
    left: float
    width: float
    frames: int

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def frame_px(self) -> float:
        """How wide a frame is."""
        return self.width / self.count

    @property
    def in_view(self) -> tuple[int, int]:
        """The first and the last (excluded) frame of which something is in view."""
        return max(int(self.first), 0), min(int(np.ceil(self.first + self.count)), self.frames)

    def x_of(self, frame: float) -> float:
        """The left edge of a frame's cell."""
        return self.left + (frame - self.first) * self.frame_px

    def frame_at(self, x: float) -> int:
        """The frame under a place, within the clip."""
        frame = int(np.floor(self.first + (x - self.left) / self.width * self.count))
        return max(0, min(frame, self.frames - 1))

    def columns(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last (excluded) frames of the clip under so many columns of equal width; at least one each."""
        edges = np.clip(self.first + np.arange(count + 1) / count * self.count, 0, self.frames).astype(np.int64)
        start = np.minimum(edges[:-1], self.frames - 1)
        return start, np.maximum(edges[1:], start + 1)

    def stretches(self, flags: NDArray[np.bool_], narrowest_px: float = 0.0) -> list[tuple[float, float]]:
        """Left and right, in pixels, of the stretches of flagged frames (frames,) that are in view."""
        first, last = self.in_view
        part = flags[first:last]
        if not part.any():
            return []
        steps = np.flatnonzero(np.diff(np.concatenate(([0], part.astype(np.int8), [0])))) + first
        left = self.left + (steps[::2] - self.first) * self.frame_px
        right = np.maximum(self.left + (steps[1::2] - self.first) * self.frame_px, left + narrowest_px)
        left, right = np.maximum(left, self.left), np.minimum(right, self.right)
        apart = np.concatenate(([True], left[1:] > np.maximum.accumulate(right)[:-1] + 0.5))
        # Stretches that meet on the screen are one there: a long clip has more of them than pixels.
        groups = np.flatnonzero(apart)
        ends = np.maximum.reduceat(right, groups)
        return list(zip(left[groups].tolist(), ends.tolist(), strict=True))
