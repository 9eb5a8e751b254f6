"""Owns the rig: a skeleton of constant bone lengths with the usual animation names, in its rest pose and in motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

Vectors = NDArray[np.float64]

SIDES = {"Left": 1.0, "Right": -1.0}
"""Which way along x a side lies."""

_HEAD_SHARE = 0.45  # of the way from Thorax to the crown at which the head turns
_WAIST_SHARE = 0.4  # of the way from Hip to Spine at which the back bends first
_BALL_M, _TOES_M, _HAND_M = (-0.06, 0.12), 0.06, 0.08  # the ball: down and forward from the ankle


@dataclass(frozen=True)
class RigJoint:
    """A joint of the rig. rest: offset from its parent in metres, in the rest pose (a T, facing +Z, Y up).

    follows: the MPM-16 joint that it stands for, or None. tip: offset of the end site where the chain ends here.
    """

    name: str
    parent: int
    rest: tuple[float, float, float]
    follows: str | None
    tip: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class RigMotion:
    """joints: depth first, as files list them. rotations: (frames, joints, 3, 3), each relative to its parent. root:
    (frames, 3) metres."""

    joints: tuple[RigJoint, ...]
    rotations: Vectors
    root: Vectors

    def index(self, name: str) -> int:
        """Position of a joint; ValueError when there is none of this name."""
        return [joint.name for joint in self.joints].index(name)

    def turns(self) -> Vectors:
        """(frames, joints, 3, 3) where each joint is turned to in the world."""
        turns = self.rotations.copy()
        for j, joint in enumerate(self.joints):
            if joint.parent >= 0:
                turns[:, j] = turns[:, joint.parent] @ self.rotations[:, j]
        return turns

    def joint_positions(self) -> Vectors:
        """(frames, joints, 3) metres by forward kinematics."""
        turns = self.turns()
        places = np.tile(self.root[:, None], (1, len(self.joints), 1))
        for j, joint in enumerate(self.joints):
            if joint.parent >= 0:
                places[:, j] = places[:, joint.parent] + turns[:, joint.parent] @ np.array(joint.rest)
        return places


def build_joints(positions: NDArray[np.floating]) -> tuple[RigJoint, ...]:
    """The rig's joints in its rest pose, depth first, as long as the bones of (frames, 16, 3) metres are in the middle of
    all frames and of both sides."""
    points = {name: positions[:, i].astype(np.float64) for i, name in enumerate(MPM16.joints)}

    def length(*bones: tuple[str, str]) -> float:
        return float(np.mean([np.median(np.linalg.norm(points[b] - points[a], axis=1)) for a, b in bones]))

    def both(first: str, second: str) -> float:
        return length(*((side + first, side + second) for side in "LR"))

    neck, low_back = length(("Thorax", "Head")), length(("Hip", "Spine"))
    joints = [
        RigJoint("Hips", -1, (0.0, 0.0, 0.0), "Hip"),
        RigJoint("Spine", 0, (0.0, low_back * _WAIST_SHARE, 0.0), None),
        RigJoint("Spine1", 1, (0.0, low_back * (1 - _WAIST_SHARE), 0.0), "Spine"),
        RigJoint("Neck", 2, (0.0, length(("Spine", "Thorax")), 0.0), "Thorax"),
        RigJoint("Head", 3, (0.0, neck * _HEAD_SHARE, 0.0), None, tip=(0.0, neck * (1 - _HEAD_SHARE), 0.0)),
    ]
    hip, clavicle = length(("Hip", "LHip"), ("Hip", "RHip")), length(("Thorax", "LShoulder"), ("Thorax", "RShoulder"))
    thigh, shin, upper, fore = both("Hip", "Knee"), both("Knee", "Ankle"), both("Shoulder", "Elbow"), both("Elbow", "Wrist")
    # A file lists its joints depth first: arms hang from the chest, so they come before the legs.
    for side, sign in SIDES.items():
        s, first = side[0], len(joints)
        joints += [
            RigJoint(f"{side}Shoulder", 2, joints[3].rest, None),
            RigJoint(f"{side}Arm", first, (sign * clavicle, 0.0, 0.0), f"{s}Shoulder"),
            RigJoint(f"{side}ForeArm", first + 1, (sign * upper, 0.0, 0.0), f"{s}Elbow"),
            RigJoint(f"{side}Hand", first + 2, (sign * fore, 0.0, 0.0), f"{s}Wrist", tip=(sign * _HAND_M, 0.0, 0.0)),
        ]
    for side, sign in SIDES.items():
        s, first = side[0], len(joints)
        joints += [
            RigJoint(f"{side}UpLeg", 0, (sign * hip, 0.0, 0.0), f"{s}Hip"),
            RigJoint(f"{side}Leg", first, (0.0, -thigh, 0.0), f"{s}Knee"),
            RigJoint(f"{side}Foot", first + 1, (0.0, -shin, 0.0), f"{s}Ankle"),
            RigJoint(f"{side}ToeBase", first + 2, (0.0, *_BALL_M), None, tip=(0.0, 0.0, _TOES_M)),
        ]
    return tuple(joints)
