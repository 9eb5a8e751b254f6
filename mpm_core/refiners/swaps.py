"""Owns what 2D tells of left/right swaps: frames in which a detector seems to have taken left arms or legs for right ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.refiners.base import frame_period, keypoints_of, person_height
from mpm_core.skeleton import Skeleton

SWAP_GROUPS: Mapping[str, tuple[str, str]] = {"arms": ("left arm", "right arm"), "legs": ("left leg", "right leg")}
"""The limbs that a detector exchanges as a whole. The joints of a face are too close together to tell, and are left alone."""


@dataclass(frozen=True)
class SwapConfig:
    """Costs are in heights of the person. change_heights: of a change between as is and exchanged;
    dwell_heights_per_s: of staying exchanged. farthest_heights: a joint further from where it was expected costs no
    more than this. extrapolation_s: for how long a joint is expected to go on as it moved; steadiness_s: over how long its
    velocity is averaged; fastest_heights_per_s: what is quicker than this is no movement but a jump, which does not go
    on. memory_s: without a joint for this long, what its last position tells falls to a third; a track is broken where it is
    lost for as long."""

    change_heights: float = 0.1
    dwell_heights_per_s: float = 0.15
    farthest_heights: float = 0.2
    extrapolation_s: float = 0.1
    steadiness_s: float = 0.02
    fastest_heights_per_s: float = 8.0
    memory_s: float = 0.5


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The mirror pairs, group after group. joints: (pairs, 2 sides); groups: (pairs,) the group of each; starts: (groups,)
    the first pair of each group."""

    joints: NDArray[np.intp]
    groups: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, skeleton: Skeleton) -> _Pairs:
        limbs = [skeleton.limb(left) for left, _ in SWAP_GROUPS.values()]
        joints = np.array([(joint, skeleton.mirror[joint]) for limb in limbs for joint in limb])
        sizes = [len(limb) for limb in limbs]
        return cls(joints, np.repeat(np.arange(len(limbs)), sizes), np.cumsum([0, *sizes[:-1]]))

    def any_in_group(self, marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(frames, pairs) -> (frames, groups)."""
        return np.logical_or.reduceat(marks, self.starts, axis=1)


@dataclass(frozen=True, eq=False)
class _Readings:
    """What the detector saw, as each of the two states reads it: as is, and with left and right exchanged.

    points: (frames, 2 states, pairs, 2 sides, 2) heights; seen: (frames, 2 states, pairs, 2 sides) bool.
    """

    points: NDArray[np.float64]
    seen: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Tracks:
    """Where the joints were last seen on each of the paths that are followed, which are the best ones to each pair of
    states in the last two frames: points (2 states before, 2 states now, pairs, 2 sides, 2) in heights, velocities in
    heights per second, and since (2, 2, pairs, 2 sides), seconds of that sight, minus infinity before the first."""

    points: NDArray[np.float64]
    velocities: NDArray[np.float64]
    since: NDArray[np.float64]

    @classmethod
    def unknown(cls, pairs: int) -> _Tracks:
        shape = (2, 2, pairs, 2)
        return cls(np.zeros((*shape, 2)), np.zeros((*shape, 2)), np.full(shape, -np.inf))

    def misses(
        self, points: NDArray[np.float64], seen: NDArray[np.bool_], now: float, config: SwapConfig
    ) -> NDArray[np.float64]:
        """How far each pair of a new frame is from where it was expected, as each new state reads it:
        (2 states before the last, 2 last states, 2 new states, pairs) heights."""
        gap = now - self.since
        expected = self.points + self.velocities * np.minimum(gap, config.extrapolation_s)[..., None]
        offset = points - expected[:, :, None]  # (2, 2, 2 new states, pairs, 2 sides, 2)
        miss = np.minimum(np.hypot(offset[..., 0], offset[..., 1]), config.farthest_heights)
        return (miss * (np.exp(-gap / config.memory_s)[:, :, None] * seen)).sum(axis=-1)

    def follow(
        self, origin: NDArray[np.intp], points: NDArray[np.float64], seen: NDArray[np.bool_], now: float, config: SwapConfig
    ) -> _Tracks:
        """The tracks with a new frame. origin: (2 last states, 2 new states, pairs), the state before the last one on the
        best path to these two."""
        path = origin, np.arange(2)[:, None, None], np.arange(origin.shape[2])
        before, velocities, since = self.points[path], self.velocities[path], self.since[path]
        gap = (now - since)[..., None]  # infinite before the first sight, which makes the velocity zero
        velocity = (points - before) / gap
        velocity += np.exp(-gap / config.steadiness_s) * (velocities - velocity)
        is_jump = np.hypot(velocity[..., 0], velocity[..., 1]) > config.fastest_heights_per_s
        velocity = np.where(is_jump[..., None], 0.0, velocity)
        is_new = seen[..., None]
        return _Tracks(np.where(is_new, points, before), np.where(is_new, velocity, velocities), np.where(seen, now, since))


def find_swaps(clip: Clip, config: SwapConfig = SwapConfig()) -> NDArray[np.bool_]:
    """Frames in which left and right are exchanged: (frames, 2) bool, a column for each of SWAP_GROUPS, arms and legs.

    Each group is decoded by dynamic programming (Viterbi, Error bounds for convolutional codes, IEEE Trans. Information
    Theory 1967) over two states, as is and exchanged. A frame costs how far the joints, as the state reads them, are from
    where they were expected: at their last visible position, moved on by their velocity, so that limbs which really cross
    pass through one another. The velocity takes two frames, so paths are kept for every two states in a row; and since
    joints may have been missing, each path remembers where it last saw them (per-survivor processing: Raheli, Polydoros
    and Tzou, IEEE Trans. Communications 1995). A change of state costs a little, which leaves alone what is too close
    together to tell; so does every frame in the state exchanged, so that most frames are taken to be right, at the start
    too. The longer a joint was out of sight, the less its last position counts. A pair that a person has corrected is not
    exchanged. UserError for a clip without 2D.
    """
    pairs = _Pairs.of(clip.skeleton)
    return _decode(_read(clip, pairs), clip.times, frame_period(clip), pairs, config) & find_exchangeable(clip)


def find_exchangeable(clip: Clip) -> NDArray[np.bool_]:
    """(frames, 2) bool: where a group, as in SWAP_GROUPS, has anything to exchange that no person has put where it is."""
    pairs = _Pairs.of(clip.skeleton)
    return pairs.any_in_group(_is_exchangeable(clip, pairs))


def find_breaks(clip: Clip, config: SwapConfig = SwapConfig()) -> NDArray[np.bool_]:
    """Frames (frames, 2) at which the tracks of a group begin anew: a column for each of SWAP_GROUPS, True where its joints are
    much nearer to where their mirror joints were last seen than to their own, and after they were long out of sight.
    UserError for a clip without 2D.
    """
    pairs = _Pairs.of(clip.skeleton)
    readings = _read(clip, pairs)
    points, seen = readings.points[:, 0], np.all(readings.seen[:, 0], axis=-1)  # (frames, pairs, 2 sides, 2), (frames, pairs)
    breaks = np.zeros((len(clip), len(pairs.starts)), bool)
    breaks[:1] = True
    for group in range(len(pairs.starts)):
        own = pairs.groups == group
        frames = np.flatnonzero(seen[:, own].any(axis=1))
        before, now = points[frames[:-1]][:, own], points[frames[1:]][:, own]
        both = seen[frames[:-1]][:, own] & seen[frames[1:]][:, own]
        straight, crossed = (np.linalg.norm(then - before, axis=-1).sum(axis=-1) for then in (now, now[:, :, ::-1]))
        is_broken = ((straight - crossed) * both).sum(axis=1) > config.change_heights
        breaks[frames[1:], group] = is_broken | (np.diff(clip.times[frames]) > config.memory_s)
    return breaks


def exchange_sides(clip: Clip, swapped: NDArray[np.bool_]) -> Clip:
    """The clip with left and right exchanged where `swapped` (frames, 2) says so, a column for each of SWAP_GROUPS.

    Comes before the refiners, which would take swapped joints for outliers or smooth over the jump. A pair that a person
    has corrected stays as it is. UserError for a clip without 2D.
    """
    points = keypoints_of(clip)
    pairs = _Pairs.of(clip.skeleton)
    moved = swapped[:, pairs.groups] & _is_exchangeable(clip, pairs)  # (frames, pairs)
    source = np.tile(np.arange(len(clip.skeleton)), (len(clip), 1))
    source[:, pairs.joints] = np.where(moved[..., None], pairs.joints[:, ::-1], pairs.joints)
    return replace(
        clip,
        keypoints=np.take_along_axis(points, source[..., None], axis=1),
        visible=np.take_along_axis(clip.visible, source, axis=1),
        derived=np.take_along_axis(clip.derived, source, axis=1),
        confidence=np.take_along_axis(clip.confidence, source, axis=1),
    )


def _is_exchangeable(clip: Clip, pairs: _Pairs) -> NDArray[np.bool_]:
    """(frames, pairs): whether there is anything to exchange that no person has put where it is."""
    return np.any(clip.visible[:, pairs.joints], axis=-1) & ~np.any(clip.edited[:, pairs.joints], axis=-1)


def _read(clip: Clip, pairs: _Pairs) -> _Readings:
    points = keypoints_of(clip)[:, pairs.joints].astype(np.float64) / person_height(clip)  # (frames, pairs, 2 sides, 2)
    seen = clip.visible[:, pairs.joints]
    exchangeable = _is_exchangeable(clip, pairs)[..., None]
    other_points = np.where(exchangeable[..., None], points[:, :, ::-1], points)
    other_seen = np.where(exchangeable, seen[..., ::-1], seen)
    return _Readings(np.stack((points, other_points), axis=1), np.stack((seen, other_seen), axis=1))


def _decode(
    readings: _Readings, times: NDArray[np.float64], period: float, pairs: _Pairs, config: SwapConfig
) -> NDArray[np.bool_]:
    """The cheapest path: (frames, groups), True where exchanged."""
    groups = np.arange(len(pairs.starts))
    dwell = np.array([[0.0], [config.dwell_heights_per_s * period]])
    change = config.change_heights * (1 - np.eye(2))[..., None]
    tracks, score = _Tracks.unknown(len(pairs.joints)), np.zeros((2, 2, len(groups)))
    origins = np.zeros((len(times), 2, 2, len(groups)), np.intp)
    for frame, now in enumerate(times.tolist()):
        points, seen = readings.points[frame], readings.seen[frame]
        misses = np.add.reduceat(tracks.misses(points, seen, now, config), pairs.starts, axis=-1)
        total = score[:, :, None] + misses + change  # (2 before the last, 2 last, 2 new states, groups)
        origins[frame] = total.argmin(axis=0)
        score = total.min(axis=0) + dwell
        tracks = tracks.follow(origins[frame][..., pairs.groups], points, seen, now, config)
    exchanged = np.zeros((len(times), len(groups)), bool)
    before, state = np.divmod(score.reshape(4, -1).argmin(axis=0), 2)
    for frame in reversed(range(len(times))):
        exchanged[frame] = state
        before, state = origins[frame, before, state, groups], before
    return exchanged
