"""Owns the fitted answer of a lifting task: what changed is fitted at once, the rest when the answer is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.clip import Clip
from mpm_core.lifters.body_fit import CHILDREN, PARENTS, BodyFit, SeenPoses, thinned
from mpm_core.lifters.living import Living, LivingTask, Snapshots
from mpm_core.lifters.slow_errors import reach_of
from mpm_core.lifters.steadying import REACH, from_nearest, steadied, steadying_frames, tremble_of
from mpm_core.masking import Mask
from mpm_core.pauses import goes_on, pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

_SMOOTHING_S = 0.1
"""How far in time corrections are smoothed where the keypoints are not trusted at all."""

_LEAST_SMOOTHING_FRAMES = 0.2

_FILLING_S = 0.15
"""How far in time the corrections of bones come from that are not seen: what is long hidden stays as answered."""

_DISTANCE_SMOOTHING_S = 0.14
"""How far in time the person's distance from the camera is smoothed, which single frames tell badly."""

_OTHER_PLACE_M = 1.0
"""Distances that differ by much more than this are of other places, as after a cut."""

_UNSEEN_WEIGHT = 1e-3
"""Of distances in frames where nobody is seen; where all joints are seen it is 1."""

_KNOWN_FROM = 0.5
"""Corrections that are at least so sure fill those around that are not."""

_FRAMES_PER_STEP = 2048
"""A mask that changes meanwhile waits so long: 30 ms."""


