"""Owns noticing motion that is mirrored, as of programs with left-handed axes, or whose sides are exchanged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

# A knee is bent where it lies this far, in lengths of the leg, from the line between hip and ankle: by 14°, which is more than
# the 10° by which some knees can be stretched too far.
_BENT = 0.06
# Only bodies whose trunk and pelvis are no further than 45° from upright tell where they face: one that lies on its side, or
# stands on its hands, seems to have its knees behind.
_UPRIGHT = np.cos(np.radians(45))
# Of the bent knees, at least so many, so large a share lies behind that line.
_FEWEST_KNEES, _MOSTLY = 20, 0.8


def mirror_note(positions: NDArray[np.float64]) -> str:
    """What to say where knees bend backwards, as they do where left and right are exchanged; else empty.

    positions: (frames, 16, 3) in MPM-16 joints, NaN where unknown, in right-handed axes with y up. Forwards is where a body
    faces that has its left hip on its left; only where the body is upright is it looked at.
    """
    with np.errstate(all="ignore"):
        hips = positions[:, MPM16.indices(("LHip", "RHip"))]
        across = hips[:, 0] - hips[:, 1]  # (frames, 3)
        forwards = np.cross(across, (0.0, 1.0, 0.0))
        forwards /= np.linalg.norm(forwards, axis=-1, keepdims=True)
        trunk = positions[:, MPM16.index("Thorax")] - hips.mean(1)
        is_upright = trunk[:, 1] > _UPRIGHT * np.linalg.norm(trunk, axis=-1)
        is_upright &= np.abs(across[:, 1]) < _UPRIGHT * np.linalg.norm(across, axis=-1)
        offsets = []
        for side in "LR":
            hip, knee, ankle = (positions[:, MPM16.index(f"{side}{joint}")] for joint in ("Hip", "Knee", "Ankle"))
            leg = ankle - hip
            along = ((knee - hip) * leg).sum(-1, keepdims=True) / (leg**2).sum(-1, keepdims=True)
            out = (knee - hip - along * leg) / np.linalg.norm(leg, axis=-1, keepdims=True)
            offsets.append((out * forwards).sum(-1)[is_upright])
    ahead = np.concatenate(offsets)
    bent = ahead[np.abs(ahead) > _BENT]  # NaN is no bent knee
    if len(bent) < _FEWEST_KNEES or (bent < 0).mean() < _MOSTLY:
        return ""
    return (
        "the knees bend backwards: left and right are exchanged in this file, or one of its axes is mirrored, as in programs"
        " with left-handed axes"
    )
