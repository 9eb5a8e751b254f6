"""Writes TRC, the marker files of OpenSim: Y up and metres unless told otherwise, a marker per joint."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mpm_core.clip import Clip
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import to_up_axis, world_of
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

# Columns and lines are told by tabs and ends of lines, and programs that read TRC know no other letters.
_NOT_IN_A_CELL = re.compile(r"[^ -~]")
_DIGITS = {"m": 6, "cm": 4, "mm": 3}


def write_trc(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """The joints' centres as markers, on the floor; what is unknown is left empty, as OpenSim expects it, or NaN at the end of
    a row."""
    world = world_of(content, options)
    unit = options.unit or "m"
    points = to_up_axis(world.positions, options.up_axis) * options.per_metre("m")  # (frames, 16, 3)
    rate, count = f"{1 / world.frame_time:.6g}", len(world)
    facts = {
        "DataRate": rate, "CameraRate": rate, "NumFrames": count, "NumMarkers": len(MPM16), "Units": unit,
        "OrigDataRate": rate, "OrigDataStartFrame": 1, "OrigNumFrames": count,
    }  # fmt: skip
    labels = [f"{axis}{number}" for number in range(1, len(MPM16) + 1) for axis in "XYZ"]
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{_stem(content, options)}.trc",
        "\t".join(facts),
        "\t".join(str(value) for value in facts.values()),
        "Frame#\tTime\t" + "\t\t\t".join(MPM16.joints) + "\t\t",
        "\t\t" + "\t".join(labels),
        "",
    ]
    text = np.char.mod(f"%.{_DIGITS.get(unit, 4)}f", points.reshape(count, -1))
    text[~np.isfinite(points.reshape(count, -1))] = ""
    text[text[:, -1] == "", -1] = "NaN"  # OpenSim does not count an empty cell at the end of a row, and refuses the file
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write("\n".join(head) + "\n")
        for frame, (time, row) in enumerate(zip(world.times, text.tolist(), strict=True), 1):
            file.write(f"{frame}\t{time:.6f}\t" + "\t".join(row) + "\n")


def _stem(content: Clip | Prediction, options: WriteOptions) -> str:
    clip = content if isinstance(content, Clip) else options.clip
    stem = "prediction" if clip is None else clip.file_stem
    return _NOT_IN_A_CELL.sub("_", stem)
