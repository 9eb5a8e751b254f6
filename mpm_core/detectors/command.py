"""Owns the commands detect and models, and what can be asked of detectors and of the keypoints that they find."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mpm_core.bulk.inputs import Takes
from mpm_core.bulk.options import add_bulk
from mpm_core.bulk.outcomes import Made
from mpm_core.bulk.running import run_each
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.detectors import DETECTORS
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.detection import record
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.files import check_spares
from mpm_core.limits import check_rate
from mpm_core.masking import UNSURE_BELOW, unsure_joints
from mpm_core.rates import at_rate
from mpm_core.refiners import OF_ANSWERS, REFINERS, check_refiners, refine, split_refiners
from mpm_core.sides import repair_sides
from mpm_core.terminal import follow, say
from mpm_core.video import VideoPart

_log = logging.getLogger("mpm")

# What only makes sense for a video, or only for a file, by the names that it has on the command line.
_OF_VIDEOS = ("--detector", "--people", "--every", "--begin", "--end", "--region", "--fresh")
_OF_FILES = ("--image-size", "--select")


def add_detect(commands: Any) -> None:
    """The commands detect and models."""
    parser = commands.add_parser("detect", help="videos to 2D keypoints")
    add_bulk(parser, "videos, or folders of them", "npz")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--person", type=int, help="which person of several (0 is seen longest and largest)")
    who.add_argument("--all-people", action="store_true", help="a file for each person, numbered")
    parser.add_argument("--fps", type=float, help="frames per second, where the video's own times are not those of the motion")
    add_detector(parser)
    add_cleaning(parser, lifts=False)
    parser.set_defaults(run=run_detect)
    models = commands.add_parser("models", help="model files of the detectors")
    models.add_argument("action", choices=("list", "get", "path"), help="list them, fetch one, or say where it is")
    models.add_argument("name", nargs="?", help="which one, to get or to locate")
    models.add_argument("--json", action="store_true", help="the list as a JSON document")
    models.set_defaults(run=_run_models)


def add_detector(parser: argparse.ArgumentParser) -> None:
    """What is asked of a detector, where the input is a video."""
    usual = DetectOptions()
    group = parser.add_argument_group("videos")
    group.add_argument("--detector", help=f"{' or '.join(DETECTORS)} (default: {usual.detector})")
    group.add_argument(
        "--people",
        type=int,
        help=f"the most people to look for (default: {usual.people}); 1 is faster, but whoever walks by may be taken",
    )
    group.add_argument("--every", type=int, metavar="N", help="look at one frame in N and interpolate")
    group.add_argument("--begin", type=_seconds, metavar="S", help="begin here, in seconds or as minutes:seconds")
    group.add_argument("--end", type=_seconds, metavar="S", help="end here")
    group.add_argument("--region", type=_region, metavar="X,Y,W,H", help="look at this part of the picture alone, in pixels")
    group.add_argument("--fresh", action="store_const", const=True, help="look again, even at a video that was seen before")


def add_cleaning(parser: argparse.ArgumentParser, lifts: bool = True) -> None:
    """What is done to the keypoints before they are lifted or written. lifts: whether they are lifted."""
    group = parser.add_argument_group("keypoints")
    group.add_argument("--field-of-view", type=float, metavar="DEG", help="of the camera, along the longer side")
    group.add_argument(
        "--threshold", type=float, help=f"hide joints of less confidence (default: {UNSURE_BELOW:g} for videos, else 0)"
    )
    lifted = f"; or, of what is lifted: {', '.join(OF_ANSWERS)}" if lifts else ""
    named = f"{', '.join(REFINERS)}{lifted}; repeatable"
    group.add_argument("--refine", action="append", default=[], metavar="NAME", help=named)
    group.add_argument(
        "--repair-swaps", action=argparse.BooleanOptionalAction, help="exchange left and right back (default: for videos)"
    )


def refuse_video_options(options: argparse.Namespace) -> None:
    """UserError for an option that says something about videos, where the input is none."""
    _refuse(options, _OF_VIDEOS, "is for videos")


def refuse_file_options(options: argparse.Namespace) -> None:
    """UserError for an option that says what a keypoint file lacks, where the input is a video."""
    _refuse(options, _OF_FILES, "is for keypoint files")


def _refuse(options: argparse.Namespace, names: Sequence[str], why: str) -> None:
    for name in names:
        if getattr(options, name[2:].replace("-", "_"), None) is not None:
            raise UserError(f"{name} {why}, and {options.input} is none")


def _seconds(text: str) -> float:
    minutes, _, seconds = text.rpartition(":")
    try:
        return 60 * float(minutes or 0) + float(seconds)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time such as 2.5 or 0:02.5") from None


def _region(text: str) -> tuple[int, ...]:
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a region such as 200,0,640,480") from None
    return left, top, width, height


def detect_one(options: argparse.Namespace) -> Made:
    """Detect in one video and write what was found."""
    from mpm_core.formats import check_target, write
    from mpm_core.formats.base import WriteOptions

    for target in options.outputs:
        check_target(target, takes_2d=True)
    check_cleaning(options, lifts=False)
    threshold = _threshold(options)
    recording = _record(options)
    everybody = [track.person.number for track in recording.people] or [0]
    written: list[Path] = []
    for number in everybody if options.all_people else [options.person or 0]:
        clip = _take(recording, number, options)
        seen = replace(clip, visible=clip.visible & ~unsure_joints(clip, threshold))
        for target in options.outputs:
            if options.all_people:
                target = target.with_name(f"{target.stem}-{number}{target.suffix}")  # noqa: PLW2901
                check_spares([target], [options.input])
            # An NPZ keeps both the joints and the threshold.
            write(clip if target.suffix.lower() == ".npz" else seen, target, WriteOptions(threshold=threshold))
            _log.info("wrote %s", target)
            written.append(target)
    return Made(len(clip), tuple(written))


def detect_person(options: argparse.Namespace) -> tuple[Clip, float]:
    """The clip of the person that is asked for in one video, and the confidence below which its joints are to be hidden."""
    return _take(_record(options), options.person or 0, options), _threshold(options)


def clean_up(clip: Clip, options: argparse.Namespace, repairs_swaps: bool) -> Clip:
    """With the camera that was given, left and right exchanged back if that is wanted, and refined."""
    if options.field_of_view is not None:
        camera = replace(Intrinsics.assumed(clip.image_size, options.field_of_view), is_assumed=False)
        clip = clip.with_camera(camera).after(f"told: a field of view of {options.field_of_view:g}° along the longer side")
    if repairs_swaps:
        repaired = repair_sides(clip)
        clip = repaired.clip
        if repaired.flags.any():
            clip = clip.after(repaired.sentence())
            _log.info("%s: %s", options.input.name, repaired.sentence())
    names, _ = split_refiners(options.refine)
    return refine(clip, names) if names else clip


def _threshold(options: argparse.Namespace) -> float:
    return UNSURE_BELOW if options.threshold is None else float(options.threshold)


def check_cleaning(options: argparse.Namespace, lifts: bool = True) -> None:
    """UserError for a figure that is out of range, or a refiner that there is not. lifts: see add_cleaning."""
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise UserError(f"--threshold must lie between 0 and 1, not {options.threshold:g}")
    if options.fps is not None:
        check_rate(options.fps, "--fps: ")
    if options.field_of_view is not None and not 5 <= options.field_of_view <= 170:
        raise UserError(f"--field-of-view must lie between 5 and 170 degrees, not {options.field_of_view:g}")
    check_refiners(options.refine, lifts)


def _record(options: argparse.Namespace) -> Recording:
    usual = DetectOptions()
    part = VideoPart(options.begin or 0.0, options.end, 1 if options.every is None else options.every, options.region)
    people = usual.people if options.people is None else options.people
    wanted = DetectOptions(options.detector or usual.detector, people, part)
    (found,) = follow(record(options.input, wanted, bool(options.fresh)), f"looking at {options.input.name}")
    return found


def _take(recording: Recording, number: int, options: argparse.Namespace) -> Clip:
    """A person of a recording, cleaned up; says who it is."""
    clip = recording.clip(number)
    if options.fps is not None:
        clip = at_rate(clip, options.fps, "--fps says")
    clip = clean_up(clip, options, options.repair_swaps is not False)
    frames = int(clip.visible.any(1).sum())
    who = f"person {number} of {len(recording.people)}, seen in {frames} of {len(clip)} frames"
    _log.info("%s: %s", options.input.name, who)
    for note in clip.notes:
        _log.warning("%s: %s", options.input.name, note)
    return clip


def run_detect(options: argparse.Namespace) -> None:
    run_each(options, detect_one, Takes(keypoints=False))


def _run_models(options: argparse.Namespace) -> None:
    from mpm_core.detectors.model_store import check_found, describe_models, fetch_model, find_model

    if options.action == "list" and options.json:
        say(json.dumps([{**vars(model), "path": model.path and str(model.path)} for model in describe_models()], indent=1))
        return
    if options.action == "list":
        for model in describe_models():
            unknown = "" if model.is_known else ", unknown: not as published"
            place = "not here" if model.path is None else f"{model.path} ({(model.size or 0) / 1e6:.1f} MB{unknown})"
            say(f"{model.name:<22}{model.licence:<24}{place}")
        return
    if options.name is None:
        raise UserError(f"mpm models {options.action}: name a model (mpm models list shows them)")
    if options.action == "get":
        (path,) = follow(fetch_model(options.name), options.name)
        say(str(path))
        return
    found = find_model(options.name)
    if found is None:
        raise UserError(f"{options.name}: not here yet (mpm models get {options.name} fetches it)")
    check_found(options.name, found)
    say(str(found))