class FittedTask:
    """A LiftingTask whose answers are fitted to the keypoints of their clip; see body_fit.

    The body is learnt anew from every whole answer, so that the result depends on clip and mask alone. Until then, what
    is new is fitted to the body that was known before.
    """

    def __init__(self, task: LivingTask, clip: Clip) -> None:
        """task: one that lifts this clip."""
        self._task = task
        self._take(clip)
        frames, shape = len(clip), (len(clip), len(MPM16), 3)
        self._body: BodyFit | None = None
        self._depth_m = 0.0
        self._is_settled = False
        self._shift = np.zeros(shape, np.float32)  # metres by which joints are moved, before it is smoothed
        self._sureness = np.zeros(shape[:2], np.float32)  # of that, 0 to 1
        self._seen_share = np.zeros(frames, np.float32)  # of the joints
        self._settled_hidden = np.zeros(shape[:2], bool)
        self._answered, self._is_due = np.zeros(frames, bool), np.zeros(frames, bool)
        self._from_root, self._of_root = np.zeros(shape, np.float32), np.zeros((frames, 3), np.float32)
        # The answer before it is fitted, and as it is.
        self._plain, self._plain_root = np.full(shape, np.nan, np.float32), np.full((frames, 3), np.nan, np.float32)
        self._positions, self._root = self._plain.copy(), self._plain_root.copy()
        self._is_new = np.ones(frames, bool)
        self._snapshots = Snapshots()

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update. At the end everything is fitted to the body that the whole answer tells of."""
        done = 0
        for progress in self._task.update(mask, cursor, frames):
            self._is_settled = False
            done = progress.total
            yield Progress(progress.done, progress.total + 1)
        answer = self._take_over()
        # Between the frames that the network is shown, a mask changes the fit alone.
        if not (self._is_settled and np.array_equal(answer.hidden, self._settled_hidden)):
            self._is_settled = False
            self._learn(answer)
            answered = np.flatnonzero(self._answered)
            for first in range(0, len(answered), _FRAMES_PER_STEP):
                if first:
                    yield Progress(done, done + 1)
                self._fit(answer, answered[first : first + _FRAMES_PER_STEP])
            self._settled_hidden, self._is_settled = answer.hidden.copy(), True
        yield Progress(done + 1, done + 1)

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        self._task.replace_clip(clip)
        keypoints, seen, camera = self._keypoints, self._seen, self._camera
        self._take(clip)
        if self._camera == camera:  # else every answer is to be renewed, and fits only then
            moved = self._keypoints != keypoints
            self._is_due |= np.any(moved.any(-1) & seen, axis=1) | np.any(self._seen != seen, axis=1)
        self._is_settled = False

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        answer = self._take_over()
        if self._body is None:
            self._learn(answer)
        self._fit(answer, np.flatnonzero(self._answered & self._is_due))
        living = Living(replace(answer, positions=self._positions[:], root=self._root[:]), self._is_new)
        self._is_new = np.zeros(len(self._is_new), bool)
        return living

    def _take_over(self) -> Prediction:
        """What the task answers by now, unfitted; where it differs from before, it is due to be fitted."""
        inner = self._task.living()
        answer, new = inner.answer, np.flatnonzero(inner.renewed)
        # A mask alone tells nothing: its answers may be still to come.
        positions, root = answer.positions[new], answer.root[new]
        differs = np.any(positions != self._plain[new], axis=(1, 2)) | np.any(root != self._plain_root[new], axis=1)
        new, positions, root = new[differs], positions[differs], root[differs]
        self._plain[new], self._plain_root[new] = positions, root
        self._answered[new] = np.isfinite(positions[:, MPM16.root, 0])
        self._positions[new], self._root[new] = positions + self._from_root[new], root + self._of_root[new]
        self._is_new |= inner.renewed
        self._is_due[new] = True
        return answer

    def _take(self, clip: Clip) -> None:
        """Know where the joints of a clip were seen. What a detector lacks and was derived tells nothing new, unless a
        person has put it right."""
        clip = clip.to_mpm16()
        assert clip.keypoints is not None
        self._camera, self._keypoints = clip.camera, clip.keypoints
        self._seen = clip.visible & (clip.edited | ~clip.derived)
        self._fps, self._times = clip.fps, clip.times
        self._tremble = tremble_of(self._rays(slice(None)), self._seen)

    def _rays(self, frames: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """(frames, 16, 2), zero where a joint was not seen."""
        return np.where(self._seen[frames][..., None], self._camera.rays(self._keypoints[frames]), np.float32(0))

    def _poses(self, answer: Prediction, frames: NDArray[np.int64]) -> SeenPoses:
        seen = self._seen[frames] & ~answer.hidden[frames]
        return SeenPoses.of(answer.positions[frames], answer.root[frames], self._rays(frames), seen)

    def _learn(self, answer: Prediction) -> None:
        frames = thinned(self._answered)
        if len(frames):
            self._body = BodyFit.learn(self._poses(answer, frames))
            self._depth_m = max(float(np.median(answer.root[frames, 2])), 0.0)

    def _fit(self, answer: Prediction, frames: NDArray[np.int64]) -> None:
        """Fit some answered frames, and smooth what changes with them."""
        if not len(frames) or self._body is None:
            return
        self._is_due[frames] = False
        reach = reach_of(self._fps)
        frames = _with_neighbours(frames, reach, self._answered)
        context = _with_neighbours(frames, reach, self._answered)
        follows = (np.diff(context) == 1) & goes_on(self._times[context], self._fps)
        for run in np.split(context, np.flatnonzero(~follows) + 1):
            poses, kept = self._poses(answer, run), np.isin(run, frames, assume_unique=True)
            shift, sureness = self._body.shift(poses, self._fps, self._depth_m * self._tremble)
            self._shift[run[kept]], self._sureness[run[kept]] = shift[kept], sureness[kept]
            self._seen_share[run[kept]] = poses.seen.mean(0)[kept]

        steadying = steadying_frames(self._depth_m * self._tremble, self._fps)
        spread = max(self._fps * _SMOOTHING_S * (1 - self._body.trust), steadying)
        reach = int(np.ceil(REACH * max(spread + self._fps * _FILLING_S, self._fps * _DISTANCE_SMOOTHING_S)))
        for piece in pieces(self._times, self._fps):
            inside = frames[(frames >= piece.start) & (frames < piece.stop)]
            for run in np.split(inside, np.flatnonzero(np.diff(inside) > 2 * reach) + 1) if len(inside) else ():
                first, last = max(int(run[0]) - reach, piece.start), min(int(run[-1]) + reach + 1, piece.stop)
                around = slice(max(first - reach, piece.start), min(last + reach, piece.stop))
                self._smooth(answer, slice(first, last), around, spread, steadying)

    def _smooth(self, answer: Prediction, part: slice, around: slice, spread: float, steadying: float) -> None:
        """Bring what was found to the answer, in some frames, as those around them have it too; and steady the answer, which
        trembles as the keypoints do."""
        inner = slice(part.start - around.start, part.stop - around.start)
        distance = self._smooth_distance(answer.root[around, 2] + self._shift[around, MPM16.root, 2], around)[inner]
        shift = self._smooth_shift(around, spread)[inner]
        root = answer.root[part]
        place = root + shift[:, MPM16.root]
        # Along the ray of the hip, to the smoothed distance.
        share = np.where(place[:, 2] > 0, distance / np.where(place[:, 2] > 0, place[:, 2], 1), 1)
        self._of_root[part] = place * share[:, None] - root
        shift = shift - shift[:, MPM16.root, None]
        shift[..., :2] += self._along_rays(part, place, place[:, 2] * (share - 1))
        if steadying > _LEAST_SMOOTHING_FRAMES:
            shift += steadied(answer.positions[around], self._answered[around], steadying)[inner] - answer.positions[part]
        self._from_root[part] = shift
        self._positions[part] = answer.positions[part] + self._from_root[part]
        self._root[part] = root + self._of_root[part]
        self._is_new[part] = True

    def _along_rays(self, part: slice, hip: NDArray[np.floating], farther: NDArray[np.floating]) -> NDArray[np.floating]:
        """(frames, 16, 2) metres by which joints move beside Hip, as far as their keypoints are trusted, where a person whose
        Hip is at `hip` (frames, 3) moves by `farther` (frames,) metres along its ray: their rays are others."""
        assert self._body is not None
        trusted = self._body.trust * np.where(self._seen[part], self._sureness[part], np.float32(0))
        ray = hip[:, :2] / np.where(hip[:, 2:] > 0, hip[:, 2:], 1)
        moved = trusted[..., None] * (self._rays(part) - ray[:, None]) * farther[:, None, None]
        moved[:, MPM16.root] = 0
        return moved

    def _smooth_shift(self, around: slice, spread: float) -> NDArray[np.float32]:
        """(frames, 16, 3) metres by which joints are moved: what is not seen is filled from the frames around, then all
        is smoothed.

        A joint that is seen tells where it is across the line of sight; how far its bone is to be moved beside the bone's
        other end, and so its depth, is known where both ends are seen.
        """
        shift, sure = self._shift[around], self._sureness[around][..., None]
        if (sure < 1).any():
            bones, both = shift.copy(), sure.copy()
            bones[:, CHILDREN] -= shift[:, PARENTS]
            both[:, CHILDREN] *= sure[:, PARENTS]
            filled = both * bones + (1 - both) * from_nearest(bones, both[..., 0] >= _KNOWN_FROM, self._fps * _FILLING_S)
            for child, parent in zip(CHILDREN, PARENTS, strict=True):
                filled[:, child] += filled[:, parent]
                across = sure[:, child] * shift[:, child] + (1 - sure[:, child]) * filled[:, child]
                filled[:, child, :2] = across[:, :2]
            shift = filled
        if spread > _LEAST_SMOOTHING_FRAMES:
            shift = gaussian_filter1d(shift, spread, axis=0, mode="nearest", truncate=REACH)
        return shift

    def _smooth_distance(self, distance: NDArray[np.floating], around: slice) -> NDArray[np.floating]:
        """(frames,) metres: a mean of the distances around that are of the same place (a bilateral filter; Tomasi and
        Manduchi, ICCV 1998)."""
        weight = np.maximum(self._seen_share[around], np.float32(_UNSEEN_WEIGHT))
        spread = self._fps * _DISTANCE_SMOOTHING_S
        reach = min(int(np.ceil(REACH * spread)), len(distance) - 1)
        total, weights = distance * weight, weight.copy()
        for step in range(1, reach + 1):
            early, late = slice(None, -step), slice(step, None)
            apart = (distance[late] - distance[early]) / np.float32(_OTHER_PLACE_M)
            alike = np.exp(-0.5 * (np.square(apart) + np.float32((step / spread) ** 2)))
            for here, there in ((early, late), (late, early)):
                total[here] += alike * weight[there] * distance[there]
                weights[here] += alike * weight[there]
        return total / weights


def _with_neighbours(frames: NDArray[np.int64], reach: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The frames and all at most so far away, as far as they are allowed; in order."""
    near = np.zeros(len(allowed) + 1, np.int64)
    np.add.at(near, np.maximum(frames - reach, 0), 1)
    np.add.at(near, np.minimum(frames + reach + 1, len(allowed)), -1)
    return np.flatnonzero((near.cumsum()[:-1] > 0) & allowed)
