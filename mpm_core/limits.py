"""Owns how far what comes from outside may go: rates, sizes, cameras and directions beyond these are broken numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.errors import UserError

# Frames per second: from a time-lapse to the fastest cameras that people are filmed with.
RATES = (0.001, 10_000.0)

# Eleven hours at 50 frames/s.
MOST_FRAMES = 2_000_000

LONGEST_S, LONGEST_SPAN_S = 40_000.0, 7 * 86_400.0
"""A clip without its pauses (as many frames at 50 frames/s), and with them: what is longer is in another unit."""

_LARGEST_IMAGE_PX = 100_000

# Times the longer side of the image: 169 degrees along it to a third of one.
_FOCAL_LENGTHS = (0.05, 200.0)
_FARTHEST_CENTRE = 20.0

_LARGEST_SCORE = 1e6

# Lengths of a direction that can be told from rounding errors and squared.
_DIRECTIONS = (1e-6, 1e6)

# Frames of so many in which nobody is seen, but for one in _RAREST, have numbers that are not those of one film.
_MANY_FRAMES, _RAREST = 200_000, 1000


def check_rate(fps: Any, where: str) -> float:
    """Frames per second as a number; UserError that begins with `where` for anything but one within RATES."""
    rate = _number(fps)
    if rate is None or not rate > 0:
        raise UserError(f"{where}the frame rate must be a positive number" + ("" if rate is None else f", not {rate:g}"))
    if not RATES[0] <= rate <= RATES[1]:
        raise UserError(f"{where}a frame rate of {rate:g} frames/s cannot be right (from {RATES[0]:g} to {RATES[1]:g} can)")
    return rate


def check_size(image_size: Any, where: str) -> tuple[int, int]:
    """(width, height) in whole pixels; UserError for anything but a size of a picture."""
    try:
        width, height = (_number(value) for value in image_size)
    except (TypeError, ValueError):
        raise UserError(f"{where}the image size must be a width and a height") from None
    if width is None or height is None or not (width >= 1 and height >= 1):
        raise UserError(f"{where}the image size must be positive, not {width} x {height}")
    if max(width, height) > _LARGEST_IMAGE_PX:
        raise UserError(f"{where}an image of {width:g} x {height:g} pixels cannot be right ({_LARGEST_IMAGE_PX} at most can)")
    return int(width), int(height)


def check_camera(camera: Intrinsics, size: tuple[int, int], where: str) -> Intrinsics:
    """The camera; UserError for one that could not have taken pictures of this size."""
    longer = max(size)
    low, high = (share * longer for share in _FOCAL_LENGTHS)
    for value in camera.focal:
        if not low <= value <= high:
            raise UserError(f"{where}a focal length of {value:g} pixels cannot be right (from {low:g} to {high:g} can)")
    for value in camera.centre:
        if not abs(value) <= _FARTHEST_CENTRE * longer:
            raise UserError(f"{where}a camera's centre at {value:g} pixels is beyond all range")
    return camera


def check_up(up: tuple[float, float, float] | None, where: str) -> tuple[float, float, float] | None:
    """The direction away from the ground, as it was given; UserError for what is none."""
    if up is not None and not _DIRECTIONS[0] <= math.hypot(*up) <= _DIRECTIONS[1]:
        raise UserError(f"{where}up must be a direction, not {', '.join(f'{value:g}' for value in up)}")
    return up


def check_scores(scores: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Confidences, of which NaN becomes 0, missing; UserError for one that is infinite or out of all range."""
    beyond = np.abs(np.nan_to_num(scores, posinf=np.inf, neginf=-np.inf)) > _LARGEST_SCORE
    if beyond.any():
        frame, joint = np.argwhere(beyond)[0]
        raise UserError(f"{where}a confidence of {scores[frame, joint]:g} in frame {frame} cannot be right")
    return np.nan_to_num(scores, nan=0.0)


def check_frames(visible: NDArray[np.bool_], where: str) -> None:
    """UserError for more frames than any film has, or so many with almost nobody in them. visible: (frames, joints)."""
    check_frame_count(len(visible), int(visible.any(1).sum()), where)


def check_frame_count(frames: int, seen: int, where: str) -> None:
    """The same of so many frames, of which so many show somebody, before there are arrays of them."""
    if frames > MOST_FRAMES:
        raise UserError(f"{where}{frames} frames are more than can be right ({MOST_FRAMES} at most can)")
    if frames > _MANY_FRAMES and seen * _RAREST < frames:
        raise UserError(f"{where}only {seen} of {frames} frames show anybody, so that their numbers cannot be right")


def _number(value: Any) -> float | None:
    """A finite number, None for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
