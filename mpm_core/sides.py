"""Owns the repair of exchanged sides: 2D tells where left and right may be exchanged, the lifted 3D whether they are.

Where limbs cross or are lost for a moment, their tracks alone can be continued either way, and one wrong turn there exchanges
what was right for as long as the person stays so. A lifter knows more: how the whole body moves. Its answer to keypoints
whose sides are right lies near them; if they are not, no body fits, and the answer lies farther off. So each stretch that
the tracks propose is lifted as it is and exchanged, arms and legs each by themselves and together, and is exchanged only
where the answer then clearly fits better; where other readings fit as well, as far as they agree. What is too close to tell
stays as it is, and is said to be unsure.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.lifters import load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import Lifter, LiftingTask
from mpm_core.refiners.swaps import exchange_sides, find_breaks, find_exchangeable, find_swaps

_SURE = 0.15
"""An answer fits clearly better when its misses are smaller by this share, as a difference of logarithms."""

_SURE_OF_CONTRARY = 0.45
"""Likewise where readings exchange different frames or limbs: between a stretch and the frames that it leaves, little tells
which of them are wrong."""

_AROUND_S = 0.08
"""So long around the ends of a stretch, misses count most: nobody turns round from one frame to the next."""

_FARTHEST_M = 0.4
"""A keypoint that misses the answer by more counts as if it missed it by so much."""

_NEAREST_M = 0.3
"""Depth below which joints are seen as if they were there: where the person stands is unknown or wrong."""

_ROUNDS = 3
"""So many times stretches are taken back before the clip is left as it is."""

_HALF, _NEARLY_ALL = 0.5, 2 / 3
"""Of the frames that tracks tie together."""

_AS_IS, _PROPOSED = 0, 3
"""Among _readings."""


@dataclass(frozen=True, eq=False)
class RepairedSides:
    """clip: with left and right put right where that is sure. exchanged: (frames,) bool, where anything was exchanged;
    unsure: (frames,) bool, where something may be, and was left as it is."""

    clip: Clip
    exchanged: NDArray[np.bool_]
    unsure: NDArray[np.bool_]

    @property
    def flags(self) -> NDArray[np.bool_]:
        """(frames,) bool: those that deserve a look."""
        return self.exchanged | self.unsure

    def sentence(self) -> str:
        """What was done, for people; nothing when nothing was."""
        done, open_ = int(self.exchanged.sum()), int(self.unsure.sum())
        parts = [f"left and right exchanged back in {done} frames"] if done else []
        if open_:
            parts.append(f"left and right unsure in {open_} frames, which stay as they are")
        return "; ".join(parts)


def repair_sides(clip: Clip) -> RepairedSides:
    """Exchange left and right back where a detector confused them.

    The bundled lifter 'mpm' judges, on the processor, so that a clip is judged alike wherever it is and whatever lifts it
    afterwards. Nothing is lifted when the tracks propose nothing; else it takes a second for one or two thousand frames. A
    pair that a person has corrected stays as it is. UserError for a clip without 2D.
    """
    proposed = _of_minorities(clip, find_swaps(clip))
    nothing = np.zeros(len(clip), bool)
    if not proposed.any():
        return RepairedSides(clip, nothing, nothing)
    judge = _Judge(clip, _lifter())
    readings = _readings(proposed)
    misses = np.array([judge.misses(reading) for reading in readings])  # (readings, frames)
    chosen, unsure = np.zeros_like(proposed), nothing.copy()
    stretches = _stretches(proposed)
    for part in stretches:
        likely = _likely(readings[:, part], judge.totals(misses, part))
        is_right = likely[_PROPOSED] and not likely[_AS_IS]
        chosen[part] = proposed[part] if is_right else readings[likely, part].all(axis=0)
        unsure[part] = readings[likely, part].any(axis=(0, 2))
    kept = judge.worthwhile(_without_majorities(clip, chosen, stretches), stretches)
    exchanged = np.any(kept, axis=1)
    return RepairedSides(exchange_sides(clip, kept), exchanged, (unsure | np.any(chosen, axis=1)) & ~exchanged)


@functools.lru_cache(maxsize=1)
def _lifter() -> Lifter:
    return load_lifter("mpm", "cpu")


class _Judge:
    """Lifts a clip in several readings. Each costs the windows that differ from the reading before."""

    def __init__(self, clip: Clip, lifter: Lifter) -> None:
        self._clip = clip
        self._task: LiftingTask = lifter.start(clip, "lift", aids=Aids(mirror=False, fit=False, ground=False))
        self._reach = max(round(_AROUND_S * clip.fps), 1)

    def totals(self, misses: NDArray[np.float64], part: slice) -> NDArray[np.float64]:
        """(..., 2) of misses (..., frames): those of a stretch and a little around it, and of what is near its ends alone,
        of which a long stretch would keep little."""
        first, end = max(part.start - self._reach, 0), min(part.stop + self._reach, misses.shape[-1])
        is_near = np.ones(end - first, bool)
        is_near[2 * self._reach : -2 * self._reach] = False
        around = misses[..., first:end] + 1e-9
        return np.stack((around.sum(axis=-1), around[..., is_near].sum(axis=-1)), axis=-1)

    def misses(self, exchanged: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(frames,) metres across the line of sight, how far the answer to a reading lies from its keypoints, summed over
        joints by their confidence. exchanged: (frames, groups). Where the person stands does not count, only how."""
        reading = exchange_sides(self._clip, exchanged).to_mpm16()
        self._task.replace_clip(reading)
        for _ in self._task.update(None):
            pass
        answer = self._task.prediction()
        assert reading.keypoints is not None
        places = answer.absolute()
        depth = np.maximum(places[..., 2:], _NEAREST_M)
        off = (places[..., :2] / depth - reading.camera.rays(reading.keypoints)) * depth[:, :1]
        weight = np.where(reading.visible, reading.confidence, 0).astype(np.float64)
        mean = (off * weight[..., None]).sum(1, keepdims=True) / np.maximum(weight.sum(1), 1e-6)[:, None, None]
        return (np.minimum(np.linalg.norm(off - mean, axis=-1), _FARTHEST_M) * weight).sum(1)

    def worthwhile(self, chosen: NDArray[np.bool_], stretches: list[slice]) -> NDArray[np.bool_]:
        """What was chosen (frames, groups), as far as each stretch fits clearly better than it does without, when the others
        are as chosen: every other one is left out in turn, so that neighbours do not answer for one another."""
        kept = chosen.copy()
        for _ in range(_ROUNDS):
            if not kept.any():
                break
            with_it, worse = self.misses(kept), []
            exchanged = [part for part in stretches if kept[part].any()]
            for parts in (exchanged[::2], exchanged[1::2]):
                rest = kept.copy()
                for part in parts:
                    rest[part] = False
                without = self.misses(rest) if parts else with_it
                worse += [part for part in parts if not _is_clear(self.totals(without, part), self.totals(with_it, part))]
            if not worse:
                return kept
            for part in worse:
                kept[part] = False
        return np.zeros_like(chosen)


