"""Writes BVH: a rig of constant bone lengths fitted to the positions, Y up, rotations in the order Z, X, Y."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import upright
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion import bvh as reading
from mpm_core.grounding.floor import FEET, ground_under
from mpm_core.grounding.up import find_up
from mpm_core.prediction import Prediction
from mpm_core.rig.joints import RigMotion
from mpm_core.skeleton import MPM16

_UP = (0.0, 1.0, 0.0)
_MOST_FRAMES, _MOST_TIMES_AS_MANY = 100_000, 10  # that pauses may make of a clip's frames, whichever is more
_UNEVEN = 1e-3  # share of the frame time by which the times may stray before the motion is resampled


def motion_of(content: Clip | Prediction, options: WriteOptions) -> tuple[RigMotion, float]:
    """The fitted rig and the frame time in seconds: Y up, feet on the ground, starting above the origin."""
    # scipy is slow to import, and not needed to open a window
    from mpm_core.grounding.standing import standing_feet
    from mpm_core.rig.fitting import fit_rig

    part = options.frames(len(content))
    if isinstance(content, Prediction):
        positions, up = content.absolute(), find_up(options.clip, content).direction
    else:
        clip = content.to_mpm16()
        if clip.ground_truth is None:
            raise UserError(f"{clip.source or 'this clip'}: has no 3D positions to write as BVH")
        positions, up = _without_gaps(clip.ground_truth), find_up(clip).direction
    places = np.asarray(upright(positions[part], up), np.float64)
    contact = content.contact if isinstance(content, Prediction) else None
    columns = [places.reshape(len(places), -1)] + ([] if contact is None else [contact[part]])
    frame_time, rows = _even_times(content.times[part], content.fps, np.concatenate(columns, axis=1))
    places, told = rows[:, : 3 * len(MPM16)].reshape(-1, len(MPM16), 3), rows[:, 3 * len(MPM16) :]
    stands = standing_feet(places, np.array(_UP), 1 / frame_time)[0].astype(np.float64) if contact is None else told
    floor = ground_under(places[:, list(FEET), 1], stands)
    assert floor is not None  # no place is missing here
    start = places[0, MPM16.root] * [1.0, 0.0, 1.0] + [0.0, floor, 0.0]
    return fit_rig(places - start, 1 / frame_time, stands), frame_time


def _without_gaps(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints that are unknown in some frames, interpolated in time; UserError for one that is never known."""
    filled = positions.copy()
    frames = np.arange(len(positions))
    for joint, name in enumerate(MPM16.joints):
        known = np.isfinite(positions[:, joint]).all(-1)
        if not known.any():
            raise UserError(f"{name} has no position in any frame; complete the clip before writing it as BVH")
        for axis in range(3):
            filled[:, joint, axis] = np.interp(frames, frames[known], positions[known, joint, axis])
    return filled


