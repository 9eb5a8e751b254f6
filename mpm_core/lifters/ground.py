"""Owns what a clip's frames tell of the ground, one by one, and what they tell together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mpm_core.lifters.resampling import Resampling
from mpm_core.networks.ground import GROUND_CHANNELS, HEIGHT, STANDING, UP, mirror_ground

_SURENESS_POWER = 3
"""Frames count by their concentration to this power: frames in which nothing tells of up err together, so that there are
never enough of them."""

_USUAL_CONCENTRATION, _USUAL_ERROR_DEG, _ERROR_POWER = 33.0, 5.0, 4.5
"""The error that is expected falls with the mean concentration to this power; found on lifted clips of the evaluation's
subjects, whose median error falls from 9 degrees in the least sure third to 2.5 in the surest."""

_LEAST_ERROR_DEG, _LARGEST_ERROR_DEG = 2.0, 90.0


@dataclass(frozen=True)
class GroundTold:
    """See Prediction: up (3,), up_error_deg, foot_odds (frames, 2), foot_height (frames, 2)."""

    up: NDArray[np.float32]
    up_error_deg: float
    foot_odds: NDArray[np.float32]
    foot_height: NDArray[np.float32]


class GroundRecord:
    """What every frame of the even grid has told so far."""

    def __init__(self, count: int) -> None:
        self._rows = np.zeros((count, GROUND_CHANNELS), np.float32)
        self._counts = np.zeros(count, bool)

    def put(self, first: int, last: int, rows: NDArray[np.float32], is_blind: NDArray[np.bool_]) -> None:
        """Take over what frames first to last (excluded) tell, up in camera axes; NaN where they have not been asked. Where
        nothing was seen, nothing is told of up."""
        asked = np.isfinite(rows).all(-1)  # (frames,)
        self._rows[first:last] = np.nan_to_num(rows) * np.reshape(asked, (-1, 1))
        self._counts[first:last] = np.logical_and(asked, ~is_blind)

    def told(self, resampling: Resampling, frames: int) -> GroundTold | None:
        """For the clip's frames; None as long as no frame has told anything."""
        told = self._rows[self._counts, UP].astype(np.float64)
        concentration = np.linalg.norm(told, axis=-1)
        total = (told * concentration[:, None] ** (_SURENESS_POWER - 1)).sum(0)
        strength = float(np.linalg.norm(total))
        if strength == 0:
            return None
        rows = resampling.from_grid(self._rows[:, UP.stop :], 0, frames)
        logits, heights = (rows[:, part.start - UP.stop : part.stop - UP.stop] for part in (STANDING, HEIGHT))
        return GroundTold(
            (total / strength).astype(np.float32),
            _error_deg(float(np.linalg.norm(told.mean(0)))),
            logits.astype(np.float32),
            heights.astype(np.float32),
        )


def _error_deg(concentration: float) -> float:
    """The error that is expected of a clip whose frames together have this concentration."""
    error = _USUAL_ERROR_DEG * (_USUAL_CONCENTRATION / max(concentration, 1e-3)) ** _ERROR_POWER
    return min(max(error, _LEAST_ERROR_DEG), _LARGEST_ERROR_DEG)


def mirrored_ground(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a mirrored reading's (frames, GROUND_CHANNELS or 0) say of the original."""
    return mirror_ground(torch.from_numpy(rows)).numpy() if rows.shape[-1] else rows
