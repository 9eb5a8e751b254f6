"""Owns the command metrics: the figures of a written answer against ground truth or keypoints, printed and saved."""

from __future__ import annotations

import argparse
import csv
import io
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.clip import Clip
from mpm_core.comparison import JointFigures, joint_rows
from mpm_core.errors import UserError
from mpm_core.figures import ROWS, Figures, all_figures, figure_texts, known_figures
from mpm_core.files import check_spares, written_whole
from mpm_core.formats import read_clip
from mpm_core.formats.written_answer import read_answer
from mpm_core.grounding.up import Direction
from mpm_core.output_option import add_output
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16
from mpm_core.terminal import say
from mpm_core.truth.command import add_truth, check_truth_options, read_truth, with_truth

_log = logging.getLogger("mpm")

_SUFFIXES = (".csv", ".json")
_SAME_TIME_FRAMES = 0.5
_PARTS = ("all", "hidden", "visible")


def add_metrics(commands: Any) -> None:
    """The command metrics."""
    parser = commands.add_parser("metrics", help="figures of a prediction, as the window's Metrics panel shows them")
    parser.add_argument(
        "prediction", type=Path, help="what lift or complete has written: an NPZ, which keeps most, or other 3D"
    )
    parser.add_argument(
        "--clip",
        type=Path,
        metavar="FILE",
        help="the keypoints that were lifted: for the reprojection, and to find when ground truth of another file begins",
    )
    parser.add_argument("--first", type=int, help="first frame to measure, from 0")
    parser.add_argument("--last", type=int, help="last frame to measure, itself measured too")
    add_output(parser, metavar="FILE", help="also save them, as .csv or .json")
    parser.add_argument("--json", action="store_true", help="a JSON document on standard output instead of the table")
    add_truth(parser)
    parser.set_defaults(run=run_metrics)


def run_metrics(options: argparse.Namespace) -> None:
    """Measure one prediction."""
    if options.output is not None:
        if options.output.suffix.lower() not in _SUFFIXES:
            raise UserError(f"{options.output}: figures are saved as .csv or .json")
        given = (options.prediction, options.clip, options.truth)
        check_spares([options.output], [path for path in given if path is not None])
    if options.clip is None and options.truth is None:
        raise UserError("give --truth, ground truth to measure against, or --clip, the keypoints that were lifted, or both")
    check_truth_options(options)
    written = read_clip(options.prediction)
    answer, notes = read_answer(options.prediction, written)
    clip = _compared(options, answer)
    if written.is_virtual or clip.is_virtual:
        clip, answer, turned = _in_axes_of(clip, answer, written.up, options.prediction)
        notes = (*notes, turned)
    elif clip.up is None:
        clip = replace(clip, up=written.up)
    first, last = _range(options, len(answer))
    figures = all_figures(clip, answer, first, last)
    for note in notes:
        _log.warning("%s: %s", options.prediction, note)
    told = _document(options, figures, [*notes, *clip.notes])
    if options.output is not None:
        text = json.dumps(told, indent=1) + "\n" if options.output.suffix.lower() == ".json" else _csv(figures)
        with written_whole(options.output) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
        _log.info("wrote %s", options.output)
    say(json.dumps(told, indent=1, ensure_ascii=False) if options.json else _text(figures, len(answer)))


def _compared(options: argparse.Namespace, answer: Prediction) -> Clip:
    """The clip with what the answer is measured against, in its frames."""
    if options.clip is not None:
        clip = with_truth(read_clip(options.clip).to_mpm16(), options)
        _check_frames(clip, answer, options.clip)
        return clip
    if options.shift is not None:
        raise UserError("--shift needs --clip, the keypoints that were lifted: it says how long after these the truth begins")
    clip = read_truth(options).to_mpm16()
    if clip.ground_truth is None:
        raise UserError(f"{options.truth}: holds no 3D positions to measure against")
    _check_frames(clip, answer, options.truth)
    return clip


