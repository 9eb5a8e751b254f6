"""Owns the maps from every skeleton to MPM-16: which joints are measured, and how the others are derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16, Skeleton

Recipe = Mapping[str, float]
"""A weighted sum of source joints; the weights add up to one."""


@dataclass(frozen=True)
class MappedJoints:
    """Points brought to another skeleton.

    points: (frames, joints, axes) float32, zero where not visible. visible, derived: (frames, joints) bool; a derived
    joint was computed from several source joints and is only as good as they are. confidence: (frames, joints), the
    lowest among the sources.
    """

    points: NDArray[np.float32]
    visible: NDArray[np.bool_]
    derived: NDArray[np.bool_]
    confidence: NDArray[np.float32]


@dataclass(frozen=True)
class JointMap:
    """How each joint of `target` comes from `source`: `recipes[i]` are tried in order until one has all it needs."""

    source: Skeleton
    target: Skeleton
    recipes: tuple[tuple[Recipe, ...], ...]

    def measured(self) -> tuple[str, ...]:
        """Target joints that are a source joint as it stands."""
        return tuple(j for j, r in zip(self.target.joints, self.recipes, strict=True) if r and len(r[0]) == 1)

    def derived(self) -> tuple[str, ...]:
        """Target joints that are computed from several source joints."""
        return tuple(j for j, r in zip(self.target.joints, self.recipes, strict=True) if r and len(r[0]) > 1)

    def apply(
        self, points: NDArray[np.floating], visible: NDArray[np.bool_], confidence: NDArray[np.floating] | None = None
    ) -> MappedJoints:
        """Map (frames, source joints, axes) points with their (frames, source joints) visibility."""
        frames, axes = points.shape[0], points.shape[2]
        shape = (frames, len(self.target))
        scores = np.ones(points.shape[:2], np.float32) if confidence is None else confidence
        out = MappedJoints(
            np.zeros((*shape, axes), np.float32), np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.float32)
        )
        for joint, recipes in enumerate(self.recipes):
            for recipe in recipes:
                used = list(self.source.indices(recipe))
                usable = visible[:, used].all(axis=1) & ~out.visible[:, joint]
                weights = np.array(list(recipe.values()), np.float64)
                out.points[usable, joint] = np.tensordot(points[usable][:, used], weights, axes=(1, 0))
                out.confidence[usable, joint] = scores[usable][:, used].min(axis=1)
                out.derived[usable, joint] = len(recipe) > 1
                out.visible[usable, joint] = True
        return out

    def carry(self, values: NDArray[Any]) -> NDArray[Any]:
        """What (frames, source joints, ...) say of joints, for those of `target` that are a source joint as it stands; zero for
        those that are computed."""
        out = np.zeros((len(values), len(self.target), *values.shape[2:]), values.dtype)
        for joint, recipes in enumerate(self.recipes):
            if recipes and len(recipes[0]) == 1:
                out[:, joint] = values[:, self.source.index(next(iter(recipes[0])))]
        return out


_HIP: Recipe = {"LHip": 0.5, "RHip": 0.5}
_THORAX: Recipe = {"LShoulder": 0.5, "RShoulder": 0.5}
_SPINE: Recipe = {"LHip": 0.25, "RHip": 0.25, "LShoulder": 0.25, "RShoulder": 0.25}

# Head means the crown. It lies beyond the ears (or eyes, or nose) as seen from the middle of the shoulders, by about
# these shares of that distance on the training motions' bodies.
_CROWN_BEYOND = {"LEar REar": 0.45, "LEye REye": 0.4, "Nose": 0.5}


def _crown_recipes() -> tuple[Recipe, ...]:
    recipes = []
    for joints, share in _CROWN_BEYOND.items():
        names = joints.split()
        recipe = {name: (1.0 + share) / len(names) for name in names}
        recipes.append(recipe | {"LShoulder": -share / 2, "RShoulder": -share / 2})
    return tuple(recipes)


_DERIVED: dict[str, tuple[Recipe, ...]] = {
    "Hip": (_HIP,),
    "Spine": (_SPINE,),
    "Thorax": (_THORAX,),
    "Head": _crown_recipes(),
}

# Detectors that measure these under another name.
_SYNONYMS = {"Hip": "MidHip", "Thorax": "Neck"}


@cache
def map_to_mpm16(source: Skeleton) -> JointMap:
    """The map from a skeleton to MPM-16. Measured joints come first; what is missing is derived from what is there."""
    recipes: list[tuple[Recipe, ...]] = []
    for joint in MPM16.joints:
        names = (joint, _SYNONYMS.get(joint, joint))
        measured: tuple[Recipe, ...] = next((({name: 1.0},) for name in names if name in source.joints), ())
        derived = tuple(r for r in _DERIVED.get(joint, ()) if set(r) <= set(source.joints))
        # A detector that lost the hip centre but has both hips still tells where it is.
        fall_back = derived if joint in _SYNONYMS and source is not MPM16 else ()
        recipes.append(measured + fall_back if measured else derived)
    return JointMap(source, MPM16, tuple(recipes))
