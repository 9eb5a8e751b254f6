"""Owns how a person moves on the ground, in figures: feet that slide or are under the floor, and where the path goes.

They are of where the person stands, so they are left out where that is not known, and in completion, in which it is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.floor import ANKLE_HEIGHT_M, FEET, LEAST_CONTACT, find_floor
from mpm_core.grounding.up import find_up
from mpm_core.metrics import MM_PER_M, Poses, acceleration_error, angle_deg, jumps
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

UNDER_M = 0.01
"""What is less far under the floor is not counted: ankles that stand are not all equally high."""

_NAN = float("nan")
_NOTHING = np.zeros(0)


def sliding_speeds(places: Poses, stands: NDArray[np.bool_], fps: float) -> NDArray[np.float64]:
    """(steps,) m/s of ankles from one frame to the next, where their foot stands in both.

    places: (frames, 16, 3) metres where the person is; stands: (frames, 2), left first.
    """
    speed = np.linalg.norm(np.diff(places[:, list(FEET)].astype(np.float64), axis=0), axis=-1) * fps  # (frames - 1, 2)
    return speed[stands[1:] & stands[:-1] & np.isfinite(speed)]


def under_floor(places: Poses, up: NDArray[np.floating], contact: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(frames,) whether an ankle is more than 1 cm lower than ankles on the floor are (see find_floor, also for the arguments);
    no frames where nothing stands."""
    floor = find_floor(places, up, contact)
    if floor is None:
        return _NOTHING.astype(bool)
    lowest = (places[:, list(FEET)].astype(np.float64) @ np.asarray(up, np.float64)).min(1)
    return (lowest < floor + ANKLE_HEIGHT_M - UNDER_M)[np.isfinite(lowest)]


def path_errors(path: Poses, truth: Poses) -> NDArray[np.float64]:
    """(frames,) mm between a path (frames, 3) and the true one, moved so that their means are one; not turned nor scaled."""
    both = np.isfinite(path).all(-1) & np.isfinite(truth).all(-1)
    if not both.any():
        return _NOTHING
    off = path[both].astype(np.float64) - truth[both]
    return np.linalg.norm(off - off.mean(0), axis=-1) * MM_PER_M


@dataclass(frozen=True)
class OnGround:
    """slides: (steps,) m/s, see sliding_speeds; under: (frames,) bool, see under_floor; path: (frames,) mm, see path_errors.
    Empty where there is nothing to measure."""

    slides: NDArray[np.float64]
    under: NDArray[np.bool_]
    path: NDArray[np.float64]


NOT_ON_GROUND = OnGround(_NOTHING, _NOTHING.astype(bool), _NOTHING)


def on_ground(answer: Prediction, clip: Clip, frames: slice = slice(None)) -> OnGround:
    """An answer where the person stands. Which feet stand is known from the ground truth, if the clip has any that tells where
    the person is, else as the answer tells."""
    if answer.task != "lift" or not np.any(answer.root[frames]):
        return NOT_ON_GROUND
    up = np.array(find_up(clip, answer).direction)
    places, truth = answer.absolute()[frames], true_places(clip)
    told = answer.contact
    if truth is not None:
        from mpm_core.grounding.standing import standing_feet  # scipy is slow to import, and not needed to open a window

        contact = standing_feet(truth, up, clip.fps)[0][frames].astype(np.float64)
    elif told is not None:
        contact = told[frames].astype(np.float64)
    else:
        return NOT_ON_GROUND
    path = _NOTHING if truth is None else path_errors(answer.root[frames], truth[frames, MPM16.root])
    return OnGround(sliding_speeds(places, contact > LEAST_CONTACT, clip.fps), under_floor(places, up, contact), path)


def true_places(clip: Clip) -> NDArray[np.float32] | None:
    """(frames, 16, 3) where the person is, if the ground truth knows it, of every joint; else None."""
    truth = clip.measured_truth
    if truth is None or not np.isfinite(truth).all() or not np.ptp(truth[:, MPM16.root], axis=0).any():
        return None
    return truth


@dataclass(frozen=True)
class MotionSummary:
    """What an animator sees, NaN where it cannot be told. acceleration: error in m/s2; jumps: how many (both see metrics.py);
    up: degrees by which the answer's is off; path: mean error in mm; sliding: mean speed of standing feet in m/s; under: in how
    many per cent of the frames a foot is under the floor."""

    acceleration: float = _NAN
    jumps: float = _NAN
    up: float = _NAN
    path: float = _NAN
    sliding: float = _NAN
    under: float = _NAN


def summarise_motion(answer: Prediction, clip: Clip, frames: slice = slice(None)) -> MotionSummary:
    """The figures over some frames that follow one another."""
    ground = on_ground(answer, clip, frames)
    acceleration = count = _NAN
    if clip.measured_truth is not None:
        predicted, truth = answer.positions[frames], clip.measured_truth[frames]
        if len(truth) > 2 and np.isfinite(np.diff(truth, 2, axis=0)).any():
            acceleration, count = acceleration_error(predicted, truth, clip.fps), float(jumps(predicted, truth))
    up = _NAN if clip.up is None or answer.up is None else angle_deg(answer.up, np.array(clip.up))
    sliding, under, path = (_mean(values) for values in (ground.slides, ground.under, ground.path))
    return MotionSummary(acceleration, count, up, path, sliding, under * 100)


def _mean(values: NDArray[np.floating] | NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else _NAN
