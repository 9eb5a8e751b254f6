"""Owns the answer of several calibrated cameras before it stands on the ground: each camera's is joined to one motion, or the
mean of hypotheses is placed where all see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import SmoothPath
from mpm_core.clip import Clip
from mpm_core.diffusion.options import Sampling
from mpm_core.errors import UserError
from mpm_core.grounding.floor import FEET
from mpm_core.lifters.agreeing import agreed
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import LiftingTask
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.fusing import Fusion
from mpm_core.lifters.living import Living
from mpm_core.lifters.network import NetworkLifter
from mpm_core.lifters.sights import Sight
from mpm_core.masking import Mask
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

_UNSEEN_FOOT = 0.2
"""How much a camera counts in whether a foot stands that it does not see, beside one that does."""


class JoinedTask:
    """A LivingTask of clips that stay as they are. sights: what is believed of them, once update() is through; notes: what of
    them was not. lifter: what lifts each camera's clip, None where the answer is made of
    hypotheses alone and nothing is to be told of the ground. drawer: of hypotheses, if any are asked for."""

    def __init__(
        self, sights: Sequence[Sight], lifter: NetworkLifter | None, drawer: Drawer | None, sampling: Sampling, aids: Aids
    ) -> None:
        self.sights, self._drawer, self._sampling, self._fits = list(sights), drawer, sampling, aids.fit
        self._lifter, self.notes = lifter, list[str]()
        # Each by itself, as far as the fit; the ground is for the one answer of all.
        self._alone = replace(aids, fit=True, ground=False, refine=False)
        self._tasks = [] if lifter is None else [self._start(lifter, sight) for sight in sights]
        self._name = lifter.name if lifter is not None and aids.fit else "platypose"
        self._answer: Prediction | None = None

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update; everything is found anew."""
        parts = len(self._tasks) + self._fits + (self._drawer is not None)
        shares = _Shares(parts)
        for task in self._tasks:
            yield from shares.of(task.update(mask, cursor))
        told = [task.prediction() for task in self._tasks]
        for number in self._agree(told):
            assert self._lifter is not None
            self._tasks[number] = self._start(self._lifter, self.sights[number])
            for _ in self._tasks[number].update(mask, cursor):
                yield shares.now()
            told[number] = self._tasks[number].prediction()
        hidden = self.sights[0].hidden if mask is None else mask
        sights = [replace(sight, hidden=hidden) for sight in self.sights]
        places: NDArray[np.floating] | None = None
        if self._fits:
            fusion = Fusion(sights, told)
            for _ in fusion.run():
                yield shares.now()
            places = fusion.places
            shares.next()
        if self._drawer is not None:
            unseen = hidden | ~sights[0].clip.visible
            yield from shares.of(self._drawer.draw(unseen, slice(0, len(unseen)), self._sampling))
        if places is None:
            assert self._drawer is not None
            drawn = self._drawer.hypotheses.mean(0)
            places = drawn + _hip(drawn, sights)[:, None]
        self._answer = self._answered(places, hidden, told)
        yield shares.now()

    def _start(self, lifter: NetworkLifter, sight: Sight) -> LiftingTask:
        clip = replace(sight.clip, height_m=None)  # several cameras tell how tall somebody is
        return lifter.start(clip, aids=self._alone, hypotheses=False)

    def _agree(self, told: Sequence[Prediction]) -> list[int]:
        """Cameras that see something else in some frames than the first one: what they saw is made to agree with it."""
        found = []
        for number, sight in enumerate(self.sights[1:] if told else (), 1):
            agreement = agreed(told[0], sight, sight.clip.name, self.sights[0].clip.name)
            if agreement.is_changed:
                self.sights[number] = replace(sight, clip=agreement.clip)
                self.notes += agreement.notes
                found.append(number)
        if found and self._drawer is not None:
            self._drawer.look_by(self.sights[1:])
        return found

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        raise UserError("what several cameras saw is lifted as it was when they were brought together")

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self.living().answer

    def living(self) -> Living:
        """See LivingTask.living."""
        assert self._answer is not None, "update() comes first"
        return Living(self._answer, np.ones(len(self._answer), bool))

    def _answered(self, places: NDArray[np.floating], hidden: Mask, told: Sequence[Prediction]) -> Prediction:
        root = places[:, MPM16.root]
        first = self.sights[0].clip
        unseen = hidden | ~np.any([sight.clip.visible for sight in self.sights], axis=0)
        answer = Prediction(
            positions=(places - root[:, None]).astype(np.float32), root=root.astype(np.float32), hidden=unseen,
            is_prior_only=unseen.all(1), times=first.times, fps=first.fps, lifter=self._name, task="lift", mode="fast",
        )  # fmt: skip
        turns = [sight.rotation for sight in self.sights]
        by = [(one, turn) for one, turn in zip(told, turns, strict=True) if one.up is not None] if told else []
        if not by:
            return answer
        up, error_deg = _up([(one.up, one.up_error_deg or 0.0, turn) for one, turn in by if one.up is not None])
        seen = np.stack([~one.hidden[:, list(FEET)] for one, _ in by])
        weights = np.where(seen, 1.0, _UNSEEN_FOOT)
        weights /= weights.sum(0)
        odds, heights = (
            np.sum([w * of for w, of in zip(weights, rows, strict=True)], axis=0).astype(np.float32)
            for rows in ([one.foot_odds for one, _ in by], [one.foot_height for one, _ in by])
        )
        return replace(answer, up=up, up_error_deg=error_deg, foot_odds=odds, foot_height=heights)


