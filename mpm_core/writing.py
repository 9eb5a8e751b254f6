"""Owns what the command line says of how files are to be written."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from mpm_core.clip import Clip
from mpm_core.formats import check_ending
from mpm_core.formats.base import WriteOptions
from mpm_core.limits import check_rate


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Options that writers take; each says of which formats it speaks."""
    parser.add_argument("--first", type=int, help="first frame to write, from 0")
    parser.add_argument("--last", type=int, help="last frame to write, itself written too")
    parser.add_argument("--out-unit", choices=("m", "cm", "mm"), help="unit: of BVH cm, of C3D mm, else m")
    parser.add_argument("--metres", action="store_const", const="m", dest="out_unit", help="the same as --out-unit m")
    parser.add_argument("--out-up", choices=("y", "z"), help="axis that points up: Y, but for C3D")
    parser.add_argument("--out-fps", type=float, metavar="FPS", help="resample motion in the world")
    parser.add_argument("--in-place", action="store_true", help="motion in the world without the way over the ground")
    parser.add_argument("--prefix", default="", help="before the names of joints of BVH and GLB, such as mixamorig:")
    parser.add_argument("--long", action="store_true", help="CSV with a row per joint instead of a row per frame")
    parser.add_argument("--tidy", action="store_true", help="CSV with units in its column names and no lines of comments")
    parser.add_argument(
        "--uncertainty",
        action="store_true",
        help="plain CSV: a column of it; NPZ: it and the hypotheses (with --samples always)",
    )


def write_options(options: argparse.Namespace, clip: Clip, target: Path) -> WriteOptions:
    """What was typed, for the writer of a file; UserError for a rate that cannot be. Where several files are written, each
    takes of it what its format has a choice of."""
    if options.out_fps is not None:
        check_rate(options.out_fps, "--out-fps: ")
    wanted = WriteOptions(
        options.first, options.last, clip, unit=options.out_unit, up_axis=options.out_up, fps=options.out_fps,
        in_place=options.in_place, prefix=options.prefix, long=options.long, tidy=options.tidy,
        uncertainty=options.uncertainty or (bool(getattr(options, "samples", 0)) and target.suffix.lower() == ".npz"),
    )  # fmt: skip
    if len(options.outputs) == 1:
        return wanted
    usual, choices = WriteOptions(), check_ending(target).choices
    return replace(wanted, **{name: getattr(usual, name) for name in wanted.chosen() if name not in choices})
