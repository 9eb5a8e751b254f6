"""Writes joint angles: as a table (.angles.csv) whose header defines each of them, and as OpenSim's motion (.mot).

Both say where joints were filled in by a lifter or interpolated, so that angles beside them are guesses: the table in its last
column, the motion in a line of its header.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mpm_core.clip import Clip
from mpm_core.formats.base import Format, WriteOptions
from mpm_core.formats.bvh import rigged
from mpm_core.formats.sources import spans_of
from mpm_core.prediction import Prediction
from mpm_core.rig.angles import joint_angles, pelvis_in_opensim
from mpm_core.skeleton import MPM16

_AXES = "axes of body parts: X forward, Y up, Z right; in degrees; see mpm_core/rig/angles.py for the sources"


def _write_table(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    motion, world = rigged(content, options)
    angles = joint_angles(motion)
    columns = np.stack([angle.degrees for angle in angles], axis=1)
    guesses = [" ".join(np.array(MPM16.joints)[row]) for row in world.not_measured]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if not options.tidy:
            file.write(f"# mpm-viewer: joint angles\n# {_AXES}\n")
            for angle in angles:
                file.write(f"# {angle.name}_deg: {angle.meaning} is positive\n")
            file.write("# not_measured: joints filled in by a lifter or interpolated; angles beside them are guesses\n")
        file.write(",".join(["frame", "time_s", *(f"{angle.name}_deg" for angle in angles), "not_measured"]) + "\n")
        for frame, (row, guess) in enumerate(zip(np.char.mod("%.4f", columns).tolist(), guesses, strict=True)):
            file.write(f"{frame},{world.times[frame]:.6f}," + ",".join(row) + f",{guess}\n")


def _write_mot(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """Coordinates by the names of OpenSim's full-body models, in degrees and metres, Y up: the world is that of a TRC file."""
    motion, world = rigged(content, options)
    columns = {"time": world.times, **pelvis_in_opensim(motion)}
    columns |= {angle.opensim: angle.degrees for angle in joint_angles(motion) if angle.opensim}
    rows = np.char.mod("%.6f", np.stack([*columns.values()], axis=1)).tolist()
    spans = spans_of(world.not_measured, MPM16.joints)
    guessed = [f"{joint} " + " ".join(f"{first}-{last}" for first, last in runs) for joint, runs in spans.items()]
    said = (f"not measured, in rows from 0: {'; '.join(guessed)}",) if guessed else ()
    head = ("motion", "version=1", f"nRows={len(rows)}", f"nColumns={len(columns)}", "inDegrees=yes", *said, "endheader")
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(head) + "\n" + "\t".join(columns) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)


TABLE_FORMAT = Format(
    "angles", "Joint angles (CSV)", (".angles.csv",), write=_write_table, takes_2d=False,
    choices=("tidy", "fps"), keeps_marks=True,
)  # fmt: skip
MOT_FORMAT = Format(
    "mot", "Joint angles for OpenSim (MOT)", (".mot",), write=_write_mot, takes_2d=False,
    choices=("fps", "in_place"), keeps_marks=True,
)  # fmt: skip
