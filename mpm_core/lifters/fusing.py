"""Owns one motion of what several calibrated cameras see, and of what a lifter says to each of them.

Joints that several cameras see lie where their rays come nearest to each other, weighted by confidence; a camera whose ray is
far off the others and the body counts less (iteratively reweighted least squares). What the lifter says to each camera is what
is believed before: bones point as it has them, more surely across that camera's line of sight than along it, and are as long
as the clip tells, one length each and the same on both sides. So a joint that one camera sees lies on its ray as deep as body
and lifter have it, and one that nobody sees where the lifter has it. Frame by frame that is a linear system in the shape of
the body (see body_system.py), solved a few times over.

In time, what rays add to the lifter's answer is smooth as far as keypoints are not exact, as in the fit to one camera (see
fitting.py). How exact they are is told by how far rays of the same joint pass each other by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.lifters.body_fit import CHILDREN, MIRROR_BONE, PARENTS, thinned
from mpm_core.lifters.body_system import Vectors, solve_body
from mpm_core.lifters.sights import Sight
from mpm_core.lifters.steadying import REACH, from_nearest, steadied, steadying_frames, tremble_of
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_ACROSS_M, _ALONG_M, _GUESSED_M, _BLIND_M = 0.03, 0.06, 0.12, 0.5
"""How far off a lifter's bones are across the line of sight and along it; where it does not see both ends; and where it saw
nothing at all, so that it does not know which way somebody looks."""

_ROOT_ACROSS_M, _ROOT_ALONG_M, _BLIND_ROOT_M = 0.05, 0.3, 3.0
"""The same of where the person stands, and where nobody is seen."""

_FADING_S = 0.1
"""How far in time a lifter's answer fades out, and in, where a camera does not see any more, or again."""

_LENGTH_ERROR_M = 0.006
"""Of bones in single frames."""

_LEAST_OFF_M = 0.001
"""Rays of exact keypoints pass each other by no closer."""

_DOUBTED_FROM, _DOUBTED_M = 3.0, 0.01
"""A ray counts half that is so many times as far from the body as rays usually are from each other, and so much."""

_LEAST_SURE = 0.05
"""Confidence of what is seen, at least: even a doubtful keypoint tells something."""

_PASSES = 4

_FEWEST_FRAMES = 5
"""In which several cameras see both ends of a bone: its length is told by them."""

_HALF_EXACT_M, _EXACTNESS_POWER = 0.008, 4
"""Keypoints whose rays pass each other by so much are exact by half."""

_SMOOTHING_S = 0.05
"""How far in time that is smoothed which keypoints that are not exact add."""

_FILLING_S = 0.15
"""How far in time what several cameras tell of bones, and where the person stands, tells of frames without them."""

_KNOWN_TO = 2
"""Cameras that tell where a joint is, by themselves."""

_CHUNK = 1024  # frames at a time

_RIDGE = 1e-6
"""Beside closenesses of 1 and more: nothing is unknown."""


@dataclass(frozen=True, eq=False)
class Body:
    """lengths: (passes, 15) metres of bones, as each pass has found them; own: (cameras, 15), of the lifter's answer to each;
    off_m: how far the rays of one joint pass each other by."""

    lengths: Vectors
    own: Vectors
    off_m: float

    @property
    def exactness(self) -> float:
        """0 to 1, of the keypoints."""
        return float(1 / (1 + (self.off_m / _HALF_EXACT_M) ** _EXACTNESS_POWER))


