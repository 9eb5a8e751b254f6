"""Owns the command render: films and pictures of answers, drawn as the window draws them."""

from __future__ import annotations

import argparse
import copy
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from mpm_core.bulk.ending import signals_waiting
from mpm_core.bulk.inputs import Takes, is_single
from mpm_core.bulk.options import add_bulk
from mpm_core.bulk.outcomes import Made
from mpm_core.bulk.running import run_each
from mpm_core.errors import UserError
from mpm_core.files import check_spares
from mpm_core.films.options import (
    SUFFIXES,
    THEMES,
    TRUTH_PLACES,
    USUAL_TURN_DEG_PER_S,
    VIEWPOINTS,
    VIEWS,
    FilmOptions,
    as_series,
    check_film,
    is_series,
    kind_of,
)
from mpm_core.progress import Progress
from mpm_core.skeleton import LIMBS, MPM16
from mpm_core.terminal import follow
from mpm_core.truth.command import refuse_for_many

_log = logging.getLogger("mpm")

_USUAL_KIND, _USUAL_MODE = "mp4", "fast"

_DISPLAY, _DRAWING = "app.films.display", "app.films.drawing"
"""The window's own drawing, which this package knows by name alone: it works without Qt, and without films."""


def add_render(
    commands: Any, add_others: Callable[[argparse.ArgumentParser], None], as_size: Callable[[str], tuple[int, int]]
) -> None:
    """The command render. add_others: what is said of reading, detecting, lifting and hiding."""
    parser = commands.add_parser("render", help="a film or pictures: the 3D scene, the answer over its video, or both")
    add_bulk(parser, "predictions (npz), projects, motion or keypoint files, videos; what is not 3D is lifted", _USUAL_KIND)
    group = parser.add_argument_group("film", "to .mp4, .gif, .png, numbered pictures (walk-%%04d.png), or a folder of them")
    usual = FilmOptions()
    group.add_argument("--view", choices=VIEWS, default=usual.view, help="the 3D scene, the answer over the video, or both")
    group.add_argument("--size", type=as_size, metavar="WxH", help="pixels (default: 1280x720, of a GIF 640x360)")
    group.add_argument("--rate", type=float, help="frames per second of the film (default: the clip's, up to 60, of a GIF 20)")
    group.add_argument("--speed", type=float, default=usual.speed, help="0.25 is slow motion, four times as long")
    group.add_argument("--frames", type=_frames, metavar="FIRST-LAST", help="only these frames, counted from 0")
    group.add_argument("--frame", type=int, metavar="N", help="this one frame alone: a picture, or with --turntable a film")
    group.add_argument(
        "--turntable", nargs="?", type=float, const=USUAL_TURN_DEG_PER_S, default=0.0, metavar="DEG",
        help=f"go round the person, by so many degrees a second (default: {USUAL_TURN_DEG_PER_S:g})",
    )  # fmt: skip
    group.add_argument(
        "--from", type=_viewpoint, default=usual.viewpoint, dest="viewpoint", metavar="WHERE",
        help=f"{', '.join(VIEWPOINTS)}, saved (a project's), or AZIMUTH,ELEVATION in degrees: --from=-90,10",
    )  # fmt: skip
    group.add_argument("--distance", type=float, metavar="M", help="from the eye to the person")
    group.add_argument("--follow", action=argparse.BooleanOptionalAction, default=True, help="go along with the person")
    group.add_argument("--theme", choices=THEMES, default=usual.theme, help="colours of ground and bodies (default: dark)")
    group.add_argument("--colours", choices=("field", "colour-blind"), default=usual.palette, help="of left and right")
    group.add_argument("--truth-place", choices=TRUTH_PLACES, default=usual.truth, help="where ground truth stands, if any")
    group.add_argument("--errors", action="store_true", help="joints in the colours of their errors")
    group.add_argument("--ghosts", type=int, default=0, metavar="N", help="the person again, N frames before and after")
    group.add_argument("--trails", action="append", default=[], metavar="JOINT", help="the way of a joint or limb; repeatable")
    group.add_argument("--video", type=Path, metavar="FILE", help="video behind the answer, where the input is none")
    add_others(parser)
    parser.set_defaults(run=run_render)


