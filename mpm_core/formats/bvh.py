"""Writes BVH: a rig of constant bone lengths fitted to the positions, Y up, rotations in the order Z, X, Y."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import IN_WORLD, WriteOptions
from mpm_core.formats.motion import bvh as reading
from mpm_core.formats.motion.world import World, to_up_axis, world_of
from mpm_core.prediction import Prediction
from mpm_core.rig.joints import RigMotion


def rigged(content: Clip | Prediction, options: WriteOptions) -> tuple[RigMotion, World]:
    """The fitted rig and the positions that it was fitted to: Y up, feet on the ground, starting above the origin. Joints that
    are unknown in some frames are interpolated."""
    from mpm_core.rig.fitting import fit_rig  # scipy is slow to import, and not needed to open a window

    world = world_of(content, options, fills_gaps=True)
    return fit_rig(world.positions, 1 / world.frame_time, world.stands), world


def motion_of(content: Clip | Prediction, options: WriteOptions) -> tuple[RigMotion, float]:
    """The fitted rig and the frame time in seconds; see rigged."""
    motion, world = rigged(content, options)
    return motion, world.frame_time


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
    motion = _with_names(_in_axes(motion, options.up_axis), options.prefix)
    unit = options.per_metre("cm")
    angles = euler_zxy(motion.rotations)  # (frames, joints, 3)
    rows = np.concatenate((motion.root * unit, angles.reshape(len(angles), -1)), axis=1)
    if not np.isfinite(rows).all():
        raise UserError("the motion to be written holds values that are no numbers")
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("HIERARCHY\n")
        _write_joint(file, motion, 0, 0, unit)
        file.write(f"MOTION\nFrames: {len(angles)}\nFrame Time: {frame_time:.10g}\n")
        np.savetxt(file, rows, fmt="%.6f")


def _in_axes(motion: RigMotion, up_axis: str | None) -> RigMotion:
    """The same motion with Y or Z up."""
    if up_axis != "z":
        return motion
    turn = to_up_axis(np.eye(3), up_axis).T
    joints = tuple(
        replace(joint, rest=_turned(joint.rest, up_axis), tip=None if joint.tip is None else _turned(joint.tip, up_axis))
        for joint in motion.joints
    )
    return RigMotion(joints, turn @ motion.rotations @ turn.T, to_up_axis(motion.root, up_axis))


def _turned(offset: tuple[float, float, float], up_axis: str | None) -> tuple[float, float, float]:
    x, y, z = (float(value) + 0.0 for value in to_up_axis(np.array(offset), up_axis))
    return x, y, z


def _with_names(motion: RigMotion, prefix: str) -> RigMotion:
    """UserError for a prefix by which no program would find the names' ends."""
    if not all("!" <= letter <= "~" for letter in prefix):
        raise UserError(f"--prefix {prefix!r}: names in BVH have no blanks, and no letters but those of English")
    return replace(motion, joints=tuple(replace(joint, name=prefix + joint.name) for joint in motion.joints))


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


FORMAT = replace(reading.FORMAT, write=_write, takes_2d=False, choices=("prefix", *IN_WORLD))
