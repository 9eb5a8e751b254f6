"""Owns how frames and joints are called where people read of them: frames are counted from 1, joints written out."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import LIMBS, MPM16

COUNTED_FROM_ONE = "Frames are counted from 1 here; files, the command line and Python count them from 0"

_SIDES = {"L": "Left ", "R": "Right "}


def frames_in_words(first: int, last: int | None = None) -> str:
    """'frame 5' or 'frames 5–9', of frames that are counted from 0."""
    return f"frame {first + 1}" if last is None or last == first else f"frames {first + 1}–{last + 1}"


_SPAN = re.compile(r"\bframes? (\d+)(?:–(\d+))?(?![\d–]|[.,]\d| (?:of|to|counted)\b)")


def with_times(text: str, times: NDArray[np.float64]) -> str:
    """'frames 300–320 (5.98–6.38 s)' for the 'frames 300–320' of a sentence. times: (frames,) seconds of the clip; frames that
    it does not have are left alone."""

    def timed(found: re.Match[str]) -> str:
        numbers = [int(number) for number in found.groups() if number]
        if not all(0 < number <= len(times) for number in numbers):
            return found[0]
        return f"{found[0]} ({'–'.join(f'{times[number - 1]:.2f}' for number in numbers)} s)"

    return _SPAN.sub(timed, text)


def joint_in_words(joint: int) -> str:
    """'Right wrist' for RWrist, of the joints that everything is shown in."""
    return name_in_words(MPM16.joints[joint])


def name_in_words(name: str) -> str:
    """'Left big toe' for LBigToe, of any skeleton's joints; files keep the short names."""
    match = re.fullmatch(r"([LR])([A-Z]\w+)", name)
    side, rest = (_SIDES[match[1]], match[2]) if match else ("", name)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", rest).lower()
    return side + words if side else words[:1].upper() + words[1:]


def joints_in_words(joints: Iterable[int]) -> str:
    """A joint's or a limb's name, or how many joints they are."""
    chosen = frozenset(joints)
    if len(chosen) == 1:
        return joint_in_words(min(chosen))
    limb = next((limb for limb in LIMBS if frozenset(MPM16.limb(limb)) == chosen), None)
    return f"{len(chosen)} joints" if limb is None else limb.capitalize()
