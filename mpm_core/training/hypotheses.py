"""Owns the protocols of hypotheses: how near the best of them come to the truth, and whether their spread is calibrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.diffusion.aggregation import jpma, jpma_weighted
from mpm_core.diffusion.options import Sampling
from mpm_core.hypothesis_metrics import CONFIDENCES, best_errors, best_p_mpjpe, calibration_error, held_shares
from mpm_core.lifters.base import Lifter
from mpm_core.masking import COMPLETION_PRESETS, Mask, limb_mask
from mpm_core.metrics import joint_errors, p_mpjpe
from mpm_core.networks.denoiser import Denoiser
from mpm_core.progress import Progress
from mpm_core.training.benchmarks import find_benchmark
from mpm_core.training.drawn import D3DP, ONE, UNCERTAIN, Drawing, Drawn, draw, draw_all
from mpm_core.training.picking import Stretch, check_picked, pick
from mpm_core.training.refining_eval import PROTOCOLS

NAN = float("nan")
COUNTS = (1, 5, 20)
"""Of hypotheses: the first so many of those that are drawn."""

COMPLETION = "ground-truth 3D"


@dataclass(frozen=True)
class HypothesisResult:
    """mm, over all joints and over the hidden ones alone (NaN where none are): of the mean of so many hypotheses, of what JPMA
    makes of them, plain and with weights, of the best pose and of the best joint; p_...: after Procrustes alignment.
    calibration: error of the hidden joints, or of all where none are hidden; held: observed shares at CONFIDENCES. steps: of
    the denoiser, or 0. ms: of processor time a frame, for as many as are drawn at most."""

    source: str
    preset: str
    way: str
    samples: int
    steps: int
    mean: float = NAN
    jpma: float = NAN
    weighted: float = NAN
    best_pose: float = NAN
    best_joint: float = NAN
    p_mean: float = NAN
    p_jpma: float = NAN
    p_weighted: float = NAN
    p_best: float = NAN
    hidden_mean: float = NAN
    hidden_best_pose: float = NAN
    hidden_best_joint: float = NAN
    hidden_best_limb: float = NAN
    calibration: float = NAN
    held: tuple[float, ...] = ()
    ms: float = NAN
    frames: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, NaN as null."""
        return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in vars(self).items()}


@dataclass
class _Sums:
    """Figures of one row, view by view."""

    rows: list[dict[str, float]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    held: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(CONFIDENCES), np.int64))
    cases: int = 0

    def add(self, stretch: Stretch, mask: Mask, drawn: Drawn, samples: int) -> None:
        several, truth = drawn.hypotheses[:samples], stretch.truth
        every = np.ones(mask.shape, bool)
        of_all, of_hidden = best_errors(several, truth, every), best_errors(several, truth, mask)
        p_mean, p_best = best_p_mpjpe(several, truth)
        row = {
            "mean": of_all.mean, "best_pose": of_all.best_pose, "best_joint": of_all.best_joint, "p_mean": p_mean,
            "p_best": p_best, "hidden_mean": of_hidden.mean, "hidden_best_pose": of_hidden.best_pose,
            "hidden_best_joint": of_hidden.best_joint, "hidden_best_limb": of_hidden.best_limb, "ms": drawn.ms,
        }  # fmt: skip
        if stretch.clip.keypoints is not None:
            visible = stretch.clip.visible & ~mask
            rays = np.where(visible[..., None], stretch.clip.camera.rays(stretch.clip.keypoints), 0)
            for name, aggregate in (("jpma", jpma), ("weighted", jpma_weighted)):
                one = aggregate(several, rays, visible)
                row |= {name: float(np.nanmean(joint_errors(one, truth))), f"p_{name}": p_mpjpe(one, truth)}
        self.rows.append(row)
        self.weights.append(len(mask))
        counts, cases = held_shares(several, truth, mask if mask.any() else every)
        self.held += counts
        self.cases += cases

    def result(self, source: str, preset: str, way: str, samples: int, steps: int) -> HypothesisResult:
        means = {name: float(np.average([row[name] for row in self.rows], weights=self.weights)) for name in self.rows[0]}
        held = tuple(float(share) for share in self.held / max(self.cases, 1))
        return HypothesisResult(
            source, preset, way, samples, steps, **means, calibration=calibration_error(self.held, self.cases), held=held,
            frames=sum(self.weights),
        )  # fmt: skip


Rows = dict[tuple[str, int, int], _Sums]


