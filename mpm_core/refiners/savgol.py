"""Owns Savitzky-Golay smoothing: each keypoint moves onto a polynomial through the frames around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.pauses import pieces
from mpm_core.refiners.base import Refiner, frame_period, keypoints_of, visible_stretches


@dataclass(frozen=True)
class SavgolConfig:
    """window_s: length of the window, in seconds. polyorder: degree of the polynomial, 2 or 3."""

    window_s: float = 0.25
    polyorder: int = 2


def smooth_savgol(clip: Clip, config: SavgolConfig = SavgolConfig()) -> Clip:
    """The clip with its 2D smoothed over time; what a person has corrected stays, but is seen by the filter.

    The filter of Savitzky and Golay (Smoothing and differentiation of data by simplified least squares procedures,
    Analytical Chemistry 1964), over each stretch of visible frames by itself. The window becomes an odd number of
    frames by the median time between frames: frames at uneven times are treated as even. A stretch shorter than the
    window takes a shorter one, and stays as it is where that has no more frames than the polynomial passes through
    anyway. UserError for a clip without 2D.
    """
    points = keypoints_of(clip)
    window = _odd(config.window_s / frame_period(clip))
    joints, starts, lengths = visible_stretches(clip.visible, pieces(clip.times, clip.fps))
    smooth = points.copy()
    # Detectors lose joints often, so there may be thousands of stretches: those of one length are filtered together.
    for length in np.unique(lengths).tolist():
        chosen = lengths == length
        frames = starts[chosen, None] + np.arange(length)  # (stretches, length)
        columns = joints[chosen, None]
        smooth[frames, columns] = _smooth(points[frames, columns], min(window, length - 1 + length % 2), config.polyorder)
    return replace(clip, keypoints=np.where(clip.edited[..., None], points, smooth))


def _odd(frames: float) -> int:
    """The odd number nearest to `frames`."""
    return 2 * round((frames - 1) / 2) + 1


def _smooth(stretches: NDArray[np.float32], window: int, polyorder: int) -> NDArray[np.float32]:
    """(stretches, frames, 2), each by itself; as it is when the polynomial passes through all points of the window."""
    if window <= polyorder + 1:
        return stretches
    from scipy.signal import savgol_filter  # slow to import, and needed for this alone

    return savgol_filter(stretches.astype(np.float64), window, polyorder, axis=1).astype(np.float32)


REFINER = Refiner(
    "savgol",
    "Smooth (Savgol)",
    "Moves each keypoint onto a parabola through the frames around it (Savitzky and Golay), which keeps the peaks of quick"
    " movement.",
    smooth_savgol,
)
