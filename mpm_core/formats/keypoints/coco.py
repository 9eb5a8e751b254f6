"""Reads COCO annotations with keypoints: images are the frames, by their place in the file's list."""

from __future__ import annotations

from typing import Any

from mpm_core.errors import UserError
from mpm_core.formats.base import Probe
from mpm_core.formats.keypoints.people import DetectionFile, detection_format, flat_keypoints, skeleton_of_size
from mpm_core.people import Detection

_SKELETONS = ("coco17", "halpe26")


def _sniff(probe: Probe) -> bool:
    return probe.suffix == ".json" and isinstance(probe.json, dict) and {"images", "annotations"} <= set(probe.json)


def _parse(probe: Probe) -> DetectionFile:
    content, where = probe.json, str(probe.path)
    images, annotations = content["images"], content["annotations"]
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise UserError(f"{where}: 'images' and 'annotations' are not lists")
    frames = {_identifier(image, "id", f"{where}: image {n}"): n for n, image in enumerate(images)}
    detections, joints = [], None
    for place, entry in enumerate(annotations):
        here = f"{where}: annotation {place}"
        if not isinstance(entry, dict) or not entry.get("keypoints"):
            continue  # COCO lists people without keypoints too
        points, flags = flat_keypoints(entry["keypoints"], here)
        joints = joints or len(points)
        if len(points) != joints:
            raise UserError(f"{here}: {len(points)} joints, but {joints} in the annotations before")
        image = _identifier(entry, "image_id", here)
        if image not in frames:
            raise UserError(f"{here}: its image_id {image} is not among the images")
        # v = 1 is labelled but hidden from sight: the annotator still placed it.
        scores = (flags > 0).astype(float)
        track = entry.get("track_id", entry.get("instance_id"))
        detections.append(Detection(frames[image], points, scores, track if isinstance(track, int) else None))
    if joints is None:
        raise UserError(f"{where}: no annotation has keypoints")
    skeleton = skeleton_of_size(joints, _SKELETONS, where)
    return DetectionFile(detections, (0, len(images) - 1), skeleton, image_size=_image_size(images))


def _identifier(entry: Any, name: str, where: str) -> int | str:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, (int, str)):
        raise UserError(f"{where}: no '{name}' that is a number or a name")
    return value


def _image_size(images: list[Any]) -> tuple[int, int] | None:
    """The (width, height) in pixels that all images share; None when they do not, or do not say."""
    width, height = images[0].get("width"), images[0].get("height")
    is_shared = all((image.get("width"), image.get("height")) == (width, height) for image in images)
    return (width, height) if is_shared and isinstance(width, int) and isinstance(height, int) else None


FORMAT = detection_format("coco", "COCO keypoints JSON", (".json",), _sniff, _parse)
