"""Owns which joints numbered points in 3D are: the layout in which bones keep their lengths and both sides are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.keypoints.layouts import LAYOUTS, Layout

_BONES = (("Shoulder", "Elbow"), ("Elbow", "Wrist"), ("Hip", "Knee"), ("Knee", "Ankle"))
# By how much another layout must be better than the usual one to be taken.
_CLEARLY = 0.05
_MOST_LOOKED_AT = 300


def choose_layout(
    points: NDArray[np.float64], where: str, usual: Sequence[str] = (), wanted: str | None = None
) -> tuple[Layout, tuple[str, ...]]:
    """The layout of (people, points, 3), NaN where missing, and what to say. usual: those that such files have, the usual one
    first; wanted: the one that the user or the file names. UserError when that one, or every one, has another number of points.
    """
    count = points.shape[1]
    if wanted is not None:
        if wanted not in LAYOUTS:
            raise UserError(f"{where}: unknown skeleton '{wanted}' (known: {', '.join(LAYOUTS)})")
        if LAYOUTS[wanted].points != count:
            label = LAYOUTS[wanted].skeleton.label
            raise UserError(f"{where}: {count} joints per person, but {label} has {LAYOUTS[wanted].points}")
        return LAYOUTS[wanted], ()
    fitting = [layout for layout in LAYOUTS.values() if layout.points == count]
    if not fitting:
        raise UserError(f"{where}: {count} joints per person are of no known layout; name the joints with --joint-map")
    looked_at = points[np.argsort(-np.isfinite(points).sum((1, 2)), kind="stable")[:_MOST_LOOKED_AT]]
    disorder = {layout.name: _disorder(looked_at, layout) for layout in fitting}
    first = next((layout for name in usual for layout in fitting if layout.name == name), fitting[0])
    best = min(fitting, key=lambda layout: disorder[layout.name])
    if disorder[best.name] < disorder[first.name] - _CLEARLY:
        return best, (f"read as {best.skeleton.label}, whose bones fit (--skeleton {first.name} would insist)",)
    alike = [o for o in fitting if o is not first and disorder[o.name] < disorder[first.name] + _CLEARLY]
    if not alike:
        return first, ()
    others = " or ".join(f"{layout.skeleton.label} (--skeleton {layout.name})" for layout in alike)
    return first, (f"read as {first.skeleton.label}; its bones do not tell it from {others}",)


def _disorder(points: NDArray[np.float64], layout: Layout) -> float:
    """How much bones of the limbs change their length, and differ from those of the other side, as a share of it; 1 for a
    layout of which no bone is there."""
    found = []
    for begin, end in _BONES:
        sides = []
        for side in "LR":
            ends = [layout.skeleton.index(side + joint) for joint in (begin, end)]
            lengths = np.linalg.norm(points[:, ends[0]] - points[:, ends[1]], axis=-1)
            lengths = lengths[np.isfinite(lengths)]
            if len(lengths) and lengths.mean() > 0:
                found.append(float(lengths.std() / lengths.mean()))
                sides.append(float(np.median(lengths)))
        if len(sides) == 2 and sum(sides) > 0:
            found.append(2 * abs(sides[0] - sides[1]) / sum(sides))
    return float(np.mean(found)) if found else 1.0
