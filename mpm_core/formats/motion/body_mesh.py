"""Owns the body of capsules that a rig wears in files for viewers: a capsule for every bone, bound to the bone's joint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.capsules import axes_along, unit_capsule
from mpm_core.rig.joints import RigJoint

_AROUND, _RINGS = 10, 4
_RADII_M = {
    "Hips": 0.09, "Spine": 0.10, "Spine1": 0.11, "Neck": 0.045, "Head": 0.09, "Shoulder": 0.05, "Arm": 0.045, "ForeArm": 0.036,
    "Hand": 0.03, "UpLeg": 0.07, "Leg": 0.05, "Foot": 0.04, "ToeBase": 0.03,
}  # fmt: skip
_SIDE_COLOURS = {"Left": (0.15, 0.38, 0.85), "Right": (0.85, 0.25, 0.20), "": (0.62, 0.65, 0.70)}


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """In the rest pose, metres. positions, normals: (vertices, 3); colours: (vertices, 3) 0 to 1, linear; joints: (vertices,)
    number of the joint that a vertex turns with; faces: (triangles, 3)."""

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    colours: NDArray[np.float32]
    joints: NDArray[np.uint8]
    faces: NDArray[np.uint16]


def body_of(joints: tuple[RigJoint, ...]) -> BodyMesh:
    """Capsules from every joint to the ones after it, or to its tip, as thick as a body is there."""
    places = rest_places(joints)
    ends = [(number, joint.parent) for number, joint in enumerate(joints) if joint.parent >= 0]
    bones = [(parent, places[parent], places[number]) for number, parent in ends]
    bones += [(n, places[n], places[n] + np.array(joint.tip)) for n, joint in enumerate(joints) if joint.tip is not None]
    unit, along, faces = unit_capsule(_AROUND, _RINGS)
    points, normals, colours, bound, triangles = [], [], [], [], []
    turns = axes_along(np.array([end - start for _, start, end in bones]))
    for number, (joint, start, end) in enumerate(bones):
        side = next((name for name in ("Left", "Right") if joints[joint].name.startswith(name)), "")
        radius = _RADII_M[joints[joint].name.removeprefix(side)]
        turned = unit @ turns[number].T
        points.append(start + along[:, None] * (end - start) + turned * radius)
        normals.append(turned)
        colours.append(np.tile(_SIDE_COLOURS[side], (len(unit), 1)))
        bound.append(np.full(len(unit), joint))
        triangles.append(faces + number * len(unit))
    return BodyMesh(
        np.concatenate(points).astype(np.float32), np.concatenate(normals).astype(np.float32),
        np.concatenate(colours).astype(np.float32), np.concatenate(bound).astype(np.uint8),
        np.concatenate(triangles).astype(np.uint16),
    )  # fmt: skip


def rest_places(joints: tuple[RigJoint, ...]) -> NDArray[np.float64]:
    """(joints, 3) metres in the rest pose, the root at the origin."""
    places = np.zeros((len(joints), 3))
    for number, joint in enumerate(joints):
        if joint.parent >= 0:
            places[number] = places[joint.parent] + joint.rest
    return places
