"""Owns angles that are known now well and now badly, made smooth over the whole time at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Floats = NDArray[np.float64]

_BRIDGE = 1e-3
"""How strongly neighbours are held together, beside a value that is trusted."""

_LEAST_WEIGHT = 1e-7


def smooth_angle(
    told: NDArray[np.complex128], fps: float, holds_s: Floats | float, lasts_s: float, follows: NDArray[np.bool_] | None = None
) -> Floats:
    """(frames,) radians without a jump, from what each frame tells.

    told: (frames,) a direction in the plane, as long as it is sure (0: nothing is told). holds_s: (frames - 1,) or one number
    of seconds over which an angle stays as it is, lasts_s: over which its speed does; both for a sureness of 1, what is surer
    is followed faster. follows: (frames - 1,) False where a frame does not come right after the one before. Least squares in
    one banded system: first of the directions, which tells the whole turns, then of the angles.
    """
    sureness = np.abs(told)
    weight = sureness**2
    goes_on = np.ones(len(told) - 1) if follows is None else follows.astype(np.float64)
    bands = _bands(fps, np.asarray(holds_s, np.float64) * goes_on, lasts_s * goes_on[1:] * goes_on[:-1])
    directions = _solve(bands, weight, np.stack((told.real, told.imag), axis=-1) * sureness[:, None])
    angle = np.unwrap(np.arctan2(directions[:, 1], directions[:, 0]))
    off = np.angle(told * np.exp(-1j * angle))
    # What points the other way, a knee bent the wrong way, was outvoted, and would pull to either side by chance.
    weight = weight * np.clip(2 * np.cos(off) + 1, 0, 1)
    return angle + _solve(bands, weight, weight * off - _times(bands, angle))


def bridge(values: Floats, trust: Floats) -> Floats:
    """(frames, columns): values as they are where they are trusted (frames,) from 0 to 1, straight lines across the rest."""
    bands = np.zeros((3, len(values)))
    _resist_turning(bands, np.full(len(values) - 1, _BRIDGE))
    return _solve(bands, trust, values * trust[:, None])


def _bands(fps: float, holds_s: Floats, lasts_s: Floats) -> Floats:
    """What resists turning and change of turning, at (frames - 1,) and (frames - 2,) places; row k holds what lies k below the
    diagonal."""
    frames = len(holds_s) + 1
    bands = np.zeros((3, frames))
    _resist_turning(bands, (holds_s * fps) ** 2)
    stiffness = (lasts_s * fps) ** 4
    for shift, factor in ((0, 1.0), (1, -2.0), (2, 1.0)):
        for other, times in ((0, 1.0), (1, -2.0), (2, 1.0)):
            if other >= shift and frames > 2:
                bands[other - shift, shift : shift + frames - 2] += stiffness * factor * times
    return bands


def _resist_turning(bands: Floats, holds: Floats) -> None:
    bands[0, 1:] += holds
    bands[0, :-1] += holds
    bands[1, :-1] -= holds


def _solve(bands: Floats, weight: Floats, right: Floats) -> Floats:
    system = bands.copy()
    system[0] += weight + _LEAST_WEIGHT
    solved: Floats = solveh_banded(system, right, lower=True, overwrite_ab=True, check_finite=False)
    return solved


def _times(bands: Floats, values: Floats) -> Floats:
    """The symmetric banded matrix times (frames,)."""
    out = bands[0] * values
    for below in (1, 2):
        out[below:] += bands[below, :-below] * values[:-below]
        out[:-below] += bands[below, :-below] * values[below:]
    return out
