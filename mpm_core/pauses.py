"""Owns pauses: hours in which nobody is seen take no frames, times jump over them, and nothing is carried from one side to the
other.

A clip keeps the frames of a pause as hidden ones as long as it is short: there the lifter says what was likely, and frames
have the numbers that the file gave them. Of a long recording only the frames around people are kept.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpm_core.errors import UserError
from mpm_core.limits import LONGEST_SPAN_S, MOST_FRAMES

_WHOLE_FRAMES = 50_000
"""Clips up to so long (half an hour at 30 frames/s) are kept with all their gaps."""

_LONGEST_GAP_FRAMES = 250
"""Without anybody, in longer clips: beyond what a lifter sees at once."""

_PAUSE_S, _PAUSE_STEPS = 1.0, 3.0
"""Frames that are farther apart than both do not follow each other."""

SHORT_PAUSE_S = 1.0
"""How long a pause lasts where nobody can wait for its end."""


def goes_on(times: NDArray[np.floating], fps: float) -> NDArray[np.bool_]:
    """(frames - 1,) whether a frame follows the one before, at (frames,) seconds, or a pause lies between them."""
    steps = np.diff(np.asarray(times, np.float64))
    return steps <= max(_PAUSE_S, _PAUSE_STEPS / fps)


def pieces(times: NDArray[np.floating], fps: float) -> list[slice]:
    """The stretches of frames between pauses, in order; one when there are none."""
    starts = [0, *(np.flatnonzero(~goes_on(times, fps)) + 1).tolist(), len(times)]
    return [slice(first, end) for first, end in pairwise(starts)]


def shortened(times: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(frames,) seconds since the first, as if every pause took SHORT_PAUSE_S."""
    steps = np.where(goes_on(times, fps), np.diff(np.asarray(times, np.float64)), SHORT_PAUSE_S)
    return np.concatenate(([0.0], np.cumsum(steps)))


def frames_to_keep(seen: ArrayLike, first: int, last: int, fps: float, where: str) -> NDArray[np.int64]:
    """The frames from first to last that a clip is to hold, in which somebody is seen in those of `seen`.

    All of them, unless these are very many: then those between two sights are left out where they are too many. UserError for
    frames that last too long, or are too many even so.
    """
    if (last - first) / fps > LONGEST_SPAN_S:
        raise UserError(f"{where}the frame numbers run from {first} to {last}, which cannot be right")
    if last - first < _WHOLE_FRAMES:
        return np.arange(first, last + 1)
    known = np.unique(np.asarray(seen, np.int64))
    cuts = np.flatnonzero(np.diff(known) > _LONGEST_GAP_FRAMES + 1)
    starts, ends = known[np.append(0, cuts + 1)], known[np.append(cuts, len(known) - 1)]
    starts[0] = first if starts[0] - first <= _LONGEST_GAP_FRAMES else starts[0]
    ends[-1] = last if last - ends[-1] <= _LONGEST_GAP_FRAMES else ends[-1]
    count = int((ends - starts + 1).sum())
    if count > MOST_FRAMES:
        raise UserError(f"{where}{count} frames are more than can be right ({MOST_FRAMES} at most can)")
    return np.concatenate([np.arange(start, end + 1) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])


def pause_notes(kept: NDArray[np.integer], first: int, last: int, fps: float) -> tuple[str, ...]:
    """What to say of the frames that were left out; nothing when none were."""
    left_out = last - first + 1 - len(kept)
    if not left_out:
        return ()
    gaps = np.diff(np.asarray(kept, np.int64), prepend=first - 1, append=last + 1) - 1
    count = int((gaps > 0).sum())
    pauses = (
        f"a pause of {duration(gaps.max() / fps)}" if count == 1 else f"{count} pauses of up to {duration(gaps.max() / fps)}"
    )
    return (f"{pauses} in which the person is not seen: these {left_out} frames are left out, and times go on as in the file",)


def at_rate(times: NDArray[np.floating], fps: float) -> NDArray[np.float64] | None:
    """(frames,) seconds of the same frames at another rate, with pauses that last in proportion; None, for even times, where
    there are no pauses."""
    steps = np.diff(np.asarray(times, np.float64))
    step = float(np.median(steps)) if len(steps) else 0.0
    if not 0 < step < np.inf or goes_on(times, 1 / step).all():
        return None
    return (np.asarray(times, np.float64) - times[0]) / (step * fps)


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
