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
    apart = np.linalg.norm(_beside_keypoints(hypotheses, rays, visible), axis=-1)
    chosen = np.take_along_axis(hypotheses, apart.argmin(0)[None, ..., None], axis=0)[0]
    return _with_hip(np.where(np.isfinite(apart.min(0))[..., None], chosen, hypotheses.mean(0)))


_POOLED_FRAMES = 8.0
"""Standard deviation of the frames over which it is learnt how a joint's place goes with where hypotheses are seen."""

_NOISE_FRAMES = 20.0
"""The same, for how noisy keypoints are."""

_SMOOTHED_FRAMES = 2.0
"""The same, for corrections: they neither shake with a keypoint nor end at once where a joint gets hidden."""

_LEAST_NOISE = 10.0
"""Of the variance of where hypotheses are seen, by their number less one: keypoints are taken to be this noisy at least, for
the fewer hypotheses there are, the less they tell of how depth goes with what is seen."""

_SLOW_NOISE = 30.0
"""By how much the variance of a keypoint's errors is larger than that of its trembling: most errors last for some frames."""

_TINY = 1e-12


def jpma_weighted(
    hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(frames, 16, 3): as jpma, but joint by joint the mean of all hypotheses, moved to where it is seen on the keypoint, as
    far as the keypoint is sure; depth follows as it goes with what is seen from one hypothesis to the next.

    That is the step of an ensemble Kalman filter (Evensen, Ocean Dynamics 53, 2003), for one joint at a time. A keypoint is the
    less sure the more it trembles, and the farther the mean lies beside it for the spread of the hypotheses. Where a joint is
    hidden, and of a single hypothesis, the mean stays as it is.
    """
    mean = hypotheses.mean(0)
    if len(hypotheses) == 1:
        return _with_hip(mean)
    beside = _beside_keypoints(hypotheses, rays, visible)
    is_known = np.asarray(np.isfinite(beside[..., 0]).all(axis=0))
    beside = np.where(is_known[..., None], beside, 0)
    middle = beside.mean(0)
    apart, others = beside - middle, len(beside) - 1
    seen = _around(np.einsum("hfja,hfjb->fjab", apart, apart) / others, is_known, _POOLED_FRAMES)
    together = _around(np.einsum("hfjc,hfja->fjca", hypotheses - mean, apart) / others, is_known, _POOLED_FRAMES)
    variance = np.einsum("fjaa->fja", seen)
    unexplained = _around(np.square(middle), is_known, _NOISE_FRAMES) - variance
    noise = np.maximum(unexplained, _LEAST_NOISE / others * variance) + _SLOW_NOISE * _trembling(middle, is_known) + _TINY
    pull = np.linalg.solve(seen + noise[..., None] * np.eye(2), -middle[..., None])[..., 0]
    pull = gaussian_filter1d(pull * is_known[..., None], _SMOOTHED_FRAMES, axis=0, mode="nearest")
    return _with_hip(mean + np.einsum("fjca,fja->fjc", together, pull))


def _trembling(middle: NDArray[np.floating], is_known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames, 16, 1): variance of what white noise is in places (frames, 16, 2), in each of the two directions: a third
    difference of it has twenty times its variance, and hardly anything of smooth movement."""
    if len(middle) < 4:
        return np.zeros((*is_known.shape, 1))
    is_told = np.lib.stride_tricks.sliding_window_view(is_known, 4, axis=0).all(-1)
    third = np.square(np.diff(middle, 3, axis=0)).mean(-1, keepdims=True) / 20
    return _around(np.pad(third, ((1, 2), (0, 0), (0, 0))), np.pad(is_told, ((1, 2), (0, 0))), _NOISE_FRAMES)


def _around(values: NDArray[np.floating], is_known: NDArray[np.bool_], frames: float) -> NDArray[np.float64]:
    """Mean of values (frames, 16, ...) over the frames around in which they are known; 0 where there are none."""
    shares = is_known.reshape(*is_known.shape, *[1] * (values.ndim - 2)).astype(float)
    total = gaussian_filter1d(shares, frames, axis=0, mode="nearest")
    mean = gaussian_filter1d(values * shares, frames, axis=0, mode="nearest")
    return np.divide(mean, total, out=np.zeros_like(mean), where=np.broadcast_to(total > _TINY, mean.shape))


def _beside_keypoints(
    hypotheses: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(samples, frames, 16, 2): how far each joint is seen beside its ray, and where to; infinite where that cannot be said."""
    beside = np.full((*hypotheses.shape[:3], 2), np.inf)
    for number, hypothesis in enumerate(hypotheses):
        root = solve_root(hypothesis, rays, visible)
        placed = hypothesis + root[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            away = placed[..., :2] / placed[..., 2:] - rays
        is_seen = visible & np.isfinite(away).all(-1) & (placed[..., 2] > 0)
        beside[number] = np.where(is_seen[..., None], away, np.inf)
    return beside


def _with_hip(answer: NDArray[np.floating]) -> NDArray[np.float32]:
    answer[:, MPM16.root] = 0
    return answer.astype(np.float32)
