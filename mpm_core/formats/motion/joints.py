"""Owns which joints a track's nodes or markers are: as a joint map says, by whose names they are, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.keypoints.naming import UnknownJointsError, joint_of, joints_together, name_joints
from mpm_core.formats.motion.dialects import find_dialect, to_h36m17
from mpm_core.formats.motion.markers import are_places, bare_name, map_markers
from mpm_core.formats.motion.track import Track
from mpm_core.skeleton import H36M17, MPM16, NAMED, Skeleton

_END = "_end"
# The tip of a head's bone that is shorter than this share of the body is not its crown.
_SHORTEST_HEAD = 0.04


@dataclass(frozen=True)
class Joints:
    """positions: (frames, joints, 3) in the track's unit and axes, NaN where missing. derived: (frames, joints) bool.
    completed, confidence: (frames, joints) as the track has them."""

    skeleton: Skeleton
    positions: NDArray[np.float64]
    derived: NDArray[np.bool_]
    notes: tuple[str, ...] = ()
    completed: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float64] | None = None


def joints_of(track: Track, joint_map: Mapping[str, str] | None, where: str) -> Joints:
    """The joints of a track. A dialect's face is given in metres, Y up: it is right when the track is so.

    UnknownJointsError for names of which too few are understood.
    """
    if joint_map is not None:
        return _by_name(track, joint_map, where)
    if track.turns is not None:
        own = _without_prefix(track.names)
        if set(own) == set(_own_names()):
            return _of_our_own(track, own)
        if knows_face(track):
            positions, dialect = to_h36m17(track, 1.0, where)
            derived = np.zeros(positions.shape[:2], bool)
            derived[:, list(H36M17.indices(("Hip", "Spine", "Thorax", "Nose", "Head")))] = True
            return Joints(H36M17, positions, derived, (f"joints named as in files of '{dialect}'",))
    elif sorted(track.names) == sorted(MPM16.joints):
        return _as_named(track)
    marked = None if track.turns is not None else map_markers(track.names, track.positions)
    if marked is None:
        return _by_name(track, None, where)
    joints = marked.joints
    positions = np.where(joints.visible[..., None], joints.points, np.nan).astype(np.float64)
    return Joints(NAMED, positions, joints.derived, marked.notes)


def _as_named(track: Track) -> Joints:
    """The joints of a track whose names are ours."""
    order = [track.names.index(joint) for joint in MPM16.joints]
    positions = track.positions[:, order]
    completed = None if track.completed is None else track.completed[:, order]
    confidence = None if track.confidence is None else track.confidence[:, order]
    return Joints(MPM16, positions, np.zeros(positions.shape[:2], bool), (), completed, confidence)


def knows_face(track: Track) -> bool:
    """Whether the names are of a dialect, whose face lies where its head's axes say."""
    if track.turns is None:
        return False
    try:
        find_dialect(track.names, "")
    except UserError:
        return False
    return True


@cache
def _own_names() -> Mapping[str, str | None]:
    """The nodes of a BVH of our own writing, and the joint that each of them is."""
    from mpm_core.rig.joints import build_joints

    rig = build_joints(np.zeros((1, len(MPM16), 3)))
    ends = {joint.name + _END: None for joint in rig if joint.tip is not None}
    return {**{joint.name: joint.follows for joint in rig}, **ends, f"Head{_END}": "Head"}


def _without_prefix(names: Sequence[str]) -> list[str]:
    """A hierarchy's names without what all have before them, as the root has it before Hips."""
    prefix = names[0].removesuffix("Hips") if names else ""
    return [name.removeprefix(prefix) for name in names]


def _of_our_own(track: Track, names: Sequence[str]) -> Joints:
    nodes = {joint: names.index(name) for name, joint in _own_names().items() if joint is not None}
    positions = track.positions[:, [nodes[joint] for joint in MPM16.joints]]
    return Joints(MPM16, positions, np.zeros(positions.shape[:2], bool))


def _by_name(track: Track, joint_map: Mapping[str, str] | None, where: str) -> Joints:
    names = [bare_name(name) for name in track.names]
    places = [n for n, name in enumerate(names) if are_places(name)]
    known = joint_map
    if joint_map is None and track.turns is not None:
        known = _of_bones(names, track)
    try:
        named = name_joints([names[n] for n in places], where, known)
    except UnknownJointsError:
        raise
    except UserError:
        if joint_map is not None or track.turns is None:
            raise
        raise UnknownJointsError(f"{where}: its joints are named in a way that is not known; use --joint-map") from None
    positions, _ = named.apply(track.positions[:, places], np.ones((len(track.positions), len(places))))
    return Joints(named.skeleton, positions, np.zeros(positions.shape[:2], bool), named.notes)


def _of_bones(names: list[str], track: Track) -> dict[str, str]:
    """Which joints the nodes of a hierarchy are, where each node begins a bone: a shoulder below another one is the arm's, and
    the collar the other; the head's node is the skull's base, and the crown its tip, if the bone is long enough."""
    found: dict[str, str] = {}
    together = joints_together(names)
    for name in names:
        joint = together.get(name, joint_of(name))
        if not joint or joint == "Head":
            continue
        is_later = joint[1:] in ("Shoulder", "Hip") and joint[0] in "LR"
        if is_later or joint not in found.values():
            found = {other: ours for other, ours in found.items() if ours != joint} | {name: joint}
    skull = next((name for name in names if joint_of(name) == "Head" or together.get(name) == "UpperNeck"), None)
    if skull is not None and skull + _END in names:
        head, tip = (track.positions[:, names.index(name)] for name in (skull, skull + _END))
        size = np.median(np.linalg.norm(np.ptp(track.positions, axis=1), axis=-1))
        if np.median(np.linalg.norm(tip - head, axis=-1)) > _SHORTEST_HEAD * size:
            found[skull + _END] = "Head"
    return found