class _Shares:
    """How far everything is, of parts that count alike."""

    def __init__(self, parts: int) -> None:
        self._parts, self._done, self._share = parts, 0, 0.0

    def of(self, steps: Iterator[Progress]) -> Iterator[Progress]:
        """The next part's own progress, as a share of all."""
        for step in steps:
            self._share = step.done / max(step.total, 1)
            yield self.now()
        self.next()

    def next(self) -> None:
        """A part is done."""
        self._done, self._share = self._done + 1, 0.0

    def now(self) -> Progress:
        """In per cent."""
        return Progress(round(100 * (self._done + self._share) / max(self._parts, 1)), 100)


def _up(told: Sequence[tuple[NDArray[np.floating], float, NDArray[np.floating]]]) -> tuple[NDArray[np.float32], float]:
    """Which way is up in the first camera's axes, by what is told in each one's own, how far that is off in degrees, and each
    one's turn from the first; and how far it is off then, no less than they disagree by."""
    each = np.array([up @ turn for up, _, turn in told])
    weights = np.array([max(error, 1e-3) ** -2 for _, error, _ in told])
    mean = weights @ each
    up = mean / max(float(np.linalg.norm(mean)), 1e-9)
    apart = np.degrees(np.arccos(np.clip(each @ up, -1, 1)))
    return up.astype(np.float32), max(float(weights.sum() ** -0.5), float((weights @ apart) / weights.sum()))


def _hip(positions: NDArray[np.floating], sights: Sequence[Sight]) -> NDArray[np.float32]:
    """(frames, 3) where Hip is in the first camera's axes, smoothly, so that visible joints lie nearest to all their rays."""
    matrix, vector = np.zeros((len(positions), 3, 3)), np.zeros((len(positions), 3))
    count = np.zeros(len(positions), int)
    for sight in sights:
        clip = sight.clip
        assert clip.keypoints is not None
        seen = clip.visible & ~sight.hidden
        rays = clip.camera.rays(np.where(seen[..., None], clip.keypoints, 0)).astype(np.float64)
        unit = np.concatenate((rays, np.ones_like(rays[..., :1])), axis=-1)
        unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
        across = np.einsum(
            "ji,fnjk,kl->fnil", sight.rotation, np.eye(3) - unit[..., :, None] * unit[..., None, :], sight.rotation
        )
        across *= seen[..., None, None]
        matrix += across.sum(1)
        vector -= np.einsum("fnij,fnj->fi", across, positions + sight.rotation.T @ sight.offset)
        count += seen.sum(1)
    root = np.full(vector.shape, np.nan)
    known = count >= 2
    root[known] = np.linalg.solve(matrix[known], vector[known][..., None])[..., 0]
    path, first = SmoothPath(len(root), pieces(sights[0].clip.times, sights[0].clip.fps)), sights[0].clip
    path.renew(root, 0, len(first))
    return path.smooth
