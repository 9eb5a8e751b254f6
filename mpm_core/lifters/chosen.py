"""Owns what a person took among alternatives of hidden joints: how a clip keeps it, and answers that follow it.

What is kept of a joint (Clip.chosen) is the bone that leads to it from its parent, not its place. So it goes along when an edit
elsewhere moves the body, bones keep their lengths, and an arm stays on its shoulder. It counts where the joint is hidden, and
rests where it is shown: what is seen is no matter of choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.base import LiftingTask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.provenance import Step
from mpm_core.runs import runs_of
from mpm_core.skeleton import LIMBS, MPM16

_SOFT_S, _SOFT_SHARE = 0.25, 1 / 3
"""How long what is taken needs to begin and to end, and which share of its frames at most."""

_LEAST_SHARE, _LEAST_M, _LEAST_SINE = 1e-6, 1e-6, 1e-6

_ORDER = tuple(joint for joint in MPM16.parents_first if joint != MPM16.root)

Floats = NDArray[np.float32]


class ChosenTask:
    """A LiftingTask whose answers have hidden joints where a person took an alternative for them (Clip.chosen)."""

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        """task: one on this clip."""
        self._task = task
        self._chosen = clip.to_mpm16().chosen

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        return self._task.update(mask, cursor, frames)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        self._chosen = clip.to_mpm16().chosen

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        return answer if self._chosen is None else with_chosen(answer, self._chosen)


def with_chosen(answer: Prediction, chosen: Floats) -> Prediction:
    """An answer with its hidden joints where a person took alternatives for them. chosen: (frames, 16, 4), see Clip. Hidden
    joints beyond one that moves go along; visible ones stay where they are. Its history says which limbs follow."""
    follows = followed(chosen, answer.hidden)
    frames = np.flatnonzero(follows.any(1))
    if not len(frames):
        return answer
    positions = answer.positions.copy()
    positions[frames] = _moved(positions[frames], chosen[frames], answer.hidden[frames], answer.scale)
    return replace(answer, positions=positions, history=(*answer.history, *_told(follows)))


def followed(chosen: Floats | None, hidden: Mask) -> Mask:
    """(frames, 16) bool, the joints that follow an alternative that was taken: hidden ones alone. chosen: see Clip."""
    if chosen is None:
        return np.zeros_like(hidden)
    follows = (chosen[..., 3] > 0) & hidden
    follows[:, MPM16.root] = False
    return follows


def _told(follows: Mask) -> Iterator[Step]:
    """What is to be said of joints (frames, 16) that follow an alternative, limb by limb."""
    for limb in LIMBS:
        frames = np.flatnonzero(follows[:, list(MPM16.limb(limb))].any(1))
        if len(frames):
            where = f"in {len(frames)} frames from {frames[0] + 1} to {frames[-1] + 1}" if len(frames) > 1 else "in one frame"
            yield Step.now(f"the {limb} follows an alternative that was taken, {where}")


def _moved(places: Floats, chosen: Floats, hidden: Mask, scale: float) -> Floats:
    """(frames, 16, 3) metres where joints go from places (frames, 16, 3)."""
    moved = places.copy()
    for joint in _ORDER:
        parent = MPM16.parents[joint]
        bone, share = places[:, joint] - places[:, parent], chosen[:, joint, 3:]
        if share.any():
            bone = np.where(share > 0, _between(bone, chosen[:, joint, :3] * scale, share), bone)
        moved[:, joint] = np.where(hidden[:, joint, None], moved[:, parent] + bone, moved[:, joint])
    return moved


def _between(one: Floats, other: Floats, share: Floats) -> Floats:
    """(frames, 3) bones that have turned from one to another by a share (frames, 1), and are no shorter on the way."""
    lengths = [np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), _LEAST_M) for bone in (one, other)]
    start, end = one / lengths[0], other / lengths[1]
    along = (start * end).sum(-1, keepdims=True)
    across = end - along * start
    sine = np.linalg.norm(across, axis=-1, keepdims=True)
    # Between opposite ones every way is as short: one by the side.
    aside = np.cross(start, np.eye(3)[np.abs(start).argmin(-1)])
    turned = np.where(sine > _LEAST_SINE, across, aside)
    turned /= np.linalg.norm(turned, axis=-1, keepdims=True)
    angle = share * np.arctan2(sine, along)
    direction = np.cos(angle) * start + np.sin(angle) * turned
    return (direction * (lengths[0] + share * (lengths[1] - lengths[0]))).astype(np.float32)


def attached(positions: Floats, hypotheses: Floats, hidden: Mask) -> Floats:
    """(samples, frames, 16, 3) metres from Hip where joints would be if one of the hypotheses were taken wholly: hidden ones
    (frames, 16) where its bones lead, from the visible ones of positions (frames, 16, 3)."""
    placed = np.repeat(positions[None], len(hypotheses), axis=0)
    for joint in _ORDER:
        parent = MPM16.parents[joint]
        bone = hypotheses[:, :, joint] - hypotheses[:, :, parent]
        placed[:, :, joint] = np.where(hidden[:, joint, None], placed[:, :, parent] + bone, placed[:, :, joint])
    return placed


def choose(clip: Clip, answer: Prediction, first: int, hypothesis: Floats, joints: Collection[int], frame: int) -> Floats:
    """(frames, 16, 4) rows of Clip.chosen from the frame `first` on, with an alternative taken for some joints, in those of its
    frames in which they are hidden from the answer, and as wholly as can be in `frame`.

    hypothesis: (frames, 16, 3) metres, placed like answer.positions. At both ends of each stretch the body comes softly from
    what it was before, also from an alternative that was taken earlier, except where the clip ends.
    """
    part = slice(first, first + len(hypothesis))
    rows = np.zeros((len(hypothesis), len(MPM16), 4), np.float32) if clip.chosen is None else clip.chosen[part].copy()
    for joint in joints:
        if joint == MPM16.root:
            continue  # everything is measured from there
        share = _shares(answer.hidden[part, joint], first, len(answer), frame, clip.fps)[:, None]
        bone = (hypothesis[:, joint] - hypothesis[:, MPM16.parents[joint]]) / answer.scale
        before = rows[:, joint, 3:] * (1 - share)
        total = before + share  # of what is taken now and what was taken before, beside the lifter's own
        mixed = _between(np.where(before > 0, rows[:, joint, :3], bone), bone, share / np.maximum(total, _LEAST_SHARE))
        rows[:, joint] = np.where(share > 0, np.concatenate((mixed, total), axis=-1), rows[:, joint])
    return rows


def _shares(hidden: NDArray[np.bool_], first: int, count: int, frame: int, fps: float) -> Floats:
    """(frames,) 0 to 1: how far an alternative counts in hidden frames (frames,), of which `first` is the first, of a clip of
    `count`."""
    shares = np.zeros(len(hidden), np.float32)
    for run in runs_of(hidden):
        start, end = run.start, run.stop
        steps, soft = np.arange(start, end), min(round(_SOFT_S * fps), int((end - start) * _SOFT_SHARE))
        here = frame - first
        rooms = (here - start, end - 1 - here) if start <= here < end else (soft, soft)
        rise, fall = (min(soft, room) for room in rooms)
        share = np.ones(end - start)
        if first + start > 0:
            share = np.minimum(share, _ramp(steps - start + 1, rise + 1))
        if first + end < count:
            share = np.minimum(share, _ramp(end - steps, fall + 1))
        shares[start:end] = share
    return shares


def _ramp(steps: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """From 0 to 1 within so many steps, without a corner."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(steps / length, 0, 1))


def let_go(clip: Clip, first: int, last: int, joints: Collection[int]) -> tuple[int, Floats] | None:
    """Rows of Clip.chosen, and the frame of the first of them, without what was taken for some joints in a stretch that reaches
    into frames first to last (included): whole stretches, since they begin and end softly. None where nothing was taken."""
    if clip.chosen is None:
        return None
    chosen, gone = clip.chosen.copy(), np.zeros(len(clip), bool)
    for joint in joints:
        for run in runs_of(chosen[:, joint, 3] > 0):
            if run.start <= last and run.stop > first:
                chosen[run, joint], gone[run] = 0, True
    frames = np.flatnonzero(gone)
    return (int(frames[0]), chosen[frames[0] : frames[-1] + 1]) if len(frames) else None
