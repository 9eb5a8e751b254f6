"""Owns the evaluation protocols: lifting, lifting with hidden limbs, and 3D completion on a benchmark folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.h36m_npz import read_all
from mpm_core.lifters.base import TASKS, Lifter
from mpm_core.masking import COMPLETION_PRESETS, OCCLUSION_PRESETS, limb_mask
from mpm_core.metrics import joint_errors, n_mpjpe, p_mpjpe, velocity_error
from mpm_core.progress import Progress
from mpm_core.training.baselines import Baseline

INPUTS: Mapping[str, str] = {"ground-truth 2D": "data_2d_open_gt.npz", "noisy 2D": "data_2d_open_det.npz"}


@dataclass(frozen=True)
class Protocol:
    """One line of the tables: the task, what is fed, and which limbs are hidden in every frame."""

    task: str
    source: str
    preset: str
    limbs: tuple[str, ...]


@dataclass
class Figures:
    """Figures of one protocol over all frames of all views, mm (velocity: mm/s); NaN where there is nothing to measure.

    hidden: the hidden joints alone.
    """

    mpjpe: float = float("nan")
    p_mpjpe: float = float("nan")
    n_mpjpe: float = float("nan")
    velocity: float = float("nan")
    hidden: float = float("nan")
    frames: int = 0


@dataclass
class Evaluation:
    """Results by protocol, with how they were made."""

    lifter: str
    mode: str
    stride: int
    results: dict[Protocol, Figures] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, NaN as null."""
        rows = []
        for protocol, figures in self.results.items():
            numbers = {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(figures).items()}
            rows.append(asdict(protocol) | numbers)
        return {"lifter": self.lifter, "mode": self.mode, "stride": self.stride, "results": rows}


def lifting_protocols() -> tuple[Protocol, ...]:
    """Ground-truth and noisy 2D, with no mask and with each limb pair of the paper's table 3."""
    hidden: dict[str, tuple[str, ...]] = {"nothing": ()} | dict(OCCLUSION_PRESETS)
    return tuple(Protocol("lift", source, name, limbs) for source in INPUTS for name, limbs in hidden.items())


def completion_protocols() -> tuple[Protocol, ...]:
    """Each limb of the paper's table 4, hidden from true 3D."""
    return tuple(Protocol("complete", "ground-truth 3D", name, limbs) for name, limbs in COMPLETION_PRESETS.items())


def evaluate(
    lifter: Lifter | Baseline,
    folder: Path,
    mode: str = "fast",
    stride: int = 1,
    mirror: bool = False,
    tasks: Sequence[str] = TASKS,
) -> Iterator[Progress | Evaluation]:
    """Run the protocols of some tasks on a benchmark folder; yields Progress and at last the Evaluation.

    stride: one of so many frames is scored, and windows that answer none of these are not run (accurate mode has a window
    for every frame, so it takes that much less time). UserError for a folder or stride that cannot be used.
    """
    if stride < 1:
        raise UserError(f"the stride must be 1 or more frames, not {stride}")
    evaluation = Evaluation(lifter.name, mode, stride)
    lifting = lifting_protocols() if "lift" in tasks else ()
    completing = completion_protocols() if "complete" in tasks else ()
    done, total = 0, 0
    sums: dict[Protocol, _Sums] = {protocol: _Sums() for protocol in lifting + completing}
    for source, name in INPUTS.items():
        path = folder / name
        if not path.exists():
            raise UserError(f"{path}: the benchmark file is missing")
        clips = list(read_all(path))
        total = total or len(clips) * (len(lifting) + len(completing))
        chosen = [p for p in lifting if p.source == source] + list(completing if done == 0 else ())
        for clip in clips:
            for protocol in chosen:
                sums[protocol].add(*_score(lifter, clip, protocol, mode, stride, mirror))
                done += 1
            yield Progress(done, total, clip.source)
    evaluation.results = {protocol: s.figures() for protocol, s in sums.items()}
    yield evaluation


def _score(
    lifter: Lifter | Baseline, clip: Clip, protocol: Protocol, mode: str, stride: int, mirror: bool
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.bool_], NDArray[np.float64]]:
    """Predicted and true positions, mask and times of the scored frames."""
    truth = clip.to_mpm16().ground_truth
    if truth is None:
        raise UserError(f"{clip.source}: has no ground truth to compare with")
    mask = limb_mask(len(clip), protocol.limbs)
    scored = np.arange(len(clip)) % stride == stride // 2
    if isinstance(lifter, Baseline):
        answer = lifter.lift(clip, mask)
    else:
        task = lifter.start(clip, protocol.task, mode, mirror)
        for _ in task.update(mask, frames=scored):
            pass
        answer = task.prediction()
    return answer.positions[scored], truth[scored], mask[scored], clip.times[scored]


class _Sums:
    """Figures weighted by frames, gathered clip by clip."""

    def __init__(self) -> None:
        self._frames = 0
        self._totals: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(
        self, predicted: NDArray[np.floating], truth: NDArray[np.floating], mask: NDArray[np.bool_], times: NDArray[np.float64]
    ) -> None:
        if not len(predicted):
            return
        errors = joint_errors(predicted, truth)
        self._frames += len(predicted)
        self._put("mpjpe", float(np.nanmean(errors)), len(errors))
        self._put("p_mpjpe", p_mpjpe(predicted, truth), len(errors))
        self._put("n_mpjpe", n_mpjpe(predicted, truth), len(errors))
        if len(errors) > 1:
            self._put("velocity", velocity_error(predicted, truth, times), len(errors) - 1)
        if mask.any():
            self._put("hidden", float(np.nanmean(errors[mask])), len(errors))

    def _put(self, name: str, value: float, weight: float) -> None:
        if np.isfinite(value):
            self._totals[name] = self._totals.get(name, 0.0) + value * weight
            self._weights[name] = self._weights.get(name, 0.0) + weight

    def figures(self) -> Figures:
        return Figures(**{name: total / self._weights[name] for name, total in self._totals.items()}, frames=self._frames)


def as_markdown(evaluation: Evaluation) -> str:
    """The results as two Markdown tables."""
    lines = [
        "| 2D | hidden | MPJPE | P-MPJPE | N-MPJPE | velocity mm/s | hidden joints alone |",
        "|---|---|---|---|---|---|---|",
    ]
    lift = {p: f for p, f in evaluation.results.items() if p.task == "lift"}
    for protocol, f in lift.items():
        cells = (f.mpjpe, f.p_mpjpe, f.n_mpjpe, f.velocity, f.hidden)
        lines.append(f"| {protocol.source} | {protocol.preset} | " + " | ".join(_cell(c) for c in cells) + " |")
    completed = [(p, f) for p, f in evaluation.results.items() if p.task == "complete"]
    if completed:
        lines += ["", "| 3D completion | all 16 joints, visible copied | the limb's own joints |", "|---|---|---|"]
    for protocol, f in completed:
        lines.append(f"| {protocol.preset} | {_cell(f.mpjpe)} | {_cell(f.hidden)} |")
    frames = max((f.frames for f in evaluation.results.values()), default=0)
    lines.append(
        f"\nmm, over {frames} frames; lifter {evaluation.lifter}, mode {evaluation.mode}, every {evaluation.stride}. frame."
    )
    return "\n".join(lines)


def _cell(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1f}"
