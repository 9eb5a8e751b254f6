"""Owns the short text form of a mask, as typed on the command line: 'left arm:100-200' or 'LWrist'."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mpm_core.errors import UserError
from mpm_core.masking import OCCLUSION_PRESETS, Mask
from mpm_core.skeleton import LIMBS, MPM16

EVERYTHING = "all"


def parse_mask(parts: Iterable[str], frames: int) -> Mask:
    """(frames, 16) mask from texts 'what' or 'what:first-last'; what is a joint, a limb, a preset or 'all'.

    Both ends of a range are hidden. UserError for a name or range that there is not.
    """
    mask = np.zeros((frames, len(MPM16)), bool)
    for part in parts:
        what, _, where = part.partition(":")
        mask[_parse_range(where, frames, part), _parse_joints(what.strip(), part)] = True
    return mask


def check_mask_names(parts: Iterable[str]) -> None:
    """UserError for a name that there is not, in texts as parse_mask takes them."""
    for part in parts:
        _parse_joints(part.partition(":")[0].strip(), part)


def _parse_joints(what: str, part: str) -> list[int]:
    if what in MPM16.joints:
        return [MPM16.index(what)]
    if what == EVERYTHING:
        return list(range(len(MPM16)))
    limbs = OCCLUSION_PRESETS.get(what, (what,))
    if not set(limbs) <= set(LIMBS):
        names = ", ".join((*LIMBS, *OCCLUSION_PRESETS, EVERYTHING))
        raise UserError(f"--hide '{part}': there is no '{what}' (limbs: {names}; joints: {', '.join(MPM16.joints)})")
    return [joint for limb in limbs for joint in MPM16.limb(limb)]


def _parse_range(where: str, frames: int, part: str) -> slice:
    if not where:
        return slice(None)
    first, _, last = where.partition("-")
    try:
        low, high = int(first), int(last or first)
    except ValueError:
        raise UserError(f"--hide '{part}': the frames must be written as 'first-last', not '{where}'") from None
    if low > high:
        raise UserError(f"--hide '{part}': the range ends before it begins")
    if not 0 <= low <= high < frames:
        raise UserError(f"--hide '{part}': the range is not within the clip's frames 0 to {frames - 1}")
    return slice(low, high + 1)
