"""Owns what 2D detectors write: keypoints of several people per frame, of whom one becomes a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip, as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_FPS, ASSUMED_SIZE, Contents, Format, Probe, ReadOptions
from mpm_core.people import Detection, Track, find_people
from mpm_core.skeleton import SKELETONS, Skeleton

_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 4320))

# A frame number far beyond the number of detections is a broken number, not a long pause.
_LARGEST_PAUSE_FRAMES = 1_000_000


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
        found = _find_people(file, probe.path)
        points = np.concatenate([d.points[d.seen] for d in found[0].detections])
        lacks = [name for name, value in (("fps", file.fps), ("image_size", file.image_size)) if value is None]
        return Contents(
            people=tuple(track.person for track in found), lacks=tuple(lacks), assumed_size=guess_size(points)
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


def _find_people(file: DetectionFile, path: Path) -> list[Track]:
    tracks = find_people(file.detections, file.skeleton)
    if not tracks:
        raise UserError(f"{path}: no person is detected in any frame")
    return tracks


def _to_clip(file: DetectionFile, path: Path, options: ReadOptions) -> Clip:
    people = _find_people(file, path)
    number = options.person or 0
    if not 0 <= number < len(people):
        raise UserError(f"{path}: there is no person {number} (people are numbered 0 to {len(people) - 1})")
    notes = []
    if options.person is None and len(people) > 1:
        notes.append(f"{len(people)} people in the file: the one seen longest and largest was taken")
    first, last = file.frames
    if last - first > _LARGEST_PAUSE_FRAMES:
        raise UserError(f"{path}: the frame numbers run from {first} to {last}, which cannot be right")
    points, scores = people[number].arrays(file.frames, len(file.skeleton))
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
