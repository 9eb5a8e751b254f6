"""Owns the fitted answer of a lifting task: what changed is fitted at once, the rest when the answer is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters.base import LiftingTask
from mpm_core.lifters.body_fit import BodyFit, SeenPoses, thinned
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

_SMOOTHING_S = 0.08
"""How far in time the corrections are smoothed where the keypoints are not trusted at all."""

_LEAST_SMOOTHING_FRAMES = 0.2

_DISTANCE_SMOOTHING_S = 0.2
"""How far in time the person's distance from the camera is smoothed, which single frames tell badly."""

_UNSEEN_WEIGHT = 1e-3
"""Of distances in frames where nobody is seen; where all are seen it is 1."""

_REACH = 4.0
"""Times the spread, as far as smoothing looks."""

_FRAMES_PER_STEP = 4096


class FittedTask:
    """A LiftingTask whose answers are fitted to the keypoints of their clip; see body_fit.

    The body is learnt anew from every whole answer, so that the result depends on clip and mask alone. Until then, what
    is new is fitted to the body that was known before.
    """

    def __init__(self, task: LiftingTask, clip: Clip) -> None:
        """task: one that lifts this clip."""
        self._task = task
        self._take(clip)
        shape = (len(clip), len(MPM16), 3)
        self._body: BodyFit | None = None
        self._is_settled = False
        self._fitted: Prediction | None = None
        self._shift = np.zeros(shape, np.float32)  # metres by which every joint is moved, before it is smoothed
        self._from_root, self._of_root = np.zeros(shape, np.float32), np.zeros((len(clip), 3), np.float32)
        self._seen_share = np.zeros(len(clip), np.float32)  # of the joints, in frames that are fitted
        self._is_known, self._is_due = np.zeros(len(clip), bool), np.zeros(len(clip), bool)

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update. At the end everything is fitted to the body that the whole answer tells of."""
        done = 0
        for progress in self._task.update(mask, cursor, frames):
            self._is_settled = False
            done = progress.total
            yield progress
        if self._is_settled:
            return
        answer = self._task.prediction()
        self._learn(answer)
        answered = np.flatnonzero(_answered(answer))
        for first in range(0, len(answered), _FRAMES_PER_STEP):
            if first:
                yield Progress(done, done + 1)
            self._fit(answer, answered[first : first + _FRAMES_PER_STEP])
        self._fitted = answer
        self._is_settled = True

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        rays, seen = self._rays, self._seen
        self._take(clip)
        self._is_due |= np.any(self._rays != rays, axis=(1, 2)) | np.any(self._seen != seen, axis=1)
        self._is_settled = False

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        answer = self._task.prediction()
        if self._body is None:
            self._learn(answer)
        self._fit(answer, np.flatnonzero(_answered(answer) & (self._is_due | _differs(answer, self._fitted))))
        self._fitted = answer
        return replace(answer, positions=answer.positions + self._from_root, root=answer.root + self._of_root)

    def _take(self, clip: Clip) -> None:
        """Know where the joints of a clip were seen. What a detector lacks and was derived tells nothing new."""
        clip = clip.to_mpm16()
        assert clip.keypoints is not None
        self._seen = clip.visible & ~clip.derived
        self._rays = np.where(self._seen[..., None], clip.camera.rays(clip.keypoints), 0)
        self._fps = clip.fps

    def _poses(self, answer: Prediction, frames: NDArray[np.int64]) -> SeenPoses:
        seen = self._seen[frames] & ~answer.hidden[frames]
        return SeenPoses.of(answer.positions[frames], answer.root[frames], self._rays[frames], seen)

    def _learn(self, answer: Prediction) -> None:
        frames = thinned(_answered(answer))
        if len(frames):
            self._body = BodyFit.learn(self._poses(answer, frames))

    def _fit(self, answer: Prediction, frames: NDArray[np.int64]) -> None:
        """Fit some answered frames, and smooth what changes with them."""
        if not len(frames) or self._body is None:
            return
        poses = self._poses(answer, frames)
        self._shift[frames] = self._body.shift(poses)
        self._is_due[frames] = False
        self._is_known[frames], self._seen_share[frames] = True, poses.seen.mean(0)
        spreads = (_SMOOTHING_S * self._fps * (1 - self._body.trust), _DISTANCE_SMOOTHING_S * self._fps)
        reach = int(np.ceil(_REACH * max(spreads)))
        first, last = max(int(frames[0]) - reach, 0), int(frames[-1]) + reach + 1
        begin = max(first - reach, 0)
        around, inner = slice(begin, last + reach), slice(first - begin, last - begin)
        shift = self._shift[around]
        if spreads[0] > _LEAST_SMOOTHING_FRAMES:
            shift = _mean_around(shift, self._is_known[around], spreads[0])
        distance = answer.root[around, 2] + self._shift[around, MPM16.root, 2]
        distance = _mean_around(distance, np.maximum(self._seen_share[around], _UNSEEN_WEIGHT), spreads[1])[inner]
        shift, root = shift[inner], answer.root[first:last]
        place = root + shift[:, MPM16.root]
        # Along the ray of the hip, to the smoothed distance.
        share = np.where(place[:, 2] > 0, distance / np.where(place[:, 2] > 0, place[:, 2], 1), 1)
        self._of_root[first:last] = place * share[:, None] - root
        self._from_root[first:last] = shift - shift[:, MPM16.root, None]


def _mean_around(values: NDArray[np.float32], weights: NDArray[np.generic], spread: float) -> NDArray[np.float32]:
    """A weighted mean of values (frames, ...) over the frames around; zero where none of these weighs anything."""
    from scipy.ndimage import gaussian_filter1d  # slow to import, and not needed to open a window

    weights = weights.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    total = gaussian_filter1d(values * weights, spread, axis=0, mode="nearest", truncate=_REACH)
    return total / np.maximum(gaussian_filter1d(weights, spread, axis=0, mode="nearest", truncate=_REACH), np.float32(1e-9))


def _answered(answer: Prediction) -> NDArray[np.bool_]:
    return np.isfinite(answer.positions[:, MPM16.root, 0])


def _differs(answer: Prediction, before: Prediction | None) -> NDArray[np.bool_]:
    """(frames,) where an answer is not the one before. A mask alone tells nothing: its answers may be still to come."""
    if before is None:
        return np.ones(len(answer), bool)
    return np.any(answer.positions != before.positions, axis=(1, 2)) | np.any(answer.root != before.root, axis=1)
