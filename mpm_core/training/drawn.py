"""Owns the ways to several answers that are compared with each other: those of one lifter, plain baselines, and a
denoiser's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.diffusion.aggregation import spread_of
from mpm_core.diffusion.options import Sampling
from mpm_core.hypothesis_metrics import noise_around
from mpm_core.lifters.aids import ALL
from mpm_core.lifters.base import Lifter
from mpm_core.lifters.drawing import Drawer, FirstAnswer
from mpm_core.lifters.placing import laid_on
from mpm_core.lifters.sights import Sight
from mpm_core.masking import Mask
from mpm_core.networks.denoiser import Denoiser
from mpm_core.prediction import Prediction
from mpm_core.training.picking import Stretch, camera_beside

ONE, MIRROR, NOISE = "one answer", "mirrored pair", "noise around, spread of the mirror"
D3DP, LAID, UNCERTAIN = "D3DP", "D3DP, laid on the answer", "D3DP, uncertain start"
NOISE_LIKE = "noise around, spread of D3DP"
PLATYPOSE, TWO_CAMERAS = "Platypose", "Platypose, two cameras"

WAYS = {"d3dp": (D3DP, LAID, NOISE_LIKE), "uncertain": (UNCERTAIN,), "platypose": (PLATYPOSE, TWO_CAMERAS)}
"""Of a denoiser, as they are asked for: rows of the tables."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Hypotheses (samples, frames, 16, 3) metres from Hip in camera axes: one where several could not differ. steps: of a
    denoiser, or 0. ms: of processor time for a frame of all of them; NaN where they cost nothing beside the answer."""

    way: str
    hypotheses: NDArray[np.floating]
    steps: int = 0
    ms: float = float("nan")


@dataclass(frozen=True)
class Drawing:
    """What is asked of a denoiser: hypotheses at most, numbers of steps, one after the other, and which of WAYS."""

    samples: int = 20
    steps: tuple[int, ...] = (1, 2, 5, 10)
    ways: tuple[str, ...] = tuple(WAYS)


def draw_all(
    lifter: Lifter, model: Denoiser | None, stretch: Stretch, mask: Mask, drawing: Drawing, seed: int
) -> Iterator[Drawn]:
    """Every way to lift a stretch with a mask (frames, 16); those of a denoiser that are asked for, where there is one."""
    clip = stretch.clip
    began = time.process_time()
    answer = lifter.lift(clip, mask)
    yield Drawn(ONE, answer.positions[None], ms=_ms_since(began, len(clip)))
    if answer.hypotheses is not None and answer.uncertainty is not None:
        yield Drawn(MIRROR, answer.hypotheses)
        yield Drawn(NOISE, _noise(answer, answer.uncertainty, mask, drawing.samples, seed))
    if model is None:
        return
    first = None
    if {"uncertain", "platypose"} & set(drawing.ways):
        plain = lifter.lift(clip, mask, aids=replace(ALL, fit=False, ground=False))
        first = FirstAnswer(plain.positions, plain.uncertainty)
    for steps in drawing.steps:
        sampling = Sampling(drawing.samples, steps, seed=seed).checked()
        if "d3dp" in drawing.ways:
            drawn = draw(model, stretch, answer.hidden, D3DP, sampling)
            yield drawn
            yield replace(drawn, way=LAID, hypotheses=laid_on(drawn.hypotheses, answer.positions, answer.hidden))
            if sampling.can_differ:
                like = _noise(answer, spread_of(drawn.hypotheses), mask, drawing.samples, seed)
                yield Drawn(NOISE_LIKE, like, steps)
        if "uncertain" in drawing.ways:
            yield draw(model, stretch, answer.hidden, UNCERTAIN, replace(sampling, start="uncertain"), first)
        if "platypose" in drawing.ways:
            yield draw(model, stretch, answer.hidden, PLATYPOSE, sampling, first)
            if stretch.other is not None:
                yield draw(model, stretch, answer.hidden, TWO_CAMERAS, sampling)


def draw(
    model: Denoiser, stretch: Stretch, hidden: Mask, way: str, sampling: Sampling, first: FirstAnswer | None = None,
    task: str = "lift",
) -> Drawn:  # fmt: skip
    """Hypotheses of one of a denoiser's ways, or the one that all of them would be; hidden: (frames, 16), with what the clip
    lacks."""
    sampling = sampling if sampling.can_differ else replace(sampling, samples=1)
    clip, others = stretch.clip, _others(stretch, hidden) if way == TWO_CAMERAS else ()
    drawer = Drawer(model, clip, task, "platypose" if way in (PLATYPOSE, TWO_CAMERAS) else "d3dp", others)
    began = time.process_time()
    for _ in drawer.draw(hidden, slice(0, len(clip)), sampling, first):
        pass
    return Drawn(way, drawer.hypotheses, sampling.steps, _ms_since(began, len(clip)))


def _others(stretch: Stretch, hidden: Mask) -> Sequence[Sight]:
    """The camera beside; what is hidden is hidden from both."""
    if stretch.other is None or stretch.other.ground_truth is None:
        return ()
    rotation, offset = camera_beside(stretch.truth, stretch.other.ground_truth)
    return (Sight(stretch.other, hidden | ~stretch.other.visible, rotation, offset),)


def _noise(answer: Prediction, spread_m: NDArray[np.floating], mask: Mask, samples: int, seed: int) -> NDArray[np.float32]:
    """Around hidden joints alone, where any are."""
    spread = np.where(mask, spread_m, 0) if mask.any() else spread_m
    return noise_around(answer.positions, spread, samples, answer.fps, np.random.default_rng(seed))


def _ms_since(began: float, frames: int) -> float:
    return 1000 * (time.process_time() - began) / frames
