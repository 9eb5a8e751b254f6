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
    uncertainty: NDArray[np.floating] | None = None,
) -> None:
    """frames: the rows' numbers; times: (frames,) seconds; points: (frames, joints, axes), left empty where NaN; confidence,
    sources: (frames, joints), uncertainty too, or None for a table without it."""
    axes, more = points.shape[-1], int(uncertainty is not None)
    cells = np.empty((*points.shape[:2], axes + 2 + more), object)
    cells[..., :axes], cells[..., axes], cells[..., axes + 1] = points, confidence, sources
    one = ",%.6f" * axes + ",%.4f,%s"
    if uncertainty is not None:
        cells[..., axes + 2] = uncertainty
        one += ",%.6f"
    row = "".join(f"{{0}},{joint}{one}\n" for joint in joints) if is_long else "{0}" + one * len(joints) + "\n"
    has_gaps = ~np.isfinite(points).all((1, 2))
    if uncertainty is not None:
        has_gaps |= ~np.isfinite(uncertainty).all(1)
    flat = cells.reshape(len(cells), -1).tolist()
    for frame, second, values, gaps in zip(frames, times.tolist(), flat, has_gaps.tolist(), strict=True):
        text = row.format(f"{frame},{second:.6f}") % tuple(values)
        file.write(text.replace(",nan", ",").replace(",inf", ",").replace(",-inf", ",") if gaps else text)
