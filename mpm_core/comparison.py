"""Owns the figures by which answers to one clip are compared: a row for each, and a row for each joint of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.metrics import (
    MM_PER_M,
    acceleration_error,
    joint_errors,
    jumps,
    p_mpjpe,
    reprojection_errors,
)
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_NAN = float("nan")


@dataclass(frozen=True)
class AnswerFigures:
    """One answer over some frames, NaN where it cannot be told. mpjpe, hidden, visible, p_mpjpe: mm; acceleration: error in
    m/s2; reprojection: px, of what was shown to the lifter; jumps: how many. All but reprojection need ground truth."""

    mpjpe: float = _NAN
    hidden: float = _NAN
    visible: float = _NAN
    p_mpjpe: float = _NAN
    acceleration: float = _NAN
    reprojection: float = _NAN
    jumps: float = _NAN


FIGURES: dict[str, tuple[str, str, int]] = {
    "mpjpe": ("MPJPE", "mm", 1),
    "hidden": ("hidden", "mm", 1),
    "visible": ("visible", "mm", 1),
    "p_mpjpe": ("P-MPJPE", "mm", 1),
    "acceleration": ("acceleration", "m/s²", 2),
    "reprojection": ("reprojection", "px", 1),
    "jumps": ("jumps", "", 0),
}
"""Of AnswerFigures: what each is called, its unit, and how many digits of it count."""


def figures_of(
    answer: Prediction, clip: Clip, frames: slice = slice(None), hidden: NDArray[np.bool_] | None = None
) -> AnswerFigures:
    """The row of an answer to a clip in MPM-16 joints.

    hidden: (frames of the clip, 16) bool, which joints count as hidden; by default those that were hidden from this answer.
    Answers to different masks are compared in the same joints by giving it.
    """
    kept = answer.hidden[frames] if hidden is None else hidden[frames]
    apart = reprojection_errors(answer, clip, frames) if answer.task == "lift" else np.zeros(0)
    if clip.measured_truth is None:
        return AnswerFigures(reprojection=_mean(apart))
    poses, truth = answer.positions[frames], clip.measured_truth[frames]
    errors = joint_errors(poses, truth)
    has_motion = len(truth) > 2 and bool(np.isfinite(np.diff(truth, 2, axis=0)).any())
    return AnswerFigures(
        mpjpe=_mean(errors),
        hidden=_mean(errors[kept]),
        visible=_mean(errors[~kept]),
        p_mpjpe=p_mpjpe(poses, truth),
        acceleration=acceleration_error(poses, truth, clip.fps) if has_motion else _NAN,
        reprojection=_mean(apart),
        jumps=float(jumps(poses, truth)) if has_motion else _NAN,
    )


@dataclass(frozen=True)
class JointFigures:
    """Every joint over some frames. what: 'error' (mm, against ground truth), else 'reprojection' (px, of joints shown to
    the lifter), 'confidence' or 'uncertainty' (mm). all, hidden, visible: (16,) means over the frames in which the joint
    has a value, was hidden from the lifter, and was not; NaN without any. frames_hidden: (16,) in how many it was."""

    what: str
    unit: str
    all: NDArray[np.float64]
    hidden: NDArray[np.float64]
    visible: NDArray[np.float64]
    frames_hidden: NDArray[np.int64]


def joints_of(answer: Prediction, clip: Clip, frames: slice = slice(None)) -> tuple[JointFigures, ...]:
    """The errors against the ground truth if there is any; else whatever tells of an answer without it."""
    hidden = answer.hidden[frames]
    if clip.measured_truth is not None:
        return (_by_joint("error", "mm", joint_errors(answer.positions[frames], clip.measured_truth[frames]), hidden),)
    found = []
    if answer.task == "lift" and clip.keypoints is not None:
        found.append(_by_joint("reprojection", "px", reprojection_errors(answer, clip, frames), hidden))
        scores = np.where(clip.visible, clip.confidence, np.nan)[frames].astype(np.float64)
        found.append(_by_joint("confidence", "", scores, hidden))
    if answer.uncertainty is not None:
        found.append(_by_joint("uncertainty", "mm", answer.uncertainty[frames].astype(np.float64) * MM_PER_M, hidden))
    return tuple(found)


def _by_joint(what: str, unit: str, values: NDArray[np.float64], hidden: NDArray[np.bool_]) -> JointFigures:
    known = np.isfinite(values)
    parts = (known, known & hidden, known & ~hidden)
    of_all, of_hidden, of_visible = (
        np.where(part.any(0), np.where(part, values, 0).sum(0) / np.maximum(part.sum(0), 1), np.nan) for part in parts
    )
    return JointFigures(what, unit, of_all, of_hidden, of_visible, hidden.sum(0))


def joint_rows(figures: Sequence[JointFigures]) -> list[list[str]]:
    """A table of texts: a heading, then a row for each joint, empty where nothing is known."""
    heading = ["joint", "frames hidden"]
    for one in figures:
        unit = f" ({one.unit})" if one.unit else ""
        heading += [f"{one.what}{part}{unit}" for part in ("", ", hidden", ", visible")]
    rows = [heading]
    for joint, name in enumerate(MPM16.joints):
        row = [name, str(int(figures[0].frames_hidden[joint])) if figures else ""]
        for one in figures:
            row += [number_text(part[joint], 2) for part in (one.all, one.hidden, one.visible)]
        rows.append(row)
    return rows


def answer_rows(answers: Iterable[tuple[str, Sequence[str], AnswerFigures | None]], notes: Sequence[str]) -> list[list[str]]:
    """A table of texts: a heading, then a row for each answer (its name, what is noted of it, its figures or None), empty
    where nothing is known. notes: what the columns of the notes are called."""
    units = [f"{label} ({unit})" if unit else label for label, unit, _ in FIGURES.values()]
    rows = [["answer", *notes, *units]]
    for name, noted, figures in answers:
        digits = {key: number_text(getattr(figures, key), FIGURES[key][2] + 1) if figures else "" for key in FIGURES}
        rows.append([name, *noted, *digits.values()])
    return rows


def number_text(value: float, digits: int) -> str:
    """A number for a table; nothing for one that is not known."""
    return f"{value:.{digits}f}" if np.isfinite(value) else ""


def table_text(rows: Iterable[Sequence[str]], separator: str = ",") -> str:
    """Rows as CSV, or with tabs in between as spreadsheets take them from the clipboard."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else _NAN
