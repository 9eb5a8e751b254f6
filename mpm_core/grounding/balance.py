"""Owns up as the body's balance tells it: on average the ground bears a person along the line from where the feet press on it
to the centre of mass, else people would fall over.

The force that the ground exerts is what bears the weight and what makes the person faster or slower. Were it to pass by the
centre of mass over several steps, the body would begin to spin. So up is the mean direction from where the feet press to the
centre of mass, less the velocity that was gained; a runner's trunk may lean as it likes.

Feet that the lifter was not shown are where a guess has them, and balance about them would be a guess too: frames count by how
much of the weight is borne by feet that were seen. Where balance and what was told are farther apart than both claim to be off,
it is balance that mostly errs (of who kneels, lies or turns on the spot), so it counts less (as in Cauchy's distribution).

The constants were found on pieces of training clips (see docs/studies.md), whose optimum is flat.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mpm_core.grounding.floor import FEET
from mpm_core.skeleton import MPM16

_TRUNK = (("Thorax", "Head", 0.0694, 0.5), ("Thorax", "Hip", 0.4346, 0.4486))
_OF_EACH_SIDE = (
    ("Shoulder", "Elbow", 0.0271, 0.5772),
    ("Elbow", "Wrist", 0.0162, 0.4574),
    ("Wrist", "Wrist", 0.0061, 0.0),
    ("Hip", "Knee", 0.1416, 0.4095),
    ("Knee", "Ankle", 0.0433, 0.4459),
    ("Ankle", "Ankle", 0.0137, 0.0),
)
"""From joint to joint, the share of the body's mass, and where on the way its centre is (de Leva, J. Biomech. 1996, men; the
head's is taken to be half-way from Thorax to Head, hands are at wrists and feet at ankles)."""

_AHEAD_M, _BELOW_M = 0.075, 0.12
"""Of the ankle, where a foot presses on the ground on average, of people who are so large:"""

_SIZE_M = 1.36
"""From the ankles to Thorax along the bones."""

_BEARS_ANYWAY, _LOWER_M = 0.1, 0.07
"""The lower foot bears a little where none is told to stand, as swift feet often are not; which is lower is so uncertain."""

_GAIN = 0.6
"""As much of the velocity that is gained is believed: some of it is lifted wrongly."""

_GRAVITY_M_S2 = 9.81
_VELOCITY_S = 0.2
"""Velocities are taken over so long."""

_SHORTEST_VELOCITIES = 3
"""Times as long a piece of motion lasts that tells how much was gained."""

_FASTEST_M_S = 15.0
"""Who is faster is another person, or it is another shot."""

_ERROR = 0.6
"""By how much balance is off, as a share of how much the poses, one by one, are."""

_BENT, _ERROR_OF_BENDING = 0.7, 12.0
"""People whose centre of mass is not so high above the ground, as a share of their size, bend, sit or lie, and more than feet
may bear them: balance is off by e to so many times what is missing more."""

_ALIKE = 1.8
"""Times as far off both are together as if they erred each for itself: they are told by the same poses."""

_SEEN_POWER = 2.0
"""How sharply balance is doubted, by the share of the weight that feet bear that were seen."""

_OUTLYING = 2.0
"""Times the spread of both: so far apart, balance counts by half."""

_LOOKED_AT = 2048
"""Frames of a clip, evenly spread."""

_ROUNDS = 2
_LEAST_M = 1e-6
_LEAST_SEEN = 1e-3

Floats = NDArray[np.floating]


def balance_up(
    places: Floats,
    up: Floats,
    error_deg: float,
    contact: Floats,
    shown: NDArray[np.bool_],
    follows: NDArray[np.bool_],
    fps: float,
) -> tuple[NDArray[np.float64], float]:
    """Up and its error, improved by how the body is balanced on its feet.

    places: (frames, 16, 3) metres where the person is; up: (3,) unit vector, off by about error_deg; contact: (frames, 2)
    probability that a foot stands, left first; shown: (frames, 2) whether the lifter was shown that ankle, or guessed it;
    follows: (frames - 1,) whether a frame follows the one before, or a pause or a hole lies between them. Up is the mean of
    both directions by how far they are expected to be off; as told where no foot was shown.
    """
    told: NDArray[np.float64] = np.asarray(up, np.float64)
    looked_at = slice(None, None, max(math.ceil(len(places) / _LOOKED_AT), 1))
    poses, stands = places[looked_at].astype(np.float64), contact[looked_at].astype(np.float64)
    if not shown[looked_at].any():
        return told, error_deg
    gained = _GAIN * _mean_acceleration(places, follows, fps) / _GRAVITY_M_S2
    found, times = told, np.inf
    for _ in range(_ROUNDS):  # which foot is lower, and where is ahead, depends on up
        borne, height, seen = _mean_bearing(poses, stands, shown[looked_at], found)
        borne -= gained - (gained @ found) * found
        borne /= max(float(np.linalg.norm(borne)), _LEAST_M)
        times = _ERROR * math.exp(_ERROR_OF_BENDING * max(_BENT - height, 0.0)) / max(seen, _LEAST_SEEN) ** (_SEEN_POWER / 2)
        apart = math.degrees(math.acos(max(-1.0, min(1.0, float(borne @ told)))))
        times *= math.hypot(1, apart / (_OUTLYING * error_deg * math.hypot(1, times)))
        found = told + borne / times**2
        found /= np.linalg.norm(found)
    return found, error_deg * min(_ALIKE / math.sqrt(1 + times**-2), 1.0)


