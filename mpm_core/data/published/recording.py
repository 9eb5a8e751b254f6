"""Owns what every data set comes down to: joint positions over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """A stretch of motion. name: 'family/clip'. joints: (frames, 17, 3), Human3.6M's, Z up, metres (unless the importer is
    told otherwise). fps: None when nothing says. split: None when the data set has no say."""

    name: str
    subject: str
    joints: NDArray[np.float64]
    fps: float | None
    split: str | None = None
    notes: tuple[str, ...] = ()
