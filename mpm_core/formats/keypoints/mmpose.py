"""Reads MMPose output: frames with their instances in one file, a file per image, and the lists of its versions 0.x."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import AXES, CERTAIN, LIKELY, UNITS, Recognition
from mpm_core.formats.keypoints.containers import FrameLayout, RawPerson, as_people, frame_format
from mpm_core.formats.keypoints.values import identity_of
from mpm_core.limits import RATES

_H36M_DATASETS = ("h36m", "human36m")
_MOST_NAMED = 40


def _knows(content: Any) -> Recognition | None:
    if is_3d(content):
        return None
    if isinstance(content, dict) and isinstance(content.get("instances"), list):
        # A frame that shows nobody may be one of 3D.
        return Recognition(CERTAIN if content["instances"] else LIKELY, "a frame's 'instances'")
    if not isinstance(content, list) or not content or not all(isinstance(entry, dict) for entry in content):
        return None
    keypoints = content[0].get("keypoints")
    if not isinstance(keypoints, list) or not keypoints or not isinstance(keypoints[0], list):
        return None
    if {"image_id", "frame_id"} & set(content[0]):
        return None
    if "keypoint_scores" in content[0]:
        return Recognition(CERTAIN, "instances with 'keypoint_scores'")
    return Recognition(LIKELY, "a list of people with 'keypoints'")


def is_3d(content: Any) -> bool:
    """Whether a frame's first person has keypoints of x, y and z, with the scores apart."""
    people = content.get("instances") if isinstance(content, dict) else content
    first = people[0] if isinstance(people, list) and people else None
    if not isinstance(first, dict) or not isinstance(first.get("keypoint_scores"), list):
        return False
    point = first.get("keypoints")
    for _ in range(3):  # a list of points, perhaps within another list
        if not isinstance(point, list) or not point:
            return False
        if not isinstance(point[0], list):
            return len(point) == 3
        point = point[0]
    return False


def people_of(content: Any, where: str) -> Iterator[RawPerson]:
    if isinstance(content, dict) and "instances" not in content:
        raise UserError(f"{where}: no list 'instances'")
    for place, person in enumerate(as_people(content, where, "instances")):
        here = f"{where}, instance {place}"
        if person is None:
            continue
        if not isinstance(person, dict):
            raise UserError(f"{here}: not an object with keypoints")
        if person.get("keypoints"):
            scores, completed = person.get("keypoint_scores"), person.get("completed", ())
            yield RawPerson(person["keypoints"], here, scores, identity_of(person), completed)


def _meta(content: Any) -> dict[str, Any]:
    meta = content.get("meta_info") if isinstance(content, dict) else None
    return meta if isinstance(meta, dict) else {}


def facts_of(content: Any) -> tuple[float | None, str | None, str | None]:
    """Frames per second, unit and up axis, which our own files say beside what MMPose's do."""
    meta = _meta(content)
    fps, unit, up = (meta.get(name) for name in ("fps", "unit", "up_axis"))
    return (
        float(fps) if isinstance(fps, (int, float)) and RATES[0] <= fps <= RATES[1] else None,
        unit if isinstance(unit, str) and unit in UNITS else None,
        up if isinstance(up, str) and up in AXES else None,
    )


def layout_of(content: Any) -> str | None:
    """The layout that the file's data set has, where one is known."""
    return "h36m17" if str(_meta(content).get("dataset_name", "")).lower() in _H36M_DATASETS else None


def joints_of(content: Any) -> tuple[str, ...] | None:
    """The names that the model's data set gives its points, but for whole bodies, which are known by their number."""
    names = _meta(content).get("keypoint_id2name")
    if layout_of(content) is not None or not isinstance(names, dict) or not 0 < len(names) <= _MOST_NAMED:
        return None
    told = [names.get(str(number)) for number in range(len(names))]
    return tuple(name for name in told if isinstance(name, str)) if all(isinstance(name, str) for name in told) else None


FORMAT = frame_format(
    FrameLayout(
        "mmpose",
        "MMPose JSON",
        ("coco17", "halpe26", "coco-wholebody", "halpe136", "mpii16", "crowdpose14", "body25"),
        _knows,
        people_of,
        layout=layout_of,
        joints=joints_of,
    )
)
