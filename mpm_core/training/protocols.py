"""Owns the evaluation protocols: which task, what is fed, and what is hidden in each frame of a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mpm_core.errors import UserError
from mpm_core.masking import COMPLETION_PRESETS, JOINTS, OCCLUSION_PRESETS, Mask, limb_mask
from mpm_core.training.benchmarks import DETECTED_2D, GROUND_TRUTH_2D

INPUTS = (GROUND_TRUTH_2D, DETECTED_2D)
"""What is lifted."""

_SPANS = (5, 15, 45)
_SPAN_EVERY = 90  # one span of hidden frames in so many
_CROSSWISE = {"right leg + left arm": ("right leg", "left arm"), "left leg + right arm": ("left leg", "right arm")}

MakeMask = Callable[[int, np.random.Generator], Mask]
"""(frames, random generator of the clip) -> (frames, 16)."""


@dataclass(frozen=True)
class Protocol:
    """One line of the tables. group: 'lifting', 'occlusion' or 'completion'. task: 'lift' or 'complete'. source: what is
    fed. preset: what is hidden, in words."""

    group: str
    task: str
    source: str
    preset: str
    make_mask: MakeMask = field(compare=False)


def _limbs(limbs: tuple[str, ...]) -> MakeMask:
    return lambda frames, rng: limb_mask(frames, limbs)


def _random_joints(number: int) -> MakeMask:
    """The same random joints in all frames of a clip, as the paper's table 3 hides them; never Hip, which is known."""

    def make(frames: int, rng: np.random.Generator) -> Mask:
        mask = np.zeros((frames, JOINTS), bool)
        mask[:, 1 + rng.choice(JOINTS - 1, number, replace=False)] = True
        return mask

    return make


def _frame_spans(length: int) -> MakeMask:
    """All joints of `length` frames in a row, once in every _SPAN_EVERY frames, at a random place."""

    def make(frames: int, rng: np.random.Generator) -> Mask:
        mask = np.zeros((frames, JOINTS), bool)
        for start in range(0, frames, _SPAN_EVERY):
            first = start + int(rng.integers(0, _SPAN_EVERY - length + 1))
            mask[first : first + length] = True
        return mask

    return make


def _lifted(group: str, hides: Mapping[str, MakeMask]) -> tuple[Protocol, ...]:
    return tuple(Protocol(group, "lift", source, name, make) for source in INPUTS for name, make in hides.items())


_OCCLUSION: dict[str, MakeMask] = {name: _limbs(limbs) for name, limbs in OCCLUSION_PRESETS.items()}
_FURTHER: dict[str, MakeMask] = {
    "1 joint": _random_joints(1),
    "2 joints": _random_joints(2),
    **{f"{n} frames": _frame_spans(n) for n in _SPANS},
}
_COMPLETION = {name: _limbs(limbs) for name, limbs in COMPLETION_PRESETS.items()}

GROUPS: Mapping[str, tuple[Protocol, ...]] = {
    "lifting": _lifted("lifting", {"nothing": _limbs(())}),
    "occlusion": _lifted("occlusion", _OCCLUSION | _FURTHER),
    "completion": tuple(
        Protocol("completion", "complete", "ground-truth 3D", name, make)
        for name, make in (_COMPLETION | _OCCLUSION | {name: _limbs(limbs) for name, limbs in _CROSSWISE.items()}).items()
    ),
}
"""Protocols by name: the paper's tables 1 to 4 and what this project adds to them."""

PAPER: tuple[Protocol, ...] = (
    *GROUPS["lifting"],
    *_lifted("occlusion", _OCCLUSION),
    *(p for p in GROUPS["completion"] if p.preset in COMPLETION_PRESETS),
)
"""What `mpm eval` runs when no protocol is named: the paper's own lines."""


def find_protocols(names: tuple[str, ...], others: Iterable[str] = ()) -> tuple[Protocol, ...]:
    """The protocols of some groups, PAPER for none; UserError for an unknown name, with `others` that would be known."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise UserError(f"unknown protocol '{unknown[0]}' (known: {', '.join((*GROUPS, *others))})")
    return tuple(protocol for name in dict.fromkeys(names) for protocol in GROUPS[name]) if names else PAPER
