"""Reads and writes projects, the work on one clip: a zip of JSON and plain npz, nothing pickled, of named parts.

`project.json` says what the file is, and where video and sources lie, from the project's own folder on. A part NAME is
NAME.json, its note, and NAME.npz, its arrays, where it has any. `clip` and `work` are always there; whoever keeps more brings
parts of their own.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip, split_source
from mpm_core.errors import UserError
from mpm_core.files import ZIP_ERRORS, open_zip, written_whole
from mpm_core.formats.base import CERTAIN, Contents, Format, Probe, ReadOptions, Recognition
from mpm_core.formats.project_clip import clip_from, clip_parts
from mpm_core.formats.stated import size_stated
from mpm_core.masking import Mask
from mpm_core.pauses import at_rate
from mpm_core.provenance import Step
from mpm_core.skeleton import MPM16

SUFFIX = ".mpmproj"

_WHAT, _VERSION = "mpm-viewer project", 2
_PLAIN_VERSION = 1
"""Without alternatives that were taken, which version 1 would leave out silently."""

_HEAD = "project.json"
_SAFE = " ()+,;=@!'/"  # of the characters in names of parts; the others are written as %xx

# What a file can make of itself: unpacked, at most so many times its size, but this much in any case.
_MOST_TIMES, _ALWAYS_BYTES, _NEVER_BYTES = 100, 256_000_000, 1 << 32
_MOST_MEMBERS = 10_000
_LARGEST_NOTE_BYTES = 64_000_000


@dataclass(frozen=True, eq=False)
class Part:
    """A named part of a project. note: what JSON can say; arrays: by name, of numbers, truth values or text."""

    note: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @cached_property
    def packed(self) -> bytes:
        """The arrays as an npz; packed once, however often the part is written."""
        memory = BytesIO()
        # Numbers as measured hardly pack at all, however long that is tried.
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in self.arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
        return memory.getvalue()

    def equals(self, other: Part | None) -> bool:
        """Whether both say the same; arrays that are the same object are not looked at."""
        if self is other:
            return True
        if other is None or self.note != other.note or self.arrays.keys() != other.arrays.keys():
            return False
        return all(is_same(array, other.arrays[name]) for name, array in self.arrays.items())


@dataclass(frozen=True, eq=False)
class Project:
    """The work on one clip. mask: (frames, 16), what a person has hidden; flags: (frames,), frames that deserve a look;
    threshold: the confidence below which joints are hidden too. links: paths that the work belongs to, by what they are, such
    as 'video'. parts: what others keep, by names whose '/' makes folders. saved: when it was written, see Step.when."""

    clip: Clip
    mask: Mask
    flags: NDArray[np.bool_]
    threshold: float = 0.0
    links: Mapping[str, Path] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    saved: str = ""


def is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays are of one type and hold the same, bit by bit, so that NaN is NaN."""
    if one is other:
        return True
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind == "f":
        whole = f"i{one.dtype.itemsize}"
        one, other = (np.ascontiguousarray(array).view(whole) for array in (one, other))
    return bool(np.array_equal(one, other))


def is_project(path: Path) -> bool:
    """Whether a file is meant to be a project: by what is in it or, where nothing can be told, by its name."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return _HEAD in archive.namelist()
    except (OSError, ValueError, *ZIP_ERRORS):
        return False


def write_project(project: Project, path: Path, moves: bool = True) -> None:
    """Write a project, whole or not at all. moves: whether it is to be moved together with what it links to, which is what
    paths from its own folder on are for. UserError for a place that cannot be written to."""
    folder = Path(os.path.realpath(path)).parent if moves else None
    note, arrays = clip_parts(project.clip)
    source, selection = split_source(project.clip.source)
    links = dict(project.links)
    if project.clip.source and (source.is_absolute() or source.exists()):  # others are no files, such as a camera
        links["source"] = source
        note |= {"source": None, "selection": selection}
    written = {name: _written_path(link, folder) for name, link in links.items()}
    version = _PLAIN_VERSION if project.clip.chosen is None else _VERSION
    head = {"format": _WHAT, "version": version, "saved": Step.now("").when, "links": written}
    work = Part({"threshold": project.threshold}, {"mask": project.mask, "flags": project.flags})
    parts = {"clip": Part(note, arrays), "work": work, **project.parts}
    with written_whole(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(_HEAD, json.dumps(head, indent=1))
        for name, part in parts.items():
            member = quote(name, safe=_SAFE)
            archive.writestr(f"{member}.json", json.dumps(part.note, allow_nan=False), zipfile.ZIP_DEFLATED)
            if part.arrays:
                archive.writestr(f"{member}.npz", part.packed)


def read_project(path: Path) -> Project:
    """A project, with its links made whole. UserError, in one sentence, for a file that is none, is damaged, was written by a
    newer version, or unpacks to more than a project of its size can hold."""
    with open_zip(path, "is damaged, or no project of mpm-viewer") as archive:
        head = _Reader(archive, path).note(_HEAD)
        if head.get("format") != _WHAT or not isinstance(head.get("version"), int):
            raise UserError(f"{path}: is no project of mpm-viewer")
        if head["version"] > _VERSION:
            raise UserError(
                f"{path}: was saved by a newer mpm-viewer (it is a project of version {head['version']}, and this mpm-viewer"
                f" reads versions up to {_VERSION}): install the newer one to open it"
            )
        return _project_of(_Reader(archive, path), head, path)


def linked_files(path: Path) -> tuple[Path, ...]:
    """The files that a project belongs to, without reading its work; none for a file that is no project, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            links = _Reader(archive, path).note(_HEAD).get("links", {})
    except (UserError, OSError, ValueError, *ZIP_ERRORS):
        return ()
    folder = Path(os.path.realpath(path)).parent
    return tuple(folder / link for link in links.values() if isinstance(link, str)) if isinstance(links, dict) else ()


