"""Owns the protocol of refining: what it brings alone and before the fit, what of it reaches the truth, and how long it
takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import Lifter
from mpm_core.metrics import joint_errors, p_mpjpe
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.training.benchmarks import find_benchmark
from mpm_core.training.picking import Stretch, check_picked, pick
from mpm_core.training.protocols import GROUPS, Protocol

NAN = float("nan")

_WAYS = {
    "alone": Aids(fit=False, ground=False),
    "refined": Aids(fit=False, ground=False, refine=True),
    "fitted": Aids(ground=False),
    "refined, fitted": Aids(ground=False, refine=True),
}
PAIRS = ("2 legs", "2 arms", "left leg + left arm", "right leg + right arm")
PROTOCOLS = GROUPS["lifting"] + tuple(p for p in GROUPS["occlusion"] if p.preset in PAIRS)


@dataclass(frozen=True)
class RefineResult:
    """mm of an answer in one way, an entry of _WAYS: MPJPE, P-MPJPE, and MPJPE of the hidden joints alone. off_px: from the
    keypoints that were shown, the mean. ms: of processor time a frame."""

    source: str
    preset: str
    way: str
    mpjpe: float
    p_mpjpe: float
    hidden: float
    off_px: float
    ms: float
    frames: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, NaN as null."""
        return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in vars(self).items()}


def run_refine(
    lifter: Lifter, folder: Path, views: int, frames: int, protocols: Sequence[Protocol] = PROTOCOLS
) -> Iterator[Progress | RefineResult]:
    """Some views, as picked, with exact and noisy 2D, nothing hidden and pairs of limbs; yields Progress and each result."""
    check_picked(views, frames)
    benchmark = find_benchmark(folder)
    able = [protocol for protocol in protocols if protocol.source in benchmark.files]
    stretches = {source: pick(benchmark, path, views, frames) for source, path in benchmark.files.items()}
    total, done = len(able) * len(_WAYS) * views, 0
    for protocol in able:
        for way, aids in _WAYS.items():
            rows = []
            for number, stretch in enumerate(stretches[protocol.source]):
                rows.append(_score(lifter, stretch, protocol, aids, number))
                done += 1
                yield Progress(done, total, f"{protocol.preset}, {way}")
            yield _result(protocol, way, rows)


def _score(lifter: Lifter, stretch: Stretch, protocol: Protocol, aids: Aids, number: int) -> tuple[float, ...]:
    clip = stretch.clip
    mask = protocol.make_mask(len(clip), np.random.default_rng(number))
    began = time.process_time()
    answer = lifter.lift(clip, mask, aids=aids)
    spent = time.process_time() - began
    errors = joint_errors(answer.positions, stretch.truth)
    hidden = float(np.nanmean(errors[mask])) if mask.any() else NAN
    aligned = p_mpjpe(answer.positions, stretch.truth)
    return float(np.nanmean(errors)), aligned, hidden, _off_px(answer, stretch), 1000 * spent / len(clip), len(clip)


def _off_px(answer: Prediction, stretch: Stretch) -> float:
    clip = stretch.clip
    assert clip.keypoints is not None
    off = np.linalg.norm(clip.camera.project(answer.absolute()) - clip.keypoints, axis=-1)
    return float(off[clip.visible & ~answer.hidden].mean())


def _result(protocol: Protocol, way: str, rows: Sequence[tuple[float, ...]]) -> RefineResult:
    table = np.array(rows)
    of = np.average(table[:, :5], axis=0, weights=table[:, 5]).tolist()
    return RefineResult(protocol.source, protocol.preset, way, of[0], of[1], of[2], of[3], of[4], int(table[:, 5].sum()))


def as_markdown(results: Sequence[RefineResult]) -> str:
    """A row for each kind of 2D and what is hidden; and how long it takes."""
    table = {(r.source, r.preset, r.way): r for r in results}
    head = ["2D", "hidden", *(f"{way}: MPJPE" for way in _WAYS), "refined beside alone", "before the fit beside it"]
    head += ["hidden joints: alone", "refined", "off keypoints: alone, px", "refined, px"]
    lines = []
    for source, preset in dict.fromkeys((r.source, r.preset) for r in results):
        of = {way: table[source, preset, way] for way in _WAYS}
        gains = [_gain(of["refined"].mpjpe, of["alone"].mpjpe), _gain(of["refined, fitted"].mpjpe, of["fitted"].mpjpe)]
        hidden = ["–" if np.isnan(of[way].hidden) else f"{of[way].hidden:.1f}" for way in ("alone", "refined")]
        off = [f"{of[way].off_px:.1f}" for way in ("alone", "refined")]
        lines.append([source, preset, *(f"{of[way].mpjpe:.1f}" for way in _WAYS), *gains, *hidden, *off])
    means = {way: float(np.mean([r.ms for r in results if r.way == way])) for way in _WAYS}
    times = ", ".join(f"{way} {ms:.2f}" for way, ms in means.items())
    rows = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *lines)]
    return "\n".join([*rows, "", f"mm, over {max(r.frames for r in results)} frames. Processor time, ms a frame: {times}."])


def _gain(after: float, before: float) -> str:
    return f"{100 * (after / before - 1):+.1f} %"
