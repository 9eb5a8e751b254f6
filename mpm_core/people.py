"""Owns people in pictures: what a detector sees of each in a frame, and who is who from frame to frame."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import Skeleton

# Following people from frame to frame: at most this far, in body heights, a little farther for every frame without them, and
# over so many of these.
_FARTHEST_STEP_HEIGHTS = 0.5
_FARTHER_PER_LOST_FRAME = 0.05
_LONGEST_LOSS_FRAMES = 30

# Two poses of a frame whose joints lie closer than this are one person, found twice.
_SAME_PERSON_HEIGHTS = 0.12


@dataclass(frozen=True)
class Detection:
    """One person in one frame. points: (joints, 2) pixels; scores: (joints,), 0 where missing; track: the file's own id."""

    frame: int
    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    track: int | None = None

    @property
    def seen(self) -> NDArray[np.bool_]:
        return (self.scores > 0) & np.isfinite(self.points).all(-1)

    @property
    def height(self) -> float:
        """The longer side of the box around the visible joints, in pixels."""
        seen = self.points[self.seen]
        return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0


@dataclass(frozen=True, eq=False)
class Person:
    """One tracked person: how many frames show them, their mean height in pixels, and a pose to know them by.

    pose: (16, 2) pixels in MPM-16 joints, from the frame that shows most of them; pose_visible: (16,) bool.
    """

    number: int
    frames: int
    height: float
    pose: NDArray[np.float32]
    pose_visible: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Track:
    """A person, and where they were seen."""

    person: Person
    detections: Sequence[Detection]

    def at(self, frame: int) -> Detection | None:
        """Where the person is in a frame; None where they are not seen."""
        place = bisect_left(self.detections, frame, key=lambda detection: detection.frame)
        found = self.detections[place] if place < len(self.detections) else None
        return found if found is not None and found.frame == frame else None

    def arrays(self, frames: tuple[int, int], joints: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(count, joints, 2) points, NaN where nobody was seen, and (count, joints) scores, over frames both included."""
        first, last = frames
        points = np.full((last - first + 1, joints, 2), np.nan)
        scores = np.zeros(points.shape[:2])
        for detection in self.detections:
            points[detection.frame - first], scores[detection.frame - first] = detection.points, detection.scores
        return points, scores


def find_people(detections: Sequence[Detection], skeleton: Skeleton) -> list[Track]:
    """The people among detections, the one seen longest and largest first.

    People of whom no joint of the body is seen, only a face or a foot, cannot be lifted and are left out.
    """
    body = map_to_mpm16(skeleton)
    tracks = [
        track
        for track in _follow(detections)
        if any(body.apply(np.nan_to_num(d.points)[None], d.seen[None]).visible.any() for d in track)
    ]

    def presence(track: list[Detection]) -> float:
        return sum(d.height for d in track)

    tracks.sort(key=presence, reverse=True)
    return [Track(_describe(n, track, presence(track), skeleton), track) for n, track in enumerate(tracks)]


def _describe(number: int, track: list[Detection], presence: float, skeleton: Skeleton) -> Person:
    best = max(track, key=lambda d: (int(d.seen.sum()), d.height))
    pose = map_to_mpm16(skeleton).apply(np.nan_to_num(best.points)[None], best.seen[None])
    return Person(number, len(track), presence / len(track), pose.points[0], pose.visible[0])


def _follow(detections: Sequence[Detection]) -> list[list[Detection]]:
    """Detections grouped by person: by the file's own ids where it has them, else by the least movement."""
    if all(d.track is not None for d in detections):
        by_id: dict[int, list[Detection]] = {}
        for detection in sorted(detections, key=lambda d: d.frame):
            assert detection.track is not None
            by_id.setdefault(detection.track, []).append(detection)
        return list(by_id.values())
    frames: dict[int, list[Detection]] = {}
    for detection in detections:
        frames.setdefault(detection.frame, []).append(detection)
    tracks: list[list[Detection]] = []
    for number in sorted(frames):
        _continue_tracks(tracks, frames[number], number)
    return tracks


def _continue_tracks(tracks: list[list[Detection]], found: list[Detection], frame: int) -> None:
    """Give each detection of a frame to the nearest track by one-to-one assignment, or start a new one."""
    from scipy.optimize import linear_sum_assignment  # slow to import, and few files need it

    alive = [track for track in tracks if frame - track[-1].frame <= _LONGEST_LOSS_FRAMES]
    found = _distinct(found)
    cost = np.array([[_step(track[-1], new) for new in found] for track in alive]).reshape(len(alive), len(found))
    taken = set()
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        lost = frame - alive[row][-1].frame - 1
        if cost[row, column] <= _FARTHEST_STEP_HEIGHTS + lost * _FARTHER_PER_LOST_FRAME:
            alive[row].append(found[column])
            taken.add(int(column))
    tracks += [[new] for n, new in enumerate(found) if n not in taken]


def _distinct(found: list[Detection]) -> list[Detection]:
    """Without poses that lie on a surer one of the same frame."""
    kept: list[Detection] = []
    for new in sorted(found, key=lambda d: -float(d.scores.sum())):
        if all(_step(new, other) > _SAME_PERSON_HEIGHTS for other in kept):
            kept.append(new)
    return kept


def _step(old: Detection, new: Detection) -> float:
    """Mean distance between the joints that both show, in body heights; large when they share none."""
    both = old.seen & new.seen
    height = max(old.height, new.height)
    if not both.any() or height <= 0:
        return 1e3
    return min(float(np.linalg.norm(old.points[both] - new.points[both], axis=1).mean()) / height, 1e3)
