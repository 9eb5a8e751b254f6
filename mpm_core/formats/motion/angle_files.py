"""Writes joint angles: as a table (.angles.csv) whose header defines each of them, and as OpenSim's motion (.mot)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mpm_core.clip import Clip
from mpm_core.formats.base import Format, WriteOptions
from mpm_core.formats.bvh import motion_of
from mpm_core.prediction import Prediction
from mpm_core.rig.angles import joint_angles, pelvis_in_opensim

_AXES = "axes of body parts: X forward, Y up, Z right; in degrees; see mpm_core/rig/angles.py for the sources"


def _write_table(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    motion, frame_time = motion_of(content, options)
    angles = joint_angles(motion)
    columns = np.stack([angle.degrees for angle in angles], axis=1)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if not options.tidy:
            file.write(f"# mpm-viewer: joint angles\n# {_AXES}\n")
            for angle in angles:
                file.write(f"# {angle.name}_deg: {angle.meaning} is positive\n")
        file.write(",".join(["frame", "time_s", *(f"{angle.name}_deg" for angle in angles)]) + "\n")
        for frame, row in enumerate(np.char.mod("%.4f", columns).tolist()):
            file.write(f"{frame},{frame * frame_time:.6f}," + ",".join(row) + "\n")


def _write_mot(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """Coordinates by the names of OpenSim's full-body models, in degrees and metres, Y up: the world is that of a TRC file."""
    motion, frame_time = motion_of(content, options)
    columns = {"time": frame_time * np.arange(len(motion.root)), **pelvis_in_opensim(motion)}
    columns |= {angle.opensim: angle.degrees for angle in joint_angles(motion) if angle.opensim}
    rows = np.char.mod("%.6f", np.stack([*columns.values()], axis=1)).tolist()
    head = ("motion", "version=1", f"nRows={len(rows)}", f"nColumns={len(columns)}", "inDegrees=yes", "endheader")
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(head) + "\n" + "\t".join(columns) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)


TABLE_FORMAT = Format(
    "angles", "Joint angles (CSV)", (".angles.csv",), write=_write_table, takes_2d=False,
    choices=("tidy", "fps"),
)  # fmt: skip
MOT_FORMAT = Format(
    "mot", "Joint angles for OpenSim (MOT)", (".mot",), write=_write_mot, takes_2d=False,
    choices=("fps", "in_place"),
)  # fmt: skip
