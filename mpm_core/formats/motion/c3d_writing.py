"""Writes C3D, by the package c3d: Z up and millimetres unless told otherwise, a point per joint.

A point that the lifter filled in has a residual of 0 and no camera, which is how C3D says that software made it; the residual
of the others is how far their depth is unsure, one millimetre at least, and the one camera saw them. MANUFACTURER:SOFTWARE
says who wrote it, without which residuals of 0 mean nothing: many programs write no others.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import to_up_axis, world_of
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_LARGEST_RESIDUAL_MM = 255  # what a byte holds

SOFTWARE = "mpm-viewer"


def write_c3d(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """The joints' centres as points, on the floor; what is unknown is marked as not seen. UserError without the package."""
    try:
        import c3d
    except ImportError:
        raise UserError("writing C3D needs the package c3d (pip install c3d)") from None
    world = world_of(content, options)
    up_axis, unit = options.up_axis or "z", options.unit or "mm"
    rows = np.zeros((len(world), len(MPM16), 5))
    rows[..., :3] = to_up_axis(world.positions, up_axis) * options.per_metre("mm")
    is_known = np.isfinite(rows).all(-1)
    spread = 0.0 if world.uncertainty is None else np.nan_to_num(1000 * world.uncertainty)
    rows[..., 3] = np.where(world.completed, 0, np.clip(spread, 1, _LARGEST_RESIDUAL_MM))
    rows[..., 4] = ~world.completed
    rows[~is_known] = (0.0, 0.0, 0.0, -1.0, 0.0)
    writer = c3d.Writer(point_rate=1 / world.frame_time, analog_rate=0.0, point_scale=-1.0, point_units=unit)
    writer.set_point_labels(list(MPM16.joints))
    writer.set_screen_axis("+X", "+Z" if up_axis == "z" else "+Y")
    maker = writer.add_group(writer.numeric_key_next, "MANUFACTURER", "who wrote this file")
    maker.add_str("SOFTWARE", "program", SOFTWARE, len(SOFTWARE))
    nothing = np.zeros((0, 1))
    writer.add_frames([(frame, nothing) for frame in rows.astype(np.float32)])
    with path.open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there are no analog signals, as it says
        writer.write(file)
