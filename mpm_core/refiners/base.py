"""Owns what all refiners share: the table entry, the clip's 2D, the size of the person, and the stretches between gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError


@dataclass(frozen=True)
class Refiner:
    """One way to clean up a clip's 2D. label: its name for people; tip: one sentence about what it does; apply: the clip
    with cleaner 2D, UserError for a clip without 2D."""

    name: str
    label: str
    tip: str
    apply: Callable[[Clip], Clip]


def keypoints_of(clip: Clip) -> NDArray[np.float32]:
    """The clip's 2D, (frames, joints, 2) pixels; UserError when it has none."""
    if clip.keypoints is None:
        raise UserError(f"{clip.name} holds no 2D keypoints to refine")
    return clip.keypoints


def frame_period(clip: Clip) -> float:
    """Seconds from frame to frame: the median, so that a pause in the recording does not count.

    It is told to the microsecond, so that a part of a clip gets windows of as many frames as the whole.
    """
    return round(float(np.median(np.diff(clip.times))) if len(clip) > 1 else 1 / clip.fps, 6)


def person_height(clip: Clip) -> float:
    """How large the person is seen, in pixels: the median over frames of the longer side of the box of visible joints.

    Frames that show less than half as many joints as the fullest frame do not count. Where no two joints are ever seen
    at once, the longer side of the image stands in. UserError for a clip without 2D.
    """
    points, visible = keypoints_of(clip), clip.visible[..., None]
    low = np.where(visible, points, np.inf).min(axis=1)
    high = np.where(visible, points, -np.inf).max(axis=1)
    seen = clip.visible.sum(axis=1)
    full = (seen > 1) & (2 * seen >= seen.max(initial=0))
    height = float(np.median((high - low)[full].max(axis=-1))) if full.any() else 0.0
    return height or float(max(clip.image_size))


def visible_stretches(
    visible: NDArray[np.bool_], parts: Sequence[slice] = (slice(0, None),)
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The longest runs of frames in which a joint is visible throughout.

    visible: (frames, joints); parts: of the frames, with pauses between them. Returns joint, first frame and number of frames
    of each run, joint by joint in each part.
    """
    joints, starts, lengths = [], [], []
    for piece in parts:
        inside = visible[piece]
        padded = np.zeros((inside.shape[1], len(inside) + 2), np.int8)
        padded[:, 1:-1] = inside.T
        steps = np.diff(padded, axis=1)
        joint, start = np.nonzero(steps > 0)
        _, stop = np.nonzero(steps < 0)
        joints.append(joint)
        starts.append(start + piece.start)
        lengths.append(stop - start)
    return np.concatenate(joints), np.concatenate(starts), np.concatenate(lengths)
