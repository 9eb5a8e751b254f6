"""Owns what all file formats share: the table entry, the look at a file, what a reader is told and what it finds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.tables import Table, read_table
from mpm_core.limits import RATES
from mpm_core.masking import Mask
from mpm_core.people import Person
from mpm_core.prediction import Prediction


@dataclass(frozen=True)
class ReadOptions:
    """What the user adds to a file. None leaves it to the file, or to an assumption that is noted.

    fps: frames per second; image_size: (width, height) pixels; person: a number from Contents.people; select:
    'subject/action/camera'; format: a name from FORMATS; skeleton: a name from keypoints/layouts.py, for files that do not name
    their joints; unit: a name from UNITS, of 3D positions; up_axis: a name from AXES, of motion in 3D; normalised: whether 2D
    coordinates are shares of the image's size; joint_map: the file's joint names (or numbers) to ours. on_progress is told how
    many files of a folder were read, of how many; a CancelledError of it ends the reading.
    """

    fps: float | None = None
    image_size: tuple[int, int] | None = None
    person: int | None = None
    select: str | None = None
    format: str | None = None
    skeleton: str | None = None
    unit: str | None = None
    up_axis: str | None = None
    normalised: bool | None = None
    joint_map: Mapping[str, str] | None = None
    on_progress: Callable[[int, int], None] | None = None


UNITS: Mapping[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
"""Units of 3D positions, in metres."""

AXES = ("x", "y", "z", "-x", "-y", "-z")
"""Which of a file's axes may point away from the ground."""

ASSUMED_FPS = 30.0
ASSUMED_SIZE = (1280, 720)


@dataclass(frozen=True)
class Recognition:
    """That a file may be of a format. sureness: 0 to 1, one of CERTAIN, LIKELY, POSSIBLE; why: what in the file says so."""

    sureness: float
    why: str


CERTAIN, LIKELY, POSSIBLE = 1.0, 0.7, 0.4
"""How sure a reader is: marks that one program alone writes, the layout as it is documented, numbers that could be it."""


@dataclass(frozen=True, eq=False)
class UnknownJoints:
    """Joints whose names we do not know. names: all joints of the file; guesses: ours for some of them; pose: (joints, 2), by
    which a person may know them, in the file's unit, NaN where one is not seen."""

    names: tuple[str, ...]
    guesses: Mapping[str, str]
    pose: NDArray[np.float64]


@dataclass(frozen=True)
class Contents:
    """What a file holds, before one clip of it is read. `lacks`: names of ReadOptions that it cannot answer itself, and
    what would be assumed for them. skeletons, formats: names that could all be meant, the likeliest first. unknown_joints: see
    there; None where the joints are known."""

    people: tuple[Person, ...] = ()
    selections: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    assumed_fps: float = ASSUMED_FPS
    assumed_size: tuple[int, int] = ASSUMED_SIZE
    skeletons: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    unknown_joints: UnknownJoints | None = None

    @property
    def is_open(self) -> bool:
        """Whether something has to be asked before one clip can be read."""
        is_any = max(map(len, (self.people, self.selections, self.skeletons, self.formats))) > 1
        return is_any or bool(self.lacks) or self.unknown_joints is not None


_HEADS = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x93NUMPY": "npy", b"\x89HDF\r\n\x1a\n": "hdf5"}
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_MOTION = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:HIERARCHY|#!OML|:[A-Za-z])", re.IGNORECASE)
_LONGEST_LOOK, _MOST_SAMPLES = 4096, 5
_TABLE_HEAD = 200_000  # characters, of many more frames than anybody's joints need


class Probe:
    """A path that is being looked at; its content is parsed once for all formats that ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self.suffix = "" if self.is_folder else path.suffix.lower()

    @cached_property
    def kind(self) -> str:
        """'folder', 'zip', 'npy', 'hdf5', 'json', 'motion' (text of BVH or Acclaim, which nobody has to try as a table), 'text'
        or 'binary', by the first bytes and not by the name."""
        if self.is_folder:
            return "folder"
        with self.path.open("rb") as file:
            start = file.read(_LONGEST_LOOK)
        for head, kind in _HEADS.items():
            if start.startswith(head):
                return kind
        if any(start.startswith(mark) for mark in _ENCODINGS if mark != b"\xef\xbb\xbf"):
            return "text"
        if _MOTION.match(start):
            return "motion"
        if self.suffix == ".json" or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
            return "json"
        return "binary" if b"\0" in start else "text"

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Names of a folder's files; hidden ones, such as the ._NAME that a Mac leaves on other disks, are passed over."""
        with os.scandir(self.path) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.name[0] not in ".~" and entry.is_file()))

    @cached_property
    def samples(self) -> tuple[Any, ...]:
        """Parsed content of a folder's largest JSON files: the ones that surely show somebody. Broken ones are left out."""
        names = [name for name in self.files if name.lower().endswith(".json")]
        sizes = {name: (self.path / name).stat().st_size for name in names}
        largest = sorted(names, key=lambda name: -sizes[name])[:_MOST_SAMPLES]
        found = []
        for name in largest:
            with suppress(UserError):
                found.append(read_json(self.path / name))
        return tuple(found)

    @cached_property
    def json(self) -> Any:
        """The parsed file; UserError with line and column when it is not JSON."""
        return read_json(self.path)

    @cached_property
    def text(self) -> str:
        """The file as text; UserError when it is none."""
        return read_text(self.path)

    @cached_property
    def head(self) -> Table:
        """The first rows of the file as a table, by which formats know it; the whole of a small file."""
        text = self.text
        end = text.find("\n", _TABLE_HEAD)
        return self.table if end < 0 else read_table(text[:end], self.path)

    @cached_property
    def table(self) -> Table:
        """The file as a table with one line as its header."""
        return read_table(self.text, self.path)


