"""Owns what a clip's frames tell of the ground, one by one, and what they tell together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mpm_core.networks.ground import GROUND_CHANNELS, UP, mirror_ground

_SURENESS_POWER = 5
"""Frames count by their concentration to this power: frames in which nothing tells of up err together, so that there are
never enough of them."""

_USUAL_CONCENTRATION, _USUAL_ERROR_DEG, _ERROR_POWER = 100.0, 4.9, 0.9
"""The error that is expected falls with the mean concentration to this power; found on lifted clips of the evaluation's
subjects, whose median error falls from 8 degrees in the least sure sixth to 2.4 in the surest."""

_LEAST_ERROR_DEG, _LARGEST_ERROR_DEG = 2.0, 90.0


_BLOCK_FRAMES = 1024
"""Frames whose sum is made anew when one of them changes."""


@dataclass(frozen=True)
class UpTold:
    """See Prediction: up (3,), up_error_deg."""

    up: NDArray[np.float32]
    up_error_deg: float


class GroundRecord:
    """What every frame of the even grid has told so far. of_feet: (grid frames, 4), log odds that the left and the right foot
    stand, and their heights in metres."""

    def __init__(self, count: int) -> None:
        self._rows = np.zeros((count, GROUND_CHANNELS), np.float32)
        self._counts = np.zeros(count, bool)
        blocks = -(-count // _BLOCK_FRAMES)
        self._is_stale = np.zeros(blocks, bool)
        self._sums = np.zeros((blocks, 2, 3))
        self._counted = np.zeros(blocks, np.int64)

    @property
    def of_feet(self) -> NDArray[np.float32]:
        return self._rows[:, UP.stop :]

    def put(self, first: int, last: int, rows: NDArray[np.float32], is_blind: NDArray[np.bool_]) -> None:
        """Take over what frames first to last (excluded) tell, up in camera axes; NaN where they have not been asked. Where
        nothing was seen, nothing is told of up."""
        asked = np.isfinite(rows).all(-1)  # (frames,)
        self._rows[first:last] = np.nan_to_num(rows) * np.reshape(asked, (-1, 1))
        self._counts[first:last] = np.logical_and(asked, ~is_blind)
        self._is_stale[first // _BLOCK_FRAMES : (last - 1) // _BLOCK_FRAMES + 1] = True

    def told(self) -> UpTold | None:
        """Of the whole clip; None as long as no frame has told anything."""
        for block in np.flatnonzero(self._is_stale):
            part = slice(block * _BLOCK_FRAMES, (block + 1) * _BLOCK_FRAMES)
            told = self._rows[part, UP][self._counts[part]].astype(np.float64)
            concentration = np.linalg.norm(told, axis=-1)
            sure = told * concentration[:, None] ** (_SURENESS_POWER - 1)
            self._sums[block], self._counted[block] = (sure.sum(0), told.sum(0)), len(told)
        self._is_stale[:] = False
        sure, plain = self._sums.sum(0)
        strength = float(np.linalg.norm(sure))
        if strength == 0:
            return None
        concentration = float(np.linalg.norm(plain / self._counted.sum()))
        return UpTold((sure / strength).astype(np.float32), _error_deg(concentration))


def _error_deg(concentration: float) -> float:
    """The error that is expected of a clip whose frames together have this concentration."""
    error = _USUAL_ERROR_DEG * (_USUAL_CONCENTRATION / max(concentration, 1e-3)) ** _ERROR_POWER
    return min(max(error, _LEAST_ERROR_DEG), _LARGEST_ERROR_DEG)


def mirrored_ground(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a mirrored reading's (frames, GROUND_CHANNELS or 0) say of the original."""
    return mirror_ground(torch.from_numpy(rows)).numpy() if rows.shape[-1] else rows
