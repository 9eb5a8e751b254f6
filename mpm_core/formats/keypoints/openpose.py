"""Reads OpenPose frames, which many programs write: folders of any naming, DWPose lists, AlphaPose tables by image name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, LIKELY, Recognition
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, as_people, frame_format, size_in
from mpm_core.formats.keypoints.values import identity_of

# The second is what OpenPose up to 1.2 wrote.
_KEYS = ("pose_keypoints_2d", "pose_keypoints")


def _knows(content: Any) -> Recognition | None:
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        return None
    if any(isinstance(person, dict) and set(_KEYS) & set(person) for person in people):
        return Recognition(CERTAIN, "'people' with 'pose_keypoints_2d'")
    return Recognition(LIKELY, "a list 'people'")


def _people(content: Any, where: str) -> Iterator[RawPerson]:
    if not isinstance(content, dict) or "people" not in content:
        raise UserError(f"{where}: no list 'people', so not a frame of OpenPose keypoints")
    for place, person in enumerate(as_people(content, where, "people")):
        if not person:
            continue
        here = f"{where}: person {place}"
        key = next((key for key in _KEYS if isinstance(person, dict) and key in person), None)
        if key is None:
            raise UserError(f"{here}: '{_KEYS[0]}' is missing")
        if person[key]:  # null and [] keep the place of somebody who is not seen
            yield RawPerson(person[key], here, identity=identity_of(person))


def _size(content: Any) -> tuple[int, int] | None:
    """The canvas that DWPose tells of."""
    return size_in(content, "canvas_width", "canvas_height")


FORMAT = frame_format(
    FrameLayout(
        "openpose",
        "OpenPose JSON (folder, or frames in one file)",
        ("body25", "body25b", "coco18", "halpe26", "mpi15", "body135", "coco17", "coco-wholebody", "halpe136"),
        _knows,
        _people,
        _size,
    )
)
