"""Owns the fit of lifted poses to their keypoints: joints lie where the camera sees them, bones near one length each.

A network's error along the line of sight is twice that across it, although the keypoints tell where a joint is across,
and the length of a bone, which a clip shows many times, how far its ends are apart along it. So a few passes in turn put
each joint on its ray, as far as the keypoints are trusted; correct each bone by one step of an iterated extended Kalman
smoother, whose measurement is the bone's length, with corrections that go on smoothly in time; and move the person along
the line of sight, towards where bones are as long as they should be. Hidden joints move along with the nearest visible joint
between them and Hip; their bones stay as answered.

How far a clip's keypoints are trusted is told by bones that look longer than they are, which no camera can make them, once all
joints have been put on their rays for a trial: how far away the person is and how long bones are was answered wrongly, too. In
single frames also by keypoints that are much farther from the answer than is usual, such as those of exchanged sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.lifters.slow_errors import DEPTH_ERROR_M, DepthErrors, depth_errors, length_error_of, reach_of
from mpm_core.skeleton import MPM16

_PASSES = 3

_ACROSS_ERROR_M = 0.017
"""Of a bone's answer across the line of sight, where the keypoints are not trusted."""

_SMALLEST_ACROSS_ERROR_M = 0.002

_SHORTER = 0.01
"""By this share lengths that exact keypoints tell, of bodies that the lifter knows, are taken for shorter than found: where a
bone lies across the line of sight, one taken for too long leans by much more than one taken for too short lies flat."""

_HALF_KNOWN_OFF, _KNOWN_POWER = 0.045, 8
"""A body whose lengths differ from the answer's by this share, root mean square, is known to the lifter by half. Motion capture
by rigs that it has learnt from comes to 0.015 to 0.04, with joints elsewhere by 3 cm to 0.03 to 0.12."""

_ROOT_DEPTH_ERROR = 0.05
"""Of the distance at which a frame's person stands, as a share of it; less where the keypoints tell less than the path."""

_EXCESS_PERCENTILE = 98.0

_HALF_TRUST_EXCESS, _TRUST_POWER = 0.07, 8
"""A clip whose bones look longer than they are by this share, in the worst frames, is trusted by half. Projected motion capture
comes to 0.01 to 0.06, simulated detections to 0.05 to 0.3."""

_LEAST_TRUST = 0.1
"""Keypoints that are off tell something all the same."""

_HALF_SURE_EXCESS = 0.2
"""Joints at the ends of a bone that looks longer by this share in a single frame are trusted by half there."""

_HALF_TRUST_TIMES = 6.5
"""A keypoint that is so many times as far from the answer as that joint's usually are is trusted by half."""

_LEAST_USUAL_M = 0.01

_LEARNT_FRAMES = 2000
"""Lengths and trust are found in so many frames, evenly spread."""

NEAREST_M = 0.2
"""Joints nearer to the camera's plane than this are not fitted: where the person stands is unknown or wrong."""

_CHUNK = 1024  # frames at a time, so that the arrays stay in the processor's cache

CHILDREN = np.array([joint for joint in MPM16.parents_first if MPM16.parents[joint] >= 0])
PARENTS = np.array([MPM16.parents[joint] for joint in CHILDREN])
"""The ends of the 15 bones, each after those that lead to it from Hip."""

MIRROR_BONE = np.array([list(CHILDREN).index(MPM16.mirror[joint]) for joint in CHILDREN])
_OF_LIMBS = MPM16.indices(("LKnee", "LAnkle", "RKnee", "RAnkle", "LElbow", "LWrist", "RElbow", "RWrist"))
_LONG = np.isin(CHILDREN, (*_OF_LIMBS, *MPM16.indices(("Spine", "Thorax"))))

_VAGUE = np.where(np.isin(CHILDREN, _OF_LIMBS), np.float32(1), np.float32(1.4))[:, None]
"""(15, 1) how many times as wrong as a limb's the length of a bone is: rigs differ most in where the trunk's joints are."""

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class SeenPoses:
    """What is fitted, frames last. positions: (16, 3, frames) metres from Hip; root: (3, frames); rays: (16, 2, frames),
    finite also where nothing is seen; seen: (16, frames) bool, joints whose keypoints count."""

    positions: Floats
    root: Floats
    rays: Floats
    seen: NDArray[np.bool_]

    @classmethod
    def of(cls, positions: Floats, root: Floats, rays: Floats, seen: NDArray[np.bool_]) -> SeenPoses:
        """From arrays with the frames first: (frames, 16, 3), (frames, 3), (frames, 16, 2), (frames, 16)."""
        there = np.ascontiguousarray(positions.transpose(1, 2, 0), np.float32)
        path = np.ascontiguousarray(root.T, np.float32)
        across = np.ascontiguousarray(rays.transpose(1, 2, 0), np.float32)
        in_front = np.minimum(there[:, 2] + path[2], path[2]) > NEAREST_M
        return cls(there, path, across, seen.T & in_front)