def _in_axes_of(clip: Clip, answer: Prediction, up: Direction | None, path: Path) -> tuple[Clip, Prediction, str]:
    """An answer in other axes than the clip's ground truth, turned as one to lie on it (Kabsch, 1976, of the joints relative to
    Hip); the clip for it, without keypoints, since no camera saw what is turned; and what to say. up: of the answer's file.
    UserError without ground truth."""
    from scipy.spatial.transform import Rotation

    truth = clip.measured_truth
    if truth is None:
        raise UserError(
            f"{path}: is motion in the world, which does not say where the camera saw it: give --truth, or the NPZ of mpm lift"
        )
    relative = truth - truth[:, MPM16.root, None]
    known = np.isfinite(relative).all(-1) & np.isfinite(answer.positions).all(-1)
    known[:, MPM16.root] = False  # at zero in both, it says nothing
    if not known.any():
        raise UserError(f"{path}: has no joint in a frame in which the ground truth has it too")
    turn = Rotation.align_vectors(relative[known], answer.positions[known])[0]
    matrix = turn.as_matrix().astype(np.float32)
    turned = replace(
        answer, positions=answer.positions @ matrix.T, root=answer.root @ matrix.T,
        up=None if answer.up is None else matrix @ answer.up,
    )  # fmt: skip
    if clip.up is None and up is not None:
        x, y, z = turn.apply(up)
        clip = replace(clip, up=(float(x), float(y), float(z)))
    note = (
        f"its axes are not those of the ground truth: all of it was turned by {np.rad2deg(turn.magnitude()):.0f}° to lie best"
        " on it, so that a turn that lasts counts in no figure"
    )
    return replace(clip, keypoints=None), turned, note


def _check_frames(clip: Clip, answer: Prediction, path: Path) -> None:
    """UserError for a clip whose frames are not those of the answer."""
    if len(clip) != len(answer):
        more = "" if clip.keypoints is not None else "; --clip names the keypoints that were lifted, to find when it begins"
        raise UserError(f"{path}: has {len(clip)} frames and the prediction {len(answer)}{more}")
    apart = np.abs((clip.times - clip.times[0]) - (answer.times - answer.times[0])).max()
    if apart > _SAME_TIME_FRAMES / clip.fps:
        raise UserError(f"{path}: its frames are up to {apart:.2f} s from those of the prediction, so that they are others")


def _range(options: argparse.Namespace, count: int) -> tuple[int, int]:
    from mpm_core.formats.base import WriteOptions

    part = WriteOptions(options.first, options.last).frames(count)
    return part.start, part.stop - 1


def _text(figures: Figures, count: int) -> str:
    """The panel as a table."""
    is_whole = (figures.first, figures.last) == (0, count - 1)
    lines = ["the whole clip" if is_whole else f"frames {figures.first} to {figures.last}"]
    lines += [f"{ROWS[name][0]:<22}{text:>14}" for name, text in figure_texts(figures).items()]
    if figures.joints:
        rows = joint_rows(figures.joints)
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        lines.append("")
        for row in rows:
            cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  ".join([row[0].ljust(widths[0]), *cells]))
    return "\n".join(lines)


def _csv(figures: Figures) -> str:
    """Tidy: a row for each figure of each joint, or of all of them."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("figure", "joint", "part", "value", "unit"))
    for name, value in known_figures(figures).items():
        table.writerow((name, "all", "all", f"{value:.6g}", ROWS[name][1]))
    for one in figures.joints:
        for part in _PARTS:
            for joint, value in zip(MPM16.joints, getattr(one, part), strict=True):
                if np.isfinite(value):
                    table.writerow((one.what, joint, part, f"{value:.6g}", one.unit))
    return out.getvalue()


def _document(options: argparse.Namespace, figures: Figures, notes: list[str]) -> dict[str, Any]:
    known = known_figures(figures)
    return {
        "prediction": str(options.prediction),
        "truth": None if options.truth is None else str(options.truth),
        "clip": None if options.clip is None else str(options.clip),
        "first": figures.first,
        "last": figures.last,
        "figures": {name: {"label": ROWS[name][0], "unit": ROWS[name][1], "value": value} for name, value in known.items()},
        "joints": {one.what: {"unit": one.unit, **_by_joint(one)} for one in figures.joints},
        "notes": notes,
    }


def _by_joint(one: JointFigures) -> dict[str, Any]:
    told = {}
    for n, joint in enumerate(MPM16.joints):
        means = {part: _or_none(getattr(one, part)[n]) for part in _PARTS}
        told[joint] = {**means, "frames_hidden": int(one.frames_hidden[n])}
    return told


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
