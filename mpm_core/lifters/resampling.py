"""Owns the change of frame rate: a clip's own times to the model's even grid, and answers back to the clip's times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Between frames that lie further apart than this nothing is interpolated; the time between is hidden instead.
_LONGEST_BRIDGE_S = 0.1
_SAME_TIME_S = 1e-4


class Resampling:
    """Maps between `frames` at their own times and `grid_frames` at an even rate that starts with the first of them.

    Pauses that are longer than `longest_pause` grid frames take no more than these on the grid: where windows are not longer
    either, none of them sees both sides, so that the clip is lifted piece by piece.
    """

    def __init__(self, times: NDArray[np.float64], rate: float, longest_pause: int | None = None) -> None:
        since_start = times - times[0] if longest_pause is None else _without_pauses(times, rate, longest_pause)
        self.frames = len(times)
        even = np.arange(len(times)) / rate
        self.is_identity = bool(np.abs(since_start - even).max() < _SAME_TIME_S)
        self.grid_frames = len(times) if self.is_identity else int(np.ceil(since_start[-1] * rate - _SAME_TIME_S)) + 1
        self._places = even * rate if self.is_identity else since_start * rate  # of each frame on the grid
        grid = np.minimum(np.arange(self.grid_frames) / rate, since_start[-1])
        after = np.searchsorted(since_start, grid - _SAME_TIME_S)
        self._after = np.clip(after, 0, len(times) - 1)
        self._before = np.clip(after - 1, 0, len(times) - 1)
        self._before[np.abs(since_start[self._after] - grid) <= _SAME_TIME_S] = self._after[
            np.abs(since_start[self._after] - grid) <= _SAME_TIME_S
        ]
        gap = since_start[self._after] - since_start[self._before]
        self._share = np.divide(grid - since_start[self._before], gap, out=np.zeros_like(gap), where=gap > 0)
        longest = _LONGEST_BRIDGE_S + _SAME_TIME_S  # 10 frames/s are bridged, however their times are rounded
        self._near_before = (self._share < 0.5) & (self._share * gap <= longest / 2)
        self._near_after = (self._share >= 0.5) & ((1 - self._share) * gap <= longest / 2)
        self._bridged = gap <= longest

    def to_grid(
        self, points: NDArray[np.float32], hidden: NDArray[np.bool_], first: int, last: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Grid frames first to last (excluded) of (frames, joints, axes) points and (frames, joints) hidden.

        Between two frames that show a joint it is interpolated; where only the nearer one does, that one counts.
        """
        if self.is_identity:
            return points[first:last], hidden[first:last]
        before, after = self._before[first:last], self._after[first:last]
        share = self._share[first:last, None].astype(np.float32)
        shows_before, shows_after = ~hidden[before], ~hidden[after]
        both = shows_before & shows_after & self._bridged[first:last, None]
        takes_before = both | (shows_before & self._near_before[first:last, None])
        takes_after = both | (shows_after & self._near_after[first:last, None])
        weight = np.where(both, share, takes_after.astype(np.float32))[..., None]
        mixed = points[before] * (1 - weight) + points[after] * weight
        return mixed.astype(np.float32), ~(takes_before | takes_after)

    def grid_touched(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(grid frames,) bool: those that the chosen frames go into."""
        return frames if self.is_identity else frames[self._before] | frames[self._after]

    def frames_touched(self, first: int, last: int) -> tuple[int, int]:
        """Range (last excluded) of frames whose answers depend on grid frames first to last (excluded)."""
        if self.is_identity:
            return first, last
        # A frame that lies on the grid reads its neighbours too, though it gives them no weight: NaN times zero is NaN.
        low = int(np.searchsorted(self._places, first - 2, side="left"))
        return low, int(np.searchsorted(self._places, last + 1, side="left"))

    def from_grid(self, values: NDArray[np.float32], first: int, last: int, begin: int = 0) -> NDArray[np.float32]:
        """(grid frames, ...) values at frames first to last (excluded), by Catmull-Rom interpolation. begin: the grid frame of
        the first value."""
        if self.is_identity:
            return values[first - begin : last - begin]
        places = self._places[first:last] - begin
        base = np.floor(places).astype(int)
        t = (places - base).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
        p0, p1, p2, p3 = (values[np.clip(base + k, 0, len(values) - 1)] for k in (-1, 0, 1, 2))
        return p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))

    def nearest_grid_frames(self, first: int, last: int) -> NDArray[np.int64]:
        """The grid frame nearest to each of the frames first to last (excluded)."""
        return np.clip(np.rint(self._places[first:last]), 0, self.grid_frames - 1).astype(np.int64)


def _without_pauses(times: NDArray[np.float64], rate: float, longest: int) -> NDArray[np.float64]:
    """(frames,) seconds since the first, with pauses of more than `longest` steps of 1 / rate shorter by whole steps."""
    excess = np.floor(np.maximum(np.diff(times) * rate - longest, 0))
    return times - times[0] - np.concatenate(([0.0], np.cumsum(excess))) / rate
