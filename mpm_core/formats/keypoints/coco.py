"""Reads COCO annotations with keypoints: joints by the names in their category, frames by the numbers in image names."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.frames import Numbered, SameFrameError, number_frames
from mpm_core.formats.keypoints.naming import joint_of
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting, identity_of
from mpm_core.formats.stated import size_of_all

_USUAL = ("coco17", "halpe26", "coco-wholebody", "halpe136", "crowdpose14", "mpii16")


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind != "json" or not isinstance(probe.json, dict) or not {"images", "annotations"} <= set(probe.json):
        return None
    return Recognition(CERTAIN, "'images' and 'annotations'")


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    content, where = probe.json, str(probe.path)
    images, annotations = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise UserError(f"{where}: 'images' and 'annotations' are not lists")
    identifiers = [_identifier(image, "id", f"{where}: image {n}") for n, image in enumerate(images)]
    numbered = _number_images(images, where)
    frames = dict(zip(identifiers, numbered.numbers, strict=True))
    entries, categories = [], []
    for place, entry in enumerate(annotations):
        here = f"{where}: annotation {place}"
        if not isinstance(entry, dict) or not entry.get("keypoints"):
            continue  # COCO lists people without keypoints too
        image = _identifier(entry, "image_id", here)
        if image not in frames:
            raise UserError(f"{here}: its image_id {image} is not among the images")
        # v = 1 is labelled but hidden from sight: the annotator still placed it.
        entries.append(Sighting(frames[image], _flags_as_scores(entry["keypoints"]), here, identity=identity_of(entry)))
        category = entry.get("category_id")
        categories.append(category if isinstance(category, (int, str)) else None)
    if not entries:
        raise UserError(f"{where}: no annotation has keypoints")
    names = _names_by_category(content)
    joints = _joint_names(names, categories)
    kept = [entry for entry, category in zip(entries, categories, strict=True) if names.get(category, joints) == joints]
    left_out = len(entries) - len(kept)
    notes = (f"{left_out} annotations of categories with other joints are left out",) if left_out else ()
    size, said = size_of_all([_size_of(image) for image in images])
    return Sightings(
        kept, (min(frames.values()), max(frames.values())), numbered.fps, size, _USUAL,
        joints=joints, notes=(*numbered.notes, *notes, *said),
    )  # fmt: skip


def _number_images(images: list[Any], where: str) -> Numbered:
    """Frames by the numbers in the images' names, else by their place in the list."""
    names = [image.get("file_name") for image in images]
    if not all(isinstance(name, str) for name in names):
        return Numbered(tuple(range(len(images))))
    try:
        return number_frames(names, where)
    except SameFrameError:  # of two videos, or seen by two cameras
        raise
    except UserError:
        note = "the images' names do not number the frames: taken in the order of the file"
        return Numbered(tuple(range(len(images))), notes=(note,))


def _flags_as_scores(keypoints: Any) -> Any:
    """The same with 1 for the flags 1 and 2, so that all that were placed count alike."""
    if isinstance(keypoints, list) and len(keypoints) % 3 == 0 and all(flag in (0, 1, 2) for flag in keypoints[2::3]):
        flat = list(keypoints)
        flat[2::3] = [min(flag, 1) for flag in flat[2::3]]
        return flat
    return keypoints


def _names_by_category(content: dict[str, Any]) -> dict[int | str | None, tuple[str, ...]]:
    """The names of the keypoints of each category that has any."""
    categories = content.get("categories")
    listed = categories if isinstance(categories, list) else []
    return {
        c["id"] if isinstance(c.get("id"), (int, str)) else None: tuple(str(name) for name in c["keypoints"])
        for c in listed
        if isinstance(c, dict) and isinstance(c.get("keypoints"), list)
    }


def _joint_names(names: dict[int | str | None, tuple[str, ...]], used: list[int | str | None]) -> tuple[str, ...] | None:
    """The names of the keypoints in the category that most people are of: of those with joints of a body, if there are any."""
    if not names:
        return None
    are_body = {category for category, joints in names.items() if sum(joint_of(joint) is not None for joint in joints) >= 4}
    counts = Counter(used)
    among = [category for category in names if category in counts and category in are_body]
    among = among or [category for category in names if category in counts] or list(names)
    return names[max(among, key=lambda category: counts[category])]


def _identifier(entry: Any, name: str, where: str) -> int | str:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, (int, str)):
        raise UserError(f"{where}: no '{name}' that is a number or a name")
    return value


def _size_of(image: Any) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


FORMAT = detection_format("coco", "COCO keypoints JSON", (".json",), _recognise, _parse)
