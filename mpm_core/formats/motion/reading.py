"""Owns how a track becomes a clip: joints, unit, up, rate and the virtual camera; and the formats of such files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import UNITS, Contents, Format, Probe, ReadOptions, Recognition, UnknownJoints
from mpm_core.formats.keypoints.guessing import guess_joints
from mpm_core.formats.keypoints.naming import UnknownJointsError
from mpm_core.formats.motion.axes import direction, extents, find_up_axis, with_y_up
from mpm_core.formats.motion.dialects import to_h36m17
from mpm_core.formats.motion.handedness import mirror_note
from mpm_core.formats.motion.joints import Joints, joints_of, knows_face
from mpm_core.formats.motion.markers import are_places, bare_name
from mpm_core.formats.motion.track import Track
from mpm_core.formats.motion.virtual import seen_by, view_of
from mpm_core.formats.units import body_height, is_usual, usual_unit
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.limits import MOST_FRAMES
from mpm_core.rates import rate_note
from mpm_core.skeleton import Skeleton
from mpm_core.stature import stature

# The unit of the CMU data base's skeletons, in which BVH made of them is too.
_UNITS = {**UNITS, "units of the CMU data base (5.64 cm)": 0.0254 / 0.45}
_TYPICAL_HEIGHT_M = 1.7

VIRTUAL_NOTE = "2D is what a virtual camera sees of the 3D"

Parse = Callable[[Probe, ReadOptions], Track]


def motion_format(
    name: str, label: str, suffixes: tuple[str, ...], recognise: Callable[[Probe], Recognition | None], parse: Parse,
    assumed_fps: float = 30.0, heeds: tuple[str, ...] = (),
) -> Format:  # fmt: skip
    """A format whose files hold motion in 3D. heeds: what it makes use of beside what all of them do, see Format."""

    def inspect(probe: Probe, options: ReadOptions) -> Contents:
        track = parse(probe, options)
        lacks = () if track.fps is not None else ("fps",)
        try:
            joints_of(track, options.joint_map, str(probe.path))
        except UnknownJointsError:
            return Contents(track.people, (), lacks, assumed_fps, unknown_joints=_describe_unknown(track))
        return Contents(track.people, (), lacks, assumed_fps)

    def read(probe: Probe, options: ReadOptions) -> Clip:
        return clip_of(parse(probe, options), options, str(probe.path), assumed_fps)

    heeds = ("image_size", "joint_map", "unit", "up_axis", *heeds)
    return Format(name, label, suffixes, recognise, inspect, read, heeds=heeds)


def clip_of(track: Track, options: ReadOptions, where: str, assumed_fps: float = 30.0) -> Clip:
    """A track as a clip with ground truth, whose keypoints are what a virtual camera sees of it; its notes say which unit and
    which axis were taken. UserError, beginning with `where`, for no motion of a body."""
    if len(track.positions) > MOST_FRAMES:
        raise UserError(f"{where}: {len(track.positions)} frames are more than can be right ({MOST_FRAMES} at most can)")
    joints = joints_of(track, options.joint_map, where)
    unit_m, unit_note = _unit_of(joints, track, options.unit, where)
    up = find_up_axis(_in_mpm16(joints.skeleton, joints.positions), track.usual_up, options.up_axis)
    turned = with_y_up(track, up.axis)
    if options.joint_map is None and knows_face(track) and len(joints.skeleton) == len(joints.positions[0]) == 17:
        positions, _ = to_h36m17(turned, unit_m, where)
    else:
        placed = replace(track, positions=joints.positions, turns=None)
        positions = with_y_up(placed, up.axis).positions * unit_m
    if not np.isfinite(positions).any():
        raise UserError(f"{where}: no joint has a place in any frame")
    body = _in_mpm16(joints.skeleton, positions)
    view = view_of(body, options.image_size)
    truth = seen_by(view, positions)
    fps = options.fps or track.fps or assumed_fps
    notes = [*track.notes, *joints.notes]
    if options.fps is None and track.fps is None:
        notes.append(f"the file has no frame rate: {fps:g} frames/s assumed")
    if options.fps is not None and track.fps is not None and not np.isclose(fps, track.fps, rtol=1e-3):
        notes.append(rate_note(fps, "was told", track.fps))
    notes += [f"{unit_note}; up is the file's {up.axis} axis, {up.why}", VIRTUAL_NOTE]
    notes += filter(None, [mirror_note(body)])
    clip = Clip.from_arrays(
        view.intrinsics.project(truth), view.image_size, fps, joints.skeleton.name, ground_truth=truth,
        camera=view.intrinsics, up=view.up, source=where, notes=tuple(notes),
    )  # fmt: skip
    confidence = clip.confidence
    if joints.confidence is not None:  # what the camera sees has some, also of what is marked as completed
        confidence = np.where(clip.visible & (joints.confidence > 0), joints.confidence, clip.confidence).astype(np.float32)
    derived = joints.derived & clip.visible
    return replace(clip, derived=derived, completed=joints.completed, confidence=confidence, is_virtual=True)


def _in_mpm16(skeleton: Skeleton, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.all(np.isfinite(positions), axis=-1)
    mapped = map_to_mpm16(skeleton).apply(np.nan_to_num(positions), known)
    return np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float64)


def _unit_of(joints: Joints, track: Track, told: str | None, where: str) -> tuple[float, str]:
    """Metres per unit, and what to say of it: the unit that was said, that the file names or that the body tells."""
    height = body_height(joints.positions, joints.skeleton)
    tall = height if height is None else stature(_in_mpm16(joints.skeleton, joints.positions)) or height

    def size(unit_m: float) -> str:
        return "" if tall is None else f", in which the body is about {tall * unit_m:.2f} m tall"

    if told is not None:
        return UNITS[told], f"unit: {told}, as was said" + size(UNITS[told])
    if height is None:
        if track.unit_m is None:
            return 1.0, "unit: metres assumed, as too little of a body is there to tell (--unit)"
        return track.unit_m, f"unit: {_name(track.unit_m)}, as the file says"
    if track.unit_m is not None and is_usual(height * track.unit_m):
        return track.unit_m, f"unit: {_name(track.unit_m)}, as the file says" + size(track.unit_m)
    found = usual_unit(height, _UNITS)
    if found is not None:
        but = "" if track.unit_m is None else f", although the file says {_name(track.unit_m)}"
        return _UNITS[found], f"unit: {found}{but}" + size(_UNITS[found])
    if track.unit_m is not None or not height > 0:
        raise UserError(f"{where}: the body is {height:.3g} units tall, which is a person's height in no usual unit (--unit)")
    note = f"unit: unknown, as the body is {height:.3g} units tall: taken as {_TYPICAL_HEIGHT_M:g} m (--unit)"
    return _TYPICAL_HEIGHT_M / height, note


def _name(unit_m: float) -> str:
    return next((name for name, metres in _UNITS.items() if np.isclose(metres, unit_m, rtol=1e-3)), f"{unit_m:.4g} m")


def _describe_unknown(track: Track) -> UnknownJoints:
    """What to ask of a file whose joints have names that we do not know; the pose is seen along a level axis."""
    places = [n for n, name in enumerate(track.names) if are_places(name)]
    points = track.positions[:, places]
    up = direction(track.usual_up)
    level = np.eye(3)[[axis for axis in range(3) if not up[axis]]]
    spread = [np.nan_to_num(extents((points @ axis)[..., None])).max(initial=0.0) for axis in level]
    across = level[int(np.argmax(spread))]
    seen = np.stack((points @ across, -(points @ up)), axis=-1)
    names = tuple(bare_name(track.names[n]) for n in places)
    pose = seen[int(np.isfinite(seen).all(-1).sum(1).argmax())]
    return UnknownJoints(names, guess_joints(names, seen), pose)
