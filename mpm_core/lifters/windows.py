"""Owns how a clip is cut into windows, in each mode, and how their answers become one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.errors import UserError
from mpm_core.networks.base import FrameAnswers, PoseNetwork
from mpm_core.networks.ground import GROUND_CHANNELS


class Windows:
    """Windows over `count` frames of a clip, each with its own answer, kept until it is computed anew.

    Window w holds frames starts[w] to starts[w] + length; those beyond the clip count as hidden. Answers are rows of
    `channels` numbers a frame: positions, then what the network says of the ground, if anything (see split_answers).
    """

    first_batch: int
    batch: int

    def __init__(self, model: PoseNetwork, count: int, starts: NDArray[np.int64], length: int) -> None:
        self.model = model
        self.length = length
        self.count = count
        self.starts = starts
        self.channels = 3 * model.config.joints + (GROUND_CHANNELS if model.has_ground else 0)

    def decode(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """What the network answers for windows as gather gives them."""
        raise NotImplementedError

    def keep(self, windows: NDArray[np.int64], answers: NDArray[np.float32], is_blind: NDArray[np.bool_]) -> tuple[int, int]:
        """Take over what decode has answered, and which windows had nothing to see."""
        raise NotImplementedError

    def touched(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(windows,) bool: which windows hold at least one of the chosen frames."""
        chosen = np.flatnonzero(frames)
        return np.searchsorted(chosen, self.starts + self.length) > np.searchsorted(chosen, self.starts)

    def answering(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(windows,) bool: which windows have a say in the answer of the chosen frames."""
        return self.touched(frames)

    def answered_by(self, windows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(frames,) bool: in whose answer the chosen windows (windows,) have a say."""
        ends = np.zeros(self.count + 1, np.int64)
        np.add.at(ends, np.clip(self.starts[windows], 0, self.count), 1)
        np.add.at(ends, np.clip(self.starts[windows] + self.length, 0, self.count), -1)
        return np.cumsum(ends)[:-1] > 0

    def inputs(self, windows: NDArray[np.int64]) -> tuple[int, int]:
        """Range (last excluded) of the clip's frames that these windows hold."""
        first, last = int(self.starts[windows].min()), int(self.starts[windows].max()) + self.length
        return max(first, 0), min(last, self.count)

    def next_batch(self, pending: NDArray[np.int64], frame: int, size: int) -> NDArray[np.int64]:
        """Up to `size` of the pending windows: the one that answers nearest to a frame, and its neighbours outward.

        They lie next to each other, so that the work around them is not done for what lies between. There are 1, 2, 4 or 8 of
        them, since oneDNN writes and keeps code for every number that is new to it: 10 MB for the whole network.
        """
        starts = self.starts[pending]
        nearest = int(np.argmin(np.abs(starts + self.length // 2 - frame)))
        group = np.concatenate(([0], np.cumsum(np.diff(starts) > 2 * self.length)))
        members = np.flatnonzero(group == group[nearest])
        place = int(np.searchsorted(members, nearest))
        size = 1 << (min(size, len(members)).bit_length() - 1)
        if starts[nearest] + self.length // 2 < frame:
            first = max(place - size + 1, 0)
        else:
            first = max(min(place, len(members) - size), 0)
        return pending[members[first : first + size]]

    def gather(self, windows: NDArray[np.int64], tokens: Tensor, hidden_frames: Tensor) -> tuple[Tensor, Tensor]:
        """(windows, length, width) float32 tokens and which of them are hidden, from those of the clip."""
        places = torch.from_numpy(self.starts[windows])[:, None] + torch.arange(self.length)
        outside = ((places < 0) | (places >= self.count)).to(tokens.device)
        places = places.clamp(0, self.count - 1).to(tokens.device)
        return tokens[places].float(), hidden_frames[places] | outside


_OVERLAP = 24
"""Frames that two windows share, at most: more of them make the answer no better."""


class FastWindows(Windows):
    """Overlapping windows that answer all their frames, blended where they overlap.

    They are twice as long as the network's where that knows only how far apart frames are: 1 to 2 % more accurate than its
    own length, and hardly less than three or four times it, which would keep a click waiting.
    """

    first_batch, batch = 1, 4

    def __init__(self, model: PoseNetwork, count: int) -> None:
        length = model.config.frames * (2 if model.takes_any_length else 1)
        if count <= length:
            starts = np.array([-((length - count) // 2)])
        else:
            stride = length - min(_OVERLAP, length // 4)
            starts = np.unique(np.append(np.arange(0, count - length, stride), count - length))
        super().__init__(model, count, starts.astype(np.int64), length)
        self._answers = np.zeros((len(starts), length, self.channels), np.float32)
        self._is_answered = np.zeros(len(starts), bool)
        self._is_blind = np.ones(len(starts), bool)
        ramp = np.arange(1, length + 1)
        self._weights = np.minimum(ramp, ramp[::-1]).astype(np.float32)

    def decode(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """(windows, length, width) tokens to (windows, length, channels)."""
        return _join_answers(self.model.answer(self.model.relate(rows, hidden)))

    def keep(self, windows: NDArray[np.int64], answers: NDArray[np.float32], is_blind: NDArray[np.bool_]) -> tuple[int, int]:
        """Take over the answers of these windows; returns the range of frames whose answer is new."""
        self._answers[windows] = answers
        self._is_answered[windows] = True
        self._is_blind[windows] = is_blind
        return self.inputs(windows)

    def collect(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Blended answers (frames, channels) and where nothing was seen, for frames first to last (excluded).

        NaN where no window has answered yet.
        """
        total = np.zeros((last - first, *self._answers.shape[2:]), np.float32)
        weight = np.zeros(last - first, np.float32)
        is_blind = np.ones(last - first, bool)
        for window in np.flatnonzero(self._is_answered & (self.starts < last) & (self.starts + self.length > first)):
            start = int(self.starts[window])
            low, high = max(start, first), min(start + self.length, last)
            share = self._weights[low - start : high - start]
            total[low - first : high - first] += self._answers[window, low - start : high - start] * share[:, None]
            weight[low - first : high - first] += share
            is_blind[low - first : high - first] &= self._is_blind[window]
        total[weight == 0] = np.nan
        total /= np.maximum(weight, 1)[:, None]
        return total, is_blind


class FrameWindows(Windows):
    """One window per frame, around it, answered by the strided decoder, as the paper has it."""

    first_batch, batch = 4, 8

    def __init__(self, model: PoseNetwork, count: int) -> None:
        length = model.config.frames
        super().__init__(model, count, np.arange(count) - length // 2, length)
        self._answers = np.full((count, self.channels), np.nan, np.float32)
        self._is_blind = np.ones(count, bool)

    def answering(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(windows,) bool: the chosen frames' own windows."""
        return frames

    def answered_by(self, windows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(frames,) bool: the chosen windows' own frames."""
        return windows

    def decode(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """(windows, length, width) tokens to (windows, channels)."""
        return _join_answers(self.model.answer_middle(self.model.relate(rows, hidden)))

    def keep(self, windows: NDArray[np.int64], answers: NDArray[np.float32], is_blind: NDArray[np.bool_]) -> tuple[int, int]:
        """Take over the answers of these windows; returns a range of frames that holds all new answers."""
        self._answers[windows] = answers
        self._is_blind[windows] = is_blind
        return int(windows.min()), int(windows.max()) + 1

    def collect(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Answers (frames, channels) and where nothing was seen, for frames first to last (excluded)."""
        return self._answers[first:last], self._is_blind[first:last]


def _join_answers(answers: FrameAnswers) -> Tensor:
    flat = answers.positions.flatten(-2)
    return flat if answers.ground is None else torch.cat((flat, answers.ground.to(flat.dtype)), dim=-1)


def split_answers(rows: NDArray[np.float32], joints: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(..., channels) -> positions (..., joints, 3), and the rest, (..., GROUND_CHANNELS) or (..., 0)."""
    return rows[..., : 3 * joints].reshape(*rows.shape[:-1], joints, 3), rows[..., 3 * joints :]


MODES: Mapping[str, type[FastWindows] | type[FrameWindows]] = {
    "fast": FastWindows,
    "per-frame": FrameWindows,
}
"""Ways to use the network: whole windows, or one window for every frame."""


def check_mode(name: str) -> None:
    """UserError for a mode that there is not."""
    if name not in MODES:
        raise UserError(f"unknown mode '{name}' (known: {', '.join(MODES)})")
