"""Reads AlphaPose: its list of people (also COCO results, which many others write), and its tables by image name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, LIKELY, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, as_people, frame_format
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting, identity_of

_FRAME_KEYS = ("image_id", "frame_id", "frame", "frame_number", "image_name", "file_name")
_USUAL = ("coco17", "halpe26", "halpe136", "coco-wholebody")


def _frame_key(entries: Any) -> str | None:
    """Under which name entries tell their frame; None when this is no list of people."""
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict) or "keypoints" not in entries[0]:
        return None
    return next((key for key in _FRAME_KEYS if key in entries[0]), None)


def _recognise(probe: Probe) -> Recognition | None:
    key = _frame_key(probe.json) if probe.kind == "json" else None
    return (
        None if key is None else Recognition(CERTAIN if key == "image_id" else LIKELY, f"people with '{key}' and 'keypoints'")
    )


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    key = _frame_key(probe.json)
    if key is None:
        raise UserError(f"{probe.path}: not a list of people with 'image_id' and 'keypoints'")
    names, people = [], []
    for place, entry in enumerate(probe.json):
        where = f"{probe.path}: entry {place}"
        if not isinstance(entry, dict) or "keypoints" not in entry:
            raise UserError(f"{where}: no 'keypoints'")
        name = entry.get(key)
        if not isinstance(name, (int, str)):
            raise UserError(f"{where}: '{key}' holds no frame number")
        names.append(name)
        people.append((entry, where))
    distinct = list(dict.fromkeys(names))
    numbered = number_frames(distinct, str(probe.path))
    frames = dict(zip(distinct, numbered.numbers, strict=True))
    entries = [
        Sighting(frames[name], entry["keypoints"], where, entry.get("keypoint_scores"), identity_of(entry))
        for name, (entry, where) in zip(names, people, strict=True)
        if entry["keypoints"]
    ]
    first_and_last = (min(frames.values()), max(frames.values()))
    return Sightings(entries, first_and_last, numbered.fps, usual=_USUAL, notes=numbered.notes)


FORMAT = detection_format("alphapose", "AlphaPose JSON or COCO results", (".json",), _recognise, _parse)


def _knows_bodies(content: Any) -> Recognition | None:
    is_one = isinstance(content, dict) and isinstance(content.get("bodies"), list)
    return Recognition(CERTAIN, "'bodies' with 'joints'") if is_one else None


def _bodies(content: Any, where: str) -> Iterator[RawPerson]:
    for place, body in enumerate(as_people(content, where, "bodies")):
        here = f"{where}: body {place}"
        if not body:
            continue
        if not isinstance(body, dict) or "joints" not in body:
            raise UserError(f"{here}: no 'joints'")
        if body["joints"]:
            yield RawPerson(body["joints"], here, identity=identity_of(body))


CMU_FORMAT = frame_format(
    FrameLayout("alphapose-cmu", "AlphaPose JSON (--format cmu)", ("coco18", "coco17", "body25"), _knows_bodies, _bodies)
)
