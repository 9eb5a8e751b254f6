"""Owns the answer that keeps a person's word: joints that were put somewhere in a frame lie on their rays there.

It comes last, after everything that guesses: whatever network, fit and ground have made of a correction, what is left of it is
put right, in the frames around too, fading out smoothly, so that no joint jumps; and the rest of the body gives way as far
as bones make it (see holding.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.base import LiftingTask
from mpm_core.lifters.body_fit import CHILDREN, NEAREST_M, PARENTS
from mpm_core.lifters.holding import give_way
from mpm_core.lifters.slow_errors import SlowErrors, slow_bands
from mpm_core.lifters.steadying import tremble_of
from mpm_core.masking import Mask
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

_MEMORY_S = 0.1
"""How long what a key has moved stays moved: by half after 1.7 times as long."""

_MEMORIES = 7.0
"""So many times as far nothing is left of it."""

_SIZE_M = 0.03
"""How far answers are off that nobody has corrected."""

_KEY_M, _BETWEEN_M = 1e-5, 0.002
"""How exactly a key is met before it is put right to the last, and how exactly frames between keys are at best."""

_LOOK_FRAMES = 2
"""How a path goes on is told by so many frames more than one."""

_MOMENT_S = 0.1
"""What is edited for so short a time tells nothing of how long bones are."""

_CUT_M = 1.0
"""A joint that is so far off from one frame to the next is another person's, or in another shot."""

_LEAST_M = 2e-5
"""What is moved by less is left."""


_Asked = tuple[NDArray[Any], ...]


class HeldTask:
    """A LiftingTask whose answers are put right where a person has corrected the keypoints of their clip: within rounding in
    the frames of keys (Clip.keys), and nearly so, smoothly, in other frames that are marked as edited, whose keypoints follow
    from keys. What is hidden is hidden: nobody's word counts there."""

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        """task: one that lifts this clip."""
        self._task = task
        self._moved: dict[tuple[int, int], tuple[_Asked, NDArray[np.float64]]] = {}
        """What was asked of stretches of frames, and came of it: most are as they were when one joint moves."""
        self._take(clip)

    def _take(self, clip: Clip) -> None:
        clip = clip.to_mpm16()
        assert clip.keypoints is not None
        self._edited = clip.edited & clip.visible
        self._is_key = self._edited if clip.keys is None else self._edited & (clip.keys > 0)
        self._visible, self._fps = clip.visible, clip.fps
        self._pieces = pieces(clip.times, clip.fps)
        self._rays: NDArray[np.float32] | None = None
        self._tremble = 0.0
        if self._edited.any():
            self._rays = clip.camera.rays(clip.keypoints)
            self._tremble = tremble_of(self._rays, clip.visible)

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        yield from self._task.update(mask, cursor, frames)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._take(clip)

    @property
    def has_edits(self) -> bool:
        """Whether a person has corrected anything."""
        return self._rays is not None

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        if self._rays is None:
            return answer
        depth = answer.positions[..., 2] + answer.root[:, None, 2]
        is_in_front = depth > NEAREST_M  # where nobody knows how far away a person is, no ray tells where their joints are
        counts = np.logical_and(self._edited & ~answer.hidden, is_in_front)
        reach = int(np.ceil(_MEMORIES * _MEMORY_S * self._fps))
        known, moved = self._moved, []
        runs = list(_runs(np.any(counts, axis=1), np.all(is_in_front, axis=1), reach))
        for run in [part for whole in runs for part in _within(whole, self._pieces) if counts[part].any()]:
            places = (answer.positions[run] + answer.root[run, None]).astype(np.float64)
            asked: _Asked = (places, counts[run], self._is_key[run], self._rays[run], self._visible[run] & ~answer.hidden[run])
            before = known.get((run.start, run.stop))
            is_same = before is not None and all(np.array_equal(a, b) for a, b in zip(asked, before[0], strict=True))
            moved.append((run, before if before is not None and is_same else (asked, self._move(*asked))))
        self._moved = {(run.start, run.stop): found for run, found in moved}
        if not moved:
            return answer
        positions, root = answer.positions.copy(), answer.root.copy()
        for run, (_, places) in moved:
            root[run] = places[:, MPM16.root]
            positions[run] = places - places[:, MPM16.root, None]
        return replace(answer, positions=positions, root=root)

    def _move(
        self, places: NDArray[np.float64], counts: NDArray[np.bool_], is_key: NDArray[np.bool_], rays: NDArray[np.float32],
        seen: NDArray[np.bool_],
    ) -> NDArray[np.float64]:  # fmt: skip
        """(frames, 16, 3) metres where joints go from places (frames, 16, 3), in frames that follow one another."""
        prior = SlowErrors(slow_bands(places[:, MPM16.root].T, self._fps, _MEMORY_S, _SIZE_M), 1.0)
        off = self._wanted(places, counts, is_key & counts, rays, prior)
        held = np.linalg.norm(off, axis=-1) > _LEAST_M
        if not held.any():
            return places
        lengths = _lengths(places, counts, round(_MOMENT_S * self._fps))
        return give_way(places, places + off, held, seen, lengths, prior)

    def _wanted(
        self, places: NDArray[np.float64], counts: NDArray[np.bool_], is_key: NDArray[np.bool_], flat: NDArray[np.float32],
        prior: SlowErrors,
    ) -> NDArray[np.float64]:  # fmt: skip
        """(frames, 16, 3) metres by which joints are to be moved: to the nearest point of their rays `flat` (frames, 16, 2)
        where a person's word counts, and ever less in the frames around, also by what the answer has taken over already in
        those frames alone."""
        rays = np.concatenate((flat, np.ones((*counts.shape, 1))), axis=-1)
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        off = rays * (rays * places).sum(-1, keepdims=True) - places
        joints = np.flatnonzero(counts.any(0))
        between = max(_BETWEEN_M, float(np.median(places[:, MPM16.root, 2])) * self._tremble)
        weights = np.where(is_key, _KEY_M**-2, np.where(counts, between**-2, 0.0))[:, joints].T  # (joints, frames)
        weights = np.repeat(weights, 3, axis=0)
        apart = np.stack([_stand_out(places[:, joint], counts[:, joint]) for joint in joints], axis=1)
        pulls = weights * (off[:, joints] + apart).transpose(1, 2, 0).reshape(weights.shape)
        smooth = prior.most_likely(weights, pulls).reshape(len(joints), 3, -1).transpose(2, 0, 1)
        wanted = np.zeros_like(off)
        wanted[:, joints] = smooth - apart
        return np.where(is_key[..., None], off, wanted)