def _mean_bearing(
    poses: Floats, stands: Floats, shown: NDArray[np.bool_], up: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """The mean way from where feet press to the centre of mass, made so long that it rises by one; how much it rises as a
    share of the person's size; and the share of the weight that feet bear that were shown. Frames count by how probably a foot
    stands, and by that share."""
    feet = poses[:, list(FEET)]
    heights = feet @ up
    lower = np.exp((heights.min(1, keepdims=True) - heights) / _LOWER_M)
    bears = stands + _BEARS_ANYWAY * lower / lower.sum(1, keepdims=True)  # (frames, 2)
    ahead = np.cross(up, _rightwards(poses))
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), _LEAST_M)
    size = max(_size(poses), _LEAST_M)
    pressed = (bears[..., None] * feet).sum(1) / bears.sum(1)[:, None] + size / _SIZE_M * (_AHEAD_M * ahead - _BELOW_M * up)
    counts, seen = np.minimum(bears.sum(1), 1), (bears * shown).sum(1) / bears.sum(1)
    mean: NDArray[np.float64] = np.average(_MASSES @ poses - pressed, axis=0, weights=counts * (seen + _LEAST_SEEN))
    rises = float(mean @ up)
    return mean / max(rises, _LEAST_M), rises / size, float(np.average(seen, weights=counts))


def _mean_acceleration(places: Floats, follows: NDArray[np.bool_], fps: float) -> NDArray[np.float64]:
    """(3,) m/s² of the centre of mass, by what its velocity gains from the beginning to the end of every piece of motion."""
    hip = places[:, MPM16.root]
    breaks = np.flatnonzero(~follows | (np.linalg.norm(np.diff(hip, axis=0), axis=1) * fps > _FASTEST_M_S)) + 1
    step = max(round(_VELOCITY_S * fps), 1)
    gained, seconds = np.zeros(3), 0.0
    for first, end in zip((0, *breaks), (*breaks, len(hip)), strict=True):
        last = end - 1
        if last - first >= _SHORTEST_VELOCITIES * step:
            at = _MASSES @ places[[first, first + step, last - step, last]].astype(np.float64)  # (4, 3)
            gained += (at[3] - at[2] - at[1] + at[0]) * fps / step
            seconds += (last - first - step) / fps
    return gained / seconds if seconds else gained


def _rightwards(poses: Floats) -> NDArray[np.floating]:
    """(frames, 3) from the body's left to its right, by the hips and, less, by the shoulders, which turn the other way."""
    right_hip, left_hip, right_shoulder, left_shoulder = MPM16.indices(("RHip", "LHip", "RShoulder", "LShoulder"))
    return poses[:, right_hip] - poses[:, left_hip] + 0.5 * (poses[:, right_shoulder] - poses[:, left_shoulder])


def _size(poses: Floats) -> float:
    """Metres from the ankles to Thorax along the bones; see _SIZE_M."""

    def length(first: str, last: str) -> float:
        start, end = MPM16.indices((first, last))
        return float(np.median(np.linalg.norm(poses[:, end] - poses[:, start], axis=1)))

    legs = [length(f"{side}{first}", f"{side}{last}") for side in "LR" for first, last in (("Hip", "Knee"), ("Knee", "Ankle"))]
    return sum(legs) / 2 + length("Hip", "Thorax")


def _masses() -> NDArray[np.float64]:
    """(16,) shares of the whole, so that the centre of mass is the mean of the joints by them."""
    sides = ((side + first, side + last, mass, at) for side in "LR" for first, last, mass, at in _OF_EACH_SIDE)
    masses = np.zeros(len(MPM16))
    for first, last, mass, at in (*_TRUNK, *sides):
        start, end = MPM16.indices((first, last))
        masses[start] += mass * (1 - at)
        masses[end] += mass * at
    return masses / masses.sum()


_MASSES = _masses()