def run_hypotheses(
    lifter: Lifter, model: Denoiser | None, folder: Path, views: int, frames: int, drawing: Drawing
) -> Iterator[Progress | HypothesisResult]:
    """Some views, as picked, with exact and noisy 2D, nothing hidden and pairs of limbs, and completion of each limb; yields
    Progress and each HypothesisResult. Without a denoiser, the lifter and the baselines alone."""
    check_picked(views, frames)
    Sampling(drawing.samples).checked()
    benchmark = find_benchmark(folder)
    able = [protocol for protocol in PROTOCOLS if protocol.source in benchmark.files]
    completes = model is not None and "d3dp" in drawing.ways and "complete" in lifter.tasks
    completed = tuple(COMPLETION_PRESETS) if completes else ()
    total, done = (len(able) + len(completed)) * views, 0
    stretches: list[Stretch] = []
    for source, path in benchmark.files.items():
        stretches = pick(benchmark, path, views, frames)
        for protocol in [p for p in able if p.source == source]:
            rows: Rows = {}
            for stretch in stretches:
                mask = protocol.make_mask(len(stretch.clip), np.random.default_rng(stretch.number))
                for drawn in draw_all(lifter, model, stretch, mask, drawing, stretch.number):
                    _add(rows, stretch, mask, drawn)
                done += 1
                yield Progress(done, total, f"{source}, {protocol.preset}")
            yield from (sums.result(source, protocol.preset, *of) for of, sums in rows.items())
    for preset in completed:
        assert model is not None
        rows = {}
        mask_of = COMPLETION_PRESETS[preset]
        for stretch in stretches:
            mask = limb_mask(len(stretch.clip), mask_of)
            for drawn in _complete_all(lifter, model, stretch, mask, drawing, stretch.number):
                _add(rows, stretch, mask, drawn)
            done += 1
            yield Progress(done, total, f"completing, {preset}")
        yield from (sums.result(COMPLETION, preset, *of) for of, sums in rows.items())


def _add(rows: Rows, stretch: Stretch, mask: Mask, drawn: Drawn) -> None:
    most = len(drawn.hypotheses)
    for samples in sorted({min(count, most) for count in COUNTS} | {most}) if drawn.steps or most > 2 else (most,):
        rows.setdefault((drawn.way, samples, drawn.steps), _Sums()).add(stretch, mask, drawn, samples)


def _complete_all(
    lifter: Lifter, model: Denoiser, stretch: Stretch, mask: Mask, drawing: Drawing, seed: int
) -> Iterator[Drawn]:
    answer = lifter.complete(stretch.truth, mask, stretch.clip.fps)
    yield Drawn(ONE, answer.positions[None])
    for steps in drawing.steps:
        yield draw(model, stretch, mask, D3DP, Sampling(drawing.samples, steps, seed=seed), task="complete")


def _cell(value: float, places: int = 1) -> str:
    return "–" if np.isnan(value) else f"{value:.{places}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _steps(steps: int) -> str:
    return str(steps) if steps else "–"


def as_markdown(results: Sequence[HypothesisResult]) -> str:
    """A row for each way, number of hypotheses and of steps; one hypothesis where several could not differ."""
    head = ["input", "hidden", "way", "H", "K", "mean", "JPMA", "weighted", "best pose", "best joint"]
    head += ["P: mean", "P: JPMA", "P: weighted", "P: best pose"]
    head += ["hidden joints: mean", "best pose", "best limb", "best joint", "calibration error", "ms a frame"]
    rows = [
        [r.source, r.preset, r.way, str(r.samples), _steps(r.steps)]
        + [
            _cell(v)
            for v in (r.mean, r.jpma, r.weighted, r.best_pose, r.best_joint, r.p_mean, r.p_jpma, r.p_weighted, r.p_best)
        ]
        + [_cell(v) for v in (r.hidden_mean, r.hidden_best_pose, r.hidden_best_limb, r.hidden_best_joint)]
        + [_cell(r.calibration, 3), _cell(r.ms, 2)]
        for r in results
    ]
    return "\n".join([_table(head, rows), "", f"mm, over {max(r.frames for r in results)} frames.{_alike(results)}"])


def _alike(results: Sequence[HypothesisResult]) -> str:
    """Why there is one hypothesis where more may have been asked for."""
    if not any(r.steps == 1 and r.way != UNCERTAIN for r in results):
        return ""
    return " In one step from noise all hypotheses are the same: H is 1 there, and there is no best of more."


_SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)


def calibration_as_markdown(results: Sequence[HypothesisResult]) -> str:
    """A row for each way with as many hypotheses as were drawn: how often the truth lies in the ball that holds a share of
    them."""
    most = {(r.source, r.preset, r.way, r.steps): r for r in results}  # the last of each has most
    head = ["input", "hidden", "way", "H", "K", "calibration error", *(f"in {100 * q:.0f} %" for q in _SHOWN)]
    places = [int(np.flatnonzero(np.isclose(CONFIDENCES, q))[0]) for q in _SHOWN]
    rows = [
        [r.source, r.preset, r.way, str(r.samples), _steps(r.steps), _cell(r.calibration, 3)]
        + [f"{100 * r.held[place]:.0f} %" for place in places]
        for r in most.values()
    ]
    over = f"Over {max(r.frames for r in results)} frames; of hidden joints where any are."
    return "\n".join([_table(head, rows), "", f"{over}{_alike(results)}"])
