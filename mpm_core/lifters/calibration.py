"""Owns self-calibration of completion: what the visible limb of a pair tells about the error in the hidden one.

People and movements differ from those of the training data in lasting ways (a dancer's raised elbows, a boxer's guard),
and mostly so on both sides of the body. So when an arm is hidden, another answer is made with the other arm hidden too;
likewise for legs. How far it is off there is known in every frame, and mirroring.py tells from it how far the hidden joints'
answer is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import LEVEL_CAMERA_UP
from mpm_core.clip import Clip
from mpm_core.lifters.living import Living, LivingTask, Snapshots
from mpm_core.lifters.mirroring import MIRROR, PAIRS, Lesson, Pair, World, away_of, hide_other_side, learn, steps_of
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.runs import widened

_LEAST_S = 1e-6  # between frames, of clips whose times repeat


class CalibratedTask:
    """A LiftingTask that completes, made of several on the same clip: one for the answer, and one for each pair of limbs
    to find its error."""

    def __init__(self, make_task: Callable[[], LivingTask], clip: Clip) -> None:
        """make_task: a new task on the clip, which completes. Where a clip does not say so, up is where it is in the image."""
        self._answer = make_task()
        self._probes = tuple(make_task() for _ in PAIRS)
        self._up = clip.up or LEVEL_CAMERA_UP
        self._correction: _Correction | None = None
        answer = self._answer.living().answer
        self._positions, self._is_new = answer.positions.copy(), np.ones(len(answer), bool)
        self._snapshots = Snapshots()

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update. The answer comes first, corrected as before; the new correction at the end."""
        done = 0
        for progress in self._answer.update(mask, cursor, frames):
            yield Progress(progress.done, progress.total + 1)
            done = progress.total
        answer = self._take_over()
        correction = _Correction(answer, self._up)
        for probe, pair in zip(self._probes, PAIRS, strict=True):
            probed = hide_other_side(answer.hidden, pair)
            if (probed & ~answer.hidden).any():
                for progress in probe.update(probed, cursor, frames):
                    yield Progress(done + progress.done, done + progress.total + 1)
                correction.learn(answer, probe.living().answer, pair)
        self._is_new |= answer.hidden.any(1) & correction.differs(self._correction)
        self._correction = correction

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        for task in (self._answer, *self._probes):
            task.replace_clip(clip)
        up = clip.up or LEVEL_CAMERA_UP
        self._is_new |= up != self._up
        self._up = up

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer, new = self._take_over(), self._is_new
        self._positions[new] = answer.positions[new]
        if self._correction is not None:
            self._correction.apply(self._positions, answer, new)
        self._is_new = np.zeros(len(answer), bool)
        return Living(replace(answer, positions=self._positions[:]), new)

    def _take_over(self) -> Prediction:
        """The answer as it is uncorrected."""
        inner = self._answer.living()
        self._is_new |= widened(inner.renewed, steps_of(inner.answer.fps))
        return inner.answer


class _Correction:
    """What is added to hidden joints, as it was learnt from one state of the answer."""

    def __init__(self, answer: Prediction, up: tuple[float, float, float]) -> None:
        answered = np.asarray(np.isfinite(answer.positions).all((1, 2)) & np.isfinite(answer.root).all(1))
        self._world = World.of(answer, up, answered)
        self._lessons: list[Lesson] = []

    def differs(self, other: _Correction | None) -> NDArray[np.bool_]:
        """(frames,) where it may add something else to the same answer."""
        everywhere = np.ones(len(self._world.height), bool)
        if other is None or len(self._lessons) != len(other._lessons):
            return everywhere
        if not all(one.is_same(two) for one, two in zip(self._lessons, other._lessons, strict=True)):
            return everywhere
        return self._world.differs(other._world)

    def learn(self, answer: Prediction, probe: Prediction, pair: Pair) -> None:
        """Learn it for a pair's joints from their mirror joints, where these are visible, hence as given in `answer`, but were
        hidden from `probe`. Joints that are hidden together are learnt together."""
        evident = probe.hidden & ~answer.hidden
        answered = np.isfinite(probe.positions).all((1, 2)) & np.isfinite(answer.positions).all((1, 2))
        for one in (answer, probe):
            if one.is_pending is not None:
                answered &= ~one.is_pending
        frame_s = max(float(np.median(np.diff(answer.times))), _LEAST_S) if len(answer) > 1 else 1 / answer.fps
        for limb in (pair.left, pair.right):
            alike: dict[bytes, list[int]] = {}
            for joint in limb:
                alike.setdefault(evident[:, MIRROR[joint]].tobytes(), []).append(joint)
            for joints in alike.values():
                seen = evident[:, MIRROR[joints[0]]]
                rows = np.flatnonzero(seen & answered)
                if len(rows):
                    seconds = float(seen.sum()) * frame_s
                    self._lessons.append(learn(answer, probe, pair, tuple(joints), rows, seconds, self._world))

    def apply(self, positions: NDArray[np.float32], answer: Prediction, frames: NDArray[np.bool_]) -> None:
        """Correct positions (frames, 16, 3), which are as answered, in some frames, where a joint is hidden."""
        found = []  # first, since every lesson reads the places of limbs as they were answered
        for lesson in self._lessons:
            joints = np.array(lesson.joints)
            hidden = answer.hidden[:, joints]
            is_any_hidden = np.asarray(hidden.any(1))
            rows = np.flatnonzero(frames & is_any_hidden)
            if len(rows):
                added = lesson.added(positions, away_of(is_any_hidden, self._world.times), self._world, rows)
                found.append((rows, joints, np.where(hidden[rows, :, None], added, 0)))
        for rows, joints, added in found:
            positions[rows[:, None], joints] += added
