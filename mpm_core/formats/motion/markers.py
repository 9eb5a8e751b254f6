"""Owns the marker sets of motion capture: joints as joint centres that a program has computed, or as means of markers.

Known are Vicon's Plug-in Gait with its model outputs (LFEP, LFEO, LTIO, ...), its forerunner in the CMU data base, joint
centres by their usual short names (LHJC, LKJC, ...), OpenSim's markers (R.Knee.Lat) and those after bony landmarks (RFLE, ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.joint_maps import JointMap, MappedJoints, Recipe
from mpm_core.skeleton import NAMED, Skeleton

# Names without their side, the likeliest first: centres of joints; markers on both sides of a joint; markers above one.
_CENTRES = {
    "Hip": "HJC HIPJC FEP", "Knee": "KJC KNEEJC FEO", "Ankle": "AJC ANKLEJC TIO", "Shoulder": "SJC SHOULDERJC CLO",
    "Elbow": "EJC ELBOWJC HUO", "Wrist": "WJC WRISTJC RAO",
}  # fmt: skip
_PAIRS = {
    "Knee": (("KNE KNEL KNEELAT", "KNM KNEM MKNE KNEEMED KNEMED"), ("FLE LFE", "FME MFE")),
    "Ankle": (("ANK ANKL ANKLELAT", "MED ANKM MANK ANM ANKLEMED"), ("FAL LM", "TAM MM")),
    "Elbow": (("ELB ELBL ELBOWLAT", "ELBM MELB ELM ELBOWMED"), ("HLE", "HME")),
    "Wrist": (("WRA WRISTLAT WRI", "WRB WRISTMED WRM"), ("RSP", "USP")),
}
_ON_SKIN = {
    "Knee": "KNE KNEELAT", "Ankle": "ANK ANKLELAT", "Shoulder": "SHO ACROMIUM ACR SAE", "Elbow": "ELB ELBOWLAT",
    "Heel": "HEE", "BigToe": "TOE",
}  # fmt: skip
_NECK = ("C7 CV7", "CLAV SJN")
# A band of four markers round the head is lower than the crown by this share of its height over the shoulders.
_BAND = ("LFHD", "RFHD", "LBHD", "RBHD")
_CROWN_BEYOND_BAND = 0.22

# The corners of the pelvis, left and right in front, and behind.
_PELVIS = (
    ("LASI", "RASI", ("LPSI", "RPSI")), ("LASI", "RASI", ("SACR",)), ("LFWT", "RFWT", ("LBWT", "RBWT")),
    ("LIAS", "RIAS", ("LIPS", "RIPS")), ("LASIS", "RASIS", ("LPSIS", "RPSIS")), ("LASIS", "RASIS", ("VSACRAL",)),
)  # fmt: skip
_MEDIAL, _DISTAL, _POSTERIOR = 0.14, 0.30, 0.22
"""Shares of the distance between both anterior superior iliac spines: from one to the hip on its side, after Bell, Pedersen and
Brand, A comparison of the accuracy of several hip center location prediction methods, Journal of Biomechanics 23, 1990."""

_FEWEST_JOINTS = 4
_NO_PLACES = re.compile(r"(angles?|forces?|moments?|powers?|grf|scores?)$", re.IGNORECASE)


@dataclass(frozen=True)
class MarkedJoints:
    """Joints of NAMED from markers; derived are those from several markers. notes: what to say of them."""

    joints: MappedJoints
    notes: tuple[str, ...]


def are_places(name: str) -> bool:
    """Whether a point of that name is a place, and not an angle, force, moment or power that Plug-in Gait writes as one."""
    return not _NO_PLACES.search(name.strip())


def bare_name(name: str) -> str:
    """A marker's name without its subject's, as in 'Anna:LASI'."""
    return name.rpartition(":")[2].strip()


def map_markers(names: Sequence[str], positions: NDArray[np.float64]) -> MarkedJoints | None:
    """The joints of markers (frames, markers, 3), NaN where missing; None for markers of no set that is known."""
    columns: dict[str, int] = {}
    for number, name in enumerate(names):
        columns.setdefault(re.sub(r"[^A-Z0-9]", "", bare_name(name).upper()), number)
    markers = {name: positions[:, column] for name, column in columns.items()}
    hips = {} if _centres("Hip", "L", markers) else _hips_of_pelvis(markers)
    markers |= hips
    recipes = {joint: _recipes(joint, markers) for joint in NAMED.joints}
    if sum(map(bool, recipes.values())) < _FEWEST_JOINTS:
        return None
    source = Skeleton("markers", "markers", tuple(markers), (-1,) * len(markers), {})
    joint_map = JointMap(source, NAMED, tuple(recipes[joint] for joint in NAMED.joints))
    points = np.stack(list(markers.values()), axis=1)
    joints = joint_map.apply(np.nan_to_num(points), np.all(np.isfinite(points), axis=-1))
    notes = []
    if hips:
        computed = list(NAMED.indices(("LHip", "RHip")))
        joints.derived[:, computed] = joints.visible[:, computed]
        notes.append("the hips are computed from the pelvis's markers (Bell et al., 1990)")
    skin = [joint for joint in joint_map.measured() if recipes[joint] and _is_on_skin(joint, recipes[joint])]
    if skin:
        notes.append(f"markers on the skin stand for the joints beneath them ({', '.join(skin)})")
    return MarkedJoints(joints, tuple(notes))


def _recipes(joint: str, markers: Iterable[str]) -> tuple[Recipe, ...]:
    """How a joint comes from markers, the best way first; nothing where they do not tell."""
    if joint == "Thorax":
        return _means([_NECK], "", markers)
    if joint == "Head":
        shoulders = [_recipes(f"{side}Shoulder", markers) for side in "LR"]
        if not set(_BAND) <= set(markers) or not all(shoulders):
            return ()
        band = dict.fromkeys(_BAND, (1 + _CROWN_BEYOND_BAND) / len(_BAND))
        return (band | {next(iter(recipe[0])): -_CROWN_BEYOND_BAND / 2 for recipe in shoulders},)
    side, part = joint[0], joint[1:]
    skin = [{name: 1.0} for name in _named(_ON_SKIN.get(part, ""), side, markers)]
    return (*_centres(part, side, markers), *_means(_PAIRS.get(part, ()), side, markers), *skin)


def _centres(part: str, side: str, markers: Iterable[str]) -> tuple[Recipe, ...]:
    return tuple({name: 1.0} for name in _named(_CENTRES.get(part, ""), side, markers))


def _means(pairs: Iterable[tuple[str, str]], side: str, markers: Iterable[str]) -> tuple[Recipe, ...]:
    both = [[_named(names, side, markers) for names in pair] for pair in pairs]
    return tuple({first[0]: 0.5, second[0]: 0.5} for first, second in both if first and second)


def _named(names: str, side: str, markers: Iterable[str]) -> list[str]:
    """Those of some names that are there, with the side before or after them."""
    return [full for name in names.split() for full in dict.fromkeys((side + name, name + side)) if full in markers]


def _is_on_skin(joint: str, recipes: tuple[Recipe, ...]) -> bool:
    return next(iter(recipes[0])) in _named(_ON_SKIN.get(joint[1:], ""), joint[0], tuple(recipes[0]))


def _hips_of_pelvis(markers: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Both hips (frames, 3), as markers; nothing where too few markers of the pelvis are there."""
    known = next((set_ for set_ in _PELVIS if {set_[0], set_[1], *set_[2]} <= set(markers)), None)
    if known is None:
        return {}
    left, right = markers[known[0]], markers[known[1]]
    width = np.linalg.norm(right - left, axis=-1, keepdims=True)
    across = (right - left) / width
    forward = (left + right) / 2 - np.mean([markers[name] for name in known[2]], axis=0)
    forward -= (forward * across).sum(-1, keepdims=True) * across
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    inwards = -_DISTAL * np.cross(across, forward) - _POSTERIOR * forward
    return {
        "LHJC": left + width * (inwards + _MEDIAL * across),
        "RHJC": right + width * (inwards - _MEDIAL * across),
    }
