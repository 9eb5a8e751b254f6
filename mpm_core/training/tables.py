"""Owns how an evaluation is written down: Markdown tables of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mpm_core.training.evaluation import NAN, Evaluation, Figures
from mpm_core.training.protocols import Protocol


def as_markdown(evaluation: Evaluation, details: bool = False) -> str:
    """The results as Markdown tables; with details, also by action and by joint."""
    results = evaluation.results
    lifted = {p: f for p, f in results.items() if p.task == "lift"}
    completed = {p: f for p, f in results.items() if p.task == "complete"}
    lines: list[str] = []
    if lifted:
        head = [
            "2D",
            "hidden",
            "MPJPE",
            "14 joints",
            "P-MPJPE",
            "N-MPJPE",
            "PCK@150",
            "AUC",
            "velocity mm/s",
            "hidden joints alone",
        ]
        rows = [
            [p.source, p.preset, *map(_cell, (f.mpjpe, f.mpjpe_14, f.p_mpjpe, f.n_mpjpe, f.pck, f.auc, f.velocity, f.hidden))]
            for p, f in lifted.items()
        ]
        lines += [_table(head, rows), ""]
        lines += [_motion_table(lifted), ""]
    if completed:
        head = ["3D completion", "all 16 joints, visible copied", "the hidden joints alone"]
        lines += [_table(head, [[p.preset, _cell(f.mpjpe), _cell(f.hidden)] for p, f in completed.items()]), ""]
    if details:
        for what in ("by_action", "by_joint"):
            names = next((list(getattr(f, what)) for f in results.values() if f.frames), [])
            rows = [
                [p.source, p.preset, *(_cell(getattr(f, what).get(name, NAN)) for name in names)] for p, f in results.items()
            ]
            lines += [_table(["input", "hidden", *names], rows), ""]
    frames = max((f.frames for f in results.values()), default=0)
    how = "every frame" if evaluation.stride == 1 else f"one of {evaluation.stride} frames"
    if evaluation.threshold > 0:
        how += f", 2D below a confidence of {evaluation.threshold:g} hidden"
    lines.append(
        f"{evaluation.benchmark}: mm, over {frames} frames; lifter {evaluation.lifter}, mode {evaluation.mode}, {how}."
    )
    return "\n".join(lines)


def _motion_table(lifted: Mapping[Protocol, Figures]) -> str:
    """What an animator sees of it, and what the network tells of the ground."""
    head = ["2D", "hidden", "acceleration m/s2", "jumps", "up, median over views, degrees", "up, 90 %", "standing feet, F1"]
    head += ["feet slide m/s", "feet under the floor, % of frames", "path mm"]
    rows = []
    for protocol, f in lifted.items():
        counted = "–" if np.isnan(f.jumps) else f"{f.jumps:.0f}"
        score = "–" if np.isnan(f.standing) else f"{f.standing:.3f}"
        acceleration = "–" if np.isnan(f.acceleration) else f"{f.acceleration:.2f}"
        slide = "–" if np.isnan(f.sliding) else f"{f.sliding:.3f}"
        ground = [slide, _cell(f.under), _cell(f.path)]
        rows.append([protocol.source, protocol.preset, acceleration, counted, _cell(f.up), _cell(f.up_p90), score, *ground])
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _cell(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1f}"
