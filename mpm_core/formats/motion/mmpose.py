"""Reads MMPose's 3D output: frames of instances whose keypoints are x, y and z, in a file or a folder, with scores apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mpm_core.clip import as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, IN_WORLD, UNITS, Format, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, broken_note, frames_of, recognise_frames
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.mmpose import facts_of, is_3d, joints_of, layout_of, people_of
from mpm_core.formats.motion.mmpose_writing import write_mmpose
from mpm_core.formats.motion.people import OF_PEOPLE, Sighting3D, Sightings3D, track_of
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track

_USUAL = ("h36m17", "coco-wholebody", "coco17")


def _knows(content: Any) -> Recognition | None:
    return Recognition(CERTAIN, "instances with keypoints of x, y and z") if is_3d(content) else None


_LAYOUT = FrameLayout("mmpose-3d", "MMPose 3D JSON", _USUAL, _knows, people_of)


def _parse(probe: Probe, options: ReadOptions) -> Track:
    broken: list[UserError] = []
    frames, notes = frames_of(probe, _LAYOUT, options, broken)
    numbered = number_frames([frame.name for frame in frames], str(probe.path))
    entries: list[Sighting3D] = []
    for number, frame in zip(numbered.numbers, frames, strict=True):
        try:
            people = [] if frame.content is None else list(people_of(frame.content, frame.where))
            found = [_sighting(number, who) for who in people]
        except UserError as error:
            if not probe.is_folder:
                raise
            broken.append(error)
            continue
        entries += [entry for entry in found if np.isfinite(entry.points).any()]
    about = None if probe.is_folder else probe.json
    fps, unit, up_axis = facts_of(about)
    file = Sightings3D(
        entries, (min(numbered.numbers), max(numbered.numbers)), numbered.fps or fps, _USUAL, layout_of(about),
        joints_of(about), (*notes, *broken_note(broken, len(frames)), *numbered.notes), None if unit is None else UNITS[unit],
    )  # fmt: skip
    return replace(track_of(file, options, str(probe.path)), usual_up=up_axis or "z")


def _sighting(number: int, who: RawPerson) -> Sighting3D:
    """One person: points are NaN where the score is 0, unless they are named as completed, or where all lie in one place."""
    values, scores, where = who.values, who.scores, who.where
    points = as_floats(values, f"{where}: the keypoints")
    points = points[0] if points.ndim == 3 and len(points) == 1 else points
    if points.ndim != 2 or points.shape[1] != 3:
        raise UserError(f"{where}: the keypoints are {points.shape}, not (joints, 3)")
    apart = np.ones(len(points)) if scores is None else as_floats(scores, f"{where}: the scores").ravel()
    if len(apart) != len(points):
        raise UserError(f"{where}: {len(apart)} scores for {len(points)} joints")
    completed = np.zeros(len(points), bool)
    numbers = as_floats(who.completed, f"{where}: 'completed'").ravel()
    if not np.isin(numbers, np.arange(len(points))).all():
        raise UserError(f"{where}: 'completed' must hold numbers of joints, 0 to {len(points) - 1}")
    completed[numbers.astype(int)] = True
    is_known = np.isfinite(points).all(-1) & ((np.nan_to_num(apart) > 0) | completed)
    is_person = bool((np.ptp(points[is_known], axis=0) > 0).any()) if is_known.any() else False
    points = np.where(is_known[:, None] & is_person, points, np.nan)
    return Sighting3D(number, points, who.identity, np.clip(np.nan_to_num(apart), 0, 1), completed)


FORMAT: Format = replace(
    motion_format("mmpose-3d", "MMPose 3D JSON", (".json",), lambda p: recognise_frames(p, _LAYOUT), _parse, heeds=OF_PEOPLE),
    write=write_mmpose, takes_2d=False, choices=IN_WORLD, keeps_marks=True,
)  # fmt: skip
