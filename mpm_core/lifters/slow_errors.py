"""Owns what is believed of errors that go on slowly in time, before anything is measured: those of answers along the line of
sight, and those of bones' lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

DEPTH_ERROR_M = 0.03
"""Of a bone's answer along the line of sight."""

_MEMORY_S, _MEMORY_OF_EXACT_S = 0.07, 0.1
"""How long errors along the line of sight stay alike; and where keypoints are exact, which tell of the quicker ones."""

_ALIKE, _ALIKE_UNTRUSTED = 1.5, 3.5
"""Times _MEMORY_S: how long what lengths say is one and the same word, since they are wrong in the same way for as long; with
keypoints that are trusted, and with others."""

_LENGTH_ERROR_M, _KNOWN_LENGTH_ERROR_M = 0.0095, 0.005
"""Of the lengths that are found for a limb's bones, which are as far off for short as for long ones; and by exact keypoints of
a body that the lifter knows."""

_LENGTH_MEMORY_S = 0.1
"""How long that stays alike where keypoints are exact: a wrong length, or distance, is wrong in the next frame too."""

_EXACT_M = 0.003
"""What is left of a bone's length in a single frame, where keypoints are exact."""

_HALF_EXACT_M = 0.0015
"""Keypoints that tremble by so much at the person's distance are exact by half. Those of motion capture tremble by 0.03 to 1
mm (half of it is movement), simulated detections that are off by 10 mm by 1.5 and more."""

_LEAST_EXACTNESS = 0.003
"""Below it errors of lengths are as if they were new in every frame, which takes half the time."""

_REACH_S = 1.0
"""So far, frames are fitted together."""

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


@dataclass(frozen=True, eq=False)
class DepthErrors:
    """What is believed of the errors of bones along the line of sight and of the lengths that these are found by.

    The lengths of limbs are wrong by length_error_m. Keypoints that are exact, which exactness, 0 to 1, says, are right from
    one frame to the next: there a length's error is a slow process of its own, found together with that of depth (a state
    augmented by the measurement's coloured noise; Bryson and Henrikson, J. Spacecraft 1968), so that depth follows every quick
    movement of which a bone's length tells, although nobody knows the length itself well. Else it is noise, of which several
    frames, slow.alike_frames, say the same. slow: of depth; lasting_bands: (3, frames), see SlowErrors.bands, of lengths' slow
    errors as a share of their size.
    """

    slow: SlowErrors
    lasting_bands: NDArray[np.float64]
    exactness: float
    length_error_m: float

    def most_likely(self, slope: Floats, surprise: Floats, noise: Floats, vague: Floats) -> NDArray[np.float64]:
        """(15, frames) metres of depth, by how much bones are longer than they look, surprise (15, frames) metres.

        slope: (15, frames) of length over depth. noise: (15, frames) m², the variance that a bone's length has by its ends,
        infinite where it is not measured. vague: (15, 1) how many times as wrong as a limb's its length is.
        """
        spread = np.square(self.length_error_m * vague)
        alike, exact = self.slow.alike_frames, self.exactness
        weight = 1 / ((noise + (1 - exact) * spread + _EXACT_M**2) * alike)
        if exact < _LEAST_EXACTNESS:
            return self.slow.most_likely(weight * slope**2, weight * slope * surprise)
        bones, frames = slope.shape
        bands = np.zeros((5, bones, frames, 2))  # depth and length in turn
        bands[::2, ..., 0] = self.slow.bands[:, None]
        bands[::2, ..., 1] = self.lasting_bands[:, None] / (exact * spread)
        bands[0, ..., 0] += weight * slope**2
        bands[0, ..., 1] += weight
        bands[1, ..., 0] = weight * slope
        pulls = np.stack((weight * slope * surprise, weight * surprise), axis=-1)
        found = solveh_banded(bands.reshape(5, -1), pulls.ravel(), lower=True, overwrite_ab=True, check_finite=False)
        return found.reshape(pulls.shape)[..., 0]


def depth_errors(root: Floats, fps: float, trust: float, tremble_m: float, known: float) -> DepthErrors:
    """For frames that follow one another, with keypoints that are trusted so far and tremble by so much, of a body that the
    lifter knows so well (see BodyFit.known)."""
    exactness = trust / (1 + (tremble_m / _HALF_EXACT_M) ** 4)
    alike = (_ALIKE * trust + _ALIKE_UNTRUSTED * (1 - trust)) * (1 - exactness)
    memory_s = _MEMORY_OF_EXACT_S * exactness + _MEMORY_S * (1 - exactness)
    slow = SlowErrors(slow_bands(root, fps, memory_s, DEPTH_ERROR_M), max(alike * _MEMORY_S * fps, 1.0))
    return DepthErrors(slow, slow_bands(root, fps, _LENGTH_MEMORY_S, 1.0), exactness, length_error_of(exactness, known))


def length_error_of(exactness: float, known: float) -> float:
    """Metres, of the lengths of a limb's bones, where keypoints are so exact and the body is known so well, both 0 to 1."""
    sure = exactness * known
    return _KNOWN_LENGTH_ERROR_M * sure + _LENGTH_ERROR_M * (1 - sure)


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
    return int(np.ceil(_REACH_S * fps))