def read_text(path: Path) -> str:
    """A whole file of UTF-8, or UTF-16 with its mark; UserError when it cannot be read or is not text."""
    try:
        data = path.read_bytes()
        encoding = next((name for mark, name in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not {error.encoding.upper()} text") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: Path | str) -> Any:
    """A parsed JSON file; UserError with line and column when it is not JSON."""
    import orjson  # training reads no JSON, and does without it

    try:
        with open(path, "rb") as file:  # noqa: PTH123, folders of 30,000 files come as plain strings
            return orjson.loads(file.read())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except orjson.JSONDecodeError:
        return _read_lenient_json(Path(path))


def _read_lenient_json(path: Path) -> Any:
    """By Python's own reader, which knows the NaN that Python's own writer writes; UserError with the place in the file."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # perhaps a value per line, as logs are written
            with suppress(json.JSONDecodeError):
                return [json.loads(line) for line in text.splitlines() if line.strip()]
        raise UserError(f"{path}: line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{path}: the JSON is nested too deeply to be keypoints") from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise UserError(f"{path}: the JSON holds a number with too many digits") from None


_ROUNDED = 0.3  # by so much of itself a step may be off


def rate_of_times(times: NDArray[np.float64], frames: NDArray[np.integer] | None = None) -> float | None:
    """Frames per second by the usual step of (frames,) seconds, whose numbers may be given; None when they do not tell, as of
    few frames that are hours apart. Steps that are rounded, as 8 and 9 ms of 120 frames/s, tell together how long one is."""
    if times.ndim != 1 or len(times) < 2:
        return None
    order = np.argsort(frames) if frames is not None else slice(None)
    steps = np.diff(times[order]) / (1 if frames is None else np.diff(frames[order]))
    step = float(np.median(steps))
    if step > 0:
        step = float(np.mean(steps[np.abs(steps - step) <= _ROUNDED * step]))
    return float(f"{1 / step:.10g}") if 0 < step <= 1 / RATES[0] else None


@dataclass(frozen=True)
class Format:
    """One file format: how to recognise, inspect, read and write it. What it cannot do is None.

    A `write` function takes what to write, the path of a new file, and the writer's own options. takes_2d: whether it
    can hold keypoints alone. choices: names of those in CHOICES that its writer has. keeps_times: whether
    each frame has a time of its own, or there is one frame time for all. keeps_marks: whether it tells joints that a lifter
    filled in from those that were measured. heeds: names of ReadOptions that its reader makes use of, beside fps, which
    all do.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    recognise: Callable[[Probe], Recognition | None] | None = None
    inspect: Callable[[Probe, ReadOptions], Contents] | None = None
    read: Callable[[Probe, ReadOptions], Clip] | None = None
    write: Callable[[Clip | Prediction, Path, WriteOptions], None] | None = None
    takes_2d: bool = True
    choices: tuple[str, ...] = ()
    keeps_times: bool = False
    keeps_marks: bool = False
    heeds: tuple[str, ...] = ()


CHOICES: Mapping[str, str] = {
    "unit": "--out-unit", "up_axis": "--out-up", "fps": "--out-fps", "in_place": "--in-place", "prefix": "--prefix",
    "long": "--long", "tidy": "--tidy", "uncertainty": "--uncertainty",
}  # fmt: skip
"""Fields of WriteOptions that not every writer has, and what they are called on the command line."""

IN_WORLD = ("unit", "up_axis", "fps", "in_place")
"""Those of motion in the world."""


@dataclass(frozen=True)
class WriteOptions:
    """How to write. first, last: range of frames, both included, None for the whole. clip: what a prediction was made from,
    for confidence and sources. mask: (frames, 16), what a person has hidden, and threshold, the confidence below which joints
    are hidden too, are kept in an NPZ. Of motion in the world: unit, a name from UNITS, and up_axis, 'y' or 'z', None for
    what the format usually has; fps, frames per second to resample to, None for the clip's own; in_place, without the
    person's way over the ground. prefix: of the names of a rig's joints, such as 'mixamorig:'. long: CSV with a row per
    joint. tidy: CSV with units in the names of its columns and no lines of comments. uncertainty: how far an answer's
    hypotheses lie apart, as a column of CSV; in an NPZ with the hypotheses."""

    first: int | None = None
    last: int | None = None
    clip: Clip | None = None
    mask: Mask | None = None
    threshold: float = 0.0
    unit: str | None = None
    up_axis: str | None = None
    fps: float | None = None
    in_place: bool = False
    prefix: str = ""
    long: bool = False
    tidy: bool = False
    uncertainty: bool = False

    def chosen(self) -> tuple[str, ...]:
        """Names of those in CHOICES that differ from what is usual."""
        return tuple(name for name in CHOICES if getattr(self, name) not in (None, False, ""))

    def per_metre(self, usual: str) -> float:
        """Units per metre, of the unit that is wanted or else the usual one."""
        return 1 / UNITS[self.unit or usual]

    def frames(self, count: int) -> slice:
        """The range as a slice of `count` frames; UserError when it holds none of them."""
        first = 0 if self.first is None else self.first
        last = count - 1 if self.last is None else self.last
        if not 0 <= first <= last < count:
            raise UserError(f"the range {first} to {last} is not within the clip's frames 0 to {count - 1}")
        return slice(first, last + 1)
