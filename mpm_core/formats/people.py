"""Owns what 2D detectors write: keypoints of several people per frame, followed over time, of whom one becomes a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip, as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_FPS, ASSUMED_SIZE, Contents, Format, Person, Probe, ReadOptions
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import SKELETONS, Skeleton

_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 4320))

# Following people from frame to frame: at most this far, in body heights, and over this many frames without them.
_FARTHEST_STEP_HEIGHTS = 0.5
_LONGEST_LOSS_FRAMES = 30

# A frame number far beyond the number of detections is a broken number, not a long pause.
_LARGEST_PAUSE_FRAMES = 1_000_000


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


@dataclass(frozen=True)
class DetectionFile:
    """All people of a file, in the joints of `skeleton`; fps and image_size where the file tells them.

    frames: first and last frame number, which may show nobody.
    """

    detections: Sequence[Detection]
    frames: tuple[int, int]
    skeleton: Skeleton
    fps: float | None = None
    image_size: tuple[int, int] | None = None


def detection_format(
    name: str, label: str, suffixes: tuple[str, ...], sniff: Callable[[Probe], bool], parse: Callable[[Probe], DetectionFile]
) -> Format:
    """A format whose files hold detections."""

    def inspect(probe: Probe) -> Contents:
        file = parse(probe)
        found = _people(file, probe.path)
        points = np.concatenate([d.points[d.seen] for d in found[0][1]])
        lacks = [name for name, value in (("fps", file.fps), ("image_size", file.image_size)) if value is None]
        return Contents(
            people=tuple(person for person, _ in found), lacks=tuple(lacks), assumed_size=guess_size(points)
        )  # fmt: skip

    def read(probe: Probe, options: ReadOptions) -> Clip:
        return _to_clip(parse(probe), probe.path, options)

    return Format(name, label, suffixes, sniff, inspect, read)


def skeleton_of_size(joints: int, candidates: Sequence[str], where: str) -> Skeleton:
    """The candidate skeleton with that many joints; UserError when none has."""
    for name in candidates:
        if len(SKELETONS[name]) == joints:
            return SKELETONS[name]
    known = ", ".join(f"{len(SKELETONS[name])} ({SKELETONS[name].label})" for name in candidates)
    raise UserError(f"{where}: {joints} joints per person, expected {known}")


def flat_keypoints(values: object, where: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[x, y, score, x, y, score, ...] -> points (joints, 2) and scores (joints,); UserError for anything else."""
    array = as_floats(values, f"{where}: the keypoints")
    if array.ndim != 1 or array.size == 0 or array.size % 3:
        raise UserError(f"{where}: the keypoints are not x, y, score triples ({array.size} numbers)")
    triples = array.reshape(-1, 3)
    return triples[:, :2], np.nan_to_num(triples[:, 2])


def _people(file: DetectionFile, path: Path) -> list[tuple[Person, list[Detection]]]:
    """The people of a file, the one seen longest and largest first; UserError when there are none.

    People of whom no joint of the body is seen, only a face or a foot, cannot be lifted and are left out.
    """
    body = map_to_mpm16(file.skeleton)
    tracks = [
        track
        for track in _follow(file.detections)
        if any(body.apply(np.nan_to_num(d.points)[None], d.seen[None]).visible.any() for d in track)
    ]
    if not tracks:
        raise UserError(f"{path}: no person is detected in any frame")

    def presence(track: list[Detection]) -> float:
        return sum(d.height for d in track)

    tracks.sort(key=presence, reverse=True)
    return [(_describe(n, track, presence(track), file.skeleton), track) for n, track in enumerate(tracks)]


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
    cost = np.array([[_step(track[-1], new) for new in found] for track in alive]).reshape(len(alive), len(found))
    taken = set()
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        if cost[row, column] <= _FARTHEST_STEP_HEIGHTS:
            alive[row].append(found[column])
            taken.add(int(column))
    tracks += [[new] for n, new in enumerate(found) if n not in taken]


def _step(old: Detection, new: Detection) -> float:
    """Mean distance between the joints that both show, in body heights; large when they share none."""
    both = old.seen & new.seen
    height = max(old.height, new.height)
    if not both.any() or height <= 0:
        return 1e3
    return min(float(np.linalg.norm(old.points[both] - new.points[both], axis=1).mean()) / height, 1e3)


def _to_clip(file: DetectionFile, path: Path, options: ReadOptions) -> Clip:
    people = _people(file, path)
    number = options.person or 0
    if not 0 <= number < len(people):
        raise UserError(f"{path}: there is no person {number} (people are numbered 0 to {len(people) - 1})")
    track = people[number][1]
    notes = []
    if options.person is None and len(people) > 1:
        notes.append(f"{len(people)} people in the file: the one seen longest and largest was taken")
    first, last = file.frames
    if last - first > _LARGEST_PAUSE_FRAMES:
        raise UserError(f"{path}: the frame numbers run from {first} to {last}, which cannot be right")
    points = np.full((last - first + 1, len(file.skeleton), 2), np.nan)
    scores = np.zeros(points.shape[:2])
    for detection in track:
        points[detection.frame - first], scores[detection.frame - first] = detection.points, detection.scores
    fps = options.fps or file.fps
    if fps is None:
        fps = ASSUMED_FPS
        notes.append(f"the file has no frame rate: {ASSUMED_FPS:g} frames/s assumed")
    size = options.image_size or file.image_size
    if size is None:
        size = guess_size(points[scores > 0])
        notes.append(f"the file has no image size: {size[0]} x {size[1]} assumed, the smallest usual one that fits")
    return Clip.from_arrays(
        points, size, fps, file.skeleton.name, confidence=scores, source=str(path), notes=tuple(notes)
    )  # fmt: skip


def guess_size(points: NDArray[np.float64]) -> tuple[int, int]:
    """The smallest usual image size, landscape or portrait, that holds 99 % of the points."""
    known = points[np.isfinite(points).all(-1)]
    if not len(known):
        return ASSUMED_SIZE
    x, y = np.percentile(known, 99, axis=0)
    for long, short in _USUAL_SIZES:
        for size in ((long, short), (short, long)):
            if x <= size[0] and y <= size[1]:
                return size
    return (int(np.ceil(x)), int(np.ceil(y)))
