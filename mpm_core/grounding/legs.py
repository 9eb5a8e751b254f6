"""Owns legs that give way: an ankle goes where it is wanted and the knee follows, by the geometry of two bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.rig.smoothing import smooth_angle
from mpm_core.skeleton import MPM16

LEGS = (MPM16.indices(("LHip", "LKnee", "LAnkle")), MPM16.indices(("RHip", "RKnee", "RAnkle")))
"""Left first, as FEET."""

_STRAIGHT = 0.999
"""Of thigh and shin together, as far as a leg is stretched that was not stretched farther before."""

_LEAST_M, _TINY_M = 1e-4, 1e-9

_FORWARD_M, _SURE_M = 0.01, 0.02
"""So far forwards of the line from hip to ankle a knee is thought to be beside where it was lifted to; at that distance from
the line its side is sure enough to be followed within _HOLDS_S and _LASTS_S (see smooth_angle)."""

_HOLDS_S, _LASTS_S = 0.06, 0.08

_FASTEST_RATE = 1000.0
"""Frames a second that are told apart, as in the path's system."""

SIDE_REACH_S = 1.0
"""So far away in time nothing says any more to which side a knee goes."""

Floats = NDArray[np.floating]


def bend_legs(positions: Floats, moved: Floats, fps: float, follows: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """(frames, 16, 3) metres: the same poses with their ankles moved by (frames, 2, 3) metres, left first.

    Thigh and shin keep their lengths. By as much as a knee bends more it goes to the side to which it bends over some time: the
    side to which a nearly straight leg was lifted is chance, and changes from frame to frame, so that there it goes forwards;
    but some people's knees do lie behind that line, and such a one stays there. An ankle out of reach goes as far as the leg
    does. follows: (frames - 1,) False where a frame does not come right after the one before.
    """
    bent, fps = positions.astype(np.float64), min(fps, _FASTEST_RATE)
    (left_hip, *_), (right_hip, *_) = LEGS
    rightwards = bent[:, right_hip] - bent[:, left_hip]
    rightwards /= np.maximum(_length(rightwards), _LEAST_M)
    for foot, (hip, knee, ankle) in enumerate(LEGS):
        thigh, shin = bent[:, knee] - bent[:, hip], bent[:, ankle] - bent[:, knee]
        before = bent[:, ankle] - bent[:, hip]
        upper, lower = _length(thigh), _length(shin)
        wanted = before + moved[:, foot]
        farthest = np.maximum(_STRAIGHT * (upper + lower), _length(before))
        reach = np.clip(_length(wanted), np.abs(upper - lower) + _LEAST_M, farthest)
        along = wanted / np.maximum(_length(wanted), _LEAST_M)
        down = np.clip((upper**2 + reach**2 - lower**2) / (2 * np.maximum(reach, _LEAST_M)), -upper, upper)
        aside = thigh - (thigh * along).sum(1, keepdims=True) * along
        bends = np.sqrt(upper**2 - down**2)
        forward = np.cross(rightwards, along)
        forward = np.where(_length(forward) > _LEAST_M, forward, aside)  # a leg held right to the side knows no forwards
        forward /= np.maximum(_length(forward), _LEAST_M)
        across = np.cross(along, forward)
        lifted = (aside * forward).sum(1) + 1j * (aside * across).sum(1)
        side = _side(lifted, bends[:, 0], fps, follows)[:, None]
        aside = bends * (np.cos(side) * forward + np.sin(side) * across)
        bent[:, knee] = bent[:, hip] + down * along + aside
        bent[:, ankle] = bent[:, hip] + reach * along
    return bent


def _side(
    lifted: NDArray[np.complex128], bends: NDArray[np.float64], fps: float, follows: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    """(frames,) radians from forwards, about the line from hip to ankle, to which a knee goes.

    lifted: (frames,) metres from that line to where it was lifted, forwards and across; bends: (frames,) how far away it is to
    be. No farther, it stays on its side; else it turns to where it is over some time, and the sooner the more these differ, so
    that two opposite sides never outweigh each other from one frame to the next.
    """
    usual = smooth_angle((lifted + _FORWARD_M) / _SURE_M, fps, _HOLDS_S, _LASTS_S, follows)
    off = np.angle(lifted * np.exp(-1j * usual))
    farther = np.maximum(bends - np.abs(lifted), 0)
    kept = np.abs(lifted) * (1 + np.cos(off)) / 2
    return usual + off * (1 - farther / np.maximum(farther + kept, _TINY_M))


def _length(vectors: Floats) -> NDArray[np.float64]:
    """(frames, 1)."""
    return np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
