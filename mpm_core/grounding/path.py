"""Owns the person on the ground: path and legs moved so that feet that stand do not slide, and stand on one floor.

How far away the person is is known worst, so a standing foot slides to and fro along the line of sight although the keypoints
say where it is across; and two feet that stand cannot both be put right by moving the person alone. All frames of a clip are
moved at once, by least squares in one banded system: standing ankles keep their place and height, no ankle is under the floor,
the movement added is smooth, small across the line of sight and larger along it. Flights, in which no foot stands, stay as they
are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mpm_core.grounding.floor import FEET, LEAST_CONTACT, standing_level

_ALONG_M, _ACROSS_M = 0.08, 0.01
"""By how much the person may be moved along the line of sight and across it (standard deviations)."""

_LEG_ALONG_M, _LEG_ACROSS_M = 0.04, 0.01
"""By how much an ankle may be moved beside the person."""

_SHAKE_M_S2, _LEG_SHAKE_M_S2 = 3.0, 8.0
"""Acceleration that may be added to the person, and to an ankle."""

_STANDING_M_S = 0.05
"""Speed of an ankle that stands: it turns about the ball of the foot."""

_LEVEL_M, _STEP_M = 0.01, 0.06
"""How level the floor is. Feet that are higher or lower by more than about a step are on something else, and are let be."""

_LEVELS = 41
"""Quantiles of the heights of standing feet, among which the level is that most agree with."""

_LOWEST_SHARE = 0.15
"""Of standing ankles is lower than what all are lifted to: a little more than the floor is told by, lest some are under it."""

_UNDER_M, _ELSEWHERE_M = 0.004, 0.2
"""How hard the floor is. What is farther below it is elsewhere: on lower ground, or the camera has moved."""

_PASSES = 3
"""Which ankles are under the floor, and which stand on something else, is told by the pass before."""

_FASTEST_RATE = 1000.0
"""Frames a second that are told apart: beyond it the system has too large and too small numbers side by side."""

_OTHER_PLACE_M = 0.5
"""From one frame to the next; beyond it is another person or another shot."""

_UNKNOWNS = 3
"""Vectors a frame: the person's movement, and that of the left and the right ankle beside it."""

_FRAMES_AT_ONCE, _REACH_S = 4096, 20.0
"""A long clip is solved in parts that overlap by more than one frame says anything of another: the place of a standing foot is
known from the seconds around, and all that differs is a tenth of a millimetre at most."""

_MOST_HEIGHTS = 4000
"""As many feet tell at which height most stand, evenly spread."""

Floats = NDArray[np.floating]
Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Correction:
    """Metres to add. root: (frames, 3), to where the person is; ankles: (frames, 2, 3), to ankles beside that, left first."""

    root: Vectors
    ankles: Vectors


def stand_on_ground(
    places: Floats, up: Floats, contact: Floats, fps: float, follows: NDArray[np.bool_] | None = None, is_placed: bool = False
) -> Iterator[Correction | None]:
    """How to move a person so that they stand on the ground, step by step, so that whoever cannot wait may stop in between:
    None before each pass, at last the correction.

    places: (frames, 16, 3) metres in camera axes; up: (3,) unit vector; contact: (frames, 2) probability that a foot stands;
    follows: (frames - 1,) False where a frame does not come right after the one before. is_placed: whether distances are known
    as well as what lies across the line of sight, as several cameras tell them.
    """
    frames, fps = len(places), min(fps, _FASTEST_RATE)
    if frames < 3:
        yield Correction(np.zeros((frames, 3)), np.zeros((frames, 2, 3)))
        return
    root = places[:, 0].astype(np.float64)
    ankles = places[:, list(FEET)].astype(np.float64)  # (frames, 2, 3)
    del places  # what is made of a long clip for this call alone
    goes_on = np.linalg.norm(np.diff(root, axis=0), axis=-1) < _OTHER_PLACE_M
    if follows is not None:
        goes_on &= follows

    def system_of(part: _Part) -> _System:
        inside = part.around
        return _system(root[inside], ankles[inside], contact[inside], goes_on[part.steps], fps, is_placed)

    yield from _put_on_floor(_parts(frames, fps), system_of, ankles, np.asarray(up, np.float64), contact)