def _even_times(times: NDArray[np.float64], fps: float, rows: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """BVH has one frame time for all: keep rows (frames, columns) at even times, interpolate those at uneven ones."""
    if len(times) < 2:
        return 1 / fps, rows
    step = float(np.median(np.diff(times)))
    count = round(float(times[-1] - times[0]) / step) + 1
    if count > max(_MOST_FRAMES, _MOST_TIMES_AS_MANY * len(times)):
        raise UserError(
            f"a BVH has one frame time, and with {step:.3g} s of it the {len(times)} frames would become {count}: write the"
            " parts between the pauses one by one, as ranges of frames, or another format"
        )
    even = times[0] + step * np.arange(count)
    if len(even) == len(times) and np.abs(even - times).max() < _UNEVEN * step:
        return float((times[-1] - times[0]) / (len(times) - 1)), rows
    return step, np.stack([np.interp(even, times, column) for column in rows.T], axis=-1)


def euler_zxy(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(frames, ..., 3, 3) -> (frames, ..., 3) degrees (z, x, y) with R = Rz Rx Ry, never jumping between equal angles.

    Of the two readings of every rotation the one nearest to the frame before is taken, in whole turns too; where Z and
    Y turn about the same axis, Z stays where it was.
    """
    r = rotations
    x = np.arcsin(np.clip(r[..., 2, 1], -1, 1))
    z = np.arctan2(-r[..., 0, 1], r[..., 1, 1])
    y = np.arctan2(-r[..., 2, 0], r[..., 2, 2])
    z, y = _unlock(r, z, x, y)
    angles = np.stack((z, x, y), axis=-1)
    angles = np.concatenate((np.zeros_like(angles[:1]), angles))  # the first frame takes the reading nearest to zero
    change = np.diff(angles, axis=0)
    other = np.stack(
        (change[..., 0] + np.pi, np.pi - angles[1:, ..., 1] - angles[:-1, ..., 1], change[..., 2] + np.pi), axis=-1
    )
    # Whichever reading the frame before took, keeping to it turns by `change`, going over to the other one by `other`.
    goes_over = np.abs(_nearest_turn(other)).sum(-1) < np.abs(_nearest_turn(change)).sum(-1)
    takes_other = np.concatenate((np.zeros_like(goes_over[:1]), np.cumsum(goes_over, axis=0) % 2 == 1))[..., None]
    second = np.stack((angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi), axis=-1)
    return np.degrees(np.unwrap(np.where(takes_other, second, angles), axis=0)[1:])


def _nearest_turn(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return angles - 2 * np.pi * np.round(angles / (2 * np.pi))


def _unlock(
    r: NDArray[np.float64], z: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """z and y of rotations (frames, ..., 3, 3), where x at plus or minus 90 degrees tells only z plus or minus y with the
    last z that was told."""
    is_locked = np.abs(r[..., 2, 1]) > 1 - 1e-9
    if not is_locked.any():
        return z, y
    frames = np.arange(1, len(r) + 1).reshape(-1, *[1] * (z.ndim - 1))
    last = np.maximum.accumulate(np.where(is_locked, 0, frames), axis=0)  # 0: none yet
    told = np.take_along_axis(np.concatenate((np.zeros_like(z[:1]), z)), last, axis=0)
    total = np.arctan2(r[..., 1, 0], r[..., 0, 0])  # z + y at +90 degrees, z - y at -90
    return told, np.where(is_locked, np.sign(x) * (total - told), y)


def _write(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    motion, frame_time = motion_of(content, options)
    unit = options.unit_per_m
    angles = euler_zxy(motion.rotations)  # (frames, joints, 3)
    rows = np.concatenate((motion.root * unit, angles.reshape(len(angles), -1)), axis=1)
    if not np.isfinite(rows).all():
        raise UserError("the motion to be written holds values that are no numbers")
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n")
        _write_joint(file, motion, 0, 0, unit)
        file.write(f"MOTION\nFrames: {len(angles)}\nFrame Time: {frame_time:.10g}\n")
        np.savetxt(file, rows, fmt="%.6f")


def _write_joint(file: IO[str], motion: RigMotion, number: int, depth: int, unit: float) -> None:
    joint, pad = motion.joints[number], "\t" * depth
    file.write(f"{pad}{'ROOT' if joint.parent < 0 else 'JOINT'} {joint.name}\n{pad}{{\n")
    file.write(f"{pad}\tOFFSET {_triple(joint.rest, unit)}\n")
    places = "6 Xposition Yposition Zposition" if joint.parent < 0 else "3"
    file.write(f"{pad}\tCHANNELS {places} Zrotation Xrotation Yrotation\n")
    for child, other in enumerate(motion.joints):
        if other.parent == number:
            _write_joint(file, motion, child, depth + 1, unit)
    if joint.tip is not None:
        file.write(f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET {_triple(joint.tip, unit)}\n{pad}\t}}\n")
    file.write(f"{pad}}}\n")


def _triple(offset: tuple[float, float, float], unit: float) -> str:
    return " ".join(f"{value * unit:.6f}" for value in offset)


FORMAT = replace(reading.FORMAT, write=_write, takes_2d=False)
