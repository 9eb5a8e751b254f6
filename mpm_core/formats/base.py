"""Owns what all file formats share: the table entry, the look at a file, what a reader is told and what it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.masking import Mask
from mpm_core.people import Person
from mpm_core.prediction import Prediction


@dataclass(frozen=True)
class ReadOptions:
    """What the user adds to a file. fps: frames per second; image_size: (width, height) pixels; person: a number from
    Contents.people; select: 'subject/action/camera'. None leaves it to the file, or to an assumption that is noted."""

    fps: float | None = None
    image_size: tuple[int, int] | None = None
    person: int | None = None
    select: str | None = None


ASSUMED_FPS = 30.0
ASSUMED_SIZE = (1280, 720)


@dataclass(frozen=True)
class Contents:
    """What a file holds, before one clip of it is read. `lacks`: names of ReadOptions that it cannot answer itself, and
    what would be assumed for them."""

    people: tuple[Person, ...] = ()
    selections: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    assumed_fps: float = ASSUMED_FPS
    assumed_size: tuple[int, int] = ASSUMED_SIZE


class Probe:
    """A path that is being looked at; its JSON is parsed once for all formats that ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self.suffix = "" if self.is_folder else path.suffix.lower()

    @cached_property
    def json(self) -> Any:
        """The parsed file; UserError with line and column when it is not JSON."""
        return read_json(self.path)

    @cached_property
    def text(self) -> str:
        """The file as UTF-8 text; UserError when it is not."""
        return read_text(self.path)


def read_text(path: Path) -> str:
    """A whole UTF-8 file; UserError when it cannot be read or is not text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: Path) -> Any:
    """A parsed JSON file; UserError with line and column when it is not JSON."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{path}: the JSON is nested too deeply to be keypoints") from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise UserError(f"{path}: the JSON holds a number with too many digits") from None


def rate_of_times(times: NDArray[np.float64]) -> float | None:
    """Frames per second by the median step of (frames,) seconds; None when they do not tell."""
    step = float(np.median(np.diff(times))) if times.ndim == 1 and len(times) > 1 else 0.0
    return 1 / step if 0 < step < float("inf") else None


@dataclass(frozen=True)
class Format:
    """One file format: how to recognise, inspect, read and write it. What it cannot do is None.

    A `write` function takes what to write, the path of a new file, and the writer's own options. takes_2d: whether it
    can hold keypoints alone.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Probe], bool] | None = None
    inspect: Callable[[Probe], Contents] | None = None
    read: Callable[[Probe, ReadOptions], Clip] | None = None
    write: Callable[[Clip | Prediction, Path, WriteOptions], None] | None = None
    takes_2d: bool = True


@dataclass(frozen=True)
class WriteOptions:
    """How to write. first, last: range of frames, both included, None for the whole. clip: what a prediction was made
    from, for confidence and sources. mask: (frames, 16), what a person has hidden, and threshold, the confidence below which
    joints are hidden too, are kept in an NPZ. unit_per_m: length units of a BVH per metre. long: CSV with a row per joint."""

    first: int | None = None
    last: int | None = None
    clip: Clip | None = None
    mask: Mask | None = None
    threshold: float = 0.0
    unit_per_m: float = 100.0
    long: bool = False

    def frames(self, count: int) -> slice:
        """The range as a slice of `count` frames; UserError when it holds none of them."""
        first = 0 if self.first is None else self.first
        last = count - 1 if self.last is None else self.last
        if not 0 <= first <= last < count:
            raise UserError(f"the range {first} to {last} is not within the clip's frames 0 to {count - 1}")
        return slice(first, last + 1)
