"""Owns the rig: a skeleton of constant bone lengths with the usual animation names, fitted to joint positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.skeleton import MPM16

Vectors = NDArray[np.float64]


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

    def joint_positions(self) -> Vectors:
        """(frames, joints, 3) metres by forward kinematics."""
        frames = len(self.root)
        turn = np.zeros((frames, len(self.joints), 3, 3))
        place = np.zeros((frames, len(self.joints), 3))
        for j, joint in enumerate(self.joints):
            if joint.parent < 0:
                turn[:, j], place[:, j] = self.rotations[:, j], self.root
            else:
                turn[:, j] = turn[:, joint.parent] @ self.rotations[:, j]
                place[:, j] = place[:, joint.parent] + turn[:, joint.parent] @ np.array(joint.rest)
        return place


# The chains below a limb's first joint: (rig name, MPM-16 joint it stands at, MPM-16 joint that its bone points to).
_LIMBS = (
    ("UpLeg", "Hip", "Knee"),
    ("Leg", "Knee", "Ankle"),
    ("Arm", "Shoulder", "Elbow"),
    ("ForeArm", "Elbow", "Wrist"),
)
_DOWN, _UP = np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0])
_SIDEWAYS = {"Left": np.array([1.0, 0.0, 0.0]), "Right": np.array([-1.0, 0.0, 0.0])}
_HEAD_SHARE = 0.45  # of the way from Thorax to the crown at which the head turns
_FOOT_M, _TOES_M, _HAND_M = 0.12, 0.06, 0.08


def fit_rig(positions: NDArray[np.floating]) -> RigMotion:
    """Fit a rig of constant bone lengths to (frames, 16, 3) metres, Y up.

    Lengths are the medians over the frames, the same on both sides. Pelvis and chest take their turn from hips and
    shoulders; every other bone swings from its parent by the smallest rotation, which leaves no twist to flip.
    """
    points = {name: positions[:, i].astype(np.float64) for i, name in enumerate(MPM16.joints)}
    joints = _build(points)
    index = {joint.name: n for n, joint in enumerate(joints)}
    world = np.tile(np.eye(3), (len(positions), len(joints), 1, 1))
    pelvis_side = points["LHip"] - points["RHip"]
    chest_side = points["LShoulder"] - points["RShoulder"]
    low_back, high_back = points["Spine"] - points["Hip"], points["Thorax"] - points["Spine"]
    world[:, index["Hips"]] = _frame(pelvis_side, low_back, keeps_side=True)
    world[:, index["Spine"]] = _frame(_unit(pelvis_side) + _unit(chest_side), low_back, keeps_side=False)
    world[:, index["Spine1"]] = _frame(chest_side, high_back, keeps_side=False)
    for n, joint in enumerate(joints):
        aim = _aim(joint.name, points)
        if aim is not None:
            rest, direction = aim
            world[:, n] = _swing(world[:, joint.parent], rest, direction)
        elif joint.name not in ("Hips", "Spine", "Spine1"):
            world[:, n] = world[:, joint.parent]
    rotations = world.copy()
    for n, joint in enumerate(joints):
        if joint.parent >= 0:
            rotations[:, n] = np.swapaxes(world[:, joint.parent], 1, 2) @ world[:, n]
    return RigMotion(joints, rotations, points["Hip"])


def _length(points: dict[str, Vectors], *bones: tuple[str, str]) -> float:
    """Median length over the frames, averaged over bones (those of both sides)."""
    return float(np.mean([np.median(np.linalg.norm(points[b] - points[a], axis=1)) for a, b in bones]))


def _build(points: dict[str, Vectors]) -> tuple[RigJoint, ...]:
    """The rig's joints in its rest pose, depth first."""
    neck = _length(points, ("Thorax", "Head"))
    joints = [
        RigJoint("Hips", -1, (0.0, 0.0, 0.0), "Hip"),
        RigJoint("Spine", 0, (0.0, 0.0, 0.0), None),
        RigJoint("Spine1", 1, (0.0, _length(points, ("Hip", "Spine")), 0.0), "Spine"),
        RigJoint("Neck", 2, (0.0, _length(points, ("Spine", "Thorax")), 0.0), "Thorax"),
        RigJoint("Head", 3, (0.0, neck * _HEAD_SHARE, 0.0), None, tip=(0.0, neck * (1 - _HEAD_SHARE), 0.0)),
    ]
    thigh, shin, upper, fore = (_length(points, (f"L{a}", f"L{b}"), (f"R{a}", f"R{b}")) for _, a, b in _LIMBS)
    hip = _length(points, ("Hip", "LHip"), ("Hip", "RHip"))
    clavicle = _length(points, ("Thorax", "LShoulder"), ("Thorax", "RShoulder"))
    # A file lists its joints depth first: arms hang from the chest, so they come before the legs.
    for side in _SIDEWAYS:
        s, sign, first = side[0], float(_SIDEWAYS[side][0]), len(joints)
        joints += [
            RigJoint(f"{side}Shoulder", 2, joints[3].rest, None),
            RigJoint(f"{side}Arm", first, (sign * clavicle, 0.0, 0.0), f"{s}Shoulder"),
            RigJoint(f"{side}ForeArm", first + 1, (sign * upper, 0.0, 0.0), f"{s}Elbow"),
            RigJoint(f"{side}Hand", first + 2, (sign * fore, 0.0, 0.0), f"{s}Wrist", tip=(sign * _HAND_M, 0.0, 0.0)),
        ]
    for side in _SIDEWAYS:
        s, sign, first = side[0], float(_SIDEWAYS[side][0]), len(joints)
        joints += [
            RigJoint(f"{side}UpLeg", 0, (sign * hip, 0.0, 0.0), f"{s}Hip"),
            RigJoint(f"{side}Leg", first, (0.0, -thigh, 0.0), f"{s}Knee"),
            RigJoint(f"{side}Foot", first + 1, (0.0, -shin, 0.0), f"{s}Ankle"),
            RigJoint(f"{side}ToeBase", first + 2, (0.0, -_TOES_M, _FOOT_M), None, tip=(0.0, 0.0, _TOES_M)),
        ]
    return tuple(joints)


