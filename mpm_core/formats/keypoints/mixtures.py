"""Owns files whose parts do not go together: some places in pixels and some as shares of the image, people by turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.people import heights_of

# Shares of an image lie within the first, and pixels of a body beyond the second.
_SHARES, _PIXELS = 1.5, 8.0
_MANY, _ALMOST_ALL = 0.05, 0.95
# Of what joints mostly score.
_HARDLY_SURE = 0.2
# Bodies that lie so far apart in neighbouring frames, in their heights, and so much nearer in every second, take turns.
_APART, _NEARER, _FEWEST, _MOST_LOOKED_AT = 0.2, 0.25, 8, 4000


def check_one_unit(
    points: NDArray[np.float64], scores: NDArray[np.float64], frames: NDArray[np.int64], joints: Sequence[str], where: str
) -> None:
    """UserError where a part of (people, joints, 2) is in shares of the image and a part in pixels. scores: (people, joints), 0
    where missing; what is hardly sure may be anywhere, and often is in the image's corner."""
    if not (scores > 0).any():
        return
    seen = scores > _HARDLY_SURE * np.median(scores[scores > 0])
    known = points[seen]
    largest = np.abs(known).max(-1)
    shares, pixels = largest <= _SHARES, largest > _PIXELS
    reach = np.percentile(np.abs(known), 100 * _ALMOST_ALL, axis=0)
    if reach.min() <= _SHARES and reach.max() > _PIXELS:
        axis, other = ("x", "y") if reach[0] < reach[1] else ("y", "x")
        ends = f"{axis} goes up to {reach.min():.3g} and {other} to {reach.max():.4g}"
        raise UserError(f"{where}: {ends}: one is in shares of the image, the other in pixels{_INSIST}")
    if not (shares.mean() > _MANY and pixels.mean() > _MANY):
        return
    near = np.zeros(seen.shape, bool)
    near[seen] = shares
    by_pose, by_joint = ((near.sum(axis) / np.maximum(seen.sum(axis), 1)) > 0.5 for axis in (1, 0))
    if (near == (by_joint & seen)).mean() > (near == (by_pose[:, None] & seen)).mean():
        which = ", ".join(name for name, is_near in zip(joints, by_joint, strict=True) if is_near)
    else:
        which = f"{by_pose.sum()} of {len(by_pose)} poses (of frame {frames[by_pose].min(initial=frames.max())} on)"
    raise UserError(f"{where}: {which} lie within {_SHARES:g} of 0, as shares of the image do, others are in pixels{_INSIST}")


_INSIST = " (--no-normalised takes all for pixels)"


def turns_note(points: NDArray[np.float64], seen: NDArray[np.bool_]) -> tuple[str, ...]:
    """What to say of (frames, joints, 2) poses of one person of which every second goes on, and neighbours do not."""
    points, seen = points[:_MOST_LOOKED_AT], seen[:_MOST_LOOKED_AT]
    is_body = seen.sum(1) > 1
    if is_body.sum() < _FEWEST:
        return ()
    height = float(np.median(heights_of(points[is_body], seen[is_body])))
    known = np.where(seen[..., None], points, np.nan)
    steps = [np.linalg.norm(known[gap:] - known[:-gap], axis=-1) for gap in (1, 2)]
    near, next_but_one = (float(np.median(step[np.isfinite(step)])) if np.isfinite(step).any() else 0.0 for step in steps)
    if near > _APART * height and next_but_one < _NEARER * near:
        return ("the body goes to and fro between neighbouring frames: these seem to be two people by turns, read as one",)
    return ()
