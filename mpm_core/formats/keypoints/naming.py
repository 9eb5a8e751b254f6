"""Owns joints by name: what other programs call each joint, and bringing named points into a skeleton."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import read_json
from mpm_core.skeleton import NAMED, SKELETONS, Skeleton

_SIDES = {"l": "L", "left": "L", "lft": "L", "r": "R", "right": "R", "rgt": "R", "rt": "R", "lt": "L"}

# Joints with a side and without, by what is left of a name when side, case and punctuation are taken away.
_SIDED = {
    "Shoulder": "shoulder shoulders sho shldr uparm upperarm arm acromion",
    "Elbow": "elbow elb elbows forearm lowerarm",
    "Wrist": "wrist wri wrists hand",
    "Hip": "hip hips upleg upperleg thigh femur",
    "Knee": "knee kne knees leg shin calf lowerleg",
    "Ankle": "ankle ank ankles foot",
    "Eye": "eye",
    "Ear": "ear",
    "BigToe": "bigtoe toe toes hallux",
    "SmallToe": "smalltoe littletoe",
    "Heel": "heel calcaneus",
    "FootIndex": "footindex foottip",
}
_CENTRAL = {
    "Hip": "hip hips pelvis midhip hipcenter hipcentre root bottomtorso centerhip centrehip midhips pelvisc sacrum",
    "Spine": "spine spine1 midspine torso centertorso bodycenter bodycentre belly",
    "Chest": "chest",
    "Thorax": "thorax uppertorso spine3 upperchest sternum spineshoulder",
    "Neck": "neck midshoulder shouldercenter shouldercentre necklow",
    "UpperNeck": "upperneck chin",
    "Head": "head headtop tophead crown topofhead forehead vertex",
    "Nose": "nose snout",
}
# With the place in the list: of two names of one joint ('left_ankle' and 'left_foot') the earlier is meant.
_BY_NAME: Mapping[tuple[str, str], tuple[str, int]] = {
    (side, word): (side + joint, place)
    for sides, table in (("LR", _SIDED), (("",), _CENTRAL))
    for side in sides
    for joint, words in table.items()
    for place, word in enumerate(words.split())
}

# Names that say what they are only beside each other; empty for what is no joint. DeepLabCut's ready-made human has MPII's
# joints, 1 on the right. The spine of Blender's human rig begins behind the hips, and ends in the skull.
_HUMAN = "ankle1 knee1 hip1 hip2 knee2 ankle2 wrist1 elbow1 shoulder1 shoulder2 elbow2 wrist2 chin forehead"
_MPII = "RAnkle RKnee RHip LHip LKnee LAnkle RWrist RElbow RShoulder LShoulder LElbow LWrist UpperNeck Head"
_RIGIFY = ("", "", "Spine", "", "Neck", "", "UpperNeck")
_ONE_IS_RIGHT = dict(zip(_HUMAN.split(), _MPII.split(), strict=True))
_TOGETHER: tuple[Mapping[str, str], ...] = (
    _ONE_IS_RIGHT,
    {"spine" + (f".{number:03}" if number else ""): joint for number, joint in enumerate(_RIGIFY)},
)

# The same place under two names: where a file has the first alone, it stands for the second.
_ALSO = (("Neck", "Thorax"), ("MidHip", "Hip"))
_FEWEST_JOINTS = 4


class UnknownJointsError(UserError):
    """Too few of a file's joint names are understood."""


@dataclass(frozen=True)
class NamedJoints:
    """Which of a file's points go into which joints: `columns[i]` becomes `skeleton.joints[targets[i]]`."""

    skeleton: Skeleton
    columns: tuple[int, ...]
    targets: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def apply(
        self, points: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(people, points, axes) and their scores in the skeleton's joints; NaN and 0 where the file has none."""
        if self.columns == self.targets == tuple(range(points.shape[1])) and points.shape[1] == len(self.skeleton):
            return points, scores
        out = np.full((len(points), len(self.skeleton), points.shape[2]), np.nan)
        out_scores = np.zeros(out.shape[:2])
        out[:, list(self.targets)] = points[:, list(self.columns)]
        out_scores[:, list(self.targets)] = scores[:, list(self.columns)]
        return out, out_scores


def joint_of(name: str) -> str | None:
    """Our name of the joint that a file calls so, as in 'left_wrist', 'LWrist', 'wrist.L' or 'Left Wrist'; None if unknown."""
    match = _match(name)
    return match and match[0]


def joints_together(names: Sequence[str]) -> Mapping[str, str]:
    """Our names of those of a file's that are understood only as a set, empty for what is no joint; nothing without a set."""
    return next((known for known in _TOGETHER if known.keys() <= set(names)), {})


def _match(name: str) -> tuple[str, int] | None:
    """The joint, and how far down in the list of its names this one is."""
    if name in NAMED.joints:
        return name, 0
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name.strip().removesuffix("_kp"))
    words = [word.lower() for word in words]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    rest = "".join(word for word in words if word not in _SIDES)
    if len(sides) == 1 and (sides[0], rest) in _BY_NAME:
        return _BY_NAME[sides[0], rest]
    if sides or ("", rest) in _BY_NAME:
        return _BY_NAME.get(("", rest)) if not sides else None
    glued = re.fullmatch(r"(left|right|l|r)(\w+?)|(\w+?)(left|right)", "".join(words))
    if glued is None:
        return None
    side, word = (glued[1], glued[2]) if glued[1] else (glued[4], glued[3])
    return _BY_NAME.get((side[0].upper(), word))