def _aim(name: str, points: dict[str, Vectors]) -> tuple[Vectors, Vectors] | None:
    """Rest direction of a joint's bone and where it points in each frame; None for joints that turn with their parent."""
    if name == "Neck":
        return _UP, points["Head"] - points["Thorax"]
    side = next((s for s in _SIDEWAYS if name.startswith(s)), None)
    if side is None:
        return None
    part, letter = name.removeprefix(side), side[0]
    if part == "Shoulder":
        return _SIDEWAYS[side], points[f"{letter}Shoulder"] - points["Thorax"]
    for limb, start, end in _LIMBS:
        if part == limb:
            rest = _DOWN if limb.endswith("Leg") else _SIDEWAYS[side]
            return rest, points[f"{letter}{end}"] - points[f"{letter}{start}"]
    return None


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _frame(side: Vectors, up: Vectors, keeps_side: bool) -> Vectors:
    """(frames, 3, 3) with x to the left side and y up; exactly along `side` or exactly along `up`."""
    x, y = _unit(side), _unit(up)
    forward = _unit(np.cross(x, y))
    if keeps_side:
        y = np.cross(forward, x)
    else:
        x = np.cross(y, forward)
    return np.stack((x, y, forward), axis=-1)


def _swing(parent: Vectors, rest: Vectors, direction: Vectors) -> Vectors:
    """The parent's orientation, turned by the smallest rotation that brings the rest direction onto `direction`."""
    start, end = parent @ rest, _unit(direction)
    cosine = (start * end).sum(-1)
    axis = np.cross(start, end)
    # Opposite directions have no smallest rotation; any axis across will do.
    across = np.cross(start, np.eye(3)[np.abs(start).argmin(-1)])
    is_opposite = cosine < -1 + 1e-6
    skew = _cross_matrix(axis)
    turned = np.eye(3) + skew + skew @ skew / np.where(is_opposite, 1.0, 1 + cosine)[:, None, None]
    half_turn = 2 * _unit(across)[:, :, None] * _unit(across)[:, None, :] - np.eye(3)
    return np.where(is_opposite[:, None, None], half_turn, turned) @ parent


def _cross_matrix(v: Vectors) -> Vectors:
    zero = np.zeros(len(v))
    rows = (zero, -v[:, 2], v[:, 1], v[:, 2], zero, -v[:, 0], -v[:, 1], v[:, 0], zero)
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)
