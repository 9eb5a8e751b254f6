"""Owns the table of 2D refiners, which clean up what a detector found, and their use one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.refiners import hampel, one_euro, savgol
from mpm_core.refiners.base import Refiner, keypoints_of

REFINERS: Mapping[str, Refiner] = {module.REFINER.name: module.REFINER for module in (hampel, one_euro, savgol)}
"""All refiners, in the order in which they are best applied: what smooths would spread an outlier over its neighbours."""


def check_refiners(names: Sequence[str]) -> None:
    """UserError for a name that there is not."""
    for name in names:
        if name not in REFINERS:
            raise UserError(f"unknown refiner '{name}' (known: {', '.join(REFINERS)})")


def refine(clip: Clip, names: Sequence[str]) -> Clip:
    """The clip with its 2D cleaned up by the named refiners, in the order given.

    UserError for a name that there is not, or a clip without 2D.
    """
    keypoints_of(clip)
    check_refiners(names)
    for name in names:
        clip = REFINERS[name].apply(clip).after(f"cleaned: {REFINERS[name].label}")
    return clip