def name_joints(names: Sequence[str], where: str, given: Mapping[str, str] | None = None) -> NamedJoints:
    """Where a file's named points go. given: names of the file (or numbers, from 0) to ours, instead of the guess.

    UserError, with the names that are not understood, when too few joints of a body are among them.
    """
    found, unknown = _pair_names(names, given or {}, where)
    if len(found) < _FEWEST_JOINTS:
        listed = ", ".join(unknown[:8]) or "none"
        raise UnknownJointsError(
            f"{where}: only {len(found)} of {len(names)} joint names are understood (not: {listed});"
            " --joint-map FILE.json can say which joint each is"
        )
    skeleton = _skeleton_of(set(found))
    for ours, also in _ALSO:
        if ours in found and also not in found and also in skeleton.joints and ours not in skeleton.joints:
            found[also] = found.pop(ours)
        elif ours in found and also not in found and skeleton is NAMED:
            found[also] = found[ours]
    kept = {ours: column for ours, column in found.items() if ours in skeleton.joints}
    ignored = [names[column] for ours, column in found.items() if ours not in kept] + unknown
    notes = (f"joints that are not of a body we know are left out: {_listed(ignored)}",) if ignored else ()
    if not given and joints_together(names) is _ONE_IS_RIGHT:
        notes = ("ankle1, wrist1 and so on are taken for the right side, as in DeepLabCut's ready-made human", *notes)
    targets = skeleton.indices(kept)
    return NamedJoints(skeleton, tuple(kept.values()), targets, notes)


def _pair_names(names: Sequence[str], given: Mapping[str, str], where: str) -> tuple[dict[str, int], list[str]]:
    found: dict[str, int] = {}
    ranks: dict[str, int] = {}
    unknown = []
    together = {} if given else joints_together(names)
    for column, name in enumerate(names):
        told = given.get(name, given.get(str(column))) or together.get(name)
        ours, rank = (told, 0) if told or given or name in together else _match(name) or ("", 0)
        if not ours:
            unknown.append(name)
            continue
        if ours in found and ranks[ours] == rank:
            raise UserError(f"{where}: '{names[found[ours]]}' and '{name}' would both be the joint {ours}; use --joint-map")
        if ours in found and ranks[ours] < rank:
            unknown.append(name)
            continue
        if ours in found:
            unknown.append(names[found[ours]])
        found[ours], ranks[ours] = column, rank
    return found, unknown


def _skeleton_of(joints: set[str]) -> Skeleton:
    """The skeleton that has exactly these joints, else the one that has every joint."""
    alike = {frozenset(s.joints): s for s in reversed(list(SKELETONS.values()))}
    as_openpose = (joints - {"Hip"}) | {"MidHip"} if "Hip" in joints else joints
    return alike.get(frozenset(joints)) or alike.get(frozenset(as_openpose)) or NAMED


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def read_joint_map(path: Path) -> Mapping[str, str]:
    """A table of a file's joint names (or numbers, from 0) and our names, from JSON; UserError for anything else."""
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise UserError(f"{path}: must be a table of joint names, such as {json.dumps({'hand_l': 'LWrist'})}")
    understood = {name: joint_of(value) if value else "" for name, value in content.items()}
    odd = next((content[name] for name, value in understood.items() if value is None), None)
    if odd is not None:
        raise UserError(f"{path}: there is no joint '{odd}' (known: {', '.join(NAMED.joints)})")
    return {name: value for name, value in understood.items() if value is not None}
