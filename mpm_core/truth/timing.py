"""Owns when a recording in 3D began, as seen from a clip of 2D: the shift at which one still camera explains both best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.skeleton import MPM16
from mpm_core.truth.sampling import at_times

_FASTEST_GRID = 50.0  # frames/s in which both are compared
_MOST_GRID_FRAMES = 200_000

# Of the shorter of both recordings, and in seconds: what must overlap at a shift that is weighed.
_LEAST_OVERLAP, _SHORTEST_S = 0.3, 1.0

_AGREES, _CLEARLY = 0.5, 0.7
"""A shift is sure where so much of the movement in 2D is explained, and where no other shift that is not next to it leaves
less than 1 / 0.7 of what this one leaves unexplained."""

_BESIDE_S = 0.25
_STILL = 0.03  # of the body's height: joints that stray less from their mean tell nothing

# Recordings of one length begin together unless this leaves clearly more unexplained than the best shift: detectors that smooth
# in time lag behind by a frame or two.
_AS_GOOD, _AS_GOOD_PLUS = 1.5, 0.01


@dataclass(frozen=True)
class Timing:
    """shift_s: seconds from the clip's first frame to the recording's, negative where the recording began before. explained:
    the share of the movement in 2D that one still camera explains at this shift, None where nothing moves or it was not
    looked for. rival_s, rival: the next best shift and its share. is_given: a person said so."""

    shift_s: float
    explained: float | None = None
    rival_s: float | None = None
    rival: float | None = None
    is_given: bool = False

    @property
    def is_moving_alike(self) -> bool:
        """Whether both move alike at this shift, as far as anything moves."""
        return self.explained is None or self.explained >= _AGREES

    @property
    def is_sure(self) -> bool:
        """Whether the shift is to be trusted; what a person says is."""
        if self.is_given:
            return True
        if self.explained is None or not self.is_moving_alike:
            return False
        return self.rival is None or (1 - self.explained) <= _CLEARLY * (1 - self.rival)

    def sentence(self, fps: float) -> str:
        """The shift, and how sure it is, for people; fps: the clip's."""
        frames = self.shift_s * fps
        when = f"it begins {abs(frames):.1f} frames ({abs(self.shift_s):.2f} s) "
        when += "after the clip" if frames > 0 else "before the clip"
        if abs(frames) < 0.05:
            when = "it begins with the clip"
        if self.is_given:
            return f"{when}, as was said"
        if self.explained is None:
            return f"{when}: assumed, as too little moves, or for too short a time, to tell"
        found = f"{when}: found by movement, of which {100 * self.explained:.0f} % agrees"
        if self.is_sure or self.rival is None or self.rival_s is None:
            return found
        return f"{found}; not sure: a shift of {self.rival_s * fps:.1f} frames agrees with {100 * self.rival:.0f} %"


@dataclass(frozen=True)
class _Scores:
    """For each shift in grid frames: the share explained, the share of the frames that overlap, and how good both make it."""

    lags: NDArray[np.int64]
    explained: NDArray[np.float64]
    evidence: NDArray[np.float64]


def find_shift(clip: Clip, motion: Clip) -> Timing:
    """When the motion (3D, MPM-16) began in the clip (2D, MPM-16).

    Joints relative to Hip in 2D are, for a camera that stands still and far enough away, a linear map of those in 3D, whatever
    the view (Tomasi and Kanade, 1992). At each shift the best map is found, of what joints move about their own mean places,
    and how much of that it explains; all shifts at once by correlation.
    """
    assert clip.keypoints is not None and motion.ground_truth is not None
    seconds = max(_span(clip.times), _span(motion.times))
    rate = min(_FASTEST_GRID, clip.fps, max(1.0, _MOST_GRID_FRAMES / max(seconds, 1e-6)))
    flat = np.where((clip.visible & ~_unsure(clip))[..., None], clip.keypoints, np.nan)
    flat = _on_grid(flat - flat[:, MPM16.root, None], clip.times, rate)
    solid = _on_grid(motion.ground_truth - motion.ground_truth[:, MPM16.root, None], motion.times, rate)
    scores = _score(flat, solid, rate)
    if scores is None:
        return Timing(0.0)
    return _choose(scores, rate, _span(clip.times), _span(motion.times))


def _span(times: NDArray[np.float64]) -> float:
    return float(times[-1] - times[0])


def _unsure(clip: Clip) -> NDArray[np.bool_]:
    """(frames, joints): what is in the lowest tenth of the clip's confidences."""
    known = clip.confidence[clip.visible]
    return clip.confidence < np.percentile(known, 10) if len(known) else np.zeros_like(clip.visible)


