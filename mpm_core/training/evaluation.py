"""Owns running the evaluation protocols on a benchmark folder, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.ground_metrics import NOT_ON_GROUND, OnGround, on_ground, true_places
from mpm_core.grounding.standing import standing_feet
from mpm_core.lifters.aids import ALL, Aids
from mpm_core.lifters.base import Lifter
from mpm_core.masking import Mask, unsure_joints
from mpm_core.metrics import (
    acceleration_error,
    angle_deg,
    auc,
    f1_score,
    joint_errors,
    jumps,
    n_mpjpe,
    p_mpjpe,
    pck,
    velocity_error,
)
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.training.baselines import Baseline
from mpm_core.training.benchmarks import FOURTEEN, Benchmark, BenchmarkClip, find_benchmark
from mpm_core.training.protocols import PAPER, Protocol

NAN = float("nan")


@dataclass
class Figures:
    """Figures of one protocol over all frames of all views, mm (velocity: mm/s; pck, auc: per cent); NaN where there is
    nothing to measure.

    acceleration: error in m/s2, and jumps (see metrics.py), where every frame is scored. up: error in degrees, the median over
    views, with its 90th percentile; standing: F1 over feet and frames; both where a network tells of the ground. sliding: m/s
    of feet that truly stand; under: per cent of frames with a foot under the floor; path: mm (see ground_metrics.py); these
    where every frame is scored and the truth knows where the person is.
    hidden, visible: MPJPE of these joints alone; mpjpe_14: of the 14 joints without Hip and Spine. pck (at 150 mm) and auc
    are over the benchmark's joints, which never include Hip, whose error is zero by definition.
    by_joint: MPJPE of each of the 16 joints. by_action: MPJPE of each action.
    """

    mpjpe: float = NAN
    mpjpe_14: float = NAN
    p_mpjpe: float = NAN
    n_mpjpe: float = NAN
    pck: float = NAN
    auc: float = NAN
    velocity: float = NAN
    acceleration: float = NAN
    jumps: float = NAN
    up: float = NAN
    up_p90: float = NAN
    standing: float = NAN
    sliding: float = NAN
    under: float = NAN
    path: float = NAN
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
    benchmark: str = ""
    threshold: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, NaN as null."""
        rows = [
            {"group": p.group, "task": p.task, "source": p.source, "preset": p.preset} | _without_nan(vars(figures))
            for p, figures in self.results.items()
        ]
        how = {"benchmark": self.benchmark, "lifter": self.lifter, "mode": self.mode, "stride": self.stride}
        return how | {"threshold": self.threshold, "results": rows}


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
    fps: float
    is_whole: bool
    up_error: float = NAN
    feet: NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, np.int64))
    ground: OnGround = NOT_ON_GROUND


def evaluate(
    lifter: Lifter | Baseline,
    folder: Path,
    protocols: Sequence[Protocol] = PAPER,
    mode: str = "fast",
    stride: int = 1,
    aids: Aids = ALL,
    threshold: float = 0.0,
) -> Iterator[Progress | Evaluation]:
    """Run protocols on a benchmark folder; yields Progress and at last the Evaluation.

    stride: one of so many frames is scored, and windows that answer none of these are not run (per-frame mode has a window
    for every frame, so it takes that much less time). aids: see Lifter. threshold: 2D of less
    confidence is hidden from the lifter, as the viewer does with detections. UserError for a folder or stride that
    cannot be used.
    """
    if stride < 1:
        raise UserError(f"the stride must be 1 or more frames, not {stride}")
    benchmark = find_benchmark(folder)
    able = [p for p in protocols if p.task == "complete" or p.source in benchmark.files]
    if not able:
        raise UserError(f"{folder}: has nothing for these protocols")
    sums = {protocol: _Sums(benchmark) for protocol in able}
    done, total = 0, 0
    for source, path in benchmark.files.items():
        # Completion takes the true 3D, which stands beside either file.
        first = source == next(iter(benchmark.files))
        chosen = [p for p in able if p.source == source or (p.task == "complete" and first)]
        clips = list(benchmark.read(path)) if chosen else []
        total = total or len(clips) * len(able)
        for number, clip in enumerate(clips):
            for protocol in chosen:
                mask = protocol.make_mask(len(clip.clip), np.random.default_rng(number))
                sums[protocol].add(_score(lifter, clip, protocol.task, mask, mode, stride, aids, threshold))
                done += 1
            yield Progress(done, total, clip.clip.source)
    yield Evaluation(lifter.name, mode, stride, {p: s.figures() for p, s in sums.items()}, benchmark.name, threshold)


