"""Owns files that hold a mask alone: NPZ with an array 'mask', or CSV with a row a frame and a column a joint, 1 = hidden."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mpm_core.errors import UserError
from mpm_core.files import written_whole
from mpm_core.formats.base import read_text
from mpm_core.formats.mpm_npz import read_mask
from mpm_core.formats.tables import read_table
from mpm_core.masking import Mask
from mpm_core.skeleton import MPM16

SUFFIXES = (".npz", ".csv")


def write_mask_file(mask: Mask, path: Path) -> None:
    """Write a mask (frames, 16), True = hidden; frames are counted from 0. UserError for another ending."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path}: a mask is written as {' or '.join(SUFFIXES)}")
    with written_whole(path) as partial:
        if suffix == ".npz":
            with partial.open("wb") as file:
                np.savez_compressed(file, mask=mask, joints=np.array(MPM16.joints))
            return
        with partial.open("w", encoding="utf-8", newline="") as text:
            rows = csv.writer(text, lineterminator="\n")
            rows.writerow(("frame", *MPM16.joints))
            rows.writerows((frame, *row) for frame, row in enumerate(mask.astype(int).tolist()))


def read_mask_file(path: Path, frames: int) -> Mask:
    """A mask (frames, 16) from such a file, or from a clip that was saved with one. Joints that a table lacks are shown.
    UserError for a file of another length, or with anything but 0 and 1."""
    if path.suffix.lower() == ".npz":
        mask = read_mask(path, frames)
        if mask is None:
            raise UserError(f"{path}: has no mask" if path.is_file() else f"{path}: no such file")
        return mask
    table = read_table(read_text(path), path)
    names = [name for name in MPM16.joints if name in table.header]
    if not names:
        raise UserError(f"{path}: has no column that is called as a joint ({', '.join(MPM16.joints)})")
    cells = table.numbers(names)
    if len(cells) != frames:
        raise UserError(f"{path}: has {len(cells)} frames, the clip {frames}")
    if "frame" in table.header and not np.array_equal(table.numbers(["frame"])[:, 0], np.arange(frames)):
        raise UserError(f"{path}: the column 'frame' does not count from 0 to {frames - 1}, one frame a row")
    wrong = np.argwhere((cells != 0) & (cells != 1))
    if len(wrong):
        row, column = wrong[0]
        raise UserError(f"{path}: {names[column]} in row {row + 2} is {cells[row, column]:g}, not 0 or 1")
    mask = np.zeros((frames, len(MPM16)), bool)
    mask[:, MPM16.indices(names)] = cells == 1
    return mask
