"""Owns how stretches of frames are found among marks of single frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def runs_of(rows: NDArray[np.bool_]) -> list[slice]:
    """The runs of marked frames (frames,), in order.

    >>> import numpy as np
    >>> from mpm_core.runs import runs_of
    >>> runs_of(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    bounds = [0, *(np.flatnonzero(rows[1:] != rows[:-1]) + 1).tolist(), len(rows)]
    return [slice(first, last) for first, last in pairwise(bounds) if first < last and rows[first]]


def widened(frames: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """(frames,) the marked frames and all at most `reach` away from one.

    >>> import numpy as np
    >>> from mpm_core.runs import widened
    >>> widened(np.array([False, False, False, True]), 1).tolist()
    [False, False, True, True]
    """
    wide = np.zeros(len(frames), bool)
    for part in runs_of(frames):
        wide[max(part.start - reach, 0) : part.stop + reach] = True
    return wide