def _of_minorities(clip: Clip, proposed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the tracks propose (frames, groups), turned round where that would exchange nearly all frames that they tie
    together: then the few others are the wrong ones."""
    return proposed ^ ((_shares(clip, proposed) > _NEARLY_ALL) & find_exchangeable(clip)) if proposed.any() else proposed


def _without_majorities(clip: Clip, chosen: NDArray[np.bool_], stretches: list[slice]) -> NDArray[np.bool_]:
    """What was chosen (frames, groups), without stretches that are tied to no more frames that stay as they are than would be
    exchanged: it could as well be those that are wrong."""
    is_doubtful = chosen & (_shares(clip, chosen) >= _HALF)
    kept = chosen.copy()
    for part in stretches:
        kept[part] &= not is_doubtful[part].any()
    return kept


def _shares(clip: Clip, exchanged: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames, groups): of the frames that are tied to each one, as tracks do not break between them once sides are
    exchanged, the share that is."""
    run = np.cumsum(find_breaks(exchange_sides(clip, exchanged)), axis=0)  # the number of each frame's unbroken run
    shares = np.zeros(exchanged.shape)
    for runs, marks, is_there, share in zip(run.T, exchanged.T, find_exchangeable(clip).T, shares.T, strict=True):
        share[:] = (np.bincount(runs, marks) / np.maximum(np.bincount(runs, is_there), 1))[runs]
    return shares


def _readings(proposed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(6, frames, groups): nothing, arms, legs or both exchanged as the tracks propose; then both as they propose it for legs,
    and both as for arms, since a detector that takes the front of a person for the back confuses both at once."""
    arms, legs = proposed[:, 0], proposed[:, 1]
    nothing = np.zeros_like(arms)
    pairs = ((nothing, nothing), (arms, nothing), (nothing, legs), (arms, legs), (legs, legs), (arms, arms))
    return np.array([np.stack(pair, axis=1) for pair in pairs])


def _likely(readings: NDArray[np.bool_], totals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the readings (readings, frames, groups) of a stretch may be right, with totals (readings, 2): the one that fits
    best, and those than which it is not clearly better."""
    best = int(np.log(totals).sum(axis=1).argmin())
    is_apart = ~(readings & readings[best]).any(axis=(1, 2)) & readings.any(axis=(1, 2)) & readings[best].any()
    return ~_is_clear(totals, totals[best], np.where(is_apart, _SURE_OF_CONTRARY, _SURE))


def _is_clear(
    before: NDArray[np.float64], after: NDArray[np.float64], by: float | NDArray[np.float64] = _SURE
) -> NDArray[np.bool_]:
    """Whether the totals (..., 2) of one reading are clearly larger than those of another: one of them, and neither smaller."""
    gain = np.log(before / after)
    return (gain.max(axis=-1) >= by) & (gain.min(axis=-1) >= 0)


def _stretches(proposed: NDArray[np.bool_]) -> list[slice]:
    """Runs of frames in which something is proposed (frames, groups), and of the same group from one frame to the next."""
    nothing = np.zeros((1, proposed.shape[1]), bool)
    before, now = np.concatenate((nothing, proposed)), np.concatenate((proposed, nothing))
    is_cut = ~(before & now).any(axis=1)
    begins, ends = (np.flatnonzero(is_cut & side.any(axis=1)) for side in (now, before))
    return [slice(int(first), int(end)) for first, end in zip(begins, ends, strict=True)]
