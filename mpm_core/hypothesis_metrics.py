"""Owns the figures of several hypotheses: errors of the best of them, and whether their spread tells how far off they are.

Hypotheses are (samples, frames, joints, 3) in metres. Errors are in mm with Hip at zero, as in metrics.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mpm_core.metrics import MM_PER_M, Poses, joint_errors, p_mpjpe, procrustes_aligned
from mpm_core.skeleton import LIMBS, MPM16

CONFIDENCES = np.round(np.arange(0.05, 0.96, 0.05), 2)
"""At which calibration is looked at."""


def hypothesis_errors(hypotheses: Poses, truth: Poses) -> NDArray[np.float64]:
    """(samples, frames, joints) mm of each hypothesis, NaN where the truth (frames, joints, 3) is unknown."""
    return np.stack([joint_errors(hypothesis, truth) for hypothesis in hypotheses])


@dataclass(frozen=True)
class BestErrors:
    """mm of hypotheses against the truth. mean: of their mean. best_pose: of the hypothesis that is nearest to the truth over
    the joints in question, chosen frame by frame; best_joint: chosen joint by joint too (D3DP's P-Best and J-Best; Shan et
    al., ICCV 2023). best_limb: chosen limb by limb, as a person can take alternatives; what is left beside limbs is one too."""

    mean: float
    best_pose: float
    best_joint: float
    best_limb: float = float("nan")


def best_errors(hypotheses: Poses, truth: Poses, joints: NDArray[np.bool_]) -> BestErrors:
    """Errors over the chosen joints (frames, joints) alone; NaN where there are none."""
    chosen = joints & np.isfinite(truth).all(-1)
    frames = chosen.any(1)
    if not frames.any():
        return BestErrors(float("nan"), float("nan"), float("nan"))
    errors = hypothesis_errors(hypotheses, truth)[:, frames]
    counts = chosen[frames]
    best = _nearest(errors, counts)
    of_limbs = best.copy()
    for limb in _PARTS:
        of_limbs[:, limb] = _nearest(errors[..., limb], counts[:, limb])
    of_mean = joint_errors(hypotheses.mean(0)[frames], truth[frames])
    return BestErrors(*(float(each[counts].mean()) for each in (of_mean, best, errors.min(0), of_limbs)))


def _nearest(errors: NDArray[np.floating], counts: NDArray[np.bool_]) -> NDArray[np.floating]:
    """(frames, joints) errors of the hypothesis that is nearest in each frame over the joints that count, (frames, joints)."""
    of_pose = np.where(counts, errors, 0).sum(-1)  # (samples, frames)
    return np.take_along_axis(errors, of_pose.argmin(0)[None, :, None], axis=0)[0]


_PARTS = tuple(list(MPM16.limb(limb)) for limb in LIMBS)


def best_p_mpjpe(hypotheses: Poses, truth: Poses) -> tuple[float, float]:
    """mm after Procrustes alignment of every frame: of the hypotheses' mean, and of the hypothesis that is nearest then. Frames
    with unknown joints are left out."""
    known = np.isfinite(truth).all((1, 2))
    if not known.any():
        return float("nan"), float("nan")
    there = truth[known].astype(np.float64)
    apart = [
        np.linalg.norm(procrustes_aligned(hypothesis[known].astype(np.float64), there) - there, axis=-1).mean(1)
        for hypothesis in hypotheses
    ]
    return p_mpjpe(hypotheses.mean(0), truth), float(np.min(apart, axis=0).mean() * MM_PER_M)


def held_shares(hypotheses: Poses, truth: Poses, joints: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """How often the median-centred ball that holds a share q of the hypotheses holds the truth, for each q of CONFIDENCES:
    counts, and of how many joints in frames, those chosen (frames, joints) whose truth is known; of Hip nothing can be told.

    Of n hypotheses, the k-th from the middle stands for the share k / (n + 1) (Weibull's plotting positions, which of n draws
    of one distribution are right on average), so that few hypotheses are not taken for too narrow; the ball that would have to
    be larger than the farthest of them is as large as that.
    """
    chosen = joints & np.isfinite(truth).all(-1)
    chosen[:, MPM16.root] = False
    if not chosen.any():
        return np.zeros(len(CONFIDENCES), np.int64), 0
    several = (hypotheses - hypotheses[:, :, MPM16.root, None])[:, chosen].astype(np.float64)  # (samples, cases, 3)
    there = (truth - truth[:, MPM16.root, None])[chosen]
    centre = np.median(several, axis=0)
    radii = np.sort(np.linalg.norm(several - centre, axis=-1), axis=0)
    off = np.linalg.norm(there - centre, axis=-1)
    places = np.clip(CONFIDENCES * (len(radii) + 1) - 1, 0, len(radii) - 1)
    inner = places.astype(int)
    outer = np.minimum(inner + 1, len(radii) - 1)
    counts = [
        (off <= radii[low] + (place - low) * (radii[high] - radii[low])).sum()
        for place, low, high in zip(places, inner, outer, strict=True)
    ]
    return np.array(counts, np.int64), int(chosen.sum())


def calibration_error(counts: NDArray[np.int64], cases: int) -> float:
    """The mean of |observed - q| over the confidences, from what held_shares counts; 0 is calibrated, and a point without
    spread gets 0.5. NaN of no cases."""
    return float(np.abs(counts / cases - CONFIDENCES).mean()) if cases else float("nan")


_STEADY_S = 0.3
"""For about how long smooth noise stays alike."""


def noise_around(
    positions: Poses, spread_m: NDArray[np.floating], samples: int, fps: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(samples, frames, joints, 3) a plain baseline: the answer (frames, joints, 3) with Gaussian noise that is smooth in time,
    whose root mean square length is spread_m (frames, joints) metres, each joint by itself; Hip stays."""
    noise = rng.standard_normal((samples, *positions.shape)).astype(np.float32)
    width = max(_STEADY_S * fps / 2, 1e-3)
    smooth = gaussian_filter1d(noise, width, axis=1, mode="wrap")
    scale = gaussian_filter1d(np.eye(1, positions.shape[0])[0], width, mode="wrap")
    smooth /= np.linalg.norm(scale) * np.sqrt(3)
    wide = np.nan_to_num(spread_m).copy()
    wide[:, MPM16.root] = 0
    return (positions + smooth * wide[..., None]).astype(np.float32)
