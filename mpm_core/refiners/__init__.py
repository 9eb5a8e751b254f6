"""Owns the table of 2D refiners, which clean up what a detector found, and their use one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.refiners import hampel, one_euro, savgol
from mpm_core.refiners.base import Refiner, keypoints_of

REFINERS: Mapping[str, Refiner] = {module.REFINER.name: module.REFINER for module in (hampel, one_euro, savgol)}
"""All refiners, in the order in which they are best applied: what smooths would spread an outlier over its neighbours."""


OF_ANSWERS: Mapping[str, str] = {"uao": "refine"}
"""Refiners of what is lifted, by the aids (see lifters/aids.py) that switch them on."""


def check_refiners(names: Sequence[str], lifts: bool = False) -> None:
    """UserError for a name that there is not, or for one of OF_ANSWERS where nothing is lifted."""
    known = (*REFINERS, *(OF_ANSWERS if lifts else ()))
    for name in names:
        if name in OF_ANSWERS and not lifts:
            raise UserError(f"the refiner '{name}' is of lifted answers, and nothing is lifted here")
        if name not in known:
            raise UserError(f"unknown refiner '{name}' (known: {', '.join(known)})")


def split_refiners(names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, bool]]:
    """Those of the 2D, and the aids that those of answers switch on."""
    return tuple(name for name in names if name not in OF_ANSWERS), {aid: name in names for name, aid in OF_ANSWERS.items()}


def refine(clip: Clip, names: Sequence[str]) -> Clip:
    """The clip with its 2D cleaned up by the named refiners, in the order given.

    UserError for a name that there is not, or a clip without 2D.
    """
    keypoints_of(clip)
    check_refiners(names)
    for name in names:
        clip = REFINERS[name].apply(clip).after(f"cleaned: {REFINERS[name].label}")
    return clip
