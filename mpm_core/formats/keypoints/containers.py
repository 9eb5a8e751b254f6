"""Owns what programs keep frames in: a folder with a file for each, a list in one file, a table by image name; and how a reader
of one kind of frame becomes a format that reads all three."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import Format, Probe, ReadOptions, Recognition, read_json
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting
from mpm_core.formats.stated import size_of_all

_FRAME_KEYS = ("frame_id", "frame", "frame_number", "frame_index", "image_id", "image_name", "file_name", "filename")
_PROGRESS_EVERY = 200
_MOST_LOOKED_AT = 100
# A program that was killed, or a full disk, breaks a frame or a few of them; where more are, the folder is another thing.
_MOST_BROKEN = 0.1


@dataclass(frozen=True)
class RawPerson:
    """One person of a frame, as in Sighting. completed: numbers of joints that a lifter filled in, as the file has them."""

    values: Any
    where: str
    scores: Any = None
    identity: Hashable = None
    completed: Any = ()


@dataclass(frozen=True)
class FrameLayout:
    """How one program writes one frame.

    knows: how sure it is that a frame's content is its own, and why (None: it is not; a frame that shows nobody may be
    anybody's). people: those in a frame; UserError, beginning with the place, for what cannot be. size: (width, height) where
    the frame tells. layout, joints: what a whole file says of its points: the layout's name, or each one's. usual: layouts of
    the points, in the order of their likelihood.
    """

    name: str
    label: str
    usual: tuple[str, ...]
    knows: Callable[[Any], Recognition | None]
    people: Callable[[Any, str], Iterator[RawPerson]]
    size: Callable[[Any], tuple[int, int] | None] = lambda content: None
    layout: Callable[[Any], str | None] = lambda content: None
    joints: Callable[[Any], tuple[str, ...] | None] = lambda content: None
    normalised: bool | None = None


@dataclass(frozen=True)
class Frame:
    """name: what the frame is called, a number or a file's name. where: the place in the file, for messages."""

    name: Hashable
    content: Any
    where: str


def frame_format(layout: FrameLayout) -> Format:
    """A format that reads a program's frames out of a folder, a list, a table by name, or one alone."""

    def parse(probe: Probe, options: ReadOptions) -> Sightings:
        broken: list[UserError] = []
        frames, notes = frames_of(probe, layout, options, broken)
        numbered = number_frames([frame.name for frame in frames], str(probe.path))
        entries = []
        for number, frame in zip(numbered.numbers, frames, strict=True):
            try:
                people = [] if frame.content is None else list(layout.people(frame.content, frame.where))
            except UserError as error:
                if not probe.is_folder:
                    raise
                broken.append(error)
                continue
            entries += [Sighting(number, who.values, who.where, who.scores, who.identity) for who in people]
        notes = (*notes, *broken_note(broken, len(frames)))
        size, said = size_of_all({layout.size(frame.content) for frame in frames})
        return Sightings(
            entries,
            (min(numbered.numbers), max(numbered.numbers)),
            numbered.fps,
            size,
            layout.usual,
            None if probe.is_folder else layout.layout(probe.json),
            None if probe.is_folder else layout.joints(probe.json),
            normalised=layout.normalised,
            notes=(*notes, *numbered.notes, *said),
        )

    return detection_format(layout.name, layout.label, (".json",), lambda probe: recognise_frames(probe, layout), parse)


def recognise_frames(probe: Probe, layout: FrameLayout) -> Recognition | None:
    """How sure a program's layout is of the surest among some frames."""
    contents = probe.samples if probe.kind == "folder" else _looked_at(probe, layout) if probe.kind == "json" else ()
    known = [told for told in map(layout.knows, contents) if told is not None]
    return max(known, key=lambda told: told.sureness, default=None)


def _looked_at(probe: Probe, layout: FrameLayout) -> list[Any]:
    """Some frames of a file, which may show what it is."""
    content = probe.json
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        content = content["instance_info"]
    if isinstance(content, dict) and layout.knows(content) is None:
        content = dict(islice(content.items(), _MOST_LOOKED_AT))
    elif isinstance(content, list):
        content = content[:_MOST_LOOKED_AT]
    return [frame.content for frame in _frames_of_file(content, str(probe.path), layout)]


