"""Owns motion as other programs want it: metres, Y up, the floor at zero, one frame time for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import upright
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.sources import NOT_MEASURED, marks_of_3d, sources_of
from mpm_core.grounding.floor import FEET, ground_under
from mpm_core.grounding.up import find_up
from mpm_core.pauses import SHORT_PAUSE_S, duration, goes_on, shortened
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

Floats = NDArray[np.float64]

_UP = (0.0, 1.0, 0.0)
_MOST_FRAMES, _MOST_TIMES_AS_MANY = 100_000, 10  # that pauses may make of a clip's frames, whichever is more
_SAME_S = 1e-9  # times that are nearer to each other are the same
_UNEVEN = 1e-3  # share of the frame time by which the times may stray before the motion is resampled


@dataclass(frozen=True, eq=False)
class World:
    """positions: (frames, 16, 3) metres, Y up, the floor at 0, Hip above the origin at first; NaN where a joint is unknown.
    frame_time: seconds. stands: (frames, 2) probability that a foot stands, left first. sources: (frames, 16)
    and confidence: (frames, 16) 0 to 1, see sources.py. uncertainty: (frames, 16) metres, or None."""

    positions: Floats
    frame_time: float
    stands: Floats
    sources: NDArray[np.str_]
    confidence: Floats
    uncertainty: Floats | None

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def completed(self) -> NDArray[np.bool_]:
        """(frames, 16), what a lifter filled in."""
        return self.sources == "completed"

    @property
    def not_measured(self) -> NDArray[np.bool_]:
        """(frames, 16), what a lifter filled in or what was interpolated, where a format must have a place for every joint."""
        return np.isin(self.sources, NOT_MEASURED)

    @property
    def times(self) -> Floats:
        """(frames,) seconds from the first frame."""
        return self.frame_time * np.arange(len(self), dtype=np.float64)


def world_of(content: Clip | Prediction, options: WriteOptions, fills_gaps: bool = False) -> World:
    """What is to be written, over the frames and at the rate that the options name, with the person's way or in place.

    fills_gaps: interpolate joints of a clip that are unknown in some frames. UserError for a clip without 3D, and for one
    whose pauses would become too many frames.
    """
    from mpm_core.grounding.standing import standing_feet  # scipy is slow to import, and not needed to open a window

    part = options.frames(len(content))
    uncertainty = None
    if isinstance(content, Prediction):
        positions, up = content.absolute(), find_up(options.clip, content).direction
        contact, uncertainty = content.contact, content.uncertainty
    else:
        clip = content.to_mpm16()
        if clip.ground_truth is None:
            raise UserError(f"{clip.source or 'this clip'}: has no 3D positions to write")
        positions, up = clip.ground_truth, find_up(clip).direction
        contact = None
    positions = _without_gaps(positions) if fills_gaps else positions
    places = np.asarray(upright(positions[part], up), np.float64)
    grid = _grid(content.times[part], content.fps, options.fps)
    frame_time, places = grid.frame_time, grid.smoothly(places)
    stands = None if contact is None else grid.linearly(contact[part].astype(np.float64))
    if stands is None:
        stands = np.zeros((len(places), 2))
        seen = np.isfinite(places[:, list(FEET)]).all((1, 2))
        if seen.any():
            stands[seen] = standing_feet(places[seen], np.array(_UP), 1 / frame_time)[0]
    floor = ground_under(places[:, list(FEET), 1], stands)
    first = np.flatnonzero(np.isfinite(places[:, MPM16.root]).all(-1))
    start = np.array([0.0, 0.0 if floor is None else floor, 0.0])
    if len(first):
        start += places[first[0], MPM16.root] * [1.0, 0.0, 1.0]
    places = places - start
    if options.in_place:
        places = places - np.nan_to_num(places[:, MPM16.root][:, None]) * [1.0, 0.0, 1.0]
    spread = None if uncertainty is None else grid.linearly(uncertainty[part].astype(np.float64))
    if isinstance(content, Clip):
        sources, confidence = marks_of_3d(content.to_mpm16())
    else:
        sources, confidence = sources_of(content, options.clip)
    sure = grid.linearly(confidence[part].astype(np.float64))
    return World(places, frame_time, stands, grid.marks(sources[part]), sure, spread)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Rows at some times, wanted at even ones. even: None where they are even already."""

    frame_time: float
    times: Floats
    even: Floats | None

    def smoothly(self, rows: Floats) -> Floats:
        """(frames, ...) by cubics that do not overshoot (Fritsch and Butland, 1984), so that no foot goes through the floor;
        what lies beside an unknown value is unknown."""
        if self.even is None:
            return rows
        from scipy.interpolate import PchipInterpolator

        flat = rows.reshape(len(rows), -1)
        known = np.isfinite(flat)
        filled = PchipInterpolator(self.times, np.where(known, flat, 0.0), axis=0)(np.minimum(self.even, self.times[-1]))
        before, after = self.beside()
        filled[~(known[before] & known[after])] = np.nan
        return filled.reshape(len(self.even), *rows.shape[1:])

    def linearly(self, rows: Floats) -> Floats:
        """(frames, columns)."""
        if self.even is None:
            return rows
        return np.stack([np.interp(self.even, self.times, column) for column in rows.T], axis=-1)

    def marks(self, rows: NDArray[np.str_]) -> NDArray[np.str_]:
        """(frames, columns), each row that of the nearest time; but what lies beside a place that nobody measured is not
        measured either."""
        if self.even is None:
            return rows
        middles = (self.times[1:] + self.times[:-1]) / 2
        found = rows[np.searchsorted(middles, self.even)]
        for beside in self.beside():
            for source in NOT_MEASURED[::-1]:
                found = np.where((rows[beside] == source) & (found != "hidden"), source, found)
        return found

    def beside(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(even frames,) of the rows before and after each even time, the same one where they meet."""
        assert self.even is not None
        even = np.minimum(self.even, self.times[-1])
        before = np.clip(np.searchsorted(self.times, even + _SAME_S, side="right") - 1, 0, len(self.times) - 1)
        after = np.minimum(before + (self.times[before] < even - _SAME_S), len(self.times) - 1)
        return before, after


def _grid(times: Floats, fps: float, wanted: float | None) -> _Grid:
    """Even times over those of the frames, at a wanted rate or at their own, which even times keep as they are."""
    if len(times) < 2:
        return _Grid(1 / (wanted or fps), times, None)
    step = _frame_time(times, fps) if wanted is None else 1 / wanted
    if _is_too_long(times, step):
        times = shortened(times, fps)
    count = int(np.floor(float(times[-1] - times[0]) / step + 0.5 * (wanted is None) + 1e-6)) + 1
    if count > max(_MOST_FRAMES, _MOST_TIMES_AS_MANY * len(times)):
        raise UserError(
            f"such a file has one frame time, and with {step:.3g} s of it the {len(times)} frames would become {count}: write"
            " the parts between the pauses one by one, as ranges of frames, or another format"
        )
    even = times[0] + step * np.arange(count)
    if len(even) == len(times) and np.abs(even - times).max() < _UNEVEN * step:
        own = float((times[-1] - times[0]) / (len(times) - 1))
        return _Grid(own if wanted is None else step, times, None)
    return _Grid(step, times, even)


def _frame_time(times: Floats, fps: float) -> float:
    """Seconds from frame to frame, where there is no pause."""
    follows = goes_on(times, fps)
    return float(np.median(np.diff(times)[follows])) if follows.any() else 1 / fps


def _is_too_long(times: Floats, step: float) -> bool:
    return float(times[-1] - times[0]) / step > max(_MOST_FRAMES, _MOST_TIMES_AS_MANY * len(times))


def pause_notes(times: Floats, fps: float, wanted: float | None) -> tuple[str, ...]:
    """What to say of pauses between (frames,) seconds in a file of one frame time."""
    follows = goes_on(times, fps)
    if follows.all():
        return ()
    longest = duration(float(np.diff(times)[~follows].max()))
    are_short = _is_too_long(times, _frame_time(times, fps) if wanted is None else 1 / wanted)
    what = f"made {SHORT_PAUSE_S:g} s long" if are_short else "kept as long as they were"
    return (f"pauses of up to {longest} are {what}, as such a file has one frame time for all",)


def _without_gaps(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints that are unknown in some frames, interpolated in time; UserError for one that is never known."""
    filled = positions.copy()
    frames = np.arange(len(positions))
    for joint, name in enumerate(MPM16.joints):
        known = np.isfinite(positions[:, joint]).all(-1)
        if not known.any():
            raise UserError(f"{name} has no position in any frame; complete the clip before writing it as such a file")
        for axis in range(3):
            filled[:, joint, axis] = np.interp(frames, frames[known], positions[known, joint, axis])
    return filled


def to_up_axis(vectors: Floats, up_axis: str | None) -> Floats:
    """(..., 3) with Y up, in axes with Y or Z up: then what faced +Z faces -Y."""
    if up_axis != "z":
        return vectors
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack((x, -z, y), axis=-1)