class FilmFiles:
    """Films and pictures; see bulk.targets.Gives."""

    def named(self, told: str) -> Sequence[tuple[str, str]]:
        """By their endings."""
        endings = [f".{name.strip().removeprefix('.').lower()}" for name in told.split(",")]
        for ending in endings:
            if ending not in SUFFIXES:
                raise UserError(f"--to {told}: no film can be written so (known: mp4, gif, png)")
        if len(set(endings)) < len(endings):
            raise UserError(f"--to {told}: names one twice")
        return [(ending, ending) for ending in endings]

    def meant(self, target: Path) -> str:
        """Its ending."""
        return kind_of(target)

    def is_file_name(self, path: Path) -> bool:
        """Whether it has such an ending."""
        return path.suffix.lower() in SUFFIXES

    def check(self, options: argparse.Namespace, kinds: Sequence[str]) -> list[str]:
        """All have the same choices."""
        return []


def run_render(options: argparse.Namespace) -> None:
    """Films or pictures of every input; of one, numbered pictures where the output is a folder."""
    takes = Takes()
    if is_single(options.inputs, takes) and options.to is None and (options.output.is_dir() or not options.output.suffix):
        options.output = as_series(options.output)
    refuse_for_many(options, takes)
    run_each(options, render_one, takes, FilmFiles())


def render_one(options: argparse.Namespace) -> Made:
    """Draw the films of one input."""
    drawn = 0

    def counted(steps: Iterator[Progress | str]) -> Iterator[Progress | str]:
        nonlocal drawn
        for step in steps:
            drawn += isinstance(step, Progress)
            yield step

    for target in options.outputs:
        one = copy.copy(options)
        one.output = target
        with closing(render_steps(one)) as steps:
            for text in follow(counted(steps), f"drawing {target.name}"):
                _log.info("%s", text)
    return Made(drawn, options.outputs)


def render_steps(options: argparse.Namespace) -> Generator[Progress | str, None, None]:
    """Draw the film of one input, and say what was written; closing it leaves no file."""
    from mpm_core.films.material import read_material
    from mpm_core.hiding import check_mask_names

    wanted = film_options(options)
    for note in check_film(wanted, options.output):
        _log.warning("%s: %s", options.output.name, note)
    check_mask_names(options.hide)
    if options.mode != _USUAL_MODE:
        from mpm_core.lifters.windows import check_mode  # with torch, which 3D as it is needs not wait for

        check_mode(options.mode)
    _viewer(_DISPLAY).start_qt(needs_gl=wanted.view != "overlay")
    drawing = _viewer(_DRAWING)
    material = read_material(options)
    if material.video is not None:
        check_spares([options.output], [material.video.path])
    if kind_of(options.output) == ".png" and not is_series(options.output):
        wanted = replace(wanted, still=wanted.first or 0 if wanted.still is None else wanted.still, turns=0.0)
    # Qt would swallow an exception that comes while it calls something of ours, so that signals wait for the end of a step.
    with signals_waiting() as end_if_told, closing(drawing.draw_film(material, wanted, options.output)) as steps:
        for step in steps:
            if isinstance(step, Progress):
                end_if_told()
            yield step


def film_options(options: argparse.Namespace) -> FilmOptions:
    """What was typed; UserError for a joint that there is not."""
    first, last = options.frames or (None, None)
    return FilmOptions(
        view=options.view, size=options.size, rate=options.rate, speed=options.speed, theme=options.theme,
        palette=options.colours, first=first, last=last, still=options.frame, viewpoint=options.viewpoint,
        distance=options.distance, follows=options.follow, turns=options.turntable, truth=options.truth_place,
        errors=options.errors, ghosts=options.ghosts, trails=tuple(joint for name in options.trails for joint in _joints(name)),
    )  # fmt: skip


def _viewer(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"mpm render draws with the viewer, which cannot be loaded here ({error})") from error


def _joints(name: str) -> tuple[str, ...]:
    if name in MPM16.joints:
        return (name,)
    if name in LIMBS:
        return tuple(MPM16.joints[joint] for joint in MPM16.limb(name))
    raise UserError(f"--trails '{name}': there is no such joint or limb ({', '.join((*LIMBS, *MPM16.joints))})")


def _frames(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        return int(first), int(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a range of frames such as 100-250") from None


def _viewpoint(text: str) -> str | tuple[float, float]:
    if text in (*VIEWPOINTS, "saved"):
        return text
    try:
        azimuth, elevation = (float(part) for part in text.split(","))
    except ValueError:
        known = f"{', '.join(VIEWPOINTS)}, saved, or azimuth and elevation such as -90,10"
        raise argparse.ArgumentTypeError(f"'{text}' is no place to look from ({known})") from None
    return azimuth, elevation
