"""Owns the choice of some stretches of a benchmark, for protocols that would take days on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.training.benchmarks import Benchmark

VIEWS, FRAMES = 10, 400
"""How many are looked at, unless more are asked for."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Frames from the middle of a view, in MPM-16 joints, and the same seen by another camera where there is one. number: of
    the view in its file, which the noise is drawn by, so that it is the same however many views are looked at."""

    clip: Clip
    other: Clip | None
    number: int = 0

    @property
    def truth(self) -> NDArray[np.float32]:
        """(frames, 16, 3) metres in camera axes."""
        assert self.clip.ground_truth is not None
        return self.clip.ground_truth


def check_picked(views: int, frames: int) -> None:
    """UserError for numbers of which nothing can be picked."""
    for name, number in (("--views", views), ("--frames", frames)):
        if number < 1:
            raise UserError(f"{name} must be 1 or more, not {number}")


def pick(benchmark: Benchmark, path: Path, views: int, frames: int) -> list[Stretch]:
    """So many views, spread evenly over a file of the benchmark, and so many frames from the middle of each, or all that it
    has. Where all would be of the same camera, as with one for each motion, the cameras take turns.

    UserError for a benchmark with fewer views, or one that does not know where joints truly are.
    """
    clips = [scored.clip.to_mpm16() for scored in benchmark.read(path)]
    if views > len(clips):
        raise UserError(f"--views {views}: {path} has {len(clips)}")
    if any(clip.ground_truth is None for clip in clips):
        raise UserError(f"{path}: has no ground truth to compare with")
    chosen = _spread([_motion(clip) for clip in clips], views)
    return [Stretch(_middle(clips[n], frames), _other(clips, n, frames), n) for n in chosen]


def _spread(motions: Sequence[str], views: int) -> list[int]:
    """Numbers of so many views, whose motions these are."""
    chosen = [int(number * len(motions) / views) for number in range(views)]
    firsts = {motion: motions.index(motion) for motion in dict.fromkeys(motions)}
    if len({n - firsts[motions[n]] for n in chosen}) > 1:
        return chosen
    turns = {motion: number % motions.count(motion) for number, motion in enumerate(firsts)}
    return [firsts[motions[n]] + turns[motions[n]] for n in chosen]


def _motion(clip: Clip) -> str:
    return clip.source.rpartition("/")[0]


def _middle(clip: Clip, frames: int) -> Clip:
    count = min(frames, len(clip))
    first = (len(clip) - count) // 2
    return clip.cut(first, first + count - 1)


def _other(clips: Sequence[Clip], number: int, frames: int) -> Clip | None:
    """The next view of the same motion, or the one before."""
    for beside in (number + 1, number - 1):
        if 0 <= beside < len(clips):
            clip = clips[beside]
            if _motion(clip) == _motion(clips[number]) and len(clip) == len(clips[number]):
                return _middle(clip, frames)
    return None


def camera_beside(here: NDArray[np.floating], there: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where another camera stands, from the same motion (frames, 16, 3) in the axes of both, in metres: a point p of the first
    is rotation @ p + offset in the second. Least squares (Kabsch, Acta Crystallographica A32, 1976)."""
    one, two = (motion.reshape(-1, 3).astype(np.float64) for motion in (here, there))
    known = np.isfinite(one).all(1) & np.isfinite(two).all(1)
    one, two = one[known], two[known]
    left, _, right = np.linalg.svd((two - two.mean(0)).T @ (one - one.mean(0)))
    turn = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ turn @ right
    return rotation, two.mean(0) - rotation @ one.mean(0)
