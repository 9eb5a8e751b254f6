"""Owns the layouts of keypoints by number: which skeletons a count of points may be, and which of them the body looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.keypoints.plausibility import implausibility, is_on_side, is_scrambled, is_upside_down
from mpm_core.skeleton import (
    BODY25,
    BODY25B,
    COCO17,
    COCO18,
    COCO23,
    CROWDPOSE14,
    H36M17,
    HALPE26,
    LSP14,
    MEDIAPIPE33,
    MPI15,
    MPI_INF_3DHP17,
    MPII16,
    MPM16,
    Skeleton,
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Points of a person as a program lists them: the joints of `skeleton` first, then others (hands, face) up to `points`."""

    name: str
    skeleton: Skeleton
    points: int


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        *(
            Layout(skeleton.name, skeleton, len(skeleton))
            for skeleton in (
                COCO17, H36M17, MPI_INF_3DHP17, COCO18, BODY25, BODY25B, HALPE26, MEDIAPIPE33, MPII16, MPM16, MPI15, LSP14,
                CROWDPOSE14, COCO23,
            )
        ),
        Layout("coco-wholebody", COCO23, 133),
        Layout("halpe136", HALPE26, 136),
        Layout("body135", BODY25B, 135),
    )
}  # fmt: skip
"""Layouts by the name that --skeleton takes; of those with as many points, the commonest comes first."""

# By how much another skeleton must look better than the one that a format usually means, and by how much the best of those
# that are equally usual must be ahead to be taken without asking.
_CLEARLY, _MUCH = 0.12, 0.2
# An unusual order is taken only on the evidence of whole bodies that the usual one makes none of.
_WHOLE_SHARE, _HARDLY_A_BODY = 0.8, 0.55
_MOST_LOOKED_AT = 300


@dataclass(frozen=True)
class Choice:
    """The layout that is taken, others that could be meant as well, and what to say about it."""

    layout: Layout
    others: tuple[Layout, ...] = ()
    notes: tuple[str, ...] = ()


def counts_known() -> frozenset[int]:
    """How many points a person may have."""
    return frozenset(layout.points for layout in LAYOUTS.values())


def choose_layout(
    points: NDArray[np.float64], seen: NDArray[np.bool_], where: str, usual: Sequence[str] = (), wanted: str | None = None
) -> Choice:
    """The layout of (people, points, 2), of which those are seen (people, points).

    usual: layouts that the file's format usually has; wanted: the one that the user or the file names. UserError when that
    one has another number of points, or no layout has as many.
    """
    count = points.shape[1]
    looked_at = np.argsort(-seen.sum(1), kind="stable")[:_MOST_LOOKED_AT]
    looked_points, looked_seen = points[looked_at], seen[looked_at]
    if wanted is not None:
        return _named(wanted, looked_points, looked_seen, where)
    fitting = [layout for layout in LAYOUTS.values() if layout.points == count]
    if not fitting:
        known = ", ".join(f"{layout.points} ({layout.skeleton.label})" for layout in LAYOUTS.values())
        raise UserError(f"{where}: {count} joints per person, expected {known}; or name the joints with --joint-map")
    expected = [layout for layout in fitting if layout.name in usual] or fitting
    scores = {layout.name: _implausibility(layout, looked_points, looked_seen) for layout in fitting}
    best = min(fitting, key=lambda layout: scores[layout.name])
    first = min(expected, key=lambda layout: scores[layout.name])
    is_whole = float(np.median(looked_seen.mean(1))) >= _WHOLE_SHARE
    if is_whole and scores[first.name] > _HARDLY_A_BODY and scores[best.name] < scores[first.name] - _CLEARLY:
        note = (
            f"{count} joints, but not in the usual order of {first.skeleton.label}: read as {best.skeleton.label}, whose bones"
            f" fit (--skeleton {first.name} would insist)"
        )
        return Choice(best, notes=(note, *_scramble_note(best, looked_points, looked_seen)))
    others = [o for o in expected if o is not first and not scores[o.name] > scores[first.name] + _CLEARLY]
    return Choice(first, tuple(others), (*_say_others(first, others), *_scramble_note(first, looked_points, looked_seen)))


def _named(wanted: str, points: NDArray[np.float64], seen: NDArray[np.bool_], where: str) -> Choice:
    if wanted not in LAYOUTS:
        raise UserError(f"{where}: unknown skeleton '{wanted}' (known: {', '.join(LAYOUTS)})")
    layout, count = LAYOUTS[wanted], points.shape[1]
    if layout.points != count:
        raise UserError(f"{where}: {count} joints per person, but {layout.skeleton.label} has {layout.points}")
    scrambled = _scramble_note(layout, points, seen)
    if scrambled:
        return Choice(layout, notes=scrambled)
    scores = {other.name: _implausibility(other, points, seen) for other in LAYOUTS.values() if other.points == count}
    best = min(scores, key=lambda name: scores[name])
    if scores[best] < scores[layout.name] - _MUCH:
        label = LAYOUTS[best].skeleton.label
        return Choice(layout, notes=(f"read as {layout.skeleton.label}, but the bones fit {label} better (--skeleton {best})",))
    return Choice(layout)


def _implausibility(layout: Layout, points: NDArray[np.float64], seen: NDArray[np.bool_]) -> float:
    joints = len(layout.skeleton)
    return implausibility(points[:, :joints], seen[:, :joints], layout.skeleton)


def _say_others(first: Layout, others: list[Layout]) -> tuple[str, ...]:
    if not others:
        return ()
    names = " or ".join(f"{other.skeleton.label} (--skeleton {other.name})" for other in others)
    return (f"read as {first.skeleton.label}; too little of a body is seen to tell it from {names}",)


def scramble_note(skeleton: Skeleton, points: NDArray[np.float64], seen: NDArray[np.bool_]) -> tuple[str, ...]:
    """What to say of (people, joints, 2) points that are no body in those joints; nothing when they are."""
    looked_at = np.argsort(-seen.sum(1), kind="stable")[:_MOST_LOOKED_AT]
    if is_on_side(points[looked_at], seen[looked_at], skeleton):
        return ("the person lies on their side all the time: either so, or the picture is turned, or x and y are exchanged",)
    if is_upside_down(points[looked_at], seen[looked_at], skeleton):
        return ("the person is on their head all the time: either so, or the file counts y upwards, which images do not",)
    if not is_scrambled(points[looked_at], seen[looked_at], skeleton):
        return ()
    return (
        f"read as {skeleton.label} no body comes out (its bones join what is far apart): the joints are probably in"
        " another order, which --skeleton or --joint-map can name",
    )


def _scramble_note(layout: Layout, points: NDArray[np.float64], seen: NDArray[np.bool_]) -> tuple[str, ...]:
    joints = len(layout.skeleton)
    return scramble_note(layout.skeleton, points[:, :joints], seen[:, :joints])