@dataclass(frozen=True)
class _Part:
    """Frames that are solved together. around: all of them; own: those whose answer counts; both of the clip."""

    around: slice
    own: slice

    @property
    def steps(self) -> slice:
        """From each of its frames to the next."""
        return slice(self.around.start, self.around.stop - 1)

    def take_own(self, solved: Vectors) -> Vectors:
        """Those frames of an answer whose answer counts."""
        first = self.own.start - self.around.start
        return solved[first : first + self.own.stop - self.own.start]


def _parts(frames: int, fps: float) -> list[_Part]:
    reach = math.ceil(_REACH_S * fps)
    size = max(_FRAMES_AT_ONCE, 2 * reach)
    if frames <= size + reach:
        return [_Part(slice(0, frames), slice(0, frames))]
    owned = [slice(first, min(first + size, frames)) for first in range(0, frames, size)]
    return [_Part(slice(max(own.start - reach, 0), min(own.stop + reach, frames)), own) for own in owned]


def _system(
    root: Vectors, ankles: Vectors, contact: Floats, goes_on: NDArray[np.bool_], fps: float, is_placed: bool
) -> _System:
    """All but the floor."""
    system = _System(len(root))
    system.keep(0, _closeness(root, _ACROSS_M if is_placed else _ALONG_M, _ACROSS_M))
    for foot in (0, 1):
        system.keep(1 + foot, _closeness(ankles[:, foot], _LEG_ACROSS_M if is_placed else _LEG_ALONG_M, _LEG_ACROSS_M))
        both = np.square(np.minimum(contact[1:, foot], contact[:-1, foot])) * goes_on * (fps / _STANDING_M_S) ** 2
        system.stand_still(1 + foot, both, np.diff(ankles[:, foot], axis=0))
    for vector, shake in enumerate((_SHAKE_M_S2, _LEG_SHAKE_M_S2, _LEG_SHAKE_M_S2)):
        system.go_smoothly(vector, (goes_on[1:] & goes_on[:-1]) * np.float64(fps**2 / shake) ** 2)
    return system


def _closeness(places: Vectors, along_m: float, across_m: float) -> Vectors:
    """(frames, 3, 3) how surely places (frames, 3) are where the lifter has them."""
    ray = places / np.maximum(np.linalg.norm(places, axis=-1, keepdims=True), 1e-6)
    return np.eye(3) / across_m**2 + ray[:, :, None] * ray[:, None, :] * (along_m**-2 - across_m**-2)


def _put_on_floor(
    parts: list[_Part], system_of: Callable[[_Part], _System], ankles: Vectors, up: Vectors, contact: Floats
) -> Iterator[Correction | None]:
    """Standing ankles are as high as standing ankles mostly are, and none is lower than where the lowest stand. system_of: made
    anew in each pass, which takes a tenth of the time: those of an hour would take 0.25 GB."""
    heights = ankles @ up  # (frames, 2)
    now = before = heights
    is_under = np.zeros(heights.shape, bool)
    stands = contact > LEAST_CONTACT
    moved = np.zeros((len(ankles), _UNKNOWNS, 3))
    level = wanted = np.zeros(heights.shape)
    for number in range(_PASSES if stands.any() else 1):
        if stands.any():
            usual, lowest = _usual_level(now[stands]), standing_level(now, contact, _LOWEST_SHARE)
            assert lowest is not None
            level = np.square(contact) * _likeness(now - usual) / _LEVEL_M**2
            is_under |= (now < lowest) & (number > 0)
            under = is_under * np.exp(-np.square((before - lowest) / _ELSEWHERE_M)) / _UNDER_M**2  # Welsch's
            level, wanted = level + under, level * (usual - heights) + under * (lowest - heights)
        for part in parts:
            yield None
            system = system_of(part)
            for foot in (0, 1):
                system.lift(1 + foot, level[part.around, foot], wanted[part.around, foot], up)
            moved[part.own] = part.take_own(system.solve())
        now = heights + (moved[:, :1] + moved[:, 1:]) @ up
        before = before if number else now  # anything was lifted out of the floor
    yield Correction(moved[:, 0], moved[:, 1:])


