"""Owns noticing motion that is mirrored, as of programs with left-handed axes, or whose sides are exchanged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

# A knee is bent where it lies this far, in lengths of the leg, from the line between hip and ankle: by 14°, which is more than
# the 10° by which some knees can be stretched too far.
_BENT = 0.06
# Of the bent knees, at least so many, so large a share lies behind that line.
_FEWEST_KNEES, _MOSTLY = 20, 0.8


def mirror_note(positions: NDArray[np.float64]) -> str:
    """What to say where knees bend backwards, as they do where left and right are exchanged; else empty.

    positions: (frames, 16, 3) in MPM-16 joints, NaN where unknown, in right-handed axes. Forwards is at right angles to a leg
    and to the line between the hips, whatever is up: bodies may lie, or stand on their hands.
    """
    with np.errstate(all="ignore"):
        hips = positions[:, MPM16.indices(("LHip", "RHip"))]
        across = hips[:, 0] - hips[:, 1]  # (frames, 3)
        across /= np.linalg.norm(across, axis=-1, keepdims=True)
        offsets = []
        for side in "LR":
            hip, knee, ankle = (positions[:, MPM16.index(f"{side}{joint}")] for joint in ("Hip", "Knee", "Ankle"))
            length = np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
            leg, thigh = (ankle - hip) / length, (knee - hip) / length
            out = thigh - (thigh * leg).sum(-1, keepdims=True) * leg
            offsets.append((out * np.cross(across, -leg)).sum(-1))
    ahead = np.concatenate(offsets)
    bent = ahead[np.abs(ahead) > _BENT]  # NaN is no bent knee
    if len(bent) < _FEWEST_KNEES or (bent < 0).mean() < _MOSTLY:
        return ""
    return (
        "the knees bend backwards: left and right are exchanged in this file, or one of its axes is mirrored, as in programs"
        " with left-handed axes"
    )
