"""Owns joint angles of a rig's motion, as biomechanists name them.

Axes of every body part as the International Society of Biomechanics has them (Wu et al., 2002 and 2005): X forward, Y up, Z to
the right, in the rest pose but with the arms hanging. There are no markers on bones: pelvis and chest take their turn from the
centres of hips and shoulders, thighs and upper arms from where knees and elbows bend, feet from where they stand. So flexions
mean most, rotations about a limb's own axis least, and where a knee or elbow is straight they are carried over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.rig.joints import SIDES, RigMotion

Floats = NDArray[np.float64]

_FROM_RIG = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""From the rig's axes (X left, Y up, Z forward) to those of the angles."""

_NO_PLANE_DEG = 5.0
"""An upper arm that is raised by less is raised in no plane."""


@dataclass(frozen=True)
class Angle:
    """One angle over time. name: for tables; opensim: of the coordinate in OpenSim's full-body models (Rajagopal et al., 2016),
    empty where they have none; meaning: what it is, and what is positive."""

    name: str
    opensim: str
    meaning: str
    degrees: Floats


def joint_angles(motion: RigMotion) -> tuple[Angle, ...]:
    """(frames,) degrees for each angle, without jumps of a whole turn between frames."""
    turns = _FROM_RIG @ motion.turns() @ _FROM_RIG.T  # of body parts, in the axes of the angles
    part = {joint.name: turns[:, number] for number, joint in enumerate(motion.joints)}
    found = [*_pelvis(part["Hips"]), *_trunk(part["Hips"], part["Spine1"])]
    for side, sign in SIDES.items():
        # What turns one side inwards about X and Y turns the other outwards.
        found += _leg(side.lower(), -sign, part["Hips"], *(part[f"{side}{name}"] for name in ("UpLeg", "Leg", "Foot")))
        found += _arm(side.lower(), -sign, part["Spine1"], part[f"{side}Arm"], part[f"{side}ForeArm"])
    return tuple(found)


def pelvis_in_opensim(motion: RigMotion) -> Mapping[str, Floats]:
    """The six coordinates of the pelvis in OpenSim's models: degrees, tilt first, and metres in the axes of the motion, which
    are those of a TRC file."""
    turns = motion.turns()[:, motion.index("Hips")] @ _FROM_RIG.T
    tilt, obliquity, rotation = _euler("ZXY", turns)
    x, y, z = motion.root.T
    return {
        "pelvis_tilt": tilt, "pelvis_list": obliquity, "pelvis_rotation": rotation,
        "pelvis_tx": x, "pelvis_ty": y, "pelvis_tz": z,
    }  # fmt: skip


def _pelvis(turns: Floats) -> list[Angle]:
    """To the world, heading first, so that tilt and obliquity mean the same whichever way a person goes (Baker, 2001)."""
    rotation, obliquity, tilt = _euler("YXZ", turns)
    return [
        Angle(
            "pelvis_rotation",
            "",
            "pelvis to the world, about the vertical, from Z of the TRC on (.mot: from X); counter-clockwise from above",
            rotation,
        ),
        Angle("pelvis_obliquity", "", "pelvis to the world; right side down", obliquity),
        Angle("pelvis_tilt", "", "pelvis to the world; front up (posterior)", tilt),
    ]


def _trunk(pelvis: Floats, chest: Floats) -> list[Angle]:
    extension, bending, rotation = _euler("ZXY", _to(pelvis, chest))
    return [
        Angle("trunk_extension", "lumbar_extension", "chest to pelvis; backwards", extension),
        Angle("trunk_bending", "lumbar_bending", "chest to pelvis; to the right", bending),
        Angle("trunk_rotation", "lumbar_rotation", "chest to pelvis; to the left", rotation),
    ]


def _leg(side: str, sign: float, pelvis: Floats, thigh: Floats, shank: Floats, foot: Floats) -> list[Angle]:
    """sign: 1 for the right side, -1 for the left."""
    s = side[0]
    flexion, adduction, rotation = _euler("ZXY", _to(pelvis, thigh))
    knee = -_euler("ZXY", _to(thigh, shank))[0]
    ankle = _euler("ZXY", _to(shank, foot))[0]
    return [
        Angle(f"{side}_hip_flexion", f"hip_flexion_{s}", "thigh to pelvis; forward", flexion),
        Angle(f"{side}_hip_adduction", f"hip_adduction_{s}", "thigh to pelvis; towards the other leg", sign * adduction),
        Angle(f"{side}_hip_rotation", f"hip_rotation_{s}", "thigh to pelvis, about its own axis; inwards", sign * rotation),
        Angle(f"{side}_knee_flexion", f"knee_angle_{s}", "shank to thigh; backwards", knee),
        Angle(f"{side}_ankle_dorsiflexion", f"ankle_angle_{s}", "foot to shank; toes up", ankle),
    ]


