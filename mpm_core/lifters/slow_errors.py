"""Owns what is believed of errors that go on slowly in time, before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

DEPTH_ERROR_M = 0.03
"""Of a bone's answer along the line of sight."""

_MEMORY_S = 0.07
"""How long errors along the line of sight stay alike."""

_ALIKE, _ALIKE_UNTRUSTED = 1.5, 3.5
"""Times _MEMORY_S: how long what lengths say is one and the same word, since they are wrong in the same way for as long; with
keypoints that are trusted, and with others."""

_MEMORIES = 10.0
"""So many times as far, frames are fitted together."""

_OTHER_PLACE_M = 0.5
"""A person who is farther off from one frame to the next is another one, or it is another shot."""

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class SlowErrors:
    """What is believed of errors along the line of sight before bones' lengths are looked at: as large as DEPTH_ERROR_M,
    and smooth in time, so that no bone turns over for a frame (an autoregressive process of second order, critically damped;
    with measurements this is a Rauch-Tung-Striebel smoother, solved as one banded system).

    bands: (3, frames) the diagonal of the inverse covariance and the two beside it. alike_frames: how many frames say the same,
    errors of bones' lengths lasting as long: so much less each of them counts.
    """

    bands: NDArray[np.float64]
    alike_frames: float

    def most_likely(self, weights: Floats, pulls: Floats) -> NDArray[np.float64]:
        """(15, frames) errors, where each frame's measurement says by itself pulls / weights, as surely as weights."""
        bones, frames = weights.shape
        bands = np.tile(self.bands, bones)
        bands[0] += weights.ravel()
        return solveh_banded(bands, pulls.ravel(), lower=True, overwrite_ab=True, check_finite=False).reshape(bones, frames)


def slow_errors(root: Floats, fps: float, trust: float) -> SlowErrors:
    """For frames that follow one another, with keypoints that are trusted so far."""
    alike = _ALIKE * trust + _ALIKE_UNTRUSTED * (1 - trust)
    return SlowErrors(slow_bands(root, fps, _MEMORY_S, DEPTH_ERROR_M), max(alike * _MEMORY_S * fps, 1.0))


def slow_bands(root: Floats, fps: float, memory_s: float, size_m: float) -> NDArray[np.float64]:
    """See SlowErrors.bands, of errors that are so large and stay alike for so long; where the person (3, frames) is suddenly
    elsewhere, as after a cut, they begin anew."""
    frames = root.shape[-1]
    memory = np.exp(-1 / (memory_s * fps))
    age = np.arange(frames)  # since the last beginning
    cuts = np.flatnonzero(np.linalg.norm(np.diff(root, axis=1), axis=0) > _OTHER_PLACE_M) + 1
    for cut in cuts:
        age[cut:] = np.arange(frames - cut)
    one, two = age == 1, age >= 2
    first = np.where(two, 2 * memory, np.where(one, memory, 0.0))
    second = np.where(two, memory**2, 0.0)
    # Of what is new in each frame, as shares of the whole: the process keeps its size.
    new = np.where(two, (1 - memory**2) ** 3 / (1 + memory**2), np.where(one, 1 - memory**2, 1.0))
    weight = 1 / (new * size_m**2)
    bands = np.zeros((3, frames))
    bands[0] = weight
    bands[0, :-1] += (weight * first**2)[1:]
    bands[0, :-2] += (weight * second**2)[2:]
    bands[1, :-1] = -(weight * first)[1:]
    bands[1, :-2] -= (weight * first * second)[2:]
    bands[2, :-2] = (weight * second)[2:]
    return bands


def reach_of(fps: float) -> int:
    """Frames beyond which one says nothing of another's errors."""
    return int(np.ceil(_MEMORIES * _MEMORY_S * fps))
