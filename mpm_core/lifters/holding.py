"""Owns bodies that give way: some joints are held on their rays, and the others follow by as little as bones allow.

Where each joint is, and how long each bone is, is believed as it was answered (Gaussian errors, larger along the line of sight
than across it); joints that are held are known across it for certain. The most likely pose is found by a few steps of Gauss
and Newton, between which movements along the line of sight are smoothed in time, since a bone that looks shorter may turn
towards the camera as well as away from it. The equations have the shape of the body, a tree, so each step is one pass from
hands, feet and head to Hip and one back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.lifters.body_fit import CHILDREN, PARENTS
from mpm_core.lifters.body_system import solve_body
from mpm_core.lifters.slow_errors import SlowErrors

_HELD_ACROSS_M = 1e-4
"""Of a joint that is held."""

_SEEN_ACROSS_M, _UNSEEN_ACROSS_M = 0.012, 0.04
"""By how much other joints may go along across the line of sight: those that the camera sees, and those that are guessed."""

_ALONG_M = 0.05
"""By how much any joint may move along the line of sight."""

_LENGTH_ERROR, _LEAST_LENGTH_M = 0.02, 0.002
"""By how much a bone may be stretched, as a share of its length and at least."""

_STEPS = 4

_TURN_M = 0.02
"""How far a frame's movement along the line of sight may be from that of the frames around."""

Vectors = NDArray[np.float64]


def give_way(
    places: Vectors, wanted: Vectors, held: NDArray[np.bool_], seen: NDArray[np.bool_], lengths: Vectors, prior: SlowErrors
) -> Vectors:
    """(frames, 16, 3) metres: where joints go, in frames that follow one another.

    places: (frames, 16, 3) metres in camera axes, where they are. wanted: (frames, 16, 3), a place on the ray on which a joint
    is held, as far away as the joint is; it counts where held (frames, 16) says so. seen: (frames, 16) joints whose places
    the camera tells. lengths: (frames, 15) metres of bones, in the order of CHILDREN. prior: how movements go on in time. All
    joints are in front of the camera.
    """
    anchors = np.where(held[..., None], wanted, places)
    across = np.where(held, _HELD_ACROSS_M, np.where(seen, _SEEN_ACROSS_M, _UNSEEN_ACROSS_M))
    rays = anchors / np.linalg.norm(anchors, axis=-1, keepdims=True)
    along = rays[..., :, None] * rays[..., None, :]
    closeness = (np.eye(3) - along) / np.square(across)[..., None, None] + along / _ALONG_M**2
    stiffness = np.maximum(_LENGTH_ERROR * lengths, _LEAST_LENGTH_M) ** -2
    moved = np.zeros_like(places)
    for _ in range(_STEPS):
        moved += _step(anchors, moved, closeness, lengths, stiffness)
        depth = (moved * rays).sum(-1)
        smooth = prior.most_likely(np.full(depth.T.shape, _TURN_M**-2), depth.T / _TURN_M**2).T
        moved += rays * (smooth - depth)[..., None]
    # Exactly on the ray, whatever the equations' rounding has left.
    on_ray = rays * (rays * (anchors + moved)).sum(-1, keepdims=True)
    return np.where(held[..., None], on_ray, anchors + moved)


def _step(anchors: Vectors, moved: Vectors, closeness: Vectors, lengths: Vectors, stiffness: Vectors) -> Vectors:
    """(frames, 16, 3) metres to move further."""
    bones = anchors[:, CHILDREN] + moved[:, CHILDREN] - anchors[:, PARENTS] - moved[:, PARENTS]
    length = np.maximum(np.linalg.norm(bones, axis=-1), 1e-6)
    along = bones / length[..., None]
    ties = stiffness[..., None, None] * along[..., :, None] * along[..., None, :]  # (frames, 15, 3, 3)
    tension = (stiffness * (length - lengths))[..., None] * along
    pull = -(closeness @ moved[..., None])[..., 0]
    return solve_body(closeness, pull, ties, tension)
