"""Owns how the rig follows joint positions: trunk, limbs and feet, each from where its parent has come to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.rig.feet import foot_turns
from mpm_core.rig.hinges import Limb, limb_turns
from mpm_core.rig.joints import SIDES, RigJoint, RigMotion, build_joints
from mpm_core.rig.turns import X, Y, apply, frame, swing, transposed, turn, unit
from mpm_core.skeleton import MPM16

Vectors = NDArray[np.float64]

_ANKLES = ("LAnkle", "RAnkle")
_STANDING_WEIGHT = 30.0
"""Of an ankle that stands, beside another joint."""

_FASTEST_RATE = 1000.0
"""Frames a second that are told apart: beyond it the smoothing has too large and too small numbers side by side."""


def fit_rig(positions: NDArray[np.floating], fps: float, contact: NDArray[np.floating] | None = None) -> RigMotion:
    """Fit a rig of constant bone lengths to (frames, 16, 3) metres, Y up, the floor at 0.

    contact: (frames, 2) 0 to 1, whether a foot stands, left first; None where nobody knows. Lengths are the medians over the
    frames, the same on both sides. Pelvis and chest take their turn from hips and shoulders, elbows and knees are hinges
    (hinges.py), feet stand on the floor (feet.py). Every bone points from where its own joint has come to, so that errors of
    length do not add up, and the root is where all joints are nearest to theirs, above all ankles that stand.
    """
    fps = min(fps, _FASTEST_RATE)
    stands = np.zeros((len(positions), 2)) if contact is None else contact.astype(np.float64)
    points = {name: positions[:, i].astype(np.float64) for i, name in enumerate(MPM16.joints)}
    joints = build_joints(positions)
    pose = _Pose(joints, points["Hip"])
    _pose_trunk(pose, points)
    _pose_limbs(pose, points, fps)
    pose.root = pose.root + _nearer(pose, points, stands)
    for column, side in enumerate(SIDES):
        ball = joints[pose.number[f"{side}ToeBase"]]
        toes = np.array(ball.rest) + np.array(ball.tip)
        shin, ankle = pose.turns[f"{side}Leg"], pose.place(f"{side}Foot")
        pose.turns[f"{side}Foot"] = foot_turns(shin, ankle, stands[:, column], toes, fps)
    return pose.motion()


def _nearer(pose: _Pose, points: dict[str, Vectors], stands: Vectors) -> Vectors:
    """(frames, 3) metres by which to move all joints, so that they miss their places by the least in the mean."""
    missing, weights = [], []
    for joint in pose.joints:
        if joint.follows is not None:
            missing.append(points[joint.follows] - pose.place(joint.name))
            weight = np.ones(len(pose.root))
            if joint.follows in _ANKLES:
                weight += _STANDING_WEIGHT * stands[:, _ANKLES.index(joint.follows)]
            weights.append(np.stack((weight,) * 3, axis=-1))
    return np.average(missing, axis=0, weights=weights)


class _Pose:
    """Joints as they are turned one after the other; turns: (frames, 3, 3) in the world, by name."""

    def __init__(self, joints: tuple[RigJoint, ...], root: Vectors) -> None:
        self.joints, self.root = joints, root
        self.number = {joint.name: n for n, joint in enumerate(joints)}
        self.turns: dict[str, Vectors] = {}

    def parent(self, name: str) -> str:
        return self.joints[self.joints[self.number[name]].parent].name

    def place(self, name: str) -> Vectors:
        """(frames, 3) where a joint is, now that those above it are turned."""
        joint = self.joints[self.number[name]]
        if joint.parent < 0:
            return self.root
        parent = self.joints[joint.parent].name
        return self.place(parent) + apply(self.turns[parent], np.array(joint.rest))

    def aim(self, name: str, rest: Vectors, target: Vectors) -> None:
        """Turn a joint as its parent by the smallest rotation that lets its bone point at a target."""
        parent = self.turns[self.parent(name)]
        self.turns[name] = swing(apply(parent, rest), target - self.place(name)) @ parent

    def motion(self) -> RigMotion:
        """What is not turned turns with its parent."""
        rotations = np.empty((len(self.root), len(self.joints), 3, 3))
        for n, joint in enumerate(self.joints):
            above = self.turns[self.parent(joint.name)] if joint.parent >= 0 else np.eye(3)
            rotations[:, n] = transposed(above) @ self.turns.setdefault(joint.name, above)
        return RigMotion(self.joints, rotations, self.root)


def _pose_trunk(pose: _Pose, points: dict[str, Vectors]) -> None:
    pelvis, chest = points["LHip"] - points["RHip"], points["LShoulder"] - points["RShoulder"]
    pose.turns["Hips"] = frame(pelvis, points["Spine"] - points["Hip"], keeps_side=True)
    between = unit(pelvis) + unit(chest)
    pose.turns["Spine"] = frame(between, points["Spine"] - pose.place("Spine"), keeps_side=False)
    pose.turns["Spine1"] = frame(chest, _between_shoulders(pose, points) - pose.place("Spine1"), keeps_side=False)
    pose.aim("Neck", Y, points["Head"])


def _pose_limbs(pose: _Pose, points: dict[str, Vectors], fps: float) -> None:
    for side, sign in SIDES.items():
        letter, out = side[0], X * sign
        pose.aim(f"{side}Shoulder", out, points[f"{letter}Shoulder"])
        elbow, wrist, knee, ankle = (points[letter + name] for name in ("Elbow", "Wrist", "Knee", "Ankle"))
        # Elbows bend forward out of the T, knees backward.
        _pose_limb(pose, (f"{side}Arm", f"{side}ForeArm", f"{side}Hand"), (out, -Y * sign), (elbow, wrist), fps)
        _pose_limb(pose, (f"{side}UpLeg", f"{side}Leg", f"{side}Foot"), (-Y, X), (knee, ankle), fps)


def _between_shoulders(pose: _Pose, points: dict[str, Vectors]) -> Vectors:
    """(frames, 3): Thorax, moved to where it and both shoulders are least off by too long and too short clavicles."""
    moved = points["Thorax"].copy()
    for side in SIDES:
        clavicle = points[f"{side[0]}Shoulder"] - points["Thorax"]
        length = np.linalg.norm(pose.joints[pose.number[f"{side}Arm"]].rest)
        moved += (clavicle - unit(clavicle) * length) / 3
    return moved


def _pose_limb(
    pose: _Pose, names: tuple[str, str, str], rest: tuple[Vectors, Vectors], targets: tuple[Vectors, Vectors], fps: float
) -> None:
    """names: the joints at both ends of the upper bone and at the end of the lower one. rest: directions of the bones and of
    the hinge's axis. targets: (frames, 3) where the middle and the end are to be."""
    first, middle, last = names
    limb = Limb(*rest, *(float(np.linalg.norm(pose.joints[pose.number[name]].rest)) for name in (middle, last)))
    start, parent = pose.place(first), pose.turns[pose.parent(first)]
    pose.turns[first], bend = limb_turns(parent, limb, (targets[0] - start, targets[1] - start), fps)
    pose.turns[middle] = pose.turns[first] @ turn(limb.hinge, bend)
