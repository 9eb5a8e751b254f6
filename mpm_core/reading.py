"""Owns what the command line says of a file's meaning: its format, joints and units, where the file leaves them open."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpm_core.formats.base import AXES, UNITS, ReadOptions
from mpm_core.terminal import progress_bar


def add_meaning(parser: argparse.ArgumentParser) -> None:
    """Options that settle what a file does not say, or says wrongly."""
    parser.add_argument("--format", metavar="NAME", help="how to read the file, where its content leaves it open")
    parser.add_argument("--skeleton", metavar="NAME", help="which joints its points are, such as coco17, body25b or h36m17")
    parser.add_argument("--joint-map", type=Path, metavar="FILE", help="JSON with the file's joint names and ours")
    parser.add_argument("--unit", choices=tuple(UNITS), help="unit of 3D positions (default: by the size of the body)")
    parser.add_argument(
        "--up-axis",
        choices=AXES,
        help="axis of a motion file that points up (default: as the body stands); --up-axis=-x",
    )
    parser.add_argument(
        "--normalised",
        action=argparse.BooleanOptionalAction,
        help="whether 2D coordinates are shares of the image (default: by the size of the body)",
    )


def typed_size(text: str) -> tuple[int, int]:
    """(width, height) pixels of an image, typed as 1920x1080; the parser's error for anything else."""
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 1920x1080") from None


def read_options(options: argparse.Namespace) -> ReadOptions:
    """What was typed, for a reader; UserError for a joint map that is none."""
    from mpm_core.formats.keypoints.naming import read_joint_map

    return ReadOptions(
        fps=options.fps,
        image_size=options.image_size,
        person=options.person,
        select=options.select,
        format=options.format,
        skeleton=options.skeleton,
        unit=options.unit,
        up_axis=options.up_axis,
        normalised=options.normalised,
        joint_map=None if options.joint_map is None else read_joint_map(options.joint_map),
        on_progress=progress_bar("reading"),
    )
