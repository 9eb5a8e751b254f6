"""Owns what to take and to say where a file says a thing twice, or somebody tells what it says otherwise or leaves no place
for."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import Format, ReadOptions, rate_of_times

# Rates that are nearer to each other than this differ by rounding, as 30 and 29.97 do.
_ROUNDING = 0.02
# Times in milli-, micro- or nanoseconds, told as seconds, make of a rate so much less.
_OTHER_UNITS = (1e3, 1e6, 1e9)
# Of joints that are surely seen, more than so many beyond the image by more than this share of it are in another image.
_MANY_OUTSIDE, _BEYOND, _SURE = 0.1, 0.02, 0.3
# Joints that never come farther than this from the top left corner are in another unit, or of an image that was made smaller.
_CORNER = 0.25

# Options that some formats have no use for, as the command line calls them, and what they are about.
_IDLE = {"skeleton": "--skeleton", "joint_map": "--joint-map", "normalised": "--normalised", "unit": "--unit",
         "up_axis": "--up-axis", "image_size": "--image-size"}  # fmt: skip
_OF_3D = ("unit", "up_axis")


def rate_stated(
    told: float | None, times: NDArray[np.float64] | None, frames: NDArray[np.integer] | None = None
) -> tuple[float | None, tuple[str, ...]]:
    """Frames per second of a file that tells a rate, (frames,) seconds, or both, and what to say where they contradict each
    other: then the times count, as every frame has said its own. frames: the numbers that belong to the times.

    Times that jitter or pause are slower on average than in their usual step; a rate between the two is theirs. One that is a
    thousand times theirs, or a million times, tells that they are not seconds.
    """
    by_step = None if times is None or not np.isfinite(times).all() else rate_of_times(times, frames)
    if told is None or not 0 < told < float("inf") or times is None or by_step is None:
        return by_step if told is None else told, ()
    counted = np.ptp(frames) if frames is not None else len(times) - 1
    rates = by_step, float(counted / max(np.ptp(times), 1e-9))
    if min(rates) * (1 - _ROUNDING) <= told <= max(rates) * (1 + _ROUNDING):
        return told, ()
    if any(abs(told / by_step / unit - 1) < _ROUNDING for unit in _OTHER_UNITS):
        return told, (f"the file says {told:g} frames/s, by which its times are not in seconds: they were left out",)
    note = f"the file says {told:g} frames/s, but by its times there are {by_step:.4g} in a second: the times were taken"
    return by_step, (note,)


def size_stated(told: tuple[int, int] | None, own: tuple[int, int] | None) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """(width, height) in pixels of what somebody told and what the file says itself, and what to say where they differ."""
    if told is None or own is None or tuple(told) == tuple(own):
        return told or own, ()
    return told, (f"images of {told[0]} x {told[1]} taken, as was told, where the file says {own[0]} x {own[1]}",)


def size_of_all(sizes: Collection[tuple[int, int] | None]) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """The (width, height) in pixels that all frames tell, None where they do not, and what to say where they tell several."""
    told = sorted({size for size in sizes if size is not None})
    if len(set(sizes)) < 2:
        return next(iter(told), None), ()
    if len(told) < 2:
        return None, ()
    several = " and ".join(f"{width} x {height}" for width, height in told[:3]) + (" and others" if len(told) > 3 else "")
    return None, (f"the file has images of {several}: all joints are taken as they stand, as if these were of one size",)


def check_heeded(options: ReadOptions, read_by: Format, path: str) -> None:
    """UserError for a person or a clip that is asked for of a file that holds one alone."""
    if options.person and "person" not in read_by.heeds:
        raise UserError(f"{path}: there is no person {options.person}: {read_by.label} holds one person, number 0")
    if options.select is not None and "select" not in read_by.heeds:
        raise UserError(f"{path}: there is nothing to select by '{options.select[:60]}': {read_by.label} holds one clip")


def telling_notes(options: ReadOptions, read_by: Format, clip: Clip) -> tuple[str, ...]:
    """What to say of options that have changed nothing of the clip, and of an image in which it cannot have been seen."""
    told = [name for name in _IDLE if getattr(options, name) is not None]
    idle = [_IDLE[name] for name in told if name not in read_by.heeds or (name in _OF_3D and clip.ground_truth is None)]
    said = tuple(f"{name} changes nothing: {read_by.label} leaves nothing of the kind open" for name in idle)
    return said + _size_note(clip)


def _size_note(clip: Clip) -> tuple[str, ...]:
    if clip.keypoints is None or clip.is_virtual:
        return ()
    size = np.array(clip.image_size)
    sure = clip.visible & (clip.confidence > _SURE)
    known = clip.keypoints[sure]
    outside = ((known < -_BEYOND * size) | (known > (1 + _BEYOND) * size)).any(-1)
    share = float(outside.mean()) if len(known) else 0.0
    if share <= _MANY_OUTSIDE:
        far = np.percentile(known, 99, axis=0) if len(known) else size
        if (far > _CORNER * size).any():
            return ()
        return (
            f"all joints lie within {far[0]:.0f} x {far[1]:.0f} of the image of {size[0]} x {size[1]}, in its top left corner:"
            " is that its size, and are these its pixels?",
        )
    return (f"{100 * share:.0f} % of the joints lie outside of the image of {size[0]} x {size[1]}: is that its size?",)
