"""Owns running the evaluation protocols on a benchmark folder, and the figures that come of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.h36m_npz import read_named
from mpm_core.lifters.base import Lifter
from mpm_core.masking import Mask
from mpm_core.metrics import auc, joint_errors, n_mpjpe, p_mpjpe, pck, velocity_error
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.training.baselines import Baseline
from mpm_core.training.protocols import INPUTS, PAPER, Protocol

NAN = float("nan")


@dataclass
class Figures:
    """Figures of one protocol over all frames of all views, mm (velocity: mm/s; pck, auc: per cent); NaN where there is
    nothing to measure.

    hidden, visible: MPJPE of these joints alone. pck (at 150 mm) and auc leave out Hip, whose error is zero by definition.
    by_joint: MPJPE of each of the 16 joints. by_action: MPJPE of each action.
    """

    mpjpe: float = NAN
    p_mpjpe: float = NAN
    n_mpjpe: float = NAN
    pck: float = NAN
    auc: float = NAN
    velocity: float = NAN
    hidden: float = NAN
    visible: float = NAN
    frames: int = 0
    by_joint: dict[str, float] = field(default_factory=dict)
    by_action: dict[str, float] = field(default_factory=dict)


@dataclass
class Evaluation:
    """Results by protocol, with how they were made."""

    lifter: str
    mode: str
    stride: int
    results: dict[Protocol, Figures] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, NaN as null."""
        rows = [
            {"group": p.group, "task": p.task, "source": p.source, "preset": p.preset} | _without_nan(vars(figures))
            for p, figures in self.results.items()
        ]
        return {"lifter": self.lifter, "mode": self.mode, "stride": self.stride, "results": rows}


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nan(value) if isinstance(value, dict) else None if isinstance(value, float) and np.isnan(value) else value
        for key, value in values.items()
    }


@dataclass(frozen=True)
class _Scored:
    """Frames of one view that count. predicted, truth: (frames, 16, 3); hidden: (frames, 16)."""

    action: str
    predicted: NDArray[np.floating]
    truth: NDArray[np.floating]
    hidden: Mask
    times: NDArray[np.float64]


def evaluate(
    lifter: Lifter | Baseline,
    folder: Path,
    protocols: Sequence[Protocol] = PAPER,
    mode: str = "fast",
    stride: int = 1,
    mirror: bool | None = None,
    calibrate: bool = True,
) -> Iterator[Progress | Evaluation]:
    """Run protocols on a benchmark folder; yields Progress and at last the Evaluation.

    stride: one of so many frames is scored, and windows that answer none of these are not run (accurate mode has a window
    for every frame, so it takes that much less time). mirror, calibrate: see Lifter. UserError for a folder or stride that
    cannot be used.
    """
    if stride < 1:
        raise UserError(f"the stride must be 1 or more frames, not {stride}")
    files = {source: folder / name for source, name in INPUTS.items()}
    lacking = next((path for path in files.values() if not path.exists()), None)
    if lacking is not None:
        raise UserError(f"{lacking}: the benchmark file is missing")
    sums = {protocol: _Sums() for protocol in protocols}
    done, total = 0, 0
    for source, path in files.items():
        # Completion takes the true 3D, which stands beside either file.
        chosen = [p for p in protocols if p.source == source or (p.task == "complete" and source == next(iter(INPUTS)))]
        clips = list(read_named(path)) if chosen else []
        total = total or len(clips) * len(protocols)
        for number, (name, clip) in enumerate(clips):
            action = re.sub(r" \d+$", "", name.split("/")[1])
            for protocol in chosen:
                mask = protocol.make_mask(len(clip), np.random.default_rng(number))
                sums[protocol].add(_score(lifter, clip, action, protocol.task, mask, mode, stride, mirror, calibrate))
                done += 1
            yield Progress(done, total, clip.source)
    yield Evaluation(lifter.name, mode, stride, {protocol: s.figures() for protocol, s in sums.items()})


def _score(
    lifter: Lifter | Baseline,
    clip: Clip,
    action: str,
    task_name: str,
    mask: Mask,
    mode: str,
    stride: int,
    mirror: bool | None,
    calibrate: bool,
) -> _Scored:
    truth = clip.to_mpm16().ground_truth
    if truth is None:
        raise UserError(f"{clip.source}: has no ground truth to compare with")
    scored = np.arange(len(clip)) % stride == stride // 2
    if isinstance(lifter, Baseline):
        answer = lifter.lift(clip, mask)
    else:
        task = lifter.start(clip, task_name, mode, mirror, calibrate)
        for _ in task.update(mask, frames=scored):
            pass
        answer = task.prediction()
    return _Scored(action, answer.positions[scored], truth[scored], mask[scored], clip.times[scored])


class _Sums:
    """Figures weighted by frames, gathered view by view."""

    def __init__(self) -> None:
        self._errors: list[NDArray[np.float64]] = []
        self._hidden: list[Mask] = []
        self._actions: dict[str, list[NDArray[np.float64]]] = {}
        self._totals: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, view: _Scored) -> None:
        if not len(view.predicted):
            return
        errors = joint_errors(view.predicted, view.truth)
        self._errors.append(errors)
        self._hidden.append(view.hidden)
        self._actions.setdefault(view.action, []).append(errors)
        self._put("p_mpjpe", p_mpjpe(view.predicted, view.truth), len(errors))
        self._put("n_mpjpe", n_mpjpe(view.predicted, view.truth), len(errors))
        if len(errors) > 1:
            self._put("velocity", velocity_error(view.predicted, view.truth, view.times), len(errors) - 1)

    def _put(self, name: str, value: float, weight: float) -> None:
        if np.isfinite(value):
            self._totals[name] = self._totals.get(name, 0.0) + value * weight
            self._weights[name] = self._weights.get(name, 0.0) + weight

    def figures(self) -> Figures:
        if not self._errors:
            return Figures()
        errors, hidden = np.concatenate(self._errors), np.concatenate(self._hidden)
        moving = np.delete(errors, MPM16.root, axis=1)
        return Figures(
            mpjpe=_mean(errors),
            pck=pck(moving),
            auc=auc(moving),
            hidden=_mean(errors[hidden]),
            visible=_mean(errors[~hidden]),
            frames=len(errors),
            by_joint={joint: _mean(errors[:, n]) for n, joint in enumerate(MPM16.joints)},
            by_action={action: _mean(np.concatenate(parts)) for action, parts in sorted(self._actions.items())},
            **{name: total / self._weights[name] for name, total in self._totals.items()},
        )


def _mean(errors: NDArray[np.float64]) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else NAN


def as_markdown(evaluation: Evaluation, details: bool = False) -> str:
    """The results as Markdown tables; with details, also by action and by joint."""
    results = evaluation.results
    lifted = {p: f for p, f in results.items() if p.task == "lift"}
    completed = {p: f for p, f in results.items() if p.task == "complete"}
    lines: list[str] = []
    if lifted:
        head = ["2D", "hidden", "MPJPE", "P-MPJPE", "N-MPJPE", "PCK@150", "AUC", "velocity mm/s", "hidden joints alone"]
        rows = [
            [p.source, p.preset, *map(_cell, (f.mpjpe, f.p_mpjpe, f.n_mpjpe, f.pck, f.auc, f.velocity, f.hidden))]
            for p, f in lifted.items()
        ]
        lines += [_table(head, rows), ""]
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
    lines.append(f"mm, over {frames} frames; lifter {evaluation.lifter}, mode {evaluation.mode}, {how}.")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _cell(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1f}"