@dataclass(frozen=True, eq=False)
class BodyFit:
    """The bones of one person, and how far their keypoints are trusted.

    tried: (15,) metres, the lengths with every joint on its ray; lengths: (passes, 15), those that each pass has found;
    trust: of the keypoints, 0 to 1; usual: (16,) metres across the line of sight, how far answers mostly are from them; known:
    0 to 1, whether the lifter has learnt from such bodies, by how near its own lengths are to those that were found.
    Bones are in the order of MPM16.parents_first.
    """

    tried: Floats
    lengths: Floats
    trust: float
    usual: Floats
    known: float

    @classmethod
    def learn(cls, poses: SeenPoses) -> BodyFit:
        """Find it in the frames of a clip, which need not all be given: see thinned."""
        trial = _Fitting(poses, 1.0, poses.seen.astype(np.float32))
        trial.fit()
        tried, trust = trial.lengths(), trial.trust()
        body = cls(tried, np.zeros((0, len(tried))), trust, _usual_distance(poses), 0.0)
        fitting = _Fitting(poses, trust, sureness_of(poses, body))
        answered, found = fitting.answered_lengths(), fitting.fit()
        off = np.sqrt(np.mean(np.square(np.log(np.maximum(found[-1], 1e-6) / np.maximum(answered, 1e-6)))))
        known = float(1 / (1 + (off / _HALF_KNOWN_OFF) ** _KNOWN_POWER))
        return replace(body, lengths=found, known=known)

    def shift(self, poses: SeenPoses, fps: float, tremble_m: float = 0.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(frames, 16, 3) metres to add to where the joints are, which is positions + root, and (frames, 16) how sure that
        is: 1 where a joint was seen, 0 where it was not, and so only goes along with others. The frames follow one another at
        this rate; their keypoints tremble by so much at the person's distance."""
        parts: list[tuple[Floats, Floats]] = [(np.zeros((0, len(MPM16), 3), np.float32), np.zeros((0, len(MPM16)), np.float32))]
        count, around = poses.root.shape[-1], reach_of(fps)
        for first in range(0, count, _CHUNK):
            begin, end = max(first - around, 0), min(first + _CHUNK + around, count)
            inner = slice(first - begin, min(first + _CHUNK, count) - begin)
            part = slice(begin, end)
            chunk = SeenPoses(poses.positions[..., part], poses.root[:, part], poses.rays[..., part], poses.seen[:, part])
            prior = depth_errors(chunk.root, fps, self.trust, tremble_m, self.known)
            fitting = _Fitting(chunk, self.trust, sureness_of(chunk, self), prior)
            for lengths in self.lengths * (1 - _SHORTER * self.known * self.trust):
                fitting.place()
                fitting.correct(lengths)
            parts.append((fitting.shift().transpose(2, 0, 1)[inner], fitting.sureness.T[inner]))
        return np.concatenate([shift for shift, _ in parts]), np.concatenate([sure for _, sure in parts])


def thinned(frames: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of as many of the chosen frames as are worth learning from."""
    chosen = np.flatnonzero(frames)
    return chosen if len(chosen) <= _LEARNT_FRAMES else chosen[np.linspace(0, len(chosen) - 1, _LEARNT_FRAMES).astype(int)]


class _Fitting:
    """Some frames being fitted, pass after pass. bones: (15, 3, frames) as they stand, from parent to child; sureness: (16,
    frames) 0 to 1."""

    def __init__(self, poses: SeenPoses, trust: float, sureness: Floats, prior: DepthErrors | None = None) -> None:
        """trust: of the clip; sureness: see above; prior: how errors along the line of sight go on in time, None for frames
        that do not follow one another."""
        self._poses, self._root, self._prior = poses, poses.root, prior
        self._root_depth_error = _ROOT_DEPTH_ERROR * max(trust, 1e-3)
        length_error_m = prior.length_error_m if prior is not None else length_error_of(0.0, 0.0)
        self._spread = np.square(np.float32(length_error_m) * _VAGUE)
        self.sureness = sureness
        self._trust = np.where(poses.seen, self.sureness * np.float32(trust), np.float32(0))
        self._measured = poses.seen[CHILDREN] & poses.seen[PARENTS]
        doubt = 1 - np.minimum(self._trust[CHILDREN], self._trust[PARENTS])
        across = np.maximum(doubt * _ACROSS_ERROR_M**2, _SMALLEST_ACROSS_ERROR_M**2)
        self._across = np.where(self._measured, across, np.float32(0))
        self._depth = np.where(self._measured, np.float32(DEPTH_ERROR_M**2), np.float32(0))
        self._placed = poses.positions
        self.bones = self._placed_bones = _bones_of(poses.positions)
        self._goal: Floats | None = None

    def fit(self) -> Floats:
        """Find lengths in every pass, (passes, 15), and fit to these; afterwards joints are where they belong by the last."""
        found: list[Floats] = []
        for _ in range(_PASSES):
            self.place()
            found.append(self.lengths())
            self.correct(found[-1])
        self.place()
        return np.stack(found)

    def answered_lengths(self) -> Floats:
        """(15,) metres, those of the bones as they were answered."""
        return _lengths(_bones_of(self._poses.positions), self._measured)

    def lengths(self) -> Floats:
        """(15,) metres, those of the bones as they stand."""
        return _lengths(self.bones, self._measured)

    def trust(self) -> float:
        """0 to 1, how far keypoints are trusted by how much longer bones look than they are, once joints are on their rays."""
        excess = _excess(self._placed_bones, self.lengths())[_LONG][self._measured[_LONG]]
        if not excess.size:
            return 0.0
        worst = max(float(np.percentile(excess, _EXCESS_PERCENTILE)), 0.0)
        return _LEAST_TRUST + (1 - _LEAST_TRUST) / (1 + (worst / _HALF_TRUST_EXCESS) ** _TRUST_POWER)

    def place(self) -> None:
        """Put the joints on their rays at the depth that they have by now, as far as these are trusted; after a correction
        the person moves first."""
        poses = self._poses
        if self._goal is not None:
            self._move(self._goal)
        places = poses.positions + self._root
        depth = places[:, 2].copy()
        for bone, child, parent in zip(self.bones, CHILDREN, PARENTS, strict=True):
            depth[child] = depth[parent] + bone[2]
        moved = np.zeros_like(places)
        moved[:, :2] = (poses.rays * depth[:, None] - places[:, :2]) * self._trust[:, None]
        root = MPM16.root
        of_all = moved.sum(0) / np.maximum(poses.seen.sum(0), 1)
        moved[root] = np.where(poses.seen[root], moved[root], of_all)
        for child, parent in zip(CHILDREN, PARENTS, strict=True):
            moved[child] = np.where(poses.seen[child], moved[child], moved[parent])
        self._placed = places + moved
        self._placed_bones = _bones_of(self._placed)
        if self._goal is None:
            self.bones = self._placed_bones

    def correct(self, lengths: Floats) -> None:
        """Bring the bones nearer to their lengths: one step of the filter, or of the smoother where frames follow one another,
        linearised at their last depths."""
        goal = self._goal = lengths.astype(np.float32)[:, None]
        (x, y, answered), z = self._placed_bones.transpose(1, 0, 2), self.bones[:, 2]
        across = x * x + y * y
        length = np.maximum(np.sqrt(across + z * z), np.float32(1e-6))
        slope, gain_across = z / length, self._across / length
        surprise = goal - (across + z * answered) / length
        # Of the length, that comes from its ends across the line of sight.
        by_ends = gain_across * across / length
        noise = by_ends + self._spread
        if self._prior is None:
            moved = self._depth * slope * surprise / (self._depth * slope * slope + noise)
        else:
            by_ends = np.where(self._measured, by_ends, np.float32(np.inf))
            moved = self._prior.most_likely(slope, surprise, by_ends, _VAGUE).astype(np.float32)
        longer = 1 + gain_across * (surprise - slope * moved) / noise
        self.bones = np.stack((x * longer, y * longer, answered + moved), axis=1)

    def _move(self, goal: Floats) -> None:
        """Move the person along the line of sight, towards where bones look as long as their depths and lengths ask for."""
        across = np.square(self._placed_bones[:, :2]).sum(1)
        z = self.bones[:, 2]
        length = np.maximum(np.sqrt(across + z * z), np.float32(1e-6))
        slope = across / length
        weighted = slope * self._measured / (self._depth * (z / length) ** 2 + self._across + self._spread)
        self._root = self._root * (
            1 + (weighted * (goal - length)).sum(0) / ((weighted * slope).sum(0) + np.float32(self._root_depth_error**-2))
        )

    def shift(self) -> NDArray[np.float32]:
        """(16, 3, frames) metres from where the joints were to where they are."""
        places = self._placed.copy()
        for bone, child, parent in zip(self.bones, CHILDREN, PARENTS, strict=True):
            places[child] = places[parent] + bone
        return (places - self._poses.positions - self._poses.root).astype(np.float32, copy=False)


def _bones_of(joints: Floats) -> Floats:
    """(15, 3, frames) from parent to child."""
    return joints[CHILDREN] - joints[PARENTS]


def _lengths(bones: Floats, measured: NDArray[np.bool_]) -> Floats:
    """(15,) the median length of each bone and its mirror image, where frames count that see it from the side."""
    length = np.linalg.norm(bones, axis=1)
    share = np.linalg.norm(bones[:, :2], axis=1) / np.maximum(length, 1e-6)
    weight = (share**4 + 1e-3) * np.where(measured, 1, 1e-3)
    order = np.argsort(length, axis=1)
    so_far = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1, dtype=np.float64)
    middle = (so_far < so_far[:, -1:] / 2).sum(1)
    median = np.take_along_axis(length, order, axis=1)[np.arange(len(length)), middle].astype(np.float64)
    count = np.maximum(measured.sum(1), 1)
    both = median * count
    return (both + both[MIRROR_BONE]) / (count + count[MIRROR_BONE])


def _excess(bones: Floats, lengths: Floats) -> Floats:
    """(15, frames) by which share bones (15, 3, frames) look longer across the line of sight than they are, (15,) metres."""
    return np.linalg.norm(bones[:, :2], axis=1) / np.maximum(lengths.astype(np.float32)[:, None], 1e-6) - 1


def _distance(poses: SeenPoses) -> Floats:
    """(16, frames) metres across the line of sight from the answer to the keypoints."""
    places = poses.positions + poses.root
    return np.linalg.norm(poses.rays * places[:, 2:] - places[:, :2], axis=1)


def _usual_distance(poses: SeenPoses) -> Floats:
    """(16,) the median of that for each joint and its mirror image, where they are seen."""
    distance = _distance(poses)
    mirror = list(MPM16.mirror)
    seen = np.concatenate((poses.seen, poses.seen[mirror]), axis=1)
    both = np.where(seen, np.concatenate((distance, distance[mirror]), axis=1), np.inf)
    middle = (seen.sum(1) - 1) // 2
    median = np.sort(both, axis=1)[np.arange(len(both)), np.maximum(middle, 0)]
    return np.maximum(np.where(np.isfinite(median), median, 0), _LEAST_USUAL_M)


def sureness_of(poses: SeenPoses, body: BodyFit) -> Floats:
    """(16, frames) how far each keypoint is trusted beside others of its clip; 0 where it is not seen. For Hip, where
    that is not seen: whether anything is."""
    depth = poses.positions[:, 2] + poses.root[2]
    excess = np.maximum(_excess(_bones_of(poses.rays * depth[:, None]), body.tried), 0)
    of_bone = 1 / (1 + (excess / np.float32(_HALF_SURE_EXCESS)) ** 4)
    of_bone = np.where(poses.seen[CHILDREN] & poses.seen[PARENTS], of_bone, 1)
    usual = (body.usual * _HALF_TRUST_TIMES).astype(np.float32)[:, None]
    sure = np.where(poses.seen, 1 / (1 + (_distance(poses) / usual) ** 4), np.float32(0))
    for bone, (child, parent) in enumerate(zip(CHILDREN, PARENTS, strict=True)):
        sure[child] *= of_bone[bone]
        sure[parent] *= np.sqrt(of_bone[bone])  # it takes two bones to tell that it is the joint between them
    root = MPM16.root
    sure[root] = np.where(poses.seen[root], sure[root], poses.seen.any(0))
    return sure
