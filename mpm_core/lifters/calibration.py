"""Owns self-calibration of completion: what the visible limb of a pair tells about the error in the hidden one.

People and movements differ from those of the training data in lasting ways (a dancer's raised elbows, a boxer's guard),
and mostly so on both sides of the body. So when an arm is hidden, another answer is made with the other arm hidden too;
likewise for legs. How far it is off there, in the axes of the chest or the pelvis, is known in every frame; a ridge
regression tells how that depends on the answer itself, and a share of it, mirrored, is taken off the hidden joints' answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.living import Living, LivingTask, Snapshots
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

_TRUSTED_SHARE = 0.65
"""Of the other side's error, as much as is taken over after a long time."""

_HALF_TRUST_S = 4.0
"""Seconds in view after which half of that is taken over."""

_RIDGE_M2_S = 0.06
"""How hard it is to make the correction depend on the answer: square metres of movement, times the seconds it lasts."""

_EXAGGERATION = 0.4
"""What the ridge regression believes before it has seen anything: that this share of the answer's movement is too much."""

_MIRROR = np.array(MPM16.mirror)
_FLIP = np.array([-1.0, 1.0, 1.0], np.float32)  # left, front, up

# Joints of a pair of limbs, and what spans the axes of the part of the body that they hang on: left, right, lower, upper.
_PAIRS = (
    (MPM16.limb("left leg") + MPM16.limb("right leg"), MPM16.indices(("LHip", "RHip", "Hip", "Spine"))),
    (MPM16.limb("left arm") + MPM16.limb("right arm"), MPM16.indices(("LShoulder", "RShoulder", "Spine", "Thorax"))),
)


class CalibratedTask:
    """A LiftingTask that completes, made of several on the same clip: one for the answer, and one for each pair of limbs
    to find its lasting error."""

    def __init__(self, make_task: Callable[[], LivingTask]) -> None:
        """make_task: a new task on the clip, which completes."""
        self._answer = make_task()
        self._probes = tuple(make_task() for _ in _PAIRS)
        self._correction = _Correction()
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
        correction = _Correction()
        for probe, (joints, spanned) in zip(self._probes, _PAIRS, strict=True):
            probed = _hide_other_side(answer.hidden, joints)
            if (probed & ~answer.hidden).any():
                for progress in probe.update(probed, cursor, frames):
                    yield Progress(done + progress.done, done + progress.total + 1)
                correction.learn(answer, probe.living().answer, joints, spanned)
        if not correction.is_same(self._correction):
            self._is_new |= answer.hidden.any(1)
            self._correction = correction

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        for task in (self._answer, *self._probes):
            task.replace_clip(clip)

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer, new = self._take_over(), self._is_new
        self._positions[new] = self._correction.apply(answer.positions[new], answer.hidden[new])
        self._is_new = np.zeros(len(answer), bool)
        return Living(replace(answer, positions=self._positions[:]), new)

    def _take_over(self) -> Prediction:
        """The answer as it is uncorrected."""
        inner = self._answer.living()
        self._is_new |= inner.renewed
        return inner.answer


def _hide_other_side(hidden: Mask, joints: tuple[int, ...]) -> Mask:
    """The mask, with the mirror joints of those hidden among some joints hidden too."""
    probed = hidden.copy()
    for joint in joints:
        probed[:, _MIRROR[joint]] |= hidden[:, joint]
    return probed


class _Correction:
    """What to add to each joint where it is hidden: shift + slope @ (place - centre), in metres left, front and up."""

    def __init__(self) -> None:
        self._centre = np.zeros((len(MPM16), 3))
        self._shift = np.zeros((len(MPM16), 3))
        self._slope = np.zeros((len(MPM16), 3, 3))

    def is_same(self, other: _Correction) -> bool:
        """Whether it adds the same."""
        return all(np.array_equal(one, vars(other)[name]) for name, one in vars(self).items())

    def learn(self, answer: Prediction, probe: Prediction, joints: tuple[int, ...], spanned: tuple[int, ...]) -> None:
        """Learn it for some joints from their mirror joints, where these are visible, hence as given in `answer`, but were
        hidden from `probe`."""
        evident = probe.hidden & ~answer.hidden
        answered = np.isfinite(probe.positions).all((1, 2)) & np.isfinite(answer.positions).all((1, 2))
        frame_s = float(np.median(np.diff(answer.times))) if len(answer) > 1 else 1 / answer.fps
        axes = _axes(answer.positions, spanned)
        for joint in joints:
            other = _MIRROR[joint]
            rows = evident[:, other] & answered
            if not rows.any():
                continue
            given, guessed = (
                np.einsum("fia,fi->fa", axes[rows], p.positions[rows, other]).astype(float) * _FLIP for p in (answer, probe)
            )
            centre, shift = guessed.mean(0), (given - guessed).mean(0)
            moved, error = guessed - centre, given - guessed - shift
            seconds = float(evident[:, other].sum()) * frame_s
            per_frame = seconds / len(moved)  # more than frame_s when only some frames were answered
            believed = -_EXAGGERATION * np.eye(3)
            square = moved.T @ moved * per_frame
            surprise = moved.T @ (error - moved @ believed) * per_frame
            slope = believed + np.linalg.solve(square + _RIDGE_M2_S * np.eye(3), surprise)
            trust = _TRUSTED_SHARE * seconds / (seconds + _HALF_TRUST_S)
            self._centre[joint], self._shift[joint], self._slope[joint] = centre, trust * shift, trust * slope.T

    def apply(self, answered: NDArray[np.float32], hidden: Mask) -> NDArray[np.float32]:
        """(frames, 16, 3): positions (frames, 16, 3) as answered, corrected where a joint is hidden (frames, 16)."""
        positions = answered.copy()
        for joints, spanned in _PAIRS:
            if self._shift[list(joints)].any():
                axes = _axes(answered, spanned)
                for joint in joints:
                    rows = hidden[:, joint]
                    place = np.einsum("fia,fi->fa", axes[rows], answered[rows, joint])
                    added = self._shift[joint] + (place - self._centre[joint]) @ self._slope[joint].T
                    positions[rows, joint] += np.einsum("fia,fa->fi", axes[rows], added).astype(np.float32)
        return positions


def _axes(positions: NDArray[np.float32], spanned: tuple[int, ...]) -> NDArray[np.float32]:
    """(frames, 3, 3) whose columns are left, front and up of a part of the body."""
    left, right, lower, upper = (positions[:, joint] for joint in spanned)
    up = _unit(upper - lower)
    front = _unit(np.cross(left - right, up))
    return np.stack((np.cross(up, front), front, up), axis=-1)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