class Fusion:
    """places: (frames, 16, 3) metres in the first camera's axes, once run() is through; body: what was learnt."""

    def __init__(self, sights: Sequence[Sight], answers: Sequence[Prediction]) -> None:
        """answers: what a lifter says to each of them, in the axes of its own camera."""
        self._cameras = [_Camera(sight, answer) for sight, answer in zip(sights, answers, strict=True)]
        first = sights[0].clip
        self._fps, self._pieces, self._frames = first.fps, pieces(first.times, first.fps), len(first)
        self._told_by = np.sum([camera.seen for camera in self._cameras], axis=0)  # (frames, 16) cameras
        self.places: Vectors = np.zeros((self._frames, len(MPM16), 3))
        self.body = Body(np.zeros((0, len(CHILDREN))), np.zeros((0, len(CHILDREN))), 0.0)

    def run(self) -> Iterator[None]:
        """Find it, yielding now and then."""
        self.body = self._learn()
        yield
        before = np.zeros_like(self.places)
        for frames in self._chunks(np.arange(self._frames)):
            moment = _Moment(self._cameras, frames, self.body)
            before[frames], self.places[frames] = moment.believed(), moment.solve()
            yield
        told = self._filled(before)
        lacking = np.flatnonzero((self._told_by < _KNOWN_TO).any(1))
        for frames in self._chunks(lacking):
            self.places[frames] = _Moment(self._cameras, frames, self.body, told[frames]).solve()
            yield
        self._steady(before)
        if not any(camera.is_placed for camera in self._cameras):
            self.places -= self.places[:, MPM16.root, None]

    def _learn(self) -> Body:
        """Of some frames, those that several cameras see if there are any."""
        by_several = (self._told_by >= _KNOWN_TO).any(1)
        frames = thinned(by_several if by_several.any() else np.ones(self._frames, bool))
        own = np.stack([camera.own_lengths(frames) for camera in self._cameras])
        blank = Body(own.mean(0)[None], own, _LEAST_OFF_M)
        chunks = [_Moment(self._cameras, part, blank) for part in self._chunks(frames)]
        off = np.concatenate([moment.apart() for moment in chunks])
        off_m = max(float(np.median(off)), _LEAST_OFF_M) if len(off) else _LEAST_OFF_M
        del chunks
        moments = [_Moment(self._cameras, part, Body(blank.lengths, own, off_m)) for part in self._chunks(frames)]
        both = (self._told_by[frames] >= _KNOWN_TO)[:, CHILDREN] & (self._told_by[frames] >= _KNOWN_TO)[:, PARENTS]
        found: list[Vectors] = []
        places = np.concatenate([moment.start() for moment in moments])
        for number in range(_PASSES):
            length = np.linalg.norm(places[:, CHILDREN] - places[:, PARENTS], axis=-1)
            found.append(_one_length_each(length, both))
            if number + 1 < _PASSES:
                places = np.concatenate([moment.go_on(found[-1]) for moment in moments])
        return Body(np.stack(found), own, off_m)

    def _chunks(self, frames: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        for first in range(0, len(frames), _CHUNK):
            yield frames[first : first + _CHUNK]

    def _filled(self, before: Vectors) -> Vectors:
        """(frames, 16, 3) metres to add to what is believed of Hip and, below it, of bones, where not several cameras tell of
        them: as much as in the frames around where they do, fading out in time."""
        known = self._told_by >= _KNOWN_TO
        added = self.places - before
        known[:, CHILDREN] &= known[:, PARENTS]
        added[:, CHILDREN] = added[:, CHILDREN] - added[:, PARENTS]
        told = np.zeros_like(added)
        for piece in self._pieces:
            told[piece] = from_nearest(added[piece], known[piece], max(self._fps * _FILLING_S, 1.0))
        return told

    def _steady(self, before: Vectors) -> None:
        spread = self._fps * _SMOOTHING_S * (1 - self.body.exactness)
        for piece in self._pieces:
            added = self.places[piece] - before[piece]
            added = gaussian_filter1d(added, spread, axis=0, mode="nearest", truncate=REACH) if spread > 0 else added
            self.places[piece] = before[piece] + added
        everywhere = np.ones(self.places.shape[:2], bool)
        steadying = steadying_frames(tremble_of(self.places - self.places[:, MPM16.root, None], everywhere), self._fps)
        if steadying > 0:
            for piece in self._pieces:
                self.places[piece] = steadied(self.places[piece], everywhere[piece, 0], steadying)


class _Camera:
    """What one sees and is told, turned to the first one's axes. seen: (frames, 16); stands: (3,); is_placed: whether it knows
    where the person stands."""

    def __init__(self, sight: Sight, answer: Prediction) -> None:
        clip = sight.clip
        assert clip.keypoints is not None
        self._turn, self.stands = np.asarray(sight.rotation, float), -np.asarray(sight.offset, float) @ sight.rotation
        self.seen = clip.visible & ~sight.hidden & (clip.edited | ~clip.derived)
        self._clip, self._answer = clip, answer
        self.is_placed = bool(np.any(answer.root))
        sure = np.clip(np.nan_to_num(clip.confidence), _LEAST_SURE, 1)
        self._sure = np.where(self.seen, np.where(clip.edited, 1, sure), 0)
        both = self.seen[:, CHILDREN] & self.seen[:, PARENTS]
        shown = np.concatenate((both, self.seen.any(1, keepdims=True)), axis=1).astype(np.float32)
        for piece in pieces(clip.times, clip.fps):  # no answer ends from one frame to the next
            shown[piece] = gaussian_filter1d(shown[piece], clip.fps * _FADING_S, axis=0, mode="nearest", truncate=REACH)
        self._shown, self._any_shown = shown[:, :-1], shown[:, -1]

    def across(self, frames: NDArray[np.int64]) -> Vectors:
        """(frames, 16, 3, 3): takes a way from where it stands to how far that leads beside a joint's ray."""
        assert self._clip.keypoints is not None
        shown = np.where(self.seen[frames, :, None], self._clip.keypoints[frames], 0)
        rays = self._clip.camera.rays(shown).astype(np.float64)
        unit = np.concatenate((rays, np.ones_like(rays[..., :1])), axis=-1)
        unit = (unit / np.linalg.norm(unit, axis=-1, keepdims=True)) @ self._turn
        return np.eye(3) - unit[..., :, None] * unit[..., None, :]

    def sureness(self, frames: NDArray[np.int64]) -> Vectors:
        """(frames, 16) of keypoints, as variances go: 1 where it is full."""
        return np.square(self._sure[frames])

    def own_lengths(self, frames: NDArray[np.int64]) -> Vectors:
        """(15,) metres of the bones as it is told."""
        return np.maximum(np.median(np.linalg.norm(self.bones(frames), axis=-1), axis=0), 1e-3)

    def bones(self, frames: NDArray[np.int64]) -> Vectors:
        """(frames, 15, 3) as it is told."""
        joints = self._answer.positions[frames].astype(np.float64) @ self._turn
        return joints[:, CHILDREN] - joints[:, PARENTS]

    def root(self, frames: NDArray[np.int64]) -> Vectors:
        """(frames, 3) where the person stands, as it is told."""
        return self._answer.root[frames].astype(np.float64) @ self._turn + self.stands

    def closeness(self, frames: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        """How surely it is told (frames, 15, 3, 3) of bones and (frames, 3, 3) of where the person stands."""
        away = self._answer.root[frames].astype(np.float64) @ self._turn
        ray = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
        guessed = np.where(self._answer.is_prior_only[frames], _BLIND_M, _GUESSED_M)[:, None]
        bones = _closeness(ray[:, None], *_between(self._shown[frames], (_ACROSS_M, _ALONG_M), guessed))
        root = _closeness(ray, *_between(self._any_shown[frames], (_ROOT_ACROSS_M, _ROOT_ALONG_M), _BLIND_ROOT_M))
        return bones, root * self.is_placed


class _Moment:
    """Some frames being solved, pass after pass."""

    def __init__(
        self, cameras: Sequence[_Camera], frames: NDArray[np.int64], body: Body, told: Vectors | None = None
    ) -> None:  # fmt: skip
        """told: (frames, 16, 3) metres to add to what is believed of Hip and, below it, of bones."""
        self._body, self._told, self._cameras = body, told, cameras
        self._across = [camera.across(frames) for camera in cameras]
        self._sure = [camera.sureness(frames) for camera in cameras]
        self._bones = [camera.bones(frames) for camera in cameras]
        closeness = [camera.closeness(frames) for camera in cameras]
        self._each = [of_bones for of_bones, _ in closeness]
        self._ties = np.sum(self._each, axis=0)
        self._of_root = np.sum([of_root for _, of_root in closeness], axis=0)
        self._places = np.zeros((len(frames), len(MPM16), 3))
        self._to_root = np.zeros((len(frames), 3)) if told is None else (self._of_root @ told[:, MPM16.root, :, None])[..., 0]
        for camera, (_, of_root) in zip(cameras, closeness, strict=True):
            self._to_root = self._to_root + (of_root @ camera.root(frames)[..., None])[..., 0]

    def apart(self) -> Vectors:
        """(joints,) metres by which the rays of what several cameras see pass each other by."""
        closeness, pull = self._rays([(sure > 0).astype(float) for sure in self._sure])
        several = np.sum([sure > 0 for sure in self._sure], axis=0) >= _KNOWN_TO
        places = np.zeros(pull.shape)
        ridge = _RIDGE * np.eye(3)
        places[several] = np.linalg.solve(closeness[several] + ridge, pull[several][..., None])[..., 0]
        off = np.stack([np.where(sure > 0, beside, 0) for sure, beside in zip(self._sure, self._beside(places), strict=True)])
        count = np.sum([sure > 0 for sure in self._sure], axis=0)[several]
        return np.asarray(np.linalg.norm(off, axis=0)[several] * np.sqrt(1 / np.maximum(count - 1, 1))) * _MEDIAN_TO_DEVIATION

    def believed(self) -> Vectors:
        """(frames, 16, 3) where joints are before any ray tells."""
        bones = np.linalg.solve(self._ties, self._pull_of_bones(self._body.lengths[-1])[..., None])[..., 0]
        places = np.zeros_like(self._places)
        root = self._of_root + _RIDGE * np.eye(3)
        places[:, MPM16.root] = np.linalg.solve(root, self._to_root[..., None])[..., 0]
        for bone, (child, parent) in enumerate(zip(CHILDREN, PARENTS, strict=True)):
            places[:, child] = places[:, parent] + bones[:, bone]
        return places

    def solve(self) -> Vectors:
        """(frames, 16, 3) metres."""
        self.start()
        for lengths in self._body.lengths:
            self.go_on(lengths)
        return self._places

    def start(self) -> Vectors:
        """Where rays and the lifter have joints, whatever the lengths of bones."""
        weights = [sure / self._body.off_m**2 for sure in self._sure]
        self._places = self._solved(weights, self._ties, self._pull_of_bones(None))
        return self._places

    def go_on(self, lengths: Vectors) -> Vectors:
        """Bring bones nearer to these lengths, (15,) metres, and count rays less that are far off."""
        far = _DOUBTED_FROM * self._body.off_m + _DOUBTED_M
        weights = [
            sure / self._body.off_m**2 / (1 + np.square(beside / far))
            for sure, beside in zip(self._sure, self._beside(self._places), strict=True)
        ]
        bones = self._places[:, CHILDREN] - self._places[:, PARENTS]
        along = bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-6)
        stiff = _LENGTH_ERROR_M**-2
        ties = self._ties + stiff * along[..., :, None] * along[..., None, :]
        self._places = self._solved(weights, ties, self._pull_of_bones(lengths) + stiff * lengths[:, None] * along)
        return self._places

    def _pull_of_bones(self, lengths: Vectors | None) -> Vectors:
        """(frames, 15, 3) towards bones as the lifter has them, each as long on the whole as lengths say."""
        pull = np.zeros((len(self._places), len(CHILDREN), 3))
        for own, bones, closeness in zip(self._body.own, self._bones, self._each, strict=True):
            wanted = bones if lengths is None else bones * (lengths / own)[:, None]
            pull += (closeness @ wanted[..., None])[..., 0]
        if self._told is not None:
            pull += (self._ties @ self._told[:, CHILDREN, :, None])[..., 0]
        return pull

    def _solved(self, weights: Sequence[Vectors], ties: Vectors, pull_of_bones: Vectors) -> Vectors:
        closeness, pull = self._rays(weights)
        closeness[:, MPM16.root] += self._of_root
        pull[:, MPM16.root] += self._to_root
        closeness += _RIDGE * np.eye(3)
        return solve_body(closeness, pull, ties, -pull_of_bones)

    def _rays(self, weights: Sequence[Vectors]) -> tuple[Vectors, Vectors]:
        """(frames, 16, 3, 3) how surely rays hold joints, and (frames, 16, 3) how they pull."""
        closeness, pull = np.zeros(self._across[0].shape), np.zeros(self._across[0].shape[:-1])
        for camera, across, weight in zip(self._cameras, self._across, weights, strict=True):
            held = across * weight[..., None, None]
            closeness += held
            pull += held @ camera.stands
        return closeness, pull

    def _beside(self, places: Vectors) -> list[Vectors]:
        """(frames, 16) metres that joints lie beside their rays, for each camera."""
        return [
            np.linalg.norm((across @ (places - camera.stands)[..., None])[..., 0], axis=-1)
            for camera, across in zip(self._cameras, self._across, strict=True)
        ]


_MEDIAN_TO_DEVIATION = 1.4826
"""Makes the median size of normally distributed errors their standard deviation."""


def _between(share: NDArray[np.floating], seen_m: tuple[float, float], unseen_m: Vectors | float) -> tuple[Vectors, Vectors]:
    """Metres by which something is off across and along the line of sight that is seen to some share: in between in how surely
    it is known."""
    across_m, along_m = ((share / off_m**2 + (1 - share) / np.square(unseen_m)) ** -0.5 for off_m in seen_m)
    return across_m, along_m


def _closeness(ray: Vectors, across_m: Vectors, along_m: Vectors) -> Vectors:
    """(..., 3, 3) how surely something is where it is said to be, along unit vectors (..., 3) and across them."""
    along = ray[..., :, None] * ray[..., None, :]
    return (np.eye(3) - along) / np.square(across_m)[..., None, None] + along / np.square(along_m)[..., None, None]


def _one_length_each(lengths: Vectors, told: NDArray[np.bool_]) -> Vectors:
    """(15,) metres: the median over frames of (frames, 15), those in which several cameras tell, the same on both sides."""
    enough = told.sum(0) >= _FEWEST_FRAMES
    median = np.array([np.median(of[by] if is_told else of) for of, by, is_told in zip(lengths.T, told.T, enough, strict=True)])
    # A side of which nothing is told takes the other's.
    count = np.maximum(np.where(enough, told.sum(0), 0), 1e-3)
    return (median * count + median[MIRROR_BONE] * count[MIRROR_BONE]) / (count + count[MIRROR_BONE])
