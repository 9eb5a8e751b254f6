"""Owns masks: bool arrays (frames, 16) over the MPM-16 joints, True = hidden; random samplers and the paper's presets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.skeleton import LIMBS, MPM16

Mask = NDArray[np.bool_]

JOINTS = len(MPM16)


@dataclass(frozen=True)
class MaskRatios:
    """How much the random samplers hide: r_s joints of each visible frame, and the share r_t of the frames."""

    joints: int = 5
    frames: float = 0.6


def limb_mask(frames: int, limbs: Iterable[str]) -> Mask:
    """Named limbs hidden in every frame."""
    mask = np.zeros((frames, JOINTS), bool)
    for limb in limbs:
        mask[:, MPM16.limb(limb)] = True
    return mask


UNSURE_BELOW = 0.3
"""Joints that a detector found with less confidence are hidden, until a person says otherwise."""


def unsure_joints(clip: Clip, threshold: float, frames: slice = slice(None)) -> Mask:
    """(frames, joints): measured with less confidence than the threshold, and not corrected by a person."""
    return clip.visible[frames] & ~clip.edited[frames] & (clip.confidence[frames] < threshold)


OCCLUSION_PRESETS: Mapping[str, tuple[str, ...]] = {
    "2 legs": ("left leg", "right leg"),
    "2 arms": ("left arm", "right arm"),
    "left leg + left arm": ("left leg", "left arm"),
    "right leg + right arm": ("right leg", "right arm"),
}
"""The limb pairs of the paper's table 3 (2D -> 3D with hidden limbs)."""

COMPLETION_PRESETS: Mapping[str, tuple[str, ...]] = {
    limb: (limb,) for limb in ("right leg", "left leg", "left arm", "right arm")
}
"""The limbs of the paper's table 4 (3D completion)."""


# Samplers: (rng, count, frames, ratios) -> (count, frames, 16) masks, each drawn independently.
Masker = Callable[[np.random.Generator, int, int, MaskRatios], Mask]


