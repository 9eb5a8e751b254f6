"""Owns numbered joints in 3D of people per frame, as detectors and lifters write them, brought into one person's track."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import ReadOptions
from mpm_core.formats.keypoints.values import Sighting, identities
from mpm_core.formats.motion.axes import extents
from mpm_core.formats.motion.layouts import choose_layout
from mpm_core.formats.motion.track import Track
from mpm_core.limits import MOST_FRAMES, check_frame_count
from mpm_core.people import Detection, Detections, Person, find_people
from mpm_core.people_words import taken_note
from mpm_core.skeleton import NAMED


@dataclass(frozen=True)
class Sighting3D:
    """One person in one frame. points: (joints, 3), NaN where missing; identity: what the file calls the person, or None;
    scores: (joints,) 0 to 1, or None; completed: (joints,) bool, what a lifter filled in, or None."""

    frame: int
    points: NDArray[np.float64]
    identity: Hashable = None
    scores: NDArray[np.float64] | None = None
    completed: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Sightings3D:
    """All people of a file. usual: layouts that files of this kind have; layout: the one that the file names; joints: the names
    of the points, where it names them; unit_m: metres per unit, where it says so."""

    entries: Sequence[Sighting3D]
    frames: tuple[int, int]
    fps: float | None = None
    usual: tuple[str, ...] = ()
    layout: str | None = None
    joints: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    unit_m: float | None = None


OF_PEOPLE = ("person", "skeleton")
"""What a format of people in 3D makes use of, see Format.heeds."""


def track_of(file: Sightings3D, options: ReadOptions, where: str) -> Track:
    """The track of the person who is asked for, else of the one seen longest; UserError for nobody."""
    if not file.entries:
        raise UserError(f"{where}: no person is there in any frame")
    counts = {len(entry.points) for entry in file.entries}
    if len(counts) > 1:
        raise UserError(f"{where}: people have {' and '.join(map(str, sorted(counts)))} joints")
    first, last = file.frames
    if last - first >= MOST_FRAMES:
        raise UserError(f"{where}: the frame numbers run from {first} to {last}, which cannot be right")
    check_frame_count(last - first + 1, len({entry.frame for entry in file.entries}), f"{where}: ")
    points = np.stack([entry.points for entry in file.entries])
    names, notes = _names(file, points, options, where)
    points = points[:, : len(names)]
    tracks, people = _follow(file, points, names)
    if not tracks:
        raise UserError(f"{where}: no person is there in any frame")
    number = options.person or 0
    if not 0 <= number < len(tracks):
        raise UserError(f"{where}: there is no person {number} (people are numbered 0 to {len(tracks) - 1})")
    said = [*file.notes, *notes]
    if options.person is None and len(tracks) > 1:
        said.append(taken_note(people))
    positions = np.full((last - first + 1, len(names), 3), np.nan)
    completed, confidence = np.zeros(positions.shape[:2], bool), np.ones(positions.shape[:2])
    for place in tracks[number]:
        entry = file.entries[place]
        positions[entry.frame - first] = points[place]
        if entry.completed is not None:
            completed[entry.frame - first] = entry.completed[: len(names)]
        if entry.scores is not None:
            confidence[entry.frame - first] = entry.scores[: len(names)]
    return Track(
        names, positions, None, file.fps, file.unit_m, "z", people, tuple(said), completed if completed.any() else None,
        confidence,
    )  # fmt: skip


def _names(
    file: Sightings3D, points: NDArray[np.float64], options: ReadOptions, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The points' names, of the first so many, and what to say."""
    if options.joint_map is not None:
        return file.joints or tuple(str(number) for number in range(points.shape[1])), ()
    if file.joints is not None and len(file.joints) == points.shape[1] and options.skeleton is None:
        return file.joints, ()
    layout, notes = choose_layout(points, where, file.usual, options.skeleton or file.layout)
    return layout.skeleton.joints, notes


def _follow(
    file: Sightings3D, points: NDArray[np.float64], names: tuple[str, ...]
) -> tuple[list[list[int]], tuple[Person, ...]]:
    """Places of the entries of each person, as people are followed in pictures: seen along a level axis; and who they are,
    where there are several."""
    if len({entry.frame for entry in file.entries}) == len(file.entries):
        return [list(range(len(file.entries)))], ()
    spread = [float(np.nanmedian(extents(points[..., axis, None]))) for axis in range(3)]
    upward = 1 + int(spread[2] > spread[1])
    ids = identities([Sighting(entry.frame, None, "", identity=entry.identity) for entry in file.entries])
    scale = 400 / max(spread[upward], 1e-9)  # of about as many pixels as people in pictures are tall
    body = [names.index(name) if name in names else -1 for name in NAMED.joints]
    detections = []
    for entry, one, track in zip(file.entries, points, ids, strict=True):
        flat = np.where(np.array(body)[:, None] >= 0, one[body][:, [0, upward]] * scale, np.nan)
        scores = np.asarray(np.isfinite(flat).all(-1), np.float64)
        detections.append(Detection(entry.frame, flat, scores, track))
    tracks = find_people(Detections.of(detections), NAMED)
    nowhere = float("nan")  # no picture shows them
    called = ["" if ids[track.places[0]] is None else str(file.entries[track.places[0]].identity) for track in tracks]
    people = tuple(
        replace(track.person, height=nowhere, across=nowhere, name=name) for track, name in zip(tracks, called, strict=True)
    )  # fmt: skip
    return [track.places.tolist() for track in tracks], people
