"""Owns the commands lift, complete and convert: from a file or a video to a file."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from mpm_core.aids_command import aids_of, idle_options
from mpm_core.bulk.inputs import Takes
from mpm_core.bulk.outcomes import Made
from mpm_core.bulk.running import run_each
from mpm_core.clip import Clip
from mpm_core.detectors.command import check_cleaning, clean_up, detect_person, refuse_file_options, refuse_video_options
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.lifters.base import Lifter
from mpm_core.masking import Mask, unsure_joints
from mpm_core.prediction import Prediction
from mpm_core.sampling_command import sampling_of
from mpm_core.terminal import follow
from mpm_core.truth.command import check_truth_options, refuse_for_many, truth_sentence, with_truth

_log = logging.getLogger("mpm")

_MOSTLY = 0.5


def run_lift(options: argparse.Namespace) -> None:
    """2D keypoints, or videos, to 3D."""
    takes = Takes()
    refuse_for_many(options, takes)
    _say_what_is_idle(options, "lift")
    run_each(options, lift_one, takes)


def lift_one(options: argparse.Namespace) -> Made:
    """Lift one file, folder of OpenPose files or video."""
    from mpm_core.grounding.drifting import moving_camera_notes
    from mpm_core.grounding.up import find_up, up_as_given
    from mpm_core.hiding import check_mask_names, parse_mask
    from mpm_core.lifters.sized import size_sentence
    from mpm_core.lifters.windows import check_mode
    from mpm_core.metrics import reprojection
    from mpm_core.stature import check_height

    # Whatever is wrong with the options is told before a video is looked at for minutes.
    _check_targets(options)
    check_mask_names(options.hide)
    check_cleaning(options)
    check_mode(options.mode)
    check_truth_options(options)
    up_as_given(options.up, options.pitch, options.roll)
    check_height(options.height, "--height: ")
    sampling = sampling_of(options)
    lifter = _lifter(options)
    clip, saved = read_for_lifting(options)
    clip = with_truth(as_told(clip, options), options)
    if clip.camera_note:
        _log.warning("%s: %s", options.input, clip.camera_note)
    mask = parse_mask(options.hide, len(clip)) | saved
    if (mask | ~clip.visible).mean() > _MOSTLY:
        _log.warning("%s: more than half of all joints are hidden from the lifter", options.input.name)
    task = lifter.start(clip, "lift", options.mode, aids_of(options), sampling)
    list(follow(task.update(mask), "lift"))
    prediction = task.prediction()
    for note in moving_camera_notes(clip, prediction):
        if note not in clip.notes:
            _log.warning("%s: %s", options.input.name, note)
            clip = replace(clip, notes=(*clip.notes, note))
    _write(options, prediction, clip)
    _log.info("%s: %s", options.input.name, find_up(clip, prediction).sentence())
    _log.info("%s: %s", options.input.name, size_sentence(clip.height_m, prediction))
    if prediction.refinement is not None:
        _log.info("%s: refined: %s", options.input.name, prediction.refinement.sentence(prediction.scale))
    if prediction.moved_by():
        _log.info("%s: so that standing feet do not slide, %s", options.input.name, prediction.moved_by())
    if clip.ground_truth is not None:
        _log.info("%s: %s", options.input.name, truth_sentence(prediction, clip))
    figures = reprojection(prediction, clip)
    if figures is not None and clip.ground_truth is None:
        _log.info(
            "%s: seen by the camera, the 3D lies %.1f px (%.1f %% of the person's height) from the keypoints",
            options.input.name, figures.px, 100 * figures.share,
        )  # fmt: skip
    return Made(len(clip), options.outputs)


def read_for_lifting(options: argparse.Namespace) -> tuple[Clip, Mask]:
    """The clip in MPM-16 joints, and what is hidden in it: what was saved so, and what is less sure than the threshold."""
    from mpm_core.formats.saved import read_saved

    if options.input.suffix.lower() in VIDEO_SUFFIXES:
        refuse_file_options(options)
        clip, threshold = detect_person(options)
        return clip, unsure_joints(clip, threshold)
    refuse_video_options(options)
    clip = _read(options).to_mpm16()
    clip = clean_up(clip, options, repairs_swaps=bool(options.repair_swaps))
    saved, threshold = read_saved(options.input, len(clip))
    threshold = threshold if options.threshold is None else options.threshold
    hidden = unsure_joints(clip, threshold)
    if saved is not None and saved.any():
        _log.info("%s: %d joints stay hidden, as they were saved", options.input.name, int(saved.sum()))
        hidden = hidden | saved
    return clip, hidden


def run_complete(options: argparse.Namespace) -> None:
    """Fill in missing or hidden joints of 3D positions."""
    _say_what_is_idle(options, "complete")
    run_each(options, complete_one, Takes(videos=False))


def complete_one(options: argparse.Namespace) -> Made:
    """Complete the 3D of one file."""
    from mpm_core.hiding import parse_mask

    _check_targets(options)
    if options.height is not None:
        raise UserError("--height is for lifting: 3D that is completed keeps the size that it has")
    sampling = sampling_of(options)
    clip = as_told(_read(options), options)
    mask = parse_mask(options.hide, len(clip))
    lifter = _lifter(options)
    task = lifter.start(clip, "complete", options.mode, aids_of(options), sampling)
    list(follow(task.update(mask), "complete"))
    _write(options, task.prediction(), clip)
    return Made(len(clip), options.outputs)


def run_convert(options: argparse.Namespace) -> None:
    """One file format to another, without any network."""
    takes = Takes(videos=False)
    refuse_for_many(options, takes)
    run_each(options, convert_one, takes)


def convert_one(options: argparse.Namespace) -> Made:
    """Read one file and write it as others."""
    _check_targets(options)
    clip = with_truth(as_told(_read(options), options), options)
    _write(options, clip, clip)
    return Made(len(clip), options.outputs)


def _say_what_is_idle(options: argparse.Namespace, task: str) -> None:
    for note in idle_options(options, task):
        _log.warning("%s", note)


def _lifter(options: argparse.Namespace) -> Lifter:
    changed = options.weights.stat().st_mtime_ns if options.weights is not None and options.weights.exists() else 0
    return _loaded_lifter(options.lifter, options.device, options.weights, changed)


@lru_cache(maxsize=1)
def _loaded_lifter(name: str, device: str, weights: Path | None, changed_ns: int) -> Lifter:
    """Loaded once for all inputs that a process lifts, as long as the weights stay the same."""
    from mpm_core.lifters import load_lifter

    return load_lifter(name, device, weights)


def _check_targets(options: argparse.Namespace) -> None:
    from mpm_core.formats import check_target

    for target in options.outputs:
        check_target(target)


def as_told(clip: Clip, options: argparse.Namespace) -> Clip:
    """The clip with what the command line says of up and of the person's height."""
    from mpm_core.grounding.up import up_as_given
    from mpm_core.stature import check_height

    up = up_as_given(options.up, options.pitch, options.roll)
    if up is not None:
        clip = replace(clip, up=up).after("told: up is " + ", ".join(f"{value:.3f}" for value in up))
    if options.height is None:
        return clip
    check_height(options.height, "--height: ")
    if clip.keypoints is None:
        raise UserError(f"--height is for 2D keypoints: {options.input} holds 3D, which keeps the size that it has")
    return replace(clip, height_m=options.height).after(f"told: the person is {options.height:.2f} m tall")


def _read(options: argparse.Namespace) -> Clip:
    import mpm_core
    from mpm_core.reading import read_options

    clip = mpm_core.read_clip(options.input, options=read_options(options))
    for note in clip.notes:
        _log.warning("%s: %s", options.input, note)
    return clip


def _write(options: argparse.Namespace, content: Clip | Prediction, clip: Clip) -> None:
    from mpm_core.formats import write
    from mpm_core.writing import write_options

    for target in options.outputs:
        for note in write(content, target, write_options(options, clip, target)):
            _log.warning("%s: %s", target, note)
        _log.info("wrote %s", target)
