"""Owns what 2D detectors write: sightings of people per frame, brought into pixels, a skeleton and one clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_FPS, ASSUMED_SIZE, Contents, Format, Probe, ReadOptions, Recognition, UnknownJoints
from mpm_core.formats.keypoints.guessing import guess_joints
from mpm_core.formats.keypoints.layouts import choose_layout, scramble_note
from mpm_core.formats.keypoints.mixtures import check_one_unit, turns_note
from mpm_core.formats.keypoints.naming import UnknownJointsError, name_joints
from mpm_core.formats.keypoints.values import Sighting, as_shares, frames_of, identities, is_about_hips, to_arrays, to_pixels
from mpm_core.formats.stated import size_stated
from mpm_core.limits import check_rate
from mpm_core.pauses import frames_to_keep, pause_notes
from mpm_core.people import Detections, Person, Track, find_people
from mpm_core.people_words import taken_note
from mpm_core.skeleton import Skeleton

_MANY_LEFT_OUT = 0.1
_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 4320))


@dataclass(frozen=True)
class Sightings:
    """What a reader found: all people of a file, as the file has them.

    frames: first and last frame number, which may show nobody. fps and image_size where the file tells them. usual: layouts
    that files of this kind have; layout: the one that the file names; joints: the names of the points, where it names them.
    normalised: whether coordinates are shares of the image, where the file or its format says.
    """

    entries: Sequence[Sighting]
    frames: tuple[int, int]
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    usual: tuple[str, ...] = ()
    layout: str | None = None
    joints: tuple[str, ...] | None = None
    normalised: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Joints:
    """Points of all sightings in the joints of a skeleton; choices: layouts that could all be meant, if there are several."""

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    skeleton: Skeleton
    choices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def detection_format(
    name: str,
    label: str,
    suffixes: tuple[str, ...],
    recognise: Callable[[Probe], Recognition | None],
    parse: Callable[[Probe, ReadOptions], Sightings],
) -> Format:
    """A format whose files hold sightings of people."""

    def inspect(probe: Probe, options: ReadOptions) -> Contents:
        file = parse(probe, options)
        size = options.image_size or file.image_size
        try:
            joints, tracks = _resolve(file, probe.path, replace(options, image_size=size or ASSUMED_SIZE))
        except UnknownJointsError:
            return _describe_unknown(file)
        first = tracks[0].detections
        seen = first.points[first.seen]
        people = _who(tracks, file)
        return Contents(people=people, lacks=_lacks(file), assumed_size=guess_size(seen), skeletons=joints.choices)

    def read(probe: Probe, options: ReadOptions) -> Clip:
        file = parse(probe, options)
        joints, tracks = _resolve(file, probe.path, options)
        return _to_clip(file, joints, tracks, probe.path, options)

    heeds = ("image_size", "person", "skeleton", "joint_map", "normalised")
    return Format(name, label, suffixes, recognise, inspect, read, heeds=heeds)


def _who(tracks: Sequence[Track], file: Sightings) -> tuple[Person, ...]:
    """The people, with what the file calls them where it gives each of them one name."""
    given = identities(file.entries)
    names = ["" if given[track.places[0]] is None else str(file.entries[track.places[0]].identity) for track in tracks]
    return tuple(replace(track.person, name=name) for track, name in zip(tracks, names, strict=True))


def _lacks(file: Sightings) -> tuple[str, ...]:
    return tuple(name for name, value in (("fps", file.fps), ("image_size", file.image_size)) if value is None)


def _describe_unknown(file: Sightings) -> Contents:
    """What to ask of a file whose joints have names that we do not know."""
    points, scores = to_arrays(file.entries)
    names = file.joints or ()
    unknown = UnknownJoints(names, guess_joints(names, points), points[(scores > 0).sum(1).argmax()])
    return Contents(lacks=_lacks(file), assumed_size=guess_size(points[scores > 0]), unknown_joints=unknown)


def _resolve(file: Sightings, path: Path, options: ReadOptions) -> tuple[_Joints, list[Track]]:
    """What all readers have in common: missing values, joints, units, and who is who."""
    if not file.entries:
        raise UserError(f"{path}: no person is detected in any frame")
    points, scores = to_arrays(file.entries)
    scores, said = as_shares(scores)
    joints = _to_skeleton(file, points, scores, str(path), options)
    normalised = file.normalised if options.normalised is None else options.normalised
    if normalised is None:
        check_one_unit(joints.points, joints.scores, frames_of(file.entries), joints.skeleton.joints, str(path))
    hips = [joints.skeleton.index(name) for name in ("LHip", "RHip") if name in joints.skeleton.joints]
    if len(hips) == 2 and is_about_hips(np.where(joints.scores[..., None] > 0, joints.points, np.nan), hips):
        raise UserError(
            f"{path}: the points are relative to the middle of the hips, as MediaPipe's world landmarks are, and not places in"
            " an image"
        )
    size = options.image_size or file.image_size
    in_pixels, notes = to_pixels(joints.points, joints.scores > 0, size, normalised, str(path))
    joints = replace(joints, points=in_pixels, notes=(*joints.notes, *notes, *said))
    detections = Detections(frames_of(file.entries), in_pixels, joints.scores, identities(file.entries))
    tracks = find_people(detections, joints.skeleton, takes_up=True)
    if not tracks:
        raise UserError(f"{path}: no person is detected in any frame")
    return joints, tracks


def _to_skeleton(
    file: Sightings, points: NDArray[np.float64], scores: NDArray[np.float64], where: str, options: ReadOptions
) -> _Joints:
    """By the joints' names where there are any, else by the layout that is named or that the bodies look like."""
    names = file.joints if options.skeleton is None else None
    if names is not None and all(name.strip().isdecimal() for name in names):
        names = None  # numbers from an annotation tool
    if options.joint_map is not None:
        names = file.joints or tuple(str(number) for number in range(points.shape[1]))
    if names is not None and len(names) == points.shape[1]:
        named = name_joints(names, where, options.joint_map)
        points, scores = named.apply(points, scores)
        notes = (*named.notes, *scramble_note(named.skeleton, points, scores > 0))
        return _Joints(points, scores, named.skeleton, (), notes)
    choice = choose_layout(points, scores > 0, where, file.usual, options.skeleton or file.layout)
    count = len(choice.layout.skeleton)
    choices = (choice.layout.name, *(other.name for other in choice.others)) if choice.others else ()
    return _Joints(points[:, :count], scores[:, :count], choice.layout.skeleton, choices, choice.notes)