def _usual_level(heights: Vectors) -> float:
    """The height near which most of (feet,) are: where there are several levels, not one between them."""
    heights = heights[:: -(-len(heights) // _MOST_HEIGHTS)]
    levels = np.quantile(heights, np.linspace(0, 1, _LEVELS), method="nearest")
    return float(levels[_likeness(heights[:, None] - levels).sum(0).argmax()])


def _likeness(apart: Vectors) -> Vectors:
    """How much of a foot's weight tells of a level so far off: Geman and McClure's, by which what is far away tells nothing."""
    return 1 / np.square(1 + np.square(apart / _STEP_M))


class _System:
    """Normal equations of vectors x (frames, _UNKNOWNS, 3), whose terms reach over three frames at most.

    bands: the matrix's lower ones: row k holds what lies k below the diagonal; two frames on, a vector meets itself alone. An
    ankle moves with the person: its movement is the sum of vector 0 and its own.
    """

    def __init__(self, frames: int) -> None:
        self._size = 3 * _UNKNOWNS
        self._bands = np.zeros((2 * self._size + 1, self._size * frames))
        self._pull = np.zeros((frames, _UNKNOWNS, 3))

    def solve(self) -> Vectors:
        """(frames, _UNKNOWNS, 3) metres; nothing can be added afterwards."""
        pull = self._pull.ravel()
        return solveh_banded(self._bands, pull, lower=True, overwrite_ab=True, check_finite=False).reshape(self._pull.shape)

    def keep(self, vector: int, closeness: Vectors) -> None:
        """A vector is small, as (frames, 3, 3) say."""
        self._put(0, vector, vector, closeness)

    def stand_still(self, vector: int, weight: Vectors, moved: Vectors) -> None:
        """From one frame to the next an ankle that has moved (frames - 1, 3) stays, as surely as (frames - 1,) say."""
        own = np.zeros(len(self._pull))
        own[1:] += weight
        own[:-1] += weight
        pull = weight[:, None] * moved
        for column in (0, vector):
            for row in (0, vector):
                self._put_diagonal(0, row, column, own)
                self._put_diagonal(1, row, column, -weight)
            self._pull[1:, column] -= pull
            self._pull[:-1, column] += pull

    def go_smoothly(self, vector: int, weight: Vectors) -> None:
        """A vector has little acceleration, as (frames - 2,) say."""
        for early, factor in enumerate((1.0, -2.0, 1.0)):
            for late, times in enumerate((1.0, -2.0, 1.0)):
                if late >= early:
                    self._put_diagonal(late - early, vector, vector, weight * factor * times, early)

    def lift(self, vector: int, weight: Vectors, pull: Vectors, up: Vectors) -> None:
        """An ankle goes up by pull / weight, as surely as weight (frames,) says."""
        upright = weight[:, None, None] * np.outer(up, up)
        for column in (0, vector):
            for row in (0, vector):
                self._put(0, row, column, upright)
            self._pull[:, column] += pull[:, None] * up

    def _put(self, later: int, row: int, column: int, blocks: Vectors) -> None:
        """Add blocks (frames, 3, 3) to the rows of one vector, so many frames later, and the columns of another."""
        for r in range(3):
            for c in range(3):
                self._put_entries(self._size * later + 3 * row + r, 3 * column + c, blocks[:, r, c])

    def _put_diagonal(self, later: int, row: int, column: int, weight: Vectors, first: int = 0) -> None:
        """The same of weights (frames,) alike in all axes, of the frames from `first` on."""
        for axis in range(3):
            self._put_entries(self._size * later + 3 * row + axis, self._size * first + 3 * column + axis, weight, first)

    def _put_entries(self, row: int, column: int, values: Vectors, first: int = 0) -> None:
        below = row + self._size * first - column
        if below >= 0:  # the matrix is symmetric: what lies above is not stored
            self._bands[below, column :: self._size][: len(values)] += values
