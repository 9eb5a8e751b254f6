"""Owns limbs whose middle joint is a hinge: how upper arms and thighs are turned, and how far elbows and knees are bent.

Where a limb is bent, the plane of its two bones tells where the hinge's axis is; where it is straight, nothing does. The axis
is found for the whole time at once (smoothing.py), as an angle about the upper bone, counted from the smallest turn that
brings the bone from its rest direction to where it points. What the plane tells counts by how much the limb is bent; the
smallest turn itself counts a little, so that a limb that stays straight is turned as its parent is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mpm_core.rig.smoothing import bridge, smooth_angle
from mpm_core.rig.turns import apply, swing, transposed, turn, unit

Vectors = NDArray[np.float64]

_SURE_BEND = 0.2
"""Sine of the bend (12 degrees) at which a limb's plane is sure enough to be followed within _HOLDS_S and _LASTS_S."""

_REST_SURENESS = 0.35
"""Of how the smallest turn from rest has it, beside a limb that is bent by 12 degrees."""

_WRONG_WAY = 0.3
"""Sine of the bend (17 degrees) up to which a limb that is bent against its joint is taken for a straight one: the knees of
some recordings lie inside or behind the line from hip to ankle."""

_USUAL = 0.7
"""Cosine of the angle (45 degrees) up to which an axis is not doubted for lying to a side of where the smallest turn from rest
has it; at a right angle a bend is fully against the joint."""

_HOLDS_S, _LASTS_S = 0.06, 0.08
"""See smooth_angle."""

_BROKEN = (0.2, 0.35)
"""A bone that is too long or too short by the first share is believed, by the second not at all."""

_LOST = 0.05
"""A bone that is believed less than that is not known at all."""

_BEND_GIVES = 0.12
"""Metres a radian: a bend gives way by about as many radians as metres are missing between a limb's ends, over this."""

_OFF_M = 0.05
"""What is farther off comes from bones that the positions make too long or too short, which no bend makes good."""

_MIDDLE_WEIGHT, _AXIS_WEIGHT = 0.5, 0.25
"""Of elbows and knees, and of the hinge's axis on an arm as long as the upper bone, beside wrists and ankles."""

_FAST = 12.0
"""Radians a second: where the plane turns so fast about the upper bone, the hinge's axis weighs twice as much, and by the
square of the speed more. Hardly anybody turns a limb so; a plane of wrong depth does, where the limb folds through itself."""


@dataclass(frozen=True)
class Limb:
    """along: (3,) unit vector in the rest pose along both bones, hinge: (3,) the axis about which the lower one bends. upper,
    lower: metres."""

    along: Vectors
    hinge: Vectors
    upper: float
    lower: float

    @property
    def across(self) -> Vectors:
        """(3,) where the lower bone points when it is bent by a right angle."""
        return np.cross(self.hinge, self.along)


def limb_turns(parent: Vectors, limb: Limb, targets: tuple[Vectors, Vectors], fps: float) -> tuple[Vectors, Vectors]:
    """(frames, 3, 3) where a limb's upper bone is turned to, and (frames,) radians by which the lower one is bent.

    parent: (frames, 3, 3). targets: (frames, 3) metres from the limb's start to where its middle and its end are to be. The
    limb, as far bent as they tell, is laid onto them and onto the hinge's axis by least squares (Kabsch 1976): so the end is
    met even where the hinge lets the middle pass beside its target.
    """
    middle, end = _mended(parent, limb, targets)
    twisted, speed = _twisted(parent, limb, middle, end - middle, fps)
    bend = _bend(twisted, limb, middle, end)
    own_middle = np.broadcast_to(limb.along * limb.upper, middle.shape)
    own_end = own_middle + limb.lower * (np.cos(bend)[:, None] * limb.along + np.sin(bend)[:, None] * limb.across)
    own_axis = np.broadcast_to(limb.hinge * limb.upper, middle.shape)
    axis_weight = _AXIS_WEIGHT * (1 + (speed / _FAST) ** 2)
    pulled = (
        _outer(end, own_end)
        + _MIDDLE_WEIGHT * _outer(middle, own_middle)
        + axis_weight[:, None, None] * _outer(apply(twisted, own_axis), own_axis)
    )
    left, _, right = np.linalg.svd(pulled)
    left[..., 2] *= np.linalg.det(left @ right)[:, None]
    return left @ right, bend


def _outer(a: Vectors, b: Vectors) -> Vectors:
    return a[:, :, None] * b[:, None, :]


