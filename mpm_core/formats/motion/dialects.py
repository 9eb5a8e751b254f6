"""Owns whose joints are called what: from the nodes of a motion file to the 17 joints of Human3.6M.

Limb joints are nodes. What lies between nodes is a fixed point of a body part, given here in metres up and forward in that
part's own axes, or found from the motion (Thorax: one centimetre above the middle of the shoulders, as they lie in the
chest on average).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.motion.track import Track
from mpm_core.skeleton import H36M17

_ABOVE_SHOULDERS_M = 0.01
_LIMBS = ("Hip", "Knee", "Ankle", "Shoulder", "Elbow", "Wrist")


@dataclass(frozen=True)
class Dialect:
    """Names of one family of files.

    limbs: for hip, knee, ankle, shoulder, elbow and wrist, with {side} for `sides` (left, right). spine: nodes whose mean
    is about half way from hips to chest. chest: the node that the shoulders hang on. head: the node that carries the face.
    face: nodes whose mean the points of the face are given from, with nose and crown (up, forward) in metres; no face where
    the head node's end is the tip of the nose.
    """

    name: str
    sides: tuple[str, str]
    limbs: tuple[str, ...]
    spine: tuple[str, ...]
    chest: str
    head: str
    face: tuple[str, ...]
    nose: tuple[float, float]
    crown: tuple[float, float]
    prefix: str = ""

    def nodes(self) -> tuple[str, ...]:
        """All names that a file must have."""
        limbs = [name.format(side=side) for side in self.sides for name in self.limbs]
        return (*limbs, *self.spine, self.chest, self.head, *self.face)


_LEFT_RIGHT, _L_R = ("Left", "Right"), ("L", "R")
_USUAL_LIMBS = ("{side}UpLeg", "{side}Leg", "{side}Foot", "{side}Arm", "{side}ForeArm", "{side}Hand")

DIALECTS = (
    Dialect(
        "daz",
        ("l", "r"),
        ("{side}Thigh", "{side}Shin", "{side}Foot", "{side}Shldr", "{side}ForeArm", "{side}Hand"),
        ("abdomen", "chest"),
        "chest",
        "head",
        ("head",),
        (0.048, 0.111),
        (0.207, 0.021),
    ),
    Dialect(
        "cc",
        _L_R,
        tuple(f"CC_Base_{{side}}_{part}" for part in ("Thigh", "Calf", "Foot", "Upperarm", "Forearm", "Hand")),
        ("CC_Base_Spine02",),
        "CC_Base_Spine02",
        "CC_Base_Head",
        ("CC_Base_L_Eye", "CC_Base_R_Eye"),
        (-0.0326, 0.0233),
        (0.107, -0.0651),
    ),
    Dialect(
        "asfamc",
        ("l", "r"),
        ("{side}hipjoint", "{side}femur", "{side}tibia", "{side}clavicle", "{side}humerus", "{side}radius"),
        ("lowerback", "upperback"),
        "thorax",
        "head",
        ("head",),
        (-0.035, 0.10),
        (0.11, 0.005),
    ),
    Dialect("cmu", _LEFT_RIGHT, _USUAL_LIMBS, ("Spine", "Spine1"), "Spine1", "Head", ("Head_end",), (-0.035, 0.10),
            (0.11, 0.005)),
    Dialect("bandai", _L_R, ("UpperLeg_{side}", "LowerLeg_{side}", "Foot_{side}", "UpperArm_{side}", "LowerArm_{side}",
            "Hand_{side}"), ("Spine",), "Chest", "Head", ("Head",), (0.07, 0.10), (0.20, 0.02)),
    Dialect("mixamo", _LEFT_RIGHT, _USUAL_LIMBS, ("Spine1",), "Spine2", "Head", ("Head",), (0.05, 0.11), (0.20, 0.02)),
    Dialect("deepmimic", _LEFT_RIGHT, _USUAL_LIMBS, ("Spine",), "Spine", "Neck", ("Neck",), (0.14, 0.105), (0.2775, 0.01)),
    Dialect("reactidle", _L_R, ("thigh.{side}", "shin.{side}", "foot.{side}", "upper_arm.{side}", "forearm.{side}",
            "forearm.{side}_end"), ("spine.001",), "spine.001", "face", ("face_end",), (0.0, 0.0), (0.14, -0.10)),
)  # fmt: skip
"""Tried in this order: the first whose nodes are all there."""


def find_dialect(names: tuple[str, ...], source: str) -> tuple[Dialect, dict[str, int]]:
    """The dialect of a file and its nodes by name, without a prefix such as 'mixamorig:'; UserError when it is unknown."""
    places = {name.rpartition(":")[2]: number for number, name in enumerate(names)}
    for dialect in DIALECTS:
        if all(name in places for name in dialect.nodes()):
            return dialect, places
    few = ", ".join(names[:6])
    raise UserError(f"{source}: joints of an unknown naming ({few}, …); known: {', '.join(d.name for d in DIALECTS)}")


def to_h36m17(track: Track, unit_m: float, source: str) -> tuple[NDArray[np.float64], str]:
    """(frames, 17, 3) metres, Y up as in the file, and the name of the dialect, of a track with turns. UserError for unknown
    names."""
    dialect, places = find_dialect(track.names, source)
    assert track.turns is not None
    positions = track.positions * unit_m
    joints = np.zeros((len(positions), len(H36M17), 3))
    for letter, side in zip("LR", dialect.sides, strict=True):
        for joint, node in zip(_LIMBS, dialect.limbs, strict=True):
            joints[:, H36M17.index(letter + joint)] = positions[:, places[node.format(side=side)]]
    middle_of = {part: (joints[:, H36M17.index("L" + part)] + joints[:, H36M17.index("R" + part)]) / 2 for part in _LIMBS[:4]}
    joints[:, H36M17.index("Hip")] = middle_of["Hip"]
    joints[:, H36M17.index("Spine")] = _mean_of(positions, places, dialect.spine)
    chest = places[dialect.chest]
    joints[:, H36M17.index("Thorax")] = _fixed_above(
        middle_of["Shoulder"], middle_of["Hip"], positions[:, chest], track.turns[:, chest]
    )
    face, turn = _mean_of(positions, places, dialect.face), track.turns[:, places[dialect.head]]
    for joint, (up, forward) in (("Nose", dialect.nose), ("Head", dialect.crown)):
        joints[:, H36M17.index(joint)] = face + turn @ np.array([0.0, up, forward])
    return joints, dialect.name


def _mean_of(positions: NDArray[np.float64], places: dict[str, int], names: tuple[str, ...]) -> NDArray[np.float64]:
    return positions[:, [places[name] for name in names]].mean(1)


def _fixed_above(
    shoulders: NDArray[np.float64], hips: NDArray[np.float64], chest: NDArray[np.float64], turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(frames, 3): a fixed point of the chest, a little above where the middle of the shoulders is on average."""
    upwards = shoulders - hips
    target = shoulders + _ABOVE_SHOULDERS_M * upwards / np.maximum(np.linalg.norm(upwards, axis=-1, keepdims=True), 1e-6)
    own = np.einsum("fji,fj->fi", turn, target - chest).mean(0)
    return chest + turn @ own
