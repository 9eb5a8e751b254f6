"""Owns whether points look like a body when they are read in the joints of a skeleton: how wrong its bones and sides are."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import Skeleton

# What a bone joins, and pairs that lie side by side. Feet and face are small, but tell skeletons apart that differ in
# nothing else.
_BONES = (
    *(
        (side + begin, side + end)
        for side in "LR"
        for begin, end in (
            ("Shoulder", "Elbow"), ("Elbow", "Wrist"), ("Hip", "Knee"), ("Knee", "Ankle"), ("Shoulder", "Hip"),
            ("Ankle", "Heel"), ("Ankle", "BigToe"), ("Eye", "Ear"),
        )
    ),
    ("LShoulder", "RShoulder"), ("LHip", "RHip"), ("Nose", "LEye"), ("Nose", "REye"),
)  # fmt: skip

_AXIS = ((("Nose", "Head"), ("LShoulder", "RShoulder")), (("Hip", "MidHip"), ("LHip", "RHip")))
"""Joints on the body's axis, and the pairs in whose middle or near it they lie."""

_LEVELS = (("Nose", "Head", "LEye", "REye"), ("LShoulder", "RShoulder"), ("LHip", "RHip"), ("LAnkle", "RAnkle"))
"""What lies above what, in a body that stands or sits."""

_MIRRORED = (("Shoulder", "Elbow"), ("Elbow", "Wrist"), ("Hip", "Knee"), ("Knee", "Ankle"))

# On the benchmark's motions, cartwheels among them, no body comes to more; read in another skeleton of as many joints, two
# thirds do.
_SCRAMBLED = 0.61
_TOO_WIDE = 0.75
_FEWEST_BONES = 4
# Of somebody who lies, head and ankles are so much farther apart from side to side than from top to bottom.
_LIES = 2.0


def implausibility(points: NDArray[np.float64], seen: NDArray[np.bool_], skeleton: Skeleton) -> float:
    """How unlike a body (people, joints, 2) points are in those joints: 0.25 to 0.5 for bodies, infinite when too little of
    one is seen to tell. seen: (people, joints).

    It is the mean length of all bones in sizes of the body's box, to which sides of unequal length and a head below the hips
    add. The box is the same for every skeleton of the same points, so what is compared is how well the bones join neighbours.
    """
    body = _Body(points, seen, skeleton)
    return body.disorder() + 0.3 * body.upside_down()


def is_scrambled(points: NDArray[np.float64], seen: NDArray[np.bool_], skeleton: Skeleton) -> bool:
    """Whether these points cannot be those joints: bones that join what is far apart, or sides as far apart as the body is
    tall. Bodies upside down are not scrambled."""
    body = _Body(points, seen, skeleton)
    if len(body.bones()) < 2 * _FEWEST_BONES:
        return False
    return _SCRAMBLED < body.disorder() < float("inf") or body.width() > _TOO_WIDE


def is_upside_down(points: NDArray[np.float64], seen: NDArray[np.bool_], skeleton: Skeleton) -> bool:
    """Whether head, shoulders, hips and ankles lie in the reverse order: somebody on their hands, or y counted upwards."""
    body = _Body(points, seen, skeleton)
    return len(body.levels()) == len(_LEVELS) and body.upside_down() == 1.0


def is_on_side(points: NDArray[np.float64], seen: NDArray[np.bool_], skeleton: Skeleton) -> bool:
    """Whether head, shoulders, hips and ankles lie in that order, or its reverse, from one side to the other and hardly so from
    top to bottom: somebody who lies, a picture that is turned, or x and y exchanged."""
    body = _Body(points, seen, skeleton)
    across, down = body.levels(0), body.levels()
    if len(across) < len(_LEVELS) or np.ptp(across) < _LIES * np.ptp(down):
        return False
    steps = np.diff(across)
    return bool((steps > 0).all() or (steps < 0).all())


class _Body:
    """Joints by name, NaN where not seen, and the size of each person's box."""

    def __init__(self, points: NDArray[np.float64], seen: NDArray[np.bool_], skeleton: Skeleton) -> None:
        known = np.where(seen[..., None], points, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # frames without anybody
            box = np.nanmax(known, axis=1) - np.nanmin(known, axis=1)
        self._size = np.linalg.norm(box, axis=-1)
        self._joints = {name: known[:, n] for n, name in enumerate(skeleton.joints)}

    def bones(self) -> list[float]:
        """Median length of every bone that is seen, in sizes of the box."""
        found = [self._length(begin, end) for begin, end in _BONES]
        for names, pair in _AXIS:
            name = next((name for name in names if name in self._joints), None)
            if name is not None and set(pair) <= set(self._joints):
                middle = (self._joints[pair[0]] + self._joints[pair[1]]) / 2
                found.append(self._median(self._joints[name] - middle))
        return [length for length in found if np.isfinite(length)]

    def disorder(self) -> float:
        """How far apart lies what bones join, and how unequal both sides are; infinite when too few bones are seen."""
        lengths = self.bones()
        if len(lengths) < _FEWEST_BONES:
            return float("inf")
        return 2.0 * float(np.mean(lengths)) + 0.15 * float(np.mean(self._inequalities() or [0.0]))

    def width(self) -> float:
        """The larger of the distances between both hips and both shoulders, in sizes of the box."""
        widths = [self._length("LShoulder", "RShoulder"), self._length("LHip", "RHip")]
        return max([width for width in widths if np.isfinite(width)], default=0.0)

    def _inequalities(self) -> list[float]:
        """The logarithm of the ratio between both sides' lengths, bone by bone."""
        pairs = [[self._length(side + begin, side + end) for side in "LR"] for begin, end in _MIRRORED]
        return [abs(float(np.log((a + 0.02) / (b + 0.02)))) for a, b in pairs if np.isfinite((a, b)).all()]

    def upside_down(self) -> float:
        """Share of what should lie above something else (head, shoulders, hips, ankles) and does not, 0 to 1."""
        steps = [below <= above for above, below in pairwise(self.levels())]
        return float(np.mean(steps)) if steps else 0.0

    def levels(self, axis: int = 1) -> list[float]:
        """Median y, or x for axis 0, of each of _LEVELS that is seen."""
        heights = []
        for names in _LEVELS:
            rows = [self._joints[name][:, axis] for name in names if name in self._joints]
            values = np.concatenate(rows) if rows else np.empty(0)
            if np.isfinite(values).any():
                heights.append(float(np.median(values[np.isfinite(values)])))
        return heights

    def _length(self, begin: str, end: str) -> float:
        if begin not in self._joints or end not in self._joints:
            return float("nan")
        return self._median(self._joints[begin] - self._joints[end])

    def _median(self, vectors: NDArray[np.float64]) -> float:
        lengths = np.linalg.norm(vectors, axis=-1) / np.maximum(self._size, 1e-9)
        known = lengths[np.isfinite(lengths)]
        return float(np.median(known)) if len(known) else float("nan")