def _mended(parent: Vectors, limb: Limb, targets: tuple[Vectors, Vectors]) -> tuple[Vectors, Vectors]:
    """The targets, bridged in the parent's axes where they break a bone: nobody knows then which of its ends is wrong."""
    middle, end = targets
    bones = np.stack((np.linalg.norm(middle, axis=-1), np.linalg.norm(end - middle, axis=-1)), axis=-1)
    off = np.abs(bones / np.maximum((limb.upper, limb.lower), 1e-6) - 1).max(-1)
    trust = np.clip((_BROKEN[1] - off) / (_BROKEN[1] - _BROKEN[0]), 0, 1)
    if (trust == 1).all() or not trust.any():
        return targets
    back = transposed(parent)
    bridged = bridge(np.concatenate((apply(back, middle), apply(back, end - middle)), axis=-1), trust)
    upper, lower = (_swung(bones, trust >= _LOST) for bones in (bridged[:, :3], bridged[:, 3:]))
    middle = apply(parent, upper)
    return middle, middle + apply(parent, lower)


def _swung(bones: Vectors, is_known: NDArray[np.bool_]) -> Vectors:
    """(frames, 3) as they are in frames that are known, turned evenly from the one before to the one after in others: on the
    straight line between them a bone would turn all at once where it is shortest."""
    known = np.flatnonzero(is_known)
    if len(known) in (0, len(bones)):
        return bones
    frames = np.arange(len(bones))
    later = np.minimum(np.searchsorted(known, frames), len(known) - 1)
    before, after = known[np.maximum(later - (known[later] > frames), 0)], known[later]
    share = np.clip((frames - before) / np.maximum(after - before, 1), 0, 1)[:, None]
    size = np.linalg.norm(bones, axis=-1, keepdims=True)
    between = Rotation.from_matrix(swing(bones[before], bones[after])).as_rotvec()
    swung: Vectors = Rotation.from_rotvec(between * share).apply(unit(bones[before]))
    return swung * (size[before] + (size[after] - size[before]) * share)


def _twisted(parent: Vectors, limb: Limb, upper: Vectors, lower: Vectors, fps: float) -> tuple[Vectors, Vectors]:
    """(frames, 3, 3): the upper bone along `upper`, and turned about itself by what the whole time tells; and (frames,)
    radians a second, how fast it turns about itself."""
    along = unit(apply(transposed(parent), upper))
    least = swing(limb.along, along)
    zero, quarter = apply(least, limb.hinge), apply(least, -limb.across)
    normal = np.cross(along, unit(apply(transposed(parent), lower)))  # as long as the sine of the bend
    told = (normal * zero).sum(-1) + 1j * (normal * quarter).sum(-1)
    # The smallest turn tells nothing of a bone that points the other way than at rest.
    trust = np.clip(1 + along @ limb.along, 0, 1)
    told = told / _SURE_BEND * _credit(told, trust)
    carried = _carried(least, along, limb)
    direction = (told + _REST_SURENESS * trust) * np.exp(-1j * carried)
    twist = smooth_angle(direction, fps, _HOLDS_S, _LASTS_S)
    speed = np.abs(np.diff(twist, prepend=twist[:1], append=twist[-1:])) * fps
    return parent @ turn(along, twist + carried) @ least, np.maximum(speed[1:], speed[:-1])


def _credit(told: NDArray[np.complex128], trust: Vectors) -> Vectors:
    """(frames,) 0 to 1: little for planes that ask for a limb that is bent the wrong way, as far as that is known."""
    size = np.maximum(np.abs(told), 1e-9)
    against = np.clip(1 - told.real / size / _USUAL, 0, 1) * trust
    return np.clip(1 - _WRONG_WAY * against / size, 0, 1)


def _carried(least: Vectors, along: Vectors, limb: Limb) -> Vectors:
    """(frames,) radians, 0 in the first: how a frame that goes with the bone without any twist is turned about it, against the
    smallest turns from rest."""
    between = transposed(least[1:]) @ swing(along[:-1], along[1:]) @ least[:-1]  # about the bone at rest
    turned = apply(between, limb.hinge)
    return np.concatenate(([0.0], np.cumsum(np.arctan2(turned @ -limb.across, turned @ limb.hinge))))


def _bend(twisted: Vectors, limb: Limb, middle: Vectors, end: Vectors) -> Vectors:
    """(frames,) radians: as the lower bone points, corrected by how far the end is away where that tells."""
    local = apply(transposed(twisted), end - middle)
    bend = np.arctan2(local @ limb.across, local @ limb.along)
    both = limb.upper * limb.lower
    distance = np.sqrt(limb.upper**2 + limb.lower**2 + 2 * both * np.cos(bend))
    gain = -both * np.sin(bend) / np.maximum(distance, 1e-3)  # metres a radian
    off = np.clip(np.linalg.norm(end, axis=-1) - distance, -_OFF_M, _OFF_M)
    corrected: Vectors = bend + gain * off / (gain**2 + _BEND_GIVES**2)
    return corrected
