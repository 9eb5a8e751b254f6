"""Owns a sign of a camera that does not stand: feet that stand, by how the person moves, but go by all the time.

The network tells from poses when a foot stands, whatever the camera does. Where the camera stands, such a foot hardly moves
across the line of sight, at least in the slower part of its stances; where it pans or is carried, no foot ever rests.
"""

from __future__ import annotations

import numpy as np

from mpm_core.clip import MOVING_CAMERA_NOTE, Clip
from mpm_core.grounding.floor import FEET
from mpm_core.prediction import Prediction

_LEAST_S = 2.0
"""Seconds of stances, of both feet together, that tell anything."""

_SLOWEST_SHARE = 0.25
"""Of the frames in which a foot is told to stand: it does rest in so many, if the camera does."""

_RESTING_M_S = 0.32
"""In the evaluation's 57 motions, seen by a standing camera, the slowest quarter of stances comes to 0.26 at most, also with
noisy 2D; seen by cameras that pan by 5 degrees a second or are carried at half a metre a second, to 0.36 at least."""


def standing_drift(answer: Prediction) -> float | None:
    """m/s at which feet that stand go by, where they go by all the time, so that the camera seems to move; else None.

    answer: one that is not yet moved to the ground (see Prediction.moved). Only ankles that were seen count.
    """
    if answer.foot_odds is None or answer.task != "lift":
        return None
    answered = np.isfinite(answer.positions[:, 0, 0])
    counts = (answer.foot_odds[answered] > 0) & ~answer.hidden[answered][:, list(FEET)]
    if counts.sum() < _LEAST_S * answer.fps or not np.any(answer.root[answered]):
        return None
    from mpm_core.grounding.standing import speeds_across  # scipy is slow to import, and not needed to open a window

    places = answer.absolute()
    places = places if answered.all() else places[answered]
    slowest = float(np.quantile(speeds_across(places, answer.fps)[counts], _SLOWEST_SHARE))
    return slowest if slowest > _RESTING_M_S else None


def moving_camera_notes(clip: Clip, answer: Prediction | None) -> tuple[str, ...]:
    """What is known of a camera that does not stand: what the clip says, else what standing feet of the answer to it tell."""
    if clip.lasting_notes or answer is None:
        return clip.lasting_notes
    drift = standing_drift(answer) if answer.moved is None else answer.drift
    if drift is None:
        return ()
    return (
        f"{MOVING_CAMERA_NOTE}, or the ground does: feet that stand go by at {drift:.1f} m/s or more all the time; a camera"
        " that stands still is assumed, so that its motion ends up in the person's path",
    )