def _arm(side: str, sign: float, chest: Floats, upper: Floats, fore: Floats) -> list[Angle]:
    s = side[0]
    # In the rest pose the arms are level; the angles count from arms that hang.
    hangs = _about_x(-sign * np.pi / 2)
    arm = _to(chest, upper) @ hangs
    flexion, adduction, rotation = _euler("ZXY", arm)
    plane, elevation, axial = _elevation(arm, sign)
    elbow = _euler("ZXY", hangs.T @ _to(upper, fore) @ hangs)[0]
    return [
        Angle(f"{side}_shoulder_plane", "", "plane in which the upper arm is raised; 0 sideways, 90 forward", plane),
        Angle(f"{side}_shoulder_elevation", "", "upper arm to chest; up from hanging", elevation),
        Angle(f"{side}_shoulder_rotation", "", "upper arm to chest, about its own axis; inwards", axial),
        Angle(f"{side}_shoulder_flexion", f"arm_flex_{s}", "upper arm to chest, as OpenSim has it; forward", flexion),
        Angle(f"{side}_shoulder_adduction", f"arm_add_{s}", "the same; towards the body", sign * adduction),
        Angle(f"{side}_shoulder_turn", f"arm_rot_{s}", "the same, about its own axis; inwards", sign * rotation),
        Angle(f"{side}_elbow_flexion", f"elbow_flex_{s}", "forearm to upper arm; forward", elbow),
    ]


def _to(above: Floats, below: Floats) -> Floats:
    """(frames, 3, 3) of one part in the axes of another."""
    return np.swapaxes(above, -1, -2) @ below


def _about_x(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _elevation(arm: Floats, sign: float) -> tuple[Floats, Floats, Floats]:
    """Plane of elevation, elevation and axial rotation, degrees (Wu et al., 2005: Y, X, Y), left as if it were right. Where the
    arm hangs there is no plane: that of the nearest frame that has one is kept, and the rest is rotation."""
    flip = np.diag([1.0, 1.0, sign])  # the mirror image of the left side is a right one
    turned = flip @ arm @ flip
    elevation = np.arccos(np.clip(turned[:, 1, 1], -1, 1))
    plane = np.arctan2(-turned[:, 0, 1], -turned[:, 2, 1])
    has_plane = np.flatnonzero(np.sin(elevation) > np.sin(np.radians(_NO_PLANE_DEG)))
    plane = plane[_nearest(has_plane, len(arm))] if len(has_plane) else np.zeros(len(arm))
    rest = np.swapaxes(_about_y(plane), -1, -2) @ turned
    # What is left is X (by minus the elevation), then Y: the rotation shows in the axes that X leaves alone.
    axial = np.arctan2(rest[:, 0, 2], rest[:, 0, 0])
    return _smooth(plane), _smooth(elevation), _smooth(axial)


def _nearest(places: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """For each of `count` frames the nearest of some, which are in order."""
    return places[np.searchsorted((places[1:] + places[:-1]) / 2, np.arange(count))]


def _about_y(angles: Floats) -> Floats:
    """(frames, 3, 3)."""
    c, s, zero, one = np.cos(angles), np.sin(angles), np.zeros_like(angles), np.ones_like(angles)
    return np.stack([np.stack((c, zero, s), -1), np.stack((zero, one, zero), -1), np.stack((-s, zero, c), -1)], axis=1)


def _euler(order: str, turns: Floats) -> tuple[Floats, Floats, Floats]:
    """Degrees about the moving axes of an order of three different ones, first axis first, by scipy."""
    import warnings

    from scipy.spatial.transform import Rotation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at 90 degrees about the second axis the third is set to zero, which is as good as any
        first, second, third = Rotation.from_matrix(turns).as_euler(order).T
    return _smooth(first), _smooth(second), _smooth(third)


def _smooth(angles: Floats) -> Floats:
    """Radians in degrees, without jumps of a whole turn."""
    return np.degrees(np.unwrap(angles))