def _to_clip(file: Sightings, joints: _Joints, people: list[Track], path: Path, options: ReadOptions) -> Clip:
    number = options.person or 0
    if not 0 <= number < len(people):
        raise UserError(f"{path}: there is no person {number} (people are numbered 0 to {len(people) - 1})")
    notes = [*file.notes, *joints.notes]
    if options.person is None and len(people) > 1:
        notes.append(taken_note(_who(people, file)))
    left_out = len(file.entries) - sum(len(person.places) for person in people)
    if left_out > _MANY_LEFT_OUT * len(file.entries):
        notes.append(
            f"{left_out} of {len(file.entries)} poses are left out: they lie on another one of the same frame, or show no body"
        )
    fps = options.fps or file.fps
    if fps is None:
        fps = ASSUMED_FPS
        notes.append(f"the file has no frame rate: {ASSUMED_FPS:g} frames/s assumed")
    fps, person = check_rate(fps, f"{path}: "), people[number]
    first, last = file.frames
    kept = frames_to_keep(person.detections.frames, first, last, fps, f"{path}: ")
    notes += pause_notes(kept, first, last, fps)
    if person.returns:
        times = "once" if person.returns == 1 else f"{person.returns} times"
        notes.append(f"the person was lost {times} and taken up again: whoever came next, alone, is taken for the same")
    if person.exchanged:
        more = f" and {len(person.exchanged) - 1} more" if len(person.exchanged) > 1 else ""
        where = f"frame {person.exchanged[0]} of the file"
        notes.append(f"the file's numbers of people jump from one body to another in {where}{more}")
    points, scores = person.arrays(kept, len(joints.skeleton))
    notes += turns_note(points, scores > 0)
    size, said = size_stated(options.image_size, file.image_size)
    notes += said
    if size is None:
        size = guess_size(points[scores > 0])
        notes.append(f"the file has no image size: {size[0]} x {size[1]} assumed, the smallest usual one that fits")
    clip = Clip.from_arrays(
        points, size, fps, joints.skeleton.name, scores, times=(kept - first) / fps, source=str(path), notes=tuple(notes)
    )  # fmt: skip
    return clip if file.fps is None or file.fps == fps else replace(clip, own_fps=check_rate(file.fps, f"{path}: "))


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
