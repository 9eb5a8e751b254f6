"""Owns the commands about videos: detect, models, and lifting a video in one go."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mpm_core.batch import run_each, suffix_of
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.terminal import follow, say

DEFAULT_THRESHOLD = 0.3

_log = logging.getLogger("mpm")


def add_detect(commands: Any, add_inputs: Callable[[argparse.ArgumentParser, str, str], None]) -> None:
    """The commands detect and models."""
    parser = commands.add_parser("detect", help="videos to 2D keypoints")
    add_inputs(parser, "videos, or folders of them", "npz")
    parser.add_argument("--person", type=int, help="which person of several (0 is seen longest and largest)")
    parser.add_argument("--all-people", action="store_true", help="a file for each person, numbered")
    add_detector(parser)
    parser.set_defaults(run=_run_detect)
    models = commands.add_parser("models", help="model files of the detectors")
    models.add_argument("action", choices=("list", "get", "path"), help="list them, fetch one, or say where it is")
    models.add_argument("name", nargs="?", help="which one, to get or to locate")
    models.set_defaults(run=_run_models)


def add_detector(parser: argparse.ArgumentParser) -> None:
    """What is asked of a detector, where the input is a video."""
    group = parser.add_argument_group("videos")
    group.add_argument("--detector", default="mediapipe", help="mediapipe or rtmpose")
    group.add_argument("--people", type=int, default=2, help="the most people to look for (default: 2; 1 is faster)")
    group.add_argument("--every", type=int, default=1, metavar="N", help="look at one frame in N and interpolate")
    group.add_argument("--begin", type=float, default=0.0, metavar="S", help="begin here, in seconds")
    group.add_argument("--end", type=float, metavar="S", help="end here, in seconds")
    group.add_argument("--region", type=_region, metavar="X,Y,W,H", help="look at this part of the picture alone, in pixels")
    group.add_argument("--field-of-view", type=float, metavar="DEG", help="of the camera, along the longer side")
    group.add_argument(
        "--threshold", type=float, default=DEFAULT_THRESHOLD, help="hide joints of less confidence (default: %(default)g)"
    )
    group.add_argument("--refine", action="append", default=[], metavar="NAME", help="hampel, one-euro or savgol; repeatable")
    group.add_argument(
        "--repair-swaps", action=argparse.BooleanOptionalAction, default=True, help="undo exchanges of left and right"
    )
    group.add_argument("--fresh", action="store_true", help="look at the video again, even if it was seen before")


def _region(text: str) -> tuple[int, ...]:
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a region such as 200,0,640,480") from None
    return left, top, width, height


def detect_one(options: argparse.Namespace) -> None:
    """Detect in one video and write what was found."""
    from mpm_core.formats import check_target, write

    check_target(options.output)
    people = _people_of(options)
    numbers = range(len(people)) if options.all_people else (options.person or 0,)
    for number in numbers:
        clip = _cleaned(people[number], options)
        target = options.output
        if options.all_people:
            target = target.with_name(f"{target.stem}-{number}{target.suffix}")
        write(clip, target)
        _log.info("wrote %s", target)


def lift_video(options: argparse.Namespace) -> None:
    """Detect in one video, lift a person, and write the 3D."""
    from mpm_core.formats import check_target, write
    from mpm_core.formats.base import WriteOptions
    from mpm_core.hiding import parse_mask
    from mpm_core.lifters import load_lifter
    from mpm_core.metrics import reprojection

    check_target(options.output)
    clip = _cleaned(_people_of(options)[options.person or 0], options)
    mask = parse_mask(options.hide, len(clip)) | low_confidence(clip, options.threshold)
    task = load_lifter(options.lifter, options.device, options.weights).start(clip, "lift", options.mode, options.mirror)
    list(follow(task.update(mask), "lift"))
    prediction = task.prediction()
    unit = 1.0 if options.metres else 100.0
    write(prediction, options.output, WriteOptions(options.first, options.last, clip, unit_per_m=unit, long=options.long))
    figures = reprojection(prediction, clip)
    if figures is not None:
        _log.info(
            "%s: seen by the camera, the 3D lies %.1f px (%.1f %% of the person's height) from the keypoints",
            options.input, figures.px, 100 * figures.share,
        )  # fmt: skip
    _log.info("wrote %s", options.output)


def low_confidence(clip: Clip, threshold: float) -> np.ndarray:
    """(frames, joints) bool: measured, but with less confidence than the threshold."""
    return clip.visible & (clip.confidence < threshold)


class _People:
    """The clips of a recording by person; UserError for a number that there is not."""

    def __init__(self, recording: Any) -> None:
        self._recording = recording

    def __len__(self) -> int:
        return len(self._recording.people)

    def __getitem__(self, number: int) -> Clip:
        found: Clip = self._recording.clip(number)
        frames = int(found.visible.any(1).sum())
        _log.info(
            "%s: person %d of %d, seen in %d of %d frames", self._recording.info.path, number, len(self), frames, len(found)
        )
        for note in found.notes:
            _log.warning("%s: %s", self._recording.info.path, note)
        return found


def _people_of(options: argparse.Namespace) -> _People:
    from mpm_core.detectors.base import DetectOptions
    from mpm_core.detectors.detection import record
    from mpm_core.video import VideoPart

    part = VideoPart(options.begin, options.end, options.every, options.region)
    wanted = DetectOptions(options.detector, options.people, part)
    return _People(*follow(record(options.input, wanted, options.fresh), f"looking at {options.input.name}"))


def _cleaned(clip: Clip, options: argparse.Namespace) -> Clip:
    """With the camera that was given, swaps repaired, and refined."""
    from mpm_core.refiners import refine
    from mpm_core.refiners.swaps import repair_swaps

    if options.field_of_view is not None:
        if not 5 <= options.field_of_view <= 170:
            raise UserError(f"--field-of-view must lie between 5 and 170 degrees, not {options.field_of_view:g}")
        camera = replace(Intrinsics.assumed(clip.image_size, options.field_of_view), is_assumed=False)
        clip = replace(clip, camera=camera)
    if options.repair_swaps:
        clip, swapped = repair_swaps(clip)
        if swapped.any():
            _log.info("%s: left and right were exchanged back in %d frames", options.input, int(swapped.sum()))
    return refine(clip, options.refine)


def _run_detect(options: argparse.Namespace) -> None:
    run_each(options, detect_one, suffix_of(options.to))


def _run_models(options: argparse.Namespace) -> None:
    from mpm_core.detectors.model_store import describe_models, fetch_model, find_model

    if options.action == "list":
        for model in describe_models():
            place = f"{model.path} ({model.size / 1e6:.1f} MB)" if model.path and model.size else "not here"
            say(f"{model.name:<22}{model.licence:<24}{place}")
        return
    if options.name is None:
        raise UserError(f"mpm models {options.action}: name a model (mpm models list shows them)")
    found = find_model(options.name)
    if options.action == "get" and found is None:
        (found,) = follow(fetch_model(options.name), options.name)
    if found is None:
        raise UserError(f"{options.name}: not here yet (mpm models get {options.name} fetches it)")
    say(str(found))
