"""Owns which inputs are meant by what was typed: files, folders, patterns and lists, and what of a folder is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mpm_core.bulk.patterns import fixed_part, is_pattern, matches
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES

LIST_SIGN = "@"
_HIDDEN_SIGNS = (".", "~")
# Of these endings far more files are something else: one is taken where it is named, or matches a pattern.
_NOT_OF_FOLDERS = (".txt", ".tsv")
_VIDEO_OR_SKELETON, _OF_SKELETON = ".asf", ".amc"


@dataclass(frozen=True)
class Takes:
    """What a command makes something of."""

    videos: bool = True
    keypoints: bool = True


@dataclass(frozen=True)
class Input:
    """One input; place: where its outputs go below the output folder, without their ending."""

    path: Path
    place: Path


@dataclass
class Inputs:
    """found: in the order in which they were given, folders by name. left_out: what of folders is passed over, and why.
    failed: what was named and is no input, and why."""

    found: list[Input] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def find_inputs(
    given: Sequence[Path], takes: Takes, output: Path, made: frozenset[Path] = frozenset(), base: Path | None = None
) -> Inputs:
    """Everything that is meant by paths, each a file, a folder, a pattern with *, ? or [, or @FILE, a text file with a path in
    each line.

    A folder that is itself a clip, with a file per frame, is one input; else it stands for what lies in it and below. The
    folders below it stay in the output, as do those below `base`, the folder before a pattern's first sign, and the folder that
    all paths of a list share. output: what lies there is left out; made: so are these, where input and output are one folder,
    which are named without links.
    """
    search = _Search(takes, output, made, base)
    for path in given:
        try:
            search.add(path)
        except UserError as error:
            search.inputs.failed.append((path, str(error)))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            search.inputs.failed.append((path, f"{path}: cannot be read ({why})"))
    return search.inputs


def is_single(given: Sequence[Path], takes: Takes) -> bool:
    """Whether one input is meant that has no others beside it: a file, or a folder with a file per frame of one clip."""
    if len(given) != 1 or _is_list(given[0]):
        return False
    path = given[0]
    try:
        if path.is_dir():
            return _is_clip(path, takes)
        return path.exists() or not is_pattern(path)
    except (OSError, ValueError):
        return True


def whole(path: Path) -> Path:
    """The path from the root on, without detours; links in it stay."""
    return Path(os.path.normpath(path.absolute()))


class _Search:
    def __init__(self, takes: Takes, output: Path, made: frozenset[Path], base: Path | None) -> None:
        self.inputs = Inputs()
        self._takes, self._made, self._base = takes, made, base
        self._output = output.stat() if output.is_dir() else None
        self._suffixes = _suffixes(takes)
        self._known: set[Path] = set()

    def add(self, path: Path) -> None:
        if _is_list(path):
            listed = _read_list(Path(str(path)[len(LIST_SIGN) :]))
            base = self._base or _shared_folder(listed)
            for number, one in listed:
                try:
                    self._add_one(one, base)
                except UserError as error:
                    self.inputs.failed.append((one, f"{error} ({str(path)[1:]}, line {number})"))
            return
        self._add_one(path, self._base)

    def _add_one(self, path: Path, base: Path | None) -> None:
        if path.is_dir():
            self._add_folder(path, base)
        elif path.exists():
            self._take(path, base)
        elif is_pattern(path):
            found = matches(path)
            if not found:
                raise UserError(f"{path}: nothing matches this pattern")
            for match in found:
                folder = base or fixed_part(path)
                if match.is_dir():
                    self._add_folder(match, folder)
                else:
                    self._take(match, folder)
        else:
            raise UserError(f"{path}: there is no such file or folder")

    def _add_folder(self, path: Path, base: Path | None) -> None:
        if _is_clip(path, self._takes):
            self._take(path, base)
            return
        before = len(self.inputs.found)
        for found in self._walk(path):
            self._take(found, base or path)
        if len(self.inputs.found) == before:
            what = "videos" if not self._takes.keypoints else "files" if self._takes.videos else "keypoint files"
            raise UserError(f"{path}: holds no {what} that can be read")

    def _walk(self, folder: Path) -> Iterator[Path]:
        """Inputs in a folder and below, by name; what is passed over is noted."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._leave(folder, f"cannot be read: {error.strerror}")
            return
        names = {entry.name.lower() for entry in entries}
        without_links = Path(os.path.realpath(folder))
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(_HIDDEN_SIGNS):
                self._leave(path, "hidden")
            elif entry.is_dir(follow_symlinks=False):
                if self._output is not None and os.path.samestat(path.stat(), self._output):
                    self._leave(path, "the output folder")
                elif _is_clip(path, self._takes):
                    yield path
                else:
                    yield from self._walk(path)
            elif entry.is_dir():
                self._leave(path, "a link to a folder")
            elif not entry.is_file():
                self._leave(path, "no ordinary file, or a link to nothing")
            elif without_links / entry.name in self._made:
                self._leave(path, "written by an earlier run")
            elif (why := self._why_not(path, names)) is not None:
                self._leave(path, why)
            else:
                yield path

    def _why_not(self, path: Path, names: set[str]) -> str | None:
        suffix = path.suffix.lower()
        if suffix == _VIDEO_OR_SKELETON and any(name.endswith(_OF_SKELETON) for name in names):
            return "a skeleton of AMC files"
        if suffix not in self._suffixes:
            return "another kind of file"
        return None

    def _take(self, path: Path, base: Path | None) -> None:
        if whole(path) in self._known:  # a pattern and a list may name the same file
            return
        self._known.add(whole(path))
        name = path.name if path.is_dir() else path.stem
        if name in ("", ".", ".."):
            self.inputs.failed.append((path, f"{path}: has no name but its ending, which outputs could be called by"))
            return
        self.inputs.found.append(Input(path, _below(path.parent, base) / name))

    def _leave(self, path: Path, why: str) -> None:
        self.inputs.left_out.append((path, why))


def _below(folder: Path, base: Path | None) -> Path:
    """The part of a folder's path below another; nothing where it is not below it."""
    if base is None:
        return Path()
    try:
        return whole(folder).relative_to(whole(base))
    except ValueError:
        return Path()


def _is_list(path: Path) -> bool:
    return str(path).startswith(LIST_SIGN) and len(str(path)) > len(LIST_SIGN)


def _read_list(path: Path) -> list[tuple[int, Path]]:
    """Numbers of lines, and the paths in them; empty lines and those that begin with # are passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path}: the list cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8 text, so that this is no list of paths") from None
    listed = [(n, Path(text)) for n, line in enumerate(lines, 1) if (text := line.strip()) and not text.startswith("#")]
    if not listed:
        raise UserError(f"{path}: the list names no files")
    return listed


def _shared_folder(listed: Sequence[tuple[int, Path]]) -> Path:
    folders = [whole(path.parent) for _, path in listed]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on two drives
        return folders[0]


def _suffixes(takes: Takes) -> frozenset[str]:
    from mpm_core.formats import FORMATS

    found = set(VIDEO_SUFFIXES) if takes.videos else set()
    if takes.keypoints:
        read = {suffix for entry in FORMATS.values() if entry.read for suffix in entry.suffixes}
        found |= read - set(_NOT_OF_FOLDERS) - ({_VIDEO_OR_SKELETON} - found)
    return frozenset(found)


def why_no_clip(folder: Path, takes: Takes) -> str:
    """Why a folder is not one clip with a file per frame; nothing where it is, or holds videos, or is no folder."""
    from mpm_core.formats import FORMATS
    from mpm_core.formats.recognising import UnclearFormatError, find_reader

    if not takes.keypoints or not folder.is_dir() or _holds_videos(folder):
        return ""
    try:
        find_reader(folder, FORMATS)
    except UnclearFormatError:
        return ""  # which of them is asked when it is read
    except UserError as error:
        return str(error)
    return ""


def _is_clip(folder: Path, takes: Takes) -> bool:
    """Whether a folder holds a file per frame of one clip. One with videos stands for these."""
    return takes.keypoints and not _holds_videos(folder) and not why_no_clip(folder, takes)


def _holds_videos(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        suffixes = {Path(entry.name).suffix.lower() for entry in entries if not entry.name.startswith(_HIDDEN_SIGNS)}
    if _OF_SKELETON in suffixes:
        suffixes.discard(_VIDEO_OR_SKELETON)
    return not suffixes.isdisjoint(VIDEO_SUFFIXES)
