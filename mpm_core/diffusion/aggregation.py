"""Owns what hypotheses say together: one answer, and how far they lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import solve_root
from mpm_core.skeleton import MPM16


def spread_of(hypotheses: NDArray[np.floating]) -> NDArray[np.float32]:
    """(frames, 16) metres: root mean square distance of hypotheses (samples, frames, 16, 3) from their mean."""
    return np.sqrt(np.square(hypotheses - hypotheses.mean(0)).sum(-1).mean(0)).astype(np.float32)


def jpma(hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(frames, 16, 3): joint by joint the hypothesis whose reprojection is nearest to its keypoint (joint-wise
    reprojection-based multi-hypothesis aggregation; D3DP, arXiv 2303.11579); the mean of all where a joint is hidden.

    hypotheses: (samples, frames, 16, 3) metres from Hip in camera axes; rays: (frames, 16, 2), visible: (frames, 16). Where
    fewer than two joints are visible nothing can be reprojected, and the mean is the answer too.
    """
    mean = hypotheses.mean(0)
    apart = np.full(hypotheses.shape[:3], np.inf)
    for number, hypothesis in enumerate(hypotheses):
        root = solve_root(hypothesis, rays, visible)
        placed = hypothesis + root[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = placed[..., :2] / placed[..., 2:]
            far = np.linalg.norm(seen - rays, axis=-1)
        apart[number] = np.where(visible & np.isfinite(far) & (placed[..., 2] > 0), far, np.inf)
    nearest = apart.argmin(0)
    chosen = np.take_along_axis(hypotheses, nearest[None, ..., None], axis=0)[0]
    answer = np.where(np.isfinite(apart.min(0))[..., None], chosen, mean)
    answer[:, MPM16.root] = 0
    return answer.astype(np.float32)
