"""Reads what a person types for a frame or a range: frames counted from 1, or times with a unit."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError

_NUMBER = r"\d+(?:[.,]\d+)?"
_TIME = rf"(?P<minutes>\d+):(?P<rest>{_NUMBER})"
_PLACE = re.compile(rf"(?:{_TIME}|(?P<number>{_NUMBER}))\s*(?P<unit>s|sec|seconds?)?", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:-|–|—|\.\.+|…|\bto\b)\s*", re.IGNORECASE)
_SLACK_S = 0.01  # times are shown rounded

HOW_TO_TYPE = "a frame (120) or a time (2.5 s, 1:05)"


def frame_typed(text: str, times: NDArray[np.float64]) -> int:
    """The frame, from 0, that a text means: '120' is a frame counted from 1, '2.5 s' and '1:05' are times. times: (frames,)
    seconds of the clip. UserError for what is neither, or lies beyond the clip."""
    return _frame(text, times, is_time=False)


def range_typed(text: str, times: NDArray[np.float64]) -> tuple[int, int]:
    """The first and last frame, from 0, that a text such as '10–60', '1–2.5 s' or '1:05–70' means; see frame_typed. Where one
    end is a time, so is the other."""
    parts = _BETWEEN.split(text.strip())
    if len(parts) != 2:
        raise UserError(f"'{text.strip()}' is no range: type two frames (10–60), or two times (1–2.5 s)")
    is_time = any(_is_time(found) for part in parts if (found := _PLACE.fullmatch(part.strip())))
    first, end = _frame(parts[0], times, is_time), _frame(parts[1], times, is_time)
    if first > end:
        raise UserError(f"the range {text.strip()} ends before it begins")
    return first, end


def _frame(text: str, times: NDArray[np.float64], is_time: bool) -> int:
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise UserError(f"'{text.strip()}' is neither a frame nor a time: type {HOW_TO_TYPE}")
    if not (is_time or _is_time(found)):
        number = float(_dotted(found["number"]))
        if not 1 <= number <= len(times):  # far too many digits are infinite
            raise UserError(f"there is no frame {found['number']}: the clip has frames 1 to {len(times)}")
        if number != int(number):
            raise UserError(f"'{found['number']}' is no whole frame: type {found['number']} s where a time is meant")
        return int(number) - 1
    seconds = 60 * float(found["minutes"] or 0) + float(_dotted(found["rest"] or found["number"]))
    if not times[0] - _SLACK_S <= seconds <= times[-1] + _SLACK_S:
        raise UserError(f"{text.strip()} is beyond the clip, which goes from {times[0]:.2f} s to {times[-1]:.2f} s")
    return int(np.abs(times - seconds).argmin())


def _is_time(found: re.Match[str]) -> bool:
    return bool(found["unit"] or found["minutes"])


def _dotted(number: str) -> str:
    return number.replace(",", ".")
