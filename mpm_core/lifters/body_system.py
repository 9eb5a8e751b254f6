"""Owns linear equations that have the shape of the body: each joint is tied to its parent alone, so one pass from hands, feet
and head to Hip and one back solve them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.lifters.body_fit import CHILDREN, PARENTS
from mpm_core.skeleton import MPM16

Vectors = NDArray[np.float64]


def solve_body(closeness: Vectors, pull: Vectors, ties: Vectors, tension: Vectors) -> Vectors:
    """(frames, 16, 3) where joints x are that make the sum least of x' closeness x / 2 - pull' x over the joints and, over the
    bones b = x[child] - x[parent], of b' ties b / 2 + tension' b.

    closeness: (frames, 16, 3, 3), pull: (frames, 16, 3); ties: (frames, 15, 3, 3), tension: (frames, 15, 3), in the order of
    CHILDREN.
    """
    own, pull = closeness.copy(), pull.copy()
    for bone, (child, parent) in enumerate(zip(CHILDREN, PARENTS, strict=True)):
        for joint, sign in ((child, -1), (parent, 1)):
            own[:, joint] += ties[:, bone]
            pull[:, joint] += sign * tension[:, bone]
    inverse = np.empty_like(own)
    for bone in reversed(range(len(CHILDREN))):
        child, parent = CHILDREN[bone], PARENTS[bone]
        inverse[:, child] = np.linalg.inv(own[:, child])
        passed = ties[:, bone] @ inverse[:, child]
        own[:, parent] -= passed @ ties[:, bone]
        pull[:, parent] += (passed @ pull[:, child, :, None])[..., 0]
    solved = np.empty_like(pull)
    root = MPM16.root
    solved[:, root] = np.linalg.solve(own[:, root], pull[:, root, :, None])[..., 0]
    for bone, (child, parent) in enumerate(zip(CHILDREN, PARENTS, strict=True)):
        from_parent = pull[:, child, :, None] + ties[:, bone] @ solved[:, parent, :, None]
        solved[:, child] = (inverse[:, child] @ from_parent)[..., 0]
    return solved