def _within(run: slice, stretches: list[slice]) -> Iterator[slice]:
    """The parts of a run in stretches that follow one another: beyond a pause a key moves nothing."""
    for stretch in stretches:
        first, end = max(run.start, stretch.start), min(run.stop, stretch.stop)
        if first < end:
            yield slice(first, end)


def _lengths(places: NDArray[np.float64], counts: NDArray[np.bool_], moment: int) -> NDArray[np.float64]:
    """(frames, 15) metres of bones. Where a person's word counts for an end of one, in so many frames at most, the answer may
    have stretched it to follow: there it is as long as in the frames around."""
    lengths = np.linalg.norm(places[:, CHILDREN] - places[:, PARENTS], axis=-1)
    doubtful = counts[:, CHILDREN] | counts[:, PARENTS]
    for bone in np.flatnonzero(doubtful.any(0)):
        for run in _runs(doubtful[:, bone], np.ones(len(doubtful), bool), 0):
            ends = [frame for frame in (run.start - 1, run.stop) if 0 <= frame < len(lengths)]
            if ends and run.stop - run.start <= moment:
                lengths[run, bone] = np.interp(np.arange(run.start, run.stop), ends, lengths[ends, bone])
    return lengths


def _stand_out(path: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames, 3) metres by which each chosen stretch of a joint's path (frames, 3) stands out from how the path goes on at its
    ends: in a straight line in between. Zero elsewhere, and beyond a cut."""
    apart = np.zeros_like(path)
    for run in _runs(chosen, np.ones(len(chosen), bool), 0):
        ends: dict[int, NDArray[np.float64]] = {}
        for inside, step in ((run.start, -1), (run.stop - 1, 1)):
            near, far = inside + step, inside + _LOOK_FRAMES * step + step
            if 0 <= far < len(path):
                expected = path[near] + (path[near] - path[far]) / _LOOK_FRAMES
                if np.linalg.norm(path[inside] - expected) < _CUT_M:
                    ends[inside * 2 + (step > 0)] = path[inside] - expected
        if ends:
            known = np.array(list(ends)) / 2
            for axis in range(3):
                values = [end[axis] for end in ends.values()]
                apart[run, axis] = np.interp(np.arange(run.start, run.stop) + 0.25, known, values)
    return apart


def _runs(chosen: NDArray[np.bool_], allowed: NDArray[np.bool_], reach: int) -> Iterator[slice]:
    """Stretches of allowed frames at most so far from a chosen one."""
    near = np.zeros(len(chosen) + 1, np.int64)
    frames = np.flatnonzero(chosen)
    np.add.at(near, np.maximum(frames - reach, 0), 1)
    np.add.at(near, np.minimum(frames + reach + 1, len(chosen)), -1)
    wanted = np.concatenate(([False], (near.cumsum()[:-1] > 0) & allowed, [False]))
    edges = np.flatnonzero(np.diff(wanted))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(first), int(end))
