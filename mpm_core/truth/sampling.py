"""Owns values at other times than those at which they were recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAME = 1e-3  # of a step: a wanted time that is so near to a recorded one takes it as it is
_LONGEST_BRIDGE_S = 0.1


def at_times(values: NDArray[np.floating], times: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values (frames, joints, axes) of rising times (frames,), at the wanted times: by Catmull-Rom interpolation, or straight
    where a neighbour is missing. NaN beyond both ends, beside what is missing, and in gaps of more than 0.1 s."""
    last = len(times) - 1
    after = np.clip(np.searchsorted(times, wanted), 1, max(last, 1))
    before = np.clip(after - 1, 0, last)
    after = np.clip(after, 0, last)
    step = times[after] - times[before]
    typical = float(np.median(np.diff(times))) if last else 1.0
    share = np.divide(wanted - times[before], step, out=np.zeros(len(wanted)), where=step > 0)
    t = share[:, None, None]
    p1, p2 = values[before].astype(np.float64), values[after].astype(np.float64)
    straight = p1 + t * (p2 - p1)
    is_even = np.abs(step - typical) < 0.1 * typical
    p0, p3 = values[np.maximum(before - 1, 0)], values[np.minimum(after + 1, last)]
    curved = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    inner = (before > 0) & (after < last) & is_even
    result = np.where(inner[:, None, None] & np.isfinite(curved), curved, straight)
    result[(step > max(_LONGEST_BRIDGE_S, 1.5 * typical))] = np.nan
    for place, at in ((before, share), (after, share - 1)):
        same = np.abs(at) * np.where(step > 0, step, typical) < _SAME * typical
        result[same] = values[place[same]]
    outside = (wanted < times[0] - _SAME * typical) | (wanted > times[-1] + _SAME * typical)
    result[outside] = np.nan
    return result
