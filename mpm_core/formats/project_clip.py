"""Owns how a clip is kept in a project: exactly, field by field, unlike in files that others read too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core import provenance
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.limits import check_rate

_MARKS = ("visible", "derived", "edited")


def clip_parts(clip: Clip) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What JSON can say of a clip, and its arrays."""
    camera = clip.camera
    note = {
        "fps": clip.fps, "image_size": clip.image_size, "skeleton": clip.skeleton.name, "source": clip.source,
        "camera": {"focal": camera.focal, "centre": camera.centre, "is_assumed": camera.is_assumed},
        "up": clip.up, "height_m": clip.height_m, "is_virtual": clip.is_virtual,
        "notes": clip.notes, "history": provenance.as_rows(clip.history), "own_fps": clip.own_fps,
    }  # fmt: skip
    arrays = {entry.name: getattr(clip, entry.name) for entry in fields(clip)}
    return _plain(note), {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def clip_from(note: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], path: Path) -> Clip:
    """What clip_parts gave; UserError, beginning with the path, for what cannot have come from there."""
    try:
        return _clip_from(note, arrays, path)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path}: is damaged, its clip cannot be read") from None


def _clip_from(note: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], path: Path) -> Clip:
    marks = {name: arrays[name] for name in _MARKS}
    shape = marks["visible"].shape
    confidence = arrays["confidence"]
    are_marks = all(mark.dtype == bool and mark.shape == shape for mark in marks.values())
    if not are_marks or confidence.dtype != np.float32 or confidence.shape != shape or not np.isfinite(confidence).all():
        raise ValueError("marks")
    points = arrays.get("keypoints")
    if points is not None and (points.dtype != np.float32 or not np.isfinite(points).all()):
        raise ValueError("keypoints")
    size, camera = note["image_size"], note["camera"]
    history = provenance.of_rows(note["history"])
    if history is None or not all(isinstance(text, str) for text in (note["source"], *note["notes"])):
        raise ValueError("history")
    clip = Clip.from_arrays(
        points, (size[0], size[1]), note["fps"], note["skeleton"], marks["visible"].astype(float), arrays.get("ground_truth"),
        arrays["times"],
        Intrinsics(_pair(camera["focal"]), _pair(camera["centre"]), bool(camera["is_assumed"])),
        None if note["up"] is None else (float(note["up"][0]), float(note["up"][1]), float(note["up"][2])),
        str(path), (), note["height_m"],
    )  # fmt: skip
    others = {entry.name for entry in fields(clip)} & arrays.keys() - {"ground_truth", "times", "keypoints"}
    kept: dict[str, Any] = {name: arrays[name] for name in others}
    if any(array.shape[:2] != shape or array.dtype.kind not in "buif" for array in kept.values()):
        raise ValueError("arrays")
    if (chosen := kept.get("chosen")) is not None:
        is_told = chosen.shape == (*shape, 4) and chosen.dtype == np.float32 and np.isfinite(chosen).all()
        if not is_told or (chosen[..., 3] < 0).any() or (chosen[..., 3] > 1).any():
            raise ValueError("chosen")
    if points is not None:
        kept["keypoints"] = points
    kept["is_virtual"] = note["is_virtual"] is True
    if note.get("own_fps") is not None:  # version 0.2.0 did not know it
        kept["own_fps"] = check_rate(note["own_fps"], f"{path}: ")
    return replace(clip, **kept, source=note["source"], notes=tuple(note["notes"]), history=history)


def _pair(values: Any) -> tuple[float, float]:
    x, y = values
    return float(x), float(y)


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's own, tuples as lists."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
