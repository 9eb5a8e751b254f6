"""Owns FilmOptions, what a film is to show and how large and fast it is, and what of that cannot be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from mpm_core.decoding import LARGEST_SIDE_PX
from mpm_core.errors import UserError
from mpm_core.limits import check_rate

VIEWS = ("scene", "overlay", "both")
"""The 3D scene, the answer drawn over the video, or the one beside the other."""

VIEWPOINTS = ("start", "front", "side", "top", "camera")
"""Half from the camera's side (as scenes begin), the person from the front, from their left, from above, as the camera sees
them."""

TRUTH_PLACES = ("over", "beside", "none")
THEMES = ("dark", "light")

SUFFIXES = (".mp4", ".gif", ".png")
USUAL_SIZE, USUAL_GIF_SIZE = (1280, 720), (640, 360)
USUAL_TURN_DEG_PER_S = 30.0
_SLOWEST_TURN_DEG_PER_S, _FASTEST_TURN_DEG_PER_S = 0.1, 3600.0
"""Once round in an hour, and ten times a second."""

_SMALLEST_SIDE_PX = 64
_FASTEST, _FASTEST_GIF = 60.0, 20.0
"""Frames per second of a film that nobody asks more of: what screens show, and what GIFs, which keep every picture nearly
whole, are usually given."""

_PATTERN = re.compile(r"%0?\d*d")


@dataclass(frozen=True)
class FilmOptions:
    """view: one of VIEWS. size: (width, height) pixels, None for the usual one of the kind of file. rate: frames/s of the film,
    None for the clip's own as far as screens show it. speed: seconds of the clip in a second of the film. first, last: frames,
    both included, None for the clip's ends. still: the one frame that is on all the time. viewpoint: one of VIEWPOINTS, or
    (azimuth, elevation) in degrees. distance: metres from the eye to the person, None to fit. follows: whether the eye goes
    along with the person. turns: degrees a second round the person. truth: one of TRUTH_PLACES. errors: whether joints have
    the colours of their errors. ghosts: how many frames before and after the person is shown again, see-through. trails:
    names of joints whose way is drawn."""

    view: str = "scene"
    size: tuple[int, int] | None = None
    rate: float | None = None
    speed: float = 1.0
    theme: str = "dark"
    palette: str = "field"
    first: int | None = None
    last: int | None = None
    still: int | None = None
    viewpoint: str | tuple[float, float] = "start"
    distance: float | None = None
    follows: bool = True
    turns: float = 0.0
    truth: str = "over"
    errors: bool = False
    ghosts: int = 0
    trails: tuple[str, ...] = ()

    def for_file(self, target: Path, fps: float) -> FilmOptions:
        """The same with the size and the rate that a file of a clip at `fps` has."""
        kind = kind_of(target)
        usual = USUAL_GIF_SIZE if kind == ".gif" else USUAL_SIZE
        width, height = self.size or usual
        if kind == ".mp4":
            width, height = width - width % 2, height - height % 2
        fastest = _FASTEST_GIF if kind == ".gif" else _FASTEST
        rate = self.rate or fps / max(-(-fps // fastest), 1)
        return replace(self, size=(width, height), rate=rate)

    def of_scene_alone(self) -> tuple[str, ...]:
        """What was asked for that only a scene shows."""
        asked = {
            "--turntable": self.turns, "--from": self.viewpoint != "start", "--distance": self.distance,
            "--errors": self.errors, "--ghosts": self.ghosts, "--trails": self.trails,
        }  # fmt: skip
        return tuple(name for name, is_asked in asked.items() if is_asked)

    def span(self, count: int) -> tuple[int, int]:
        """First and last frame of a clip of so many; UserError for some that it lacks."""
        for name, frame in (("--frame", self.still), ("--frames", self.first), ("--frames", self.last)):
            if frame is not None and not 0 <= frame < count:
                raise UserError(f"{name}: {frame} is not one of the clip's frames 0 to {count - 1}")
        first, last = self.first or 0, count - 1 if self.last is None else self.last
        if first > last:
            raise UserError(f"--frames: the range {first}-{last} ends before it begins")
        return first, last


def kind_of(target: Path) -> str:
    """The ending of a target, one of SUFFIXES; UserError for another one."""
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{target}: no film can be written to '{suffix}' (known: {', '.join(SUFFIXES)}, or a folder)")
    return suffix


def is_series(target: Path) -> bool:
    """Whether a target is a pattern, of numbered pictures."""
    return kind_of(target) == ".png" and _PATTERN.search(target.name) is not None


def as_series(folder: Path) -> Path:
    """The pattern of numbered pictures in a folder."""
    return folder / "%05d.png"


def check_film(options: FilmOptions, target: Path) -> tuple[str, ...]:
    """What has to be said of the options for this file; UserError for what cannot be."""
    kind, notes = kind_of(target), []
    folder = target.absolute().parent
    if is_series(target) and not folder.exists():  # which will be made
        folder = folder.parent
    if not folder.is_dir():
        raise UserError(f"{target}: there is no folder {folder}")
    if options.size is not None:
        width, height = options.size
        if min(width, height) < _SMALLEST_SIDE_PX or max(width, height) > LARGEST_SIDE_PX:
            sides = f"from {_SMALLEST_SIDE_PX} to {LARGEST_SIDE_PX}"
            raise UserError(f"--size {width}x{height}: a side must have {sides} pixels")
        even = (width - width % 2, height - height % 2)
        if kind == ".mp4" and even != (width, height):
            notes.append(f"H.264 needs even sides: {even[0]}x{even[1]} instead of {width}x{height}")
    if options.rate is not None:
        check_rate(options.rate, "--rate: ")
        if kind == ".gif" and options.rate > 50:
            raise UserError(f"--rate {options.rate:g}: a GIF shows 50 frames/s at most")
    if not 0.01 <= options.speed <= 100:
        raise UserError(f"--speed must lie between 0.01 and 100, not {options.speed:g}")
    lost = options.of_scene_alone() if options.view == "overlay" else ()
    if lost:
        notes.append(f"--view overlay shows no scene, so {' and '.join(lost)} change nothing")
    if options.distance is not None and not 0.4 <= options.distance <= 1000:
        raise UserError(f"--distance must lie between 0.4 and 1000 metres, not {options.distance:g}")
    if not abs(options.turns) <= _FASTEST_TURN_DEG_PER_S or 0 < abs(options.turns) < _SLOWEST_TURN_DEG_PER_S:
        between = f"{_SLOWEST_TURN_DEG_PER_S:g} and {_FASTEST_TURN_DEG_PER_S:g}"
        raise UserError(f"--turntable must lie between {between} degrees a second, or be 0, not {options.turns:g}")
    if options.ghosts < 0:
        raise UserError(f"--ghosts must not be negative, but is {options.ghosts}")
    if not isinstance(options.viewpoint, str) and not math.isfinite(options.viewpoint[0]):
        raise UserError(f"--from: the azimuth must be a number of degrees, not {options.viewpoint[0]:g}")
    if not isinstance(options.viewpoint, str) and not abs(options.viewpoint[1]) <= 90:
        raise UserError(f"--from: the elevation must lie between -90 and 90 degrees, not {options.viewpoint[1]:g}")
    return tuple(notes)
