"""Owns the figures of one answer over some frames: all that can be told of it, and how each is named and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mpm_core.clip import Clip
from mpm_core.comparison import JointFigures, joints_of
from mpm_core.ground_metrics import MotionSummary, summarise_motion
from mpm_core.metrics import ErrorSummary, Reprojection, going_on, reprojection, summarise
from mpm_core.prediction import Prediction

ROWS: dict[str, tuple[str, str, str]] = {
    "mpjpe": ("MPJPE", "mm", "Mean error of all joints, Hip at zero"),
    "hidden": ("hidden joints", "mm", "Mean error of the joints that the lifter was not shown"),
    "visible": ("visible joints", "mm", "Mean error of the joints that it was shown"),
    "p_mpjpe": ("P-MPJPE", "mm", "After the best move, turn and scale of every frame (Procrustes)"),
    "n_mpjpe": ("N-MPJPE", "mm", "After the best scale of every frame"),
    "velocity": ("velocity error", "mm/s", "Mean difference of the joints' velocities"),
    "acceleration": ("acceleration error", "m/s²", "Mean difference of the joints' accelerations: trembling shows here"),
    "jumps": ("jumps", "", "How often a joint moves by 15 cm or more in a frame while the truth moves less than half as far"),
    "up": ("error of up", "°", "Between the direction away from the ground as the lifter tells it and as it is known"),
    "path": ("error of the path", "mm", "Mean distance of Hip's path from the true one, moved so that their middles are one"),
    "reprojection": (
        "reprojection error",
        "px",
        "From the keypoints to the 3D as the camera sees it, also in per cent of the height",
    ),
    "sliding": (
        "feet slide",
        "m/s",
        "Mean speed of feet that stand: in the ground truth where that tells where the person is, else as the lifter tells",
    ),
    "under": ("feet under the floor", "%", "Frames in which an ankle is more than 1 cm lower than where ankles stand"),
}
"""What each figure is called, its unit, and what it is, for people."""

_DIGITS = {"jumps": 0, "sliding": 2}
"""After the point, where it is not one."""


@dataclass(frozen=True)
class Figures:
    """Figures of an answer over the chosen range (or the whole clip) and of the mask there. summary: against the ground
    truth, if there is any; reprojection: against the keypoints, if the answer was lifted from them; motion: as an animator sees
    it, as far as that can be told; joints: each by itself."""

    summary: ErrorSummary | None
    reprojection: Reprojection | None
    motion: MotionSummary
    joints: tuple[JointFigures, ...]
    first: int
    last: int


def all_figures(clip: Clip, answer: Prediction, first: int, last: int, between: Callable[[], None] = going_on) -> Figures:
    """Every figure over the frames first to last, both included. between: see metrics.going_on."""
    part = slice(first, last + 1)
    summary = None
    if clip.measured_truth is not None:
        truth = clip.measured_truth[part]
        summary = summarise(answer.positions[part], truth, answer.hidden[part], answer.times[part], between)
    between()
    again = reprojection(answer, clip, part) if answer.task == "lift" else None
    between()
    motion = summarise_motion(answer, clip, part)
    between()
    return Figures(summary, again, motion, joints_of(answer, clip, part), first, last)


def known_figures(figures: Figures) -> dict[str, float]:
    """The figures of ROWS that are known; of the reprojection only where there is no ground truth, which tells more."""
    known = {} if figures.summary is None else dict(vars(figures.summary))
    if figures.summary is None and figures.reprojection is not None:
        known["reprojection"] = figures.reprojection.px
    known |= vars(figures.motion)
    return {name: float(known[name]) for name in ROWS if name in known and np.isfinite(known[name])}


def figure_texts(figures: Figures) -> dict[str, str]:
    """What is known, as it is shown."""
    texts = {
        name: f"{value:.{_DIGITS.get(name, 1)}f} {ROWS[name][1]}".strip() for name, value in known_figures(figures).items()
    }
    if "reprojection" in texts and figures.reprojection is not None:
        texts["reprojection"] += f", {100 * figures.reprojection.share:.1f} %"
    return texts
