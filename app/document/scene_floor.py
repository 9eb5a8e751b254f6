"""Where the floor of the scene is: under the feet that stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.document.scene_positions import in_scene
from app.document.session import Session
from mpm_core.grounding.floor import FEET, ground_under
from mpm_core.prediction import Prediction

_MOST_FRAMES, _STRETCHES = 2000, 20
"""A longer clip is looked at in so many stretches of as many frames together: the window must not wait for an hour's feet."""


def floor_of_truth(session: Session) -> float | None:
    """Metres of the floor under the ground truth, None where it tells none."""
    clip = session.clip
    if clip is None or clip.ground_truth is None:
        return None
    ankles = [clip.ground_truth[part][:, list(FEET)] for part in _stretches(len(clip))]
    heights = in_scene(np.concatenate(ankles), session.up.direction)[..., 2]
    known = np.isfinite(heights).all(1)
    return ground_under(heights[known], None) if known.any() else None


def floor_of_answer(session: Session) -> float | None:
    """Metres of the floor under the answer, None where it tells none."""
    prediction = session.prediction
    if prediction is None:
        return None
    heights, contacts = [], []
    for part in _stretches(len(prediction)):
        answer = _cut(prediction, part)
        ankles = answer.positions[:, list(FEET)] + np.nan_to_num(answer.root[:, None])
        heights.append(in_scene(ankles, session.up.direction)[..., 2])
        contacts.append(answer.contact)
    levels = np.concatenate(heights)
    known = np.isfinite(levels).all(1)
    tells = session.clip is not None and session.clip.ground_truth is None
    contact = np.concatenate([c for c in contacts if c is not None])[known] if tells and contacts[0] is not None else None
    return ground_under(levels[known], contact) if known.any() else None


def _stretches(frames: int) -> list[slice]:
    if frames <= _MOST_FRAMES:
        return [slice(0, frames)]
    length = _MOST_FRAMES // _STRETCHES
    return [slice(int(first), int(first) + length) for first in np.linspace(0, frames - length, _STRETCHES)]


def _cut(answer: Prediction, part: slice) -> Prediction:
    """Of an answer what tells whether feet stand, in some frames."""

    def rows(array: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        return None if array is None else array[part]

    return replace(
        answer, positions=answer.positions[part], root=answer.root[part], hidden=answer.hidden[part],
        is_prior_only=answer.is_prior_only[part], times=answer.times[part], foot_odds=rows(answer.foot_odds),
        stands=rows(answer.stands), hypotheses=None, uncertainty=None, foot_height=None, moved=None, is_pending=None,
    )  # fmt: skip
