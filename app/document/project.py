"""What of the document goes into a project, as parts, and comes back from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeGuard

from numpy.typing import NDArray

from app.document.lift_options import LiftOptions
from app.document.session import Session
from app.document.video_link import VideoLink
from mpm_core.detectors.recording import Recording
from mpm_core.detectors.recording_arrays import DAMAGED, arrays_of, described, description_of, recording_from
from mpm_core.diffusion.options import Sampling
from mpm_core.errors import UserError
from mpm_core.formats.project import Part, Project
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import TASKS

_OWN = ("lifting", "place", "video", "recording")
"""Parts of the session itself."""

UNCOUNTED = ("view", "place")
"""Parts that are kept but are no work: going to another frame, or round the person, makes nothing unsaved."""


class Kept(Protocol):
    """Something beside the session that projects keep, in parts of its own."""

    def owns(self, name: str) -> bool:
        """Whether a part of this name is one of its own."""
        ...

    def parts(self) -> Mapping[str, Part]:
        """What there is to keep; arrays are never written to afterwards."""
        ...

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take over what is kept in a project that was just opened, among its parts; what is damaged is left out."""
        ...


class Unpacked:
    """A project that was read, with its recording: that takes a while, so it is done in a worker."""

    def __init__(self, project: Project, path: Path) -> None:
        self.project, self.path = project, path
        self.video = _video_of(project, path)
        self.recording, self.person = _recording_of(project, path)

    def with_video(self, found: Path | None) -> Unpacked:
        """The same with its video elsewhere; with None the link stays, to be found another time."""
        if found is None or self.video is None:
            return self
        before, other = self.video.path, Unpacked.__new__(Unpacked)
        clip = self.project.clip
        if clip.source == str(before):
            clip = replace(clip, source=str(found))
        links = {**self.project.links, "video": found}
        other.project, other.path = replace(self.project, clip=clip, links=links), self.path
        other.video, other.person, other.recording = replace(self.video, path=found), self.person, self.recording
        if self.recording is not None and self.recording.info.path == before:
            other.recording = replace(self.recording, info=replace(self.recording.info, path=found))
        return other


def parts_of(session: Session) -> dict[str, Part]:
    """Those of the session itself, without its recording."""
    options, video = asdict(session.options), session.video
    del options["device"]  # belongs to the computer
    parts = {
        "lifting": Part(options),
        "place": Part({
            "frame": session.frame, "range": None if session.range is None else list(session.range),
            "selection": sorted(session.selection),
        }),
    }  # fmt: skip
    if video is not None:
        parts["video"] = Part({"is_source": video.is_source, "fingerprint": video.fingerprint})
    return parts


def recording_part(recording: Recording, person: int) -> Part:
    """Everybody who was seen: other people must be found again, also without the cache or the video."""
    return Part({**description_of(recording), "person": person}, _ArraysOf(recording))


class _ArraysOf(Mapping[str, NDArray[Any]]):
    """What was seen, as arrays; made by whoever first needs them, which is the worker that writes them."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        return arrays_of(self._recording)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def unknown_parts(project: Project, kept: Iterable[Kept]) -> dict[str, Part]:
    """Those that nobody here knows, such as a later version's: they are written back as they are."""
    kept = list(kept)
    return {
        name: part for name, part in project.parts.items() if name not in _OWN and not any(one.owns(name) for one in kept)
    }  # fmt: skip


def open_unpacked(session: Session, opened: Unpacked) -> None:
    """Begin anew with a project."""
    project = opened.project
    session.open_clip(project.clip, project.mask, opened.recording, opened.person, project.threshold)
    session.set_flags(project.flags)
    session.set_video(opened.video)
    options = _options_from(_note(project, "lifting"), session.options)
    session.set_options(options)
    place = _note(project, "place")
    chosen, selection, frame = (place.get(name) for name in ("range", "selection", "frame"))
    if _are_numbers(chosen) and len(chosen) == 2:
        session.set_range(chosen[0], chosen[1])
    if _are_numbers(selection):
        session.set_selection(frozenset(joint for joint in selection if 0 <= joint < session.mask.shape[1]))
    if isinstance(frame, int):
        session.set_frame(frame)


def _note(project: Project, name: str) -> Mapping[str, Any]:
    return project.parts[name].note if name in project.parts else {}


def _are_numbers(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(type(value) is int for value in values)


def _options_from(note: Mapping[str, Any], before: LiftOptions) -> LiftOptions:
    """What was asked of the lifter; where it was not kept, as the program asks when it starts."""
    usual = LiftOptions(device=before.device)
    words = {name: note[name] for name in ("mode", "lifter") if isinstance(note.get(name), str)}
    said = note.get("aids")
    # What a project of before does not say is as it is usually: then it was so, or was not there.
    aids = {name: bool(said.get(name, is_on)) for name, is_on in asdict(Aids()).items()} if isinstance(said, dict) else {}
    options = replace(usual, aids=Aids(**aids), sampling=_sampling_from(note.get("sampling")), **words)
    return options.with_task(note["task"] if note.get("task") in TASKS else before.task)


def _sampling_from(note: Any) -> Sampling:
    usual = LiftOptions().sampling
    try:
        return Sampling(**note).checked() if isinstance(note, dict) else usual
    except (TypeError, UserError):
        return usual


def _video_of(project: Project, path: Path) -> VideoLink | None:
    note = _note(project, "video")
    if "video" not in project.links:
        return None
    fingerprint = note.get("fingerprint")
    return VideoLink(
        project.links["video"], bool(note.get("is_source")), fingerprint if isinstance(fingerprint, str) else ""
    )  # fmt: skip


def _recording_of(project: Project, path: Path) -> tuple[Recording | None, int]:
    part = project.parts.get("recording")
    if part is None or "video" not in project.links:
        return None, 0
    try:
        info, options, skeleton = described(part.note, project.links["video"])
        recording = recording_from(part.arrays, info, options, skeleton)
        person = int(part.note["person"])
        if len(recording) != len(project.clip):
            raise ValueError("frames")
    except DAMAGED:
        raise UserError(f"{path}: is damaged, what was seen in its video cannot be read") from None
    return recording, person
