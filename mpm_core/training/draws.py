"""Owns what each training step draws of masks: how long its windows are, and what is hidden in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mpm_core.masking import Mask, MaskRatios, draw_parts

Parts = Sequence[tuple[int, Mapping[str, float]]]
"""(windows, relative shares of the samplers) of each run of windows in a batch."""


@dataclass(frozen=True)
class Request:
    """What one step needs. first: where in the whole window its windows begin."""

    frames: int
    first: int
    parts: Parts
    ratios: MaskRatios
    seed: tuple[int, int]

    def draw(self) -> Mask:
        """(windows, frames, 16), by random numbers that follow from the seed alone."""
        return draw_parts(self.seed, self.frames, self.parts, self.ratios)


def draw_length(lengths: Mapping[int, float], whole: int, takes_longer: bool, seed: tuple[int, int]) -> tuple[int, int]:
    """Frames per window of a step, by relative shares (of the whole window where there are none), and where it begins.

    takes_longer: whether windows may be longer than the whole one.
    """
    if not lengths:
        return whole, 0
    rng = np.random.default_rng((*seed, 1))
    shares = np.array(list(lengths.values()), float)
    frames = int(rng.choice(np.array([int(n) for n in lengths]), p=shares / shares.sum()))
    if not takes_longer:
        frames = min(frames, whole)
    return frames, int(rng.integers(0, max(whole - frames, 0) + 1))
