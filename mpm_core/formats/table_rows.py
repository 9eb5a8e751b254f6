"""Owns the rows of our CSV: a value of every joint after the other, a row per frame or per joint, written fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import numpy as np
from numpy.typing import NDArray


def write_rows(
    file: IO[str],
    joints: Sequence[str],
    frames: Sequence[int],
    times: NDArray[np.float64],
    points: NDArray[np.floating],
    confidence: NDArray[np.floating],
    sources: NDArray[np.str_],
    is_long: bool,
) -> None:
    """frames: the rows' numbers; times: (frames,) seconds; points: (frames, joints, axes), left empty where NaN; confidence,
    sources: (frames, joints)."""
    axes = points.shape[-1]
    cells = np.empty((*points.shape[:2], axes + 2), object)
    cells[..., :axes], cells[..., axes], cells[..., axes + 1] = points, confidence, sources
    one = ",%.6f" * axes + ",%.4f,%s"
    row = "".join(f"{{0}},{joint}{one}\n" for joint in joints) if is_long else "{0}" + one * len(joints) + "\n"
    has_gaps = ~np.isfinite(points).all((1, 2))
    flat = cells.reshape(len(cells), -1).tolist()
    for frame, second, values, gaps in zip(frames, times.tolist(), flat, has_gaps.tolist(), strict=True):
        text = row.format(f"{frame},{second:.6f}") % tuple(values)
        file.write(text.replace(",nan", ",").replace(",inf", ",").replace(",-inf", ",") if gaps else text)
