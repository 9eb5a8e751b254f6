"""Owns what hypotheses say together: one answer, and how far they lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.camera import solve_root
from mpm_core.skeleton import MPM16


def spread_of(hypotheses: NDArray[np.floating]) -> NDArray[np.float32]:
    """(frames, 16) metres: root mean square distance of hypotheses (samples, frames, 16, 3) from their mean."""
    return np.sqrt(np.square(hypotheses - hypotheses.mean(0)).sum(-1).mean(0)).astype(np.float32)


def aggregated(
    hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_], how: str
) -> NDArray[np.float32]:
    """(frames, 16, 3): one answer of hypotheses; how: an entry of options.AGGREGATES, the rest as in jpma."""
    if how == "mean":
        return hypotheses.mean(0).astype(np.float32)
    return {"jpma": jpma, "weighted": jpma_weighted}[how](hypotheses, rays, visible)


def jpma(hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(frames, 16, 3): joint by joint the hypothesis whose reprojection is nearest to its keypoint (joint-wise
    reprojection-based multi-hypothesis aggregation; D3DP, arXiv 2303.11579); the mean of all where a joint is hidden.

    hypotheses: (samples, frames, 16, 3) metres from Hip in camera axes; rays: (frames, 16, 2), visible: (frames, 16). Where
    fewer than two joints are visible nothing can be reprojected, and the mean is the answer too.
    """
    apart = _beside_keypoints(hypotheses, rays, visible)
    chosen = np.take_along_axis(hypotheses, apart.argmin(0)[None, ..., None], axis=0)[0]
    return _with_hip(np.where(np.isfinite(apart.min(0))[..., None], chosen, hypotheses.mean(0)))


_NEAR = 0.5
"""Of the median distance from the keypoint: how far off a hypothesis still counts fully, in a Gaussian's sense."""

_POOLED_FRAMES = 4.0
"""Standard deviation of the frames whose distances are taken together: keypoints that tremble must not shake the weights."""


def jpma_weighted(
    hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(frames, 16, 3): as jpma, but joint by joint the mean of all hypotheses, each weighted by how near its reprojection is in
    that frame and those around: depth, in which hypotheses differ most and of which the keypoint says little, is not left to a
    single one, and the answer moves as smoothly as hypotheses do."""
    apart = _beside_keypoints(hypotheses, rays, visible)
    is_known = np.isfinite(apart).all(0)
    seen = gaussian_filter1d(is_known.astype(float), _POOLED_FRAMES, axis=0, mode="nearest")
    far = gaussian_filter1d(np.square(np.where(is_known, apart, 0)), _POOLED_FRAMES, axis=1, mode="nearest")
    with np.errstate(invalid="ignore", divide="ignore"):
        far /= seen
        weights = np.nan_to_num(np.exp(-0.5 * far / (_NEAR**2 * np.median(far, axis=0))))
    weights = weights * is_known + 1e-6  # all alike where nothing is seen, and where all are on the keypoint
    return _with_hip((hypotheses * (weights / weights.sum(0))[..., None]).sum(0))


def _beside_keypoints(
    hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(samples, frames, 16): how far each joint is seen beside its ray; infinite where that cannot be said."""
    apart = np.full(hypotheses.shape[:3], np.inf)
    for number, hypothesis in enumerate(hypotheses):
        root = solve_root(hypothesis, rays, visible)
        placed = hypothesis + root[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = placed[..., :2] / placed[..., 2:]
            far = np.linalg.norm(seen - rays, axis=-1)
        apart[number] = np.where(visible & np.isfinite(far) & (placed[..., 2] > 0), far, np.inf)
    return apart


def _with_hip(answer: NDArray[np.floating]) -> NDArray[np.float32]:
    answer[:, MPM16.root] = 0
    return answer.astype(np.float32)
