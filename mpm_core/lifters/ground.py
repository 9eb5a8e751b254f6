"""Owns what a clip's frames tell of the ground, one by one, and what they tell together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mpm_core.lifters.resampling import Resampling
from mpm_core.networks.ground import GROUND_CHANNELS, HEIGHT, STANDING, UP, mirror_ground

_ALIKE_FRAMES = 400.0
"""Frames whose errors of up are as good as one: a person leans the same way for as long, about."""

_LEAST_ERROR_DEG = 0.5


@dataclass(frozen=True)
class GroundTold:
    """See Prediction: up (3,), up_error_deg, foot_odds (frames, 2), foot_height (frames, 2)."""

    up: NDArray[np.float32]
    up_error_deg: float
    foot_odds: NDArray[np.float32]
    foot_height: NDArray[np.float32]


class GroundRecord:
    """What every frame of the even grid has told so far; a sum of what they say of up is kept, so that asking is cheap."""

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
        count = int(self._counts.sum())
        if not count:
            return None
        total = self._rows[:, UP].sum(0, where=self._counts[:, None], dtype=np.float64)
        strength = float(np.linalg.norm(total))
        rows = resampling.from_grid(self._rows[:, UP.stop :], 0, frames)
        logits, heights = (rows[:, part.start - UP.stop : part.stop - UP.stop] for part in (STANDING, HEIGHT))
        return GroundTold(
            (total / max(strength, 1e-9)).astype(np.float32),
            _error_deg(strength / count, count),
            logits.astype(np.float32),
            heights.astype(np.float32),
        )


def _error_deg(concentration: float, frames: int) -> float:
    """The median angle between the true and the mean direction, from the mean concentration of so many frames."""
    together = concentration * max(frames / _ALIKE_FRAMES, 1.0)
    # Of a von Mises-Fisher distribution on the sphere, whose 1 - cos is exponential where it is concentrated.
    cosine = 1 - np.log(2) / max(together, 1e-9)
    return max(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), _LEAST_ERROR_DEG)


def mirrored_ground(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a mirrored reading's (frames, GROUND_CHANNELS or 0) say of the original."""
    return mirror_ground(torch.from_numpy(rows)).numpy() if rows.shape[-1] else rows
