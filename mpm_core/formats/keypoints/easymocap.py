"""Reads EasyMocap's annotations: a folder with a JSON file per frame, whose 'annots' are people with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Recognition
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, as_people, frame_format, size_in
from mpm_core.formats.keypoints.values import identity_of


def _knows(content: Any) -> Recognition | None:
    is_one = isinstance(content, dict) and isinstance(content.get("annots"), list)
    return Recognition(CERTAIN, "'annots' of a frame") if is_one else None


def _people(content: Any, where: str) -> Iterator[RawPerson]:
    for place, person in enumerate(as_people(content, where, "annots")):
        here = f"{where}: person {place}"
        if not isinstance(person, dict):
            raise UserError(f"{here}: not an object with keypoints")
        if person.get("keypoints"):
            yield RawPerson(person["keypoints"], here, identity=identity_of(person, ("personID", "id")))


def _size(content: Any) -> tuple[int, int] | None:
    return size_in(content, "width", "height")


FORMAT = frame_format(
    FrameLayout("easymocap", "EasyMocap annotations", ("body25", "coco17", "halpe26", "body25b"), _knows, _people, _size)
)
