"""Owns which frame of a clip is on when, in a film of steady rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.films.options import FilmOptions
from mpm_core.limits import MOST_FRAMES
from mpm_core.pauses import shortened

_EARLY = 0.25
"""Of a film's frame: a frame of the clip that begins so little later is on already, since containers round times."""


@dataclass(frozen=True)
class Schedule:
    """frames: (shots,) which frame of the clip each of the film's shows. rate: frames/s of the film."""

    frames: NDArray[np.int64]
    rate: float

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration_s(self) -> float:
        return len(self) / self.rate

    def shots(self) -> Iterator[tuple[int, float]]:
        """Frame of the clip, and seconds of the film."""
        for number, frame in enumerate(self.frames.tolist()):
            yield frame, number / self.rate


def schedule(times: NDArray[np.floating], fps: float, options: FilmOptions) -> Schedule:
    """Of a clip whose frames were taken at (frames,) seconds, `fps` on average: each shot shows the frame that is on at its
    time, for as long as the clip lasts. Pauses are shortened to a second. A still lasts for one turn, or one shot where nothing
    turns. options: with a rate, see FilmOptions.for_file. UserError for more
    pictures than can be."""
    assert options.rate is not None
    first, last = options.span(len(times))
    if options.still is not None:
        shots = _count(360 / abs(options.turns) * options.rate) if options.turns else 1
        return Schedule(np.full(shots, options.still), options.rate)
    on_at = shortened(times[first : last + 1], fps) / options.speed
    lasts = on_at[-1] + 1 / fps / options.speed
    seconds = (np.arange(_count(lasts * options.rate)) + _EARLY) / options.rate
    return Schedule(first + np.maximum(np.searchsorted(on_at, seconds, "right") - 1, 0), options.rate)


def _count(shots: float) -> int:
    if not shots <= MOST_FRAMES:
        raise UserError(f"a film of {shots:.3g} pictures is more than can be made ({MOST_FRAMES} at most can)")
    return max(round(shots), 1)