def broken_note(broken: Sequence[UserError], frames: int) -> tuple[str, ...]:
    """What to say of a folder's frames that could not be read; the first of these errors is raised when they are many."""
    if not broken:
        return ()
    if len(broken) > _MOST_BROKEN * frames:
        raise broken[0]
    which = "1 frame cannot be read, and is a gap" if len(broken) == 1 else f"{len(broken)} frames cannot be read, and are gaps"
    return (f"{which} ({broken[0]})",)


def frames_of(
    probe: Probe, layout: FrameLayout, options: ReadOptions, broken: list[UserError]
) -> tuple[list[Frame], tuple[str, ...]]:
    """All frames of a file or folder, and what to say of those left out; UserError where there is none. Why frames of a folder
    cannot be read is put to `broken`."""
    if probe.kind == "folder":
        return _frames_of_folder(probe, layout, options, broken)
    frames = _frames_of_file(probe.json, str(probe.path), layout)
    if not frames:
        raise UserError(f"{probe.path}: holds no frames of {layout.label}")
    return frames, ()


def _frames_of_file(content: Any, where: str, layout: FrameLayout) -> list[Frame]:
    """The frames of one file; none when it is nothing of the kind."""
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        content = content["instance_info"]
    if layout.knows(content) is not None:
        return [Frame(0, content, where)]
    if isinstance(content, dict) and all(isinstance(value, (dict, list)) for value in content.values()):
        return [Frame(name, value, f"{where}: {name[:60]}") for name, value in content.items()]
    if not isinstance(content, list):
        return []
    names = [_own_name(frame) for frame in content]
    if any(name is None for name in names) or len(set(names)) < len(names):
        names = list(range(len(content)))
    return [Frame(name, frame, f"{where}: frame {name}") for name, frame in zip(names, content, strict=True)]


def _own_name(frame: Any) -> Hashable:
    """What a frame says it is, None when nothing."""
    if not isinstance(frame, dict):
        return None
    for key in _FRAME_KEYS:
        value = frame.get(key)
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return value
    return None


def _frames_of_folder(
    probe: Probe, layout: FrameLayout, options: ReadOptions, broken: list[UserError]
) -> tuple[list[Frame], tuple[str, ...]]:
    """A frame per file; one that cannot be read shows nobody, and why is put to `broken`. What is named unlike most files and
    holds no frame lies beside them, and is said and left out."""
    names = [name for name in probe.files if name.lower().endswith(".json")]
    patterns = {name: re.sub(r"\d+", "#", name) for name in names}
    usual = Counter(patterns.values()).most_common(1)[0][0]
    frames, left_out = [], []
    for place, name in enumerate(names):
        if options.on_progress is not None and place % _PROGRESS_EVERY == 0:
            options.on_progress(place, len(names))
        path = f"{probe.path}/{name}"
        try:
            content = read_json(path)
            is_frame = content in ([], {}, None) or layout.knows(content) is not None
        except UserError as error:
            is_frame, content = False, None
            if patterns[name] == usual:
                broken.append(error)
        if is_frame or patterns[name] == usual:
            frames.append(Frame(name, content, path))
        else:
            left_out.append(name)
    if options.on_progress is not None:
        options.on_progress(len(names), len(names))
    notes = (f"{len(left_out)} other JSON files in the folder were left out ({left_out[0]})",) if left_out else ()
    return frames, notes


def as_people(content: Any, where: str, key: str) -> list[Any]:
    """The list of people under a key; UserError when there is none. None and an empty table count as nobody."""
    people = content.get(key, ()) if isinstance(content, dict) else content
    if people is None or people == {} or people == ():
        return []
    if not isinstance(people, list):
        raise UserError(f"{where}: no list '{key}', so not a frame of keypoints")
    return people


def size_in(content: Any, width: str, height: str) -> tuple[int, int] | None:
    """The image size that a frame tells under these keys; None when it tells none."""
    across, down = (content.get(width), content.get(height)) if isinstance(content, dict) else (None, None)
    return (across, down) if isinstance(across, int) and isinstance(down, int) and across > 0 and down > 0 else None
