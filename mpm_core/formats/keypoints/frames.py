"""Owns which frame a name means: numbers in natural order whatever surrounds them, times in names, gaps that stay gaps."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.limits import RATES

_DIGITS = re.compile(r"\d+")
# A date and a time of day, each with the same mark between its parts or with none; VLC has the time as 12h30m05s.
_CLOCK = re.compile(
    r"(\d{4})(?P<a>\D?)(\d\d)(?P=a)(\d\d)\D{0,2}(\d\d)"
    r"(?:(?P<b>\D?)(?=\d\d(?P=b)\d)|h(?=\d\dm\d))(\d\d)\D?(\d\d)\D?(\d{1,9})?"
)
_CLOCK_PARTS = (1, 3, 4, 5, 7, 8)
_DECIMAL_SECONDS = re.compile(r"(?<!\d)\d{1,10}[.,]\d{3,9}(?!\d)")

# Numbers with this many digits are times since 1970, by their unit in seconds.
_EPOCH_UNITS_S = {13: 1e-3, 16: 1e-6, 19: 1e-9}
# Smaller numbers are milliseconds when neighbours are mostly as far apart as frames are in time, but not by one same number.
_USUAL_STEPS_MS = (8, 1000)
_EVEN = 0.3
_MOSTLY = 0.8
# Numbers of which most are farther from the one before than this are no frames': a few such steps are pauses.
_FARTHEST_STEP = 1000
_MOST_LONE_FRAMES = 2
# Times this many frames apart have a pause between them.
_PAUSE_STEPS = 10
_FARTHEST_FRAME = 1e12
_DECIMALS_OF_COUNTERS, _DAY_S, _FIRST_SECONDS = 3, 86_400, 2
_NO_FRAME = 10**30


class SameFrameError(UserError):
    """Two names mean one frame, as those of two videos do."""


@dataclass(frozen=True)
class Numbered:
    """Frame numbers in the order of the names; fps where the names are times; notes on what was assumed."""

    numbers: tuple[int, ...]
    fps: float | None = None
    notes: tuple[str, ...] = ()


def number_frames(names: Sequence[Hashable], where: str) -> Numbered:
    """The frame that each name (or number) means: by the number in it that changes from name to name, else by its time.

    UserError when two names mean the same frame, as in a folder with two videos, or a name holds no number.
    """
    if all(isinstance(name, int) for name in names):
        if any(abs(int(name)) >= _NO_FRAME for name in names):  # type: ignore[call-overload]
            raise UserError(f"{where}: a number is no frame's")
        return _from_numbers([int(name) for name in names], [str(name) for name in names], where)  # type: ignore[call-overload]
    texts = [str(name) for name in names]
    seconds = _clock_times(texts)
    if seconds is not None:
        return _from_times(seconds, "dates and times", where)
    numbers, notes = _changing_numbers(texts, where)
    numbered = _from_numbers(numbers, texts, where)
    return replace(numbered, notes=(*notes, *numbered.notes))


def _changing_numbers(texts: list[str], where: str) -> tuple[list[int], tuple[str, ...]]:
    """The last number in each name that is not the same in all and puts them in an order, and what to say where others put
    them in another order."""
    groups = [_DIGITS.findall(text) for text in texts]
    empty = next((text for text, digits in zip(texts, groups, strict=True) if not digits), None)
    if empty is not None:
        if len(texts) == 1:
            return [0], ()
        raise UserError(f"{where}: '{empty[:60]}' holds no frame number")
    if any(len(digit) > 30 for digits in groups for digit in digits):
        raise UserError(f"{where}: a name holds a number that is no frame's")
    if len(texts) > 1:
        count = min(len(digits) for digits in groups)
        is_alike = all(len(digits) == count for digits in groups)
        # Where names end in letters and digits at random, as those of Roboflow do, the numbers before them tell.
        places = list(reversed(range(count))) if is_alike else [-1, *range(count)]
        changing = [[int(digits[place]) for digits in groups] for place in places]
        changing = [numbers for numbers in changing if len(set(numbers)) > 1]
        orders = [numbers for numbers in changing if len(set(numbers)) == len(numbers)]
        if orders:
            return _one_order(orders, texts, where)
        if changing and is_alike:
            return changing[0], ()
    return [int(digits[-1]) for digits in groups], ()


def _one_order(orders: list[list[int]], texts: list[str], where: str) -> tuple[list[int], tuple[str, ...]]:
    """The first of several lists of numbers when all put the names in one order, else the one that counts by one; UserError
    when that is none, or not one alone."""
    if len({tuple(np.argsort(np.array(numbers, dtype=object))) for numbers in orders}) == 1:
        return orders[0], ()
    counting = [numbers for numbers in orders if max(numbers) - min(numbers) == len(numbers) - 1]
    example = texts[0][:60]
    if len(counting) != 1:
        raise UserError(f"{where}: the numbers in the names ('{example}') put the frames in different orders")
    return counting[0], (f"of several numbers in the names ('{example}') the one that counts by one is taken for the frame's",)


def _from_numbers(numbers: list[int], texts: list[str], where: str) -> Numbered:
    known: dict[int, str] = {}
    for number, text in zip(numbers, texts, strict=True):
        if number in known:
            raise SameFrameError(
                f"{where}: {known[number]} and {text} are both frame {number}; use one folder per video, or one file"
            )
        known[number] = text
    ordered = np.array(sorted(numbers), dtype=object)
    if len(ordered) < 2:
        return Numbered(tuple(numbers))
    digits = len(str(ordered[-1]))
    if digits in _EPOCH_UNITS_S and len(str(ordered[0])) == digits:
        since = [int(number) - int(ordered[0]) for number in numbers]
        return _from_times(np.array(since, np.float64) * _EPOCH_UNITS_S[digits], "times since 1970", where)
    steps = np.diff(ordered.astype(np.float64))
    step = _usual(steps)
    is_even = np.mean(np.abs(steps - step) <= _EVEN * step) >= _MOSTLY
    if is_even and len(steps) > 1 and np.ptp(steps) > 0 and _USUAL_STEPS_MS[0] <= step <= _USUAL_STEPS_MS[1]:
        times = np.array([number - int(ordered[0]) for number in numbers], np.float64) * 1e-3
        return _from_times(times, "times in milliseconds", where)
    if len(ordered) > _MOST_LONE_FRAMES and step > _FARTHEST_STEP:
        note = "the numbers in the names are neither frames nor times: taken one after the other"
        places = {int(number): place for place, number in enumerate(ordered)}
        return Numbered(tuple(places[number] for number in numbers), notes=(note,))
    if len(steps) > 1 and step > 1 and np.ptp(steps) == 0:
        note = f"only every {step:.0f}th frame number is there: the frames between are taken as hidden"
        return Numbered(tuple(numbers), notes=(note,))
    return Numbered(tuple(numbers))


def _usual(steps: NDArray[np.float64]) -> float:
    """The median; of two that are in the middle the smaller, as gaps make steps larger."""
    return float(np.percentile(steps, 50, method="lower"))


def _clock_times(texts: list[str]) -> NDArray[np.float64] | None:
    """Seconds when all names hold a date with a time of day, or seconds with decimals since 1970; else None."""
    if all(_DECIMAL_SECONDS.search(text) for text in texts):
        found = [_DECIMAL_SECONDS.findall(text)[-1].replace(",", ".") for text in texts]
        if all(len(text.partition(".")[0]) >= 9 for text in found):
            return np.array([float(text) for text in found])
    matches = [_CLOCK.search(text) for text in texts]
    seconds = []
    for match in matches:
        if match is None:
            return None
        parts, fraction = match.group(*_CLOCK_PARTS), match[9]
        try:
            whole = datetime.strptime(" ".join(parts), "%Y %m %d %H %M %S").replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            return None
        seconds.append(whole + (float(f"0.{fraction}") if fraction else 0.0))
    if len(set(seconds)) < len(seconds) or len(seconds) < 2:
        return None
    return None if _count_frames(np.sort(seconds), matches) else np.array(seconds)


def _count_frames(seconds: NDArray[np.float64], matches: Sequence[re.Match[str] | None]) -> bool:
    """Whether the last digits of what could be dates with times only count frames: a date or a time before, and then 0001, 0002
    and so on. No film has a frame each thousandth of a second or less, and few begin with the first second of a day."""
    digits = {len(match[9] or "") for match in matches if match is not None}
    if len(digits) > 1:
        return False
    decimals = digits.pop()
    counts_by_one = round(_usual(np.diff(seconds)) * 10**decimals) == 1
    return counts_by_one and (decimals >= _DECIMALS_OF_COUNTERS or (not decimals and seconds[0] % _DAY_S < _FIRST_SECONDS))


def _from_times(seconds: NDArray[np.float64], what: str, where: str) -> Numbered:
    """Times to frames: the usual step is one frame, and longer ones are gaps."""
    if (np.diff(np.sort(seconds)) <= 0).any():
        raise SameFrameError(f"{where}: two names hold the same time")
    timed = frames_at(seconds)
    if timed is None:
        raise UserError(f"{where}: the times in the names are too uneven to be those of frames")
    places, fps = timed
    note = f"the names hold {what}, of frames that are {1e3 / fps:.4g} ms apart"
    return Numbered(tuple(places.tolist()), fps, (note,))


def frames_at(seconds: NDArray[np.float64]) -> tuple[NDArray[np.int64], float] | None:
    """The frame of each of (times,) seconds, from 0, and frames per second; None where they are too uneven to tell.

    The usual step is one frame. How long that is exactly, all steps of one frame tell together, so that a long recording does
    not go off by a frame; and after a pause they are counted anew, so that this does not either.
    """
    distinct, inverse = np.unique(seconds, return_inverse=True)
    steps = np.diff(distinct)
    if not len(steps) or not np.isfinite(steps).all():
        return None
    usual = _usual(steps)
    single, is_pause = np.rint(steps / usual) == 1, steps > _PAUSE_STEPS * usual
    step = float(steps[single].mean()) if single.any() else 0.0
    if not 0 < step <= 1 / RATES[0] or (len(steps) > _MOST_LONE_FRAMES and is_pause.mean() > 1 - _MOSTLY):
        return None
    piece = np.concatenate([[0], np.cumsum(is_pause)])
    starts = np.searchsorted(piece, np.arange(piece[-1] + 1))
    within = np.rint((distinct - distinct[starts][piece]) / step)
    pauses = np.rint(steps[is_pause] / step)
    places = within + np.concatenate([[0.0], np.cumsum(within[starts[1:] - 1] + pauses)])[piece]
    one_each = np.maximum.accumulate(places - np.arange(len(places))) + np.arange(len(places))  # of times that jitter
    if not places[-1] < _FARTHEST_FRAME or (one_each - places > 1).any():
        return None
    return one_each.astype(np.int64)[inverse.ravel()], 1 / step
