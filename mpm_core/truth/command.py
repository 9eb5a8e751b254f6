"""Owns what the command line says of ground truth from another file."""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path

from mpm_core.bulk.inputs import Takes, is_single
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import AXES, UNITS, ReadOptions
from mpm_core.limits import check_rate
from mpm_core.prediction import Prediction
from mpm_core.terminal import progress_bar

_log = logging.getLogger("mpm")

_SHIFT = re.compile(r"([-+]?\d+(?:\.\d*)?|[-+]?\.\d+)(s?)")
_ABOUT_TRUTH = ("shift", "truth_fps", "truth_format", "truth_unit", "truth_up_axis", "truth_joint_map", "truth_select")


def add_truth(parser: argparse.ArgumentParser) -> None:
    """Options that name ground truth and say what its file does not."""
    group = parser.add_argument_group("ground truth")
    group.add_argument(
        "--truth", type=Path, metavar="FILE", help="3D of the same person and time (BVH, C3D, TRC, AMC, npz, ...)"
    )
    group.add_argument(
        "--shift", type=_shift, metavar="FRAMES", help="frames of the clip, or seconds as 0.4s, after which it begins (default:"
        " found by how both move); before: --shift=-12",
    )  # fmt: skip
    group.add_argument("--truth-fps", type=float, help="its frames per second, when the file does not say")
    group.add_argument("--truth-format", metavar="NAME", help="how to read it, where its content leaves it open")
    group.add_argument("--truth-unit", choices=tuple(UNITS), help="its unit (default: by the size of the body)")
    group.add_argument("--truth-up-axis", choices=AXES, help="its axis that points up (default: as the body stands)")
    group.add_argument("--truth-joint-map", type=Path, metavar="FILE", help="JSON with its joint names and ours")
    group.add_argument("--truth-select", help="subject/action/camera of a file with many")


def refuse_for_many(options: argparse.Namespace, takes: Takes) -> None:
    """UserError for ground truth of several inputs, of which it can only be one's."""
    if options.truth is not None and not is_single(options.inputs, takes):
        raise UserError("--truth is for one input: several would all be compared with the same motion")


def check_truth_options(options: argparse.Namespace) -> None:
    """UserError for a file that is not there, or for what says something about ground truth where none is given."""
    given = next((name for name in _ABOUT_TRUTH if getattr(options, name) is not None), None)
    if options.truth is None and given is not None:
        raise UserError(f"--{given.replace('_', '-')} says something about ground truth, but no --truth is given")
    if options.truth is not None and not options.truth.exists():
        raise UserError(f"{options.truth}: there is no such file or folder")
    if options.truth_fps is not None:
        check_rate(options.truth_fps, "--truth-fps: ")


def with_truth(clip: Clip, options: argparse.Namespace) -> Clip:
    """The clip with the ground truth that was named, if one was; says when it begins and how well it fits."""
    check_truth_options(options)
    if options.truth is None:
        return clip
    from mpm_core.truth.attaching import attach_truth

    motion = read_truth(options)
    shift, is_seconds = options.shift or (None, False)
    found = attach_truth(clip, motion, shift if shift is None or is_seconds else shift / clip.fps)
    for note in found.notes:
        _log.log(logging.INFO if found.is_sure else logging.WARNING, "%s: %s", options.truth.name, note)
    return found.clip


def read_truth(options: argparse.Namespace) -> Clip:
    """The clip in the file that was named, read as the command line says."""
    from mpm_core.formats import read_clip
    from mpm_core.formats.keypoints.naming import read_joint_map

    joint_map = None if options.truth_joint_map is None else read_joint_map(options.truth_joint_map)
    told = ReadOptions(
        fps=options.truth_fps, select=options.truth_select, format=options.truth_format, unit=options.truth_unit,
        up_axis=options.truth_up_axis, joint_map=joint_map, on_progress=progress_bar("reading"),
    )  # fmt: skip
    return read_clip(options.truth, options=told)


def truth_sentence(prediction: Prediction, clip: Clip) -> str:
    """How far a prediction is from the clip's ground truth, for people."""
    from mpm_core.metrics import summarise

    assert clip.measured_truth is not None
    figures = summarise(prediction.positions, clip.measured_truth, prediction.hidden, prediction.times)
    return (
        f"from the ground truth the 3D is off by {figures.mpjpe:.1f} mm (MPJPE), {figures.p_mpjpe:.1f} mm after alignment of"
        " each frame (P-MPJPE)"
    )


def _shift(text: str) -> tuple[float, bool]:
    """A shift, and whether it is in seconds and not in frames."""
    match = _SHIFT.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a shift such as -12, or 0.4s")
    return float(match[1]), bool(match[2])