def _on_grid(values: NDArray[np.floating], times: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    return at_times(values, times - times[0], np.arange(int(_span(times) * rate + 1e-6) + 1) / rate)


def _score(flat: NDArray[np.float64], solid: NDArray[np.float64], rate: float) -> _Scores | None:
    """Of (frames, joints, 2) and (frames, joints, 3) relative to Hip, NaN where missing; None where nothing moves or meets."""
    w2, w3 = np.isfinite(flat).all(-1).astype(np.float64), np.isfinite(solid).all(-1).astype(np.float64)
    size = float(np.sqrt(np.nanmean(np.square(flat).sum(-1)))) if w2.any() else 0.0
    x = np.asarray(np.nan_to_num(flat), np.float64)
    p = np.asarray(np.nan_to_num(solid), np.float64)
    count = len(flat) + len(solid) - 1
    length = 1 << (count - 1).bit_length()

    def correlate(first: Any, second: Any) -> NDArray[np.float64]:
        """(joints, lags): sums over frames of first[frame] * second[frame - lag]; both (frames, joints)."""
        product = np.fft.rfft(first, length, axis=0) * np.conj(np.fft.rfft(second, length, axis=0))
        return np.fft.irfft(product, length, axis=0)[lags].T

    lags = np.arange(-(len(solid) - 1), len(flat))
    number = correlate(w2, w3)
    n = np.maximum(number, 1.0)
    sum_p = np.stack([correlate(w2, p[..., k]) for k in range(3)])  # (3, joints, lags)
    sum_x = np.stack([correlate(x[..., k], w3) for k in range(2)])
    pp, xp = np.zeros((len(lags), 3, 3)), np.zeros((len(lags), 2, 3))
    for k in range(3):
        for m in range(k, 3):
            pp[:, k, m] = pp[:, m, k] = (correlate(w2, p[..., k] * p[..., m]) - sum_p[k] * sum_p[m] / n).sum(0)
        for m in range(2):
            xp[:, m, k] = (correlate(x[..., m], p[..., k]) - sum_x[m] * sum_p[k] / n).sum(0)
    xx = (correlate(np.square(x).sum(-1), w3) - np.square(sum_x).sum(0) / n).sum(0)
    shared = number.sum(0)
    fullest = min(w2.sum(), w3.sum())
    frames = shared / max(1.0, min(w2.sum(1).max(initial=1.0), w3.sum(1).max(initial=1.0)))
    tells = (shared >= _LEAST_OVERLAP * fullest) & (frames >= _SHORTEST_S * rate - 1)
    tells &= xx > shared * np.square(_STILL * size)
    if not tells.any():
        return None
    pp += np.eye(3) * (1e-6 * np.trace(pp, axis1=1, axis2=2)[:, None, None] + 1e-12)
    best = np.einsum("lik,lki->l", xp, np.linalg.solve(pp, np.swapaxes(xp, 1, 2)))
    explained = np.where(tells, np.clip(best / np.maximum(xx, 1e-12), 0.0, 1 - 1e-9), 0.0)
    evidence = -np.log(1 - explained) * np.sqrt(np.clip(shared / max(fullest, 1.0), 0.0, 1.0))
    return _Scores(lags, explained, evidence)


def _choose(scores: _Scores, rate: float, clip_s: float, motion_s: float) -> Timing:
    top = int(scores.evidence.argmax())
    at_zero = int(np.flatnonzero(scores.lags == 0)[0])
    left = 1 - scores.explained
    if abs(clip_s - motion_s) <= 1.5 / rate and left[at_zero] <= _AS_GOOD * left[top] + _AS_GOOD_PLUS:
        top = at_zero
    apart = np.abs(scores.lags - scores.lags[top]) > _BESIDE_S * rate
    rival = int(np.where(apart, scores.evidence, -1.0).argmax()) if apart.any() else None
    shift = 0.0 if top == at_zero and scores.evidence[top] <= 0 else _between(scores, top, is_zero=top == at_zero)
    return Timing(
        shift / rate, float(scores.explained[top]),
        None if rival is None else float(scores.lags[rival]) / rate,
        None if rival is None else float(scores.explained[rival]),
    )  # fmt: skip


def _between(scores: _Scores, top: int, is_zero: bool) -> float:
    """The best shift in grid frames, also between two of them: the top of the parabola through the best and its neighbours."""
    if not 0 < top < len(scores.lags) - 1:
        return float(scores.lags[top])
    before, here, after = scores.evidence[top - 1 : top + 2]
    bend = before - 2 * here + after
    if not bend < 0 or min(before, after) <= 0:
        return float(scores.lags[top])
    off = float(np.clip((before - after) / (2 * bend), -0.5, 0.5))
    # What was recorded together begins together: the rest is noise.
    return float(scores.lags[top]) + (0.0 if is_zero and abs(off) < 0.3 else off)
