"""Reads bare npz and npy arrays of joints in 3D, as scripts and lifters save them."""

from __future__ import annotations

import numpy as np

from mpm_core.errors import UserError
from mpm_core.formats.base import LIKELY, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.arrays import facts_of, joint_names, one_array, people_first, recognise_array, third_in
from mpm_core.formats.keypoints.depths import Third
from mpm_core.formats.motion.people import OF_PEOPLE, Sighting3D, Sightings3D, track_of
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track


def _recognise(probe: Probe) -> Recognition | None:
    third = third_in(probe)
    if third is Third.OPEN:
        known = recognise_array(probe)
        return known and Recognition(known.sureness, "its third numbers may as well be depths as scores")
    says = "an array of (frames, joints, 3) numbers whose third is no score"
    return Recognition(LIKELY, says) if third is Third.DEPTH else None


def _parse(probe: Probe, options: ReadOptions) -> Track:
    if probe.kind not in ("npy", "zip"):
        raise UserError(f"{probe.path}: is no npz or npy file")
    where, array = one_array(probe)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise UserError(f"{where} is {array.shape}, not (frames, joints, 3)")
    people, notes = people_first(array)
    known = np.isfinite(people).all(-1) & (people != 0).any(-1)
    # Poses relative to a joint have that one at zero.
    known |= np.isfinite(people).all(-1) & (known.sum(-1, keepdims=True) >= people.shape[2] - 1)
    entries = [
        Sighting3D(frame, np.where(known[number, frame][:, None], one, np.nan), number)
        for number, person in enumerate(people)
        for frame, one in enumerate(person)
        if known[number, frame].any()
    ]
    is_bare = probe.kind == "npy"
    fps, _, said = (None, None, ()) if is_bare else facts_of(probe)
    joints = None if is_bare else joint_names(probe, people.shape[2])
    return track_of(
        Sightings3D(entries, (0, people.shape[1] - 1), fps, ("h36m17",), joints=joints, notes=(*notes, *said)),
        options,
        str(probe.path),
    )


FORMAT = motion_format(
    "arrays-3d", "joints in 3D as a bare npz or npy array", (".npz", ".npy"), _recognise, _parse, heeds=OF_PEOPLE
)