def _project_of(reader: _Reader, head: Mapping[str, Any], path: Path) -> Project:
    links = head.get("links", {})
    if not isinstance(links, dict) or not all(isinstance(link, str) for link in links.values()):
        raise UserError(f"{path}: '{_HEAD}' is damaged")
    parts = reader.parts()
    if "clip" not in parts or "work" not in parts:
        raise UserError(f"{path}: is damaged, its clip is missing")
    folder = Path(os.path.realpath(path)).parent
    found = {name: Path(os.path.normpath(folder / link)) for name, link in links.items()}
    clip = clip_from(_with_source(parts["clip"].note, found), parts["clip"].arrays, path)
    mask, flags = (parts["work"].arrays.get(name) for name in ("mask", "flags"))
    if mask is None or mask.shape != (len(clip), len(MPM16)) or mask.dtype != bool:
        raise UserError(f"{path}: is damaged, its mask does not fit its clip")
    if flags is None or flags.shape != (len(clip),) or flags.dtype != bool:
        raise UserError(f"{path}: is damaged, its flags do not fit its clip")
    threshold = parts["work"].note.get("threshold")
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise UserError(f"{path}: is damaged, its threshold is not between 0 and 1")
    others = {name: part for name, part in parts.items() if name not in ("clip", "work")}
    return Project(clip, mask, flags, float(threshold), found, others, str(head.get("saved", "")))


def _with_source(note: Mapping[str, Any], links: Mapping[str, Path]) -> dict[str, Any]:
    """The note with the clip's source as it is to be read here."""
    if note.get("source") is not None or "source" not in links:
        return dict(note)
    selection = note.get("selection")
    return {**note, "source": f"{links['source']} [{selection}]" if selection else str(links["source"])}


def _written_path(link: Path, folder: Path | None) -> str:
    """From the folder on, or in full without one, or where there is no way from there (another drive)."""
    whole = Path(os.path.realpath(link))
    try:
        return (whole if folder is None else Path(os.path.relpath(whole, folder))).as_posix()
    except ValueError:
        return whole.as_posix()


class _Reader:
    """Reads members of an archive, as long as they do not unpack to too much."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, path
        self._left = min(max(_MOST_TIMES * path.stat().st_size, _ALWAYS_BYTES), _NEVER_BYTES)
        self._check(archive.infolist())

    def _check(self, members: Iterable[zipfile.ZipInfo]) -> None:
        members = list(members)
        self._left -= sum(member.file_size for member in members)
        if self._left < 0 or len(members) > _MOST_MEMBERS:
            raise UserError(f"{self._path}: would unpack to more than a project of its size can hold, so it is not read")

    def note(self, member: str) -> dict[str, Any]:
        """A JSON object."""
        try:
            if self._archive.getinfo(member).file_size > _LARGEST_NOTE_BYTES:
                raise UserError(f"{self._path}: '{member}' is larger than any note")
            value = json.loads(self._archive.read(member))
        except (*ZIP_ERRORS, LookupError, ValueError, OSError):
            raise UserError(f"{self._path}: '{member}' is damaged or missing") from None
        if not isinstance(value, dict):
            raise UserError(f"{self._path}: '{member}' is damaged")
        return value

    def parts(self) -> dict[str, Part]:
        """All parts, by name."""
        members = set(self._archive.namelist())
        found = {}
        for member in sorted(members - {_HEAD}):
            stem = member.removesuffix(".json")
            if stem != member:
                arrays = self._arrays(f"{stem}.npz") if f"{stem}.npz" in members else {}
                found[unquote(stem)] = Part(self.note(member), arrays)
        return found

    def _arrays(self, member: str) -> dict[str, NDArray[Any]]:
        from mpm_core.formats.pickled_npz import read_members  # not needed to open a window

        where = f"{self._path}: '{member}'"
        try:
            with self._archive.open(member) as file, zipfile.ZipFile(file) as inner:
                self._check(inner.infolist())
                arrays = read_members(inner, where)
                arrays |= {name: np.asarray(value) for name, value in arrays.items() if isinstance(value, np.generic)}
        except UserError:
            raise
        except (*ZIP_ERRORS, LookupError, ValueError, OSError):
            raise UserError(f"{where} is damaged") from None
        if not all(isinstance(array, np.ndarray) and array.dtype != object for array in arrays.values()):
            raise UserError(f"{where} is damaged")
        return arrays


def _recognise(probe: Probe) -> Recognition | None:
    is_ours = probe.kind == "zip" and is_project(probe.path)
    return Recognition(CERTAIN, f"a '{_HEAD}'") if is_ours else None


def _inspect(probe: Probe, options: ReadOptions) -> Contents:
    return Contents()


def _read(probe: Probe, options: ReadOptions) -> Clip:
    clip = read_project(probe.path).clip
    if options.fps is not None:
        times = at_rate(clip.times, options.fps)
        times = np.arange(len(clip)) / options.fps if times is None else times
        clip = replace(clip, fps=options.fps, times=times, own_fps=clip.own_fps or clip.fps)
    if options.image_size is not None:
        camera = Intrinsics.assumed(options.image_size) if clip.camera.is_assumed else clip.camera
        _, said = size_stated(options.image_size, clip.image_size)
        clip = replace(clip, image_size=options.image_size, camera=camera, notes=(*clip.notes, *said))
    return clip


FORMAT = Format("project", "mpm-viewer project", (SUFFIX,), _recognise, _inspect, _read, heeds=("image_size",))