def _draw_none(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    return np.zeros((count, frames, JOINTS), bool)


def _lowest(scores: NDArray[np.floating], number: int) -> Mask:
    """True at the `number` lowest scores of the last axis."""
    if number <= 0:
        return np.zeros(scores.shape, bool)
    number = min(number, scores.shape[-1])
    return scores <= np.partition(scores, number - 1, axis=-1)[..., number - 1 : number]


def _draw_spatio_temporal(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    joints = _lowest(rng.random((count, frames, JOINTS)), ratios.joints)
    return joints | _draw_temporal(rng, count, frames, ratios)


def _draw_tube(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    joints = _lowest(rng.random((count, 1, JOINTS)), ratios.joints)
    return np.repeat(joints, frames, axis=1)


def _draw_temporal(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    hidden = _lowest(rng.random((count, frames)), round(ratios.frames * frames))
    return np.repeat(hidden[..., None], JOINTS, axis=2)


def _draw_spans(
    rng: np.random.Generator, count: int, frames: int, shortest: float = 0.05, longest: float = 1.0
) -> NDArray[np.bool_]:
    """(count, frames): one span of consecutive frames each, of a length between the two shares of the window."""
    low = max(1, round(shortest * frames))
    high = max(low, round(longest * frames))
    length = rng.integers(low, high + 1, count)
    start = (rng.random(count) * (frames - length + 1)).astype(int)
    frame = np.arange(frames)
    return (frame >= start[:, None]) & (frame < (start + length)[:, None])


def _draw_joints(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    """One to r_s joints, for a span or for the whole window; nothing when r_s is 0."""
    if ratios.joints <= 0:
        return _draw_none(rng, count, frames, ratios)
    scores = rng.random((count, JOINTS))
    number = rng.integers(1, ratios.joints + 1, count)
    chosen = scores.argsort(axis=1).argsort(axis=1) < number[:, None]
    span = _draw_spans(rng, count, frames) | (rng.random(count) < 0.5)[:, None]
    return chosen[:, None, :] & span[..., None]


# How often a draw hides one, two or three limbs.
_LIMB_COUNT_SHARES = (0.5, 0.42, 0.08)
_SWAPPABLE_LIMBS = tuple(limb for limb in LIMBS if limb != "trunk")
_LIMB_JOINTS = np.stack([limb_mask(1, [limb])[0] for limb in _SWAPPABLE_LIMBS])


def _draw_limbs(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    """One to three limbs, for a span or for the whole window; with both legs, sometimes the hip centre too."""
    number = rng.choice(len(_LIMB_COUNT_SHARES), size=count, p=_LIMB_COUNT_SHARES) + 1
    ranks = rng.random((count, len(_SWAPPABLE_LIMBS))).argsort(axis=1).argsort(axis=1)
    chosen = (ranks < number[:, None]).astype(np.uint8) @ _LIMB_JOINTS.astype(np.uint8) > 0
    legs = limb_mask(1, ("left leg", "right leg"))[0]
    lacks_hip = chosen[:, legs].all(axis=1) & (rng.random(count) < 0.3)
    chosen[:, MPM16.root] |= lacks_hip
    span = _draw_spans(rng, count, frames, 0.1) | (rng.random(count) < 0.6)[:, None]
    return chosen[:, None, :] & span[..., None]


def _draw_frame_spans(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    """One or two spans of whole hidden frames, up to r_t of the window each; nothing when r_t is 0."""
    if ratios.frames <= 0:
        return _draw_none(rng, count, frames, ratios)
    hidden = _draw_spans(rng, count, frames, 0.02, ratios.frames)
    second = _draw_spans(rng, count, frames, 0.02, ratios.frames / 2)
    hidden |= second & (rng.random(count) < 0.5)[:, None]
    return np.repeat(hidden[..., None], JOINTS, axis=2)


def _draw_edges(rng: np.random.Generator, count: int, frames: int, ratios: MaskRatios) -> Mask:
    """All but one stretch hidden, as at the ends of a clip or in a clip shorter than the window."""
    visible = _draw_spans(rng, count, frames, 0.0, 0.9)
    return np.repeat(~visible[..., None], JOINTS, axis=2)


MASKERS: Mapping[str, Masker] = {
    "none": _draw_none,
    "spatio-temporal": _draw_spatio_temporal,
    "tube": _draw_tube,
    "temporal": _draw_temporal,
    "joints": _draw_joints,
    "limbs": _draw_limbs,
    "frame spans": _draw_frame_spans,
    "edges": _draw_edges,
}


def find_masker(name: str) -> Masker:
    """The sampler of that name; UserError when there is none."""
    if name not in MASKERS:
        raise UserError(f"unknown mask sampler '{name}' (known: {', '.join(MASKERS)})")
    return MASKERS[name]


def draw_mask(name: str, frames: int, ratios: MaskRatios, rng: np.random.Generator) -> Mask:
    """One (frames, 16) mask from the sampler of that name; UserError when there is none."""
    return find_masker(name)(rng, 1, frames, ratios)[0]


def draw_parts(seed: Sequence[int], frames: int, parts: Sequence[tuple[int, Mapping[str, float]]], ratios: MaskRatios) -> Mask:
    """Mixtures one after the other, of (count, shares) each, by random numbers that follow from the seed alone."""
    rng = np.random.default_rng(seed)
    return np.concatenate([draw_mixture(rng, count, frames, shares, ratios) for count, shares in parts])


def draw_mixture(rng: np.random.Generator, count: int, frames: int, shares: Mapping[str, float], ratios: MaskRatios) -> Mask:
    """(count, frames, 16) masks, each from one of the named samplers, chosen with these relative shares; UserError for a
    sampler that there is not."""
    weights = np.array(list(shares.values()), float)
    picked = rng.choice(len(weights), size=count, p=weights / weights.sum())
    masks = np.zeros((count, frames, JOINTS), bool)
    for number, name in enumerate(shares):
        rows = np.flatnonzero(picked == number)
        masks[rows] = find_masker(name)(rng, len(rows), frames, ratios)
    return masks