def _score(
    lifter: Lifter | Baseline,
    scored: BenchmarkClip,
    task_name: str,
    mask: Mask,
    mode: str,
    stride: int,
    aids: Aids,
    threshold: float,
) -> _Scored:
    clip = scored.clip
    truth = clip.to_mpm16().ground_truth
    assert truth is not None
    rows = (np.arange(len(clip)) % stride == stride // 2) & scored.counted
    if isinstance(lifter, Baseline):
        answer = lifter.lift(clip, mask)
    else:
        task = lifter.start(clip, task_name, mode, aids)
        unsure = unsure_joints(clip.to_mpm16(), threshold) if task_name == "lift" and threshold > 0 else np.zeros_like(mask)
        for _ in task.update(mask | unsure, frames=rows):
            pass
        answer = task.prediction()
    ground = _score_ground(answer, clip.to_mpm16(), rows) if task_name == "lift" else {}
    is_whole = bool(rows.all())
    return _Scored(
        scored.action, answer.positions[rows], truth[rows], mask[rows], clip.times[rows], clip.fps, is_whole, **ground
    )


def _score_ground(answer: Prediction, clip: Clip, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """How far up is off, how many feet are found to stand, wrongly so, or missed, and how they do."""
    places = true_places(clip)
    scores: dict[str, Any] = {}
    if places is not None and rows.all() and clip.up is not None:
        scores["ground"] = on_ground(answer, clip)
    if answer.up is None or answer.contact is None or clip.up is None:
        return scores
    scores["up_error"] = angle_deg(answer.up, np.array(clip.up))
    if places is not None:
        standing = standing_feet(places, np.array(clip.up) / np.linalg.norm(clip.up), clip.fps)[0][rows]
        told = answer.contact[rows] > 0.5
        scores["feet"] = np.array([(told & standing).sum(), (told & ~standing).sum(), (~told & standing).sum()])
    return scores


class _Sums:
    """Figures weighted by frames, gathered view by view; by actions where the benchmark says so."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._errors: list[NDArray[np.float64]] = []
        self._hidden: list[Mask] = []
        self._actions: dict[str, list[NDArray[np.float64]]] = {}
        self._totals: dict[str, dict[str, tuple[float, float]]] = {}
        self._jumps: list[int] = []
        self._up_errors: list[float] = []
        self._feet = np.zeros(3, np.int64)
        self._ground: list[OnGround] = []

    def add(self, view: _Scored) -> None:
        if not len(view.predicted):
            return
        errors = joint_errors(view.predicted, view.truth)
        self._errors.append(errors)
        self._hidden.append(view.hidden)
        self._actions.setdefault(view.action, []).append(errors)
        every = np.isfinite(errors).sum()
        self._put("mpjpe_14", view.action, _mean(errors[:, list(FOURTEEN)]), len(errors))
        counted = errors[:, list(self._benchmark.pck_joints)]
        self._put("pck", view.action, pck(counted), len(errors))
        self._put("auc", view.action, auc(counted), len(errors))
        self._put("mpjpe", view.action, _mean(errors), int(every))
        self._put("p_mpjpe", view.action, p_mpjpe(view.predicted, view.truth), len(errors))
        self._put("n_mpjpe", view.action, n_mpjpe(view.predicted, view.truth), len(errors))
        if view.is_whole:
            self._put("acceleration", view.action, acceleration_error(view.predicted, view.truth, view.fps), len(errors) - 2)
            self._jumps.append(jumps(view.predicted, view.truth))
        if np.isfinite(view.up_error):
            self._up_errors.append(view.up_error)
        self._feet += view.feet
        self._ground.append(view.ground)
        if len(errors) > 1:
            self._put("velocity", view.action, velocity_error(view.predicted, view.truth, view.times), len(errors) - 1)

    def _put(self, name: str, action: str, value: float, weight: float) -> None:
        if np.isfinite(value):
            parts = self._totals.setdefault(name, {})
            total, so_far = parts.get(action, (0.0, 0.0))
            parts[action] = (total + value * weight, so_far + weight)

    def _average(self, parts: dict[str, tuple[float, float]]) -> float:
        if self._benchmark.averages_actions:
            return float(np.mean([total / weight for total, weight in parts.values()]))
        totals, weights = zip(*parts.values(), strict=True)
        return float(sum(totals) / sum(weights))

    def figures(self) -> Figures:
        if not self._errors:
            return Figures()
        errors, hidden = np.concatenate(self._errors), np.concatenate(self._hidden)
        return Figures(
            hidden=_mean(errors[hidden]),
            visible=_mean(errors[~hidden]),
            frames=len(errors),
            jumps=float(sum(self._jumps)) if self._jumps else NAN,
            up=float(np.median(self._up_errors)) if self._up_errors else NAN,
            up_p90=float(np.percentile(self._up_errors, 90)) if self._up_errors else NAN,
            standing=f1_score(*(int(count) for count in self._feet)),
            sliding=_mean(np.concatenate([ground.slides for ground in self._ground])),
            under=_mean(100.0 * np.concatenate([ground.under for ground in self._ground])),
            path=_mean(np.concatenate([ground.path for ground in self._ground])),
            by_joint={joint: _mean(errors[:, n]) for n, joint in enumerate(MPM16.joints)},
            by_action={action: _mean(np.concatenate(parts)) for action, parts in sorted(self._actions.items())},
            **{name: self._average(parts) for name, parts in self._totals.items()},
        )


def _mean(errors: NDArray[np.float64]) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else NAN
