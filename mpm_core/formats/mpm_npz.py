"""Reads and writes this project's own npz: a clip or a prediction as plain arrays, nothing pickled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core import provenance
from mpm_core.camera import LEVEL_CAMERA_UP, Intrinsics
from mpm_core.clip import KEY_SMOOTH, TRUTH_NOTE, Clip, as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import (
    ASSUMED_SIZE,
    CERTAIN,
    LIKELY,
    Contents,
    Format,
    Probe,
    ReadOptions,
    Recognition,
    WriteOptions,
)
from mpm_core.formats.hypotheses import uncertainty_to_write
from mpm_core.formats.keypoints.arrays import recognise_array
from mpm_core.formats.pickled_npz import list_arrays, read_npz
from mpm_core.formats.sources import sources_of
from mpm_core.formats.stated import rate_stated, size_stated
from mpm_core.formats.units import to_metres
from mpm_core.grounding.floor import find_floor
from mpm_core.grounding.up import find_up
from mpm_core.limits import check_rate
from mpm_core.masking import Mask
from mpm_core.pauses import at_rate
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16, SKELETONS

_ARRAYS = ("keypoints", "confidence", "ground_truth", "times", "fps", "image_size", "skeleton", "camera", "up", "height_m")
_3D_ALIASES = ("ground_truth", "positions")
_ASSUMED_FPS = 50.0


def _recognise(probe: Probe) -> Recognition | None:
    names = set(list_arrays(probe.path)) if probe.kind == "zip" else set()
    found = {"keypoints", *_3D_ALIASES} & names
    if not found:
        return None
    if recognise_array(probe) is not None:  # an array of another program's joints
        return None
    is_ours = bool({"skeleton", "image_size", "times", "fps", "confidence", *_3D_ALIASES} & names)
    return Recognition(CERTAIN if is_ours else LIKELY, f"an array '{min(found)}'")


def _inspect(probe: Probe, options: ReadOptions) -> Contents:
    arrays = set(list_arrays(probe.path))
    lacks = [] if {"fps", "times"} & arrays else ["fps"]
    if "keypoints" in arrays and "image_size" not in arrays:
        lacks.append("image_size")
    return Contents(lacks=tuple(lacks), assumed_fps=_ASSUMED_FPS)


def _read(probe: Probe, options: ReadOptions) -> Clip:
    path = probe.path
    more = (
        "camera_is_assumed", "positions", "root", "derived", "edited", "keys", "original", "chosen", "is_virtual", "notes",
        "history", "completed", "hidden", "own_fps",
    )  # fmt: skip
    arrays = read_npz(path, (*_ARRAYS, *more))
    times = as_floats(arrays["times"], f"{path}: 'times'") if "times" in arrays else None
    if times is not None and times.ndim != 1:
        raise UserError(f"{path}: 'times' has the shape {times.shape}, not (frames,)")
    told_fps, said = rate_stated(_number(arrays, "fps", path), times)
    notes = list(said)
    fps = told_fps if options.fps is None else options.fps
    if fps is None:
        fps = _ASSUMED_FPS
        notes.append(f"the file has no frame rate: {fps:g} frames/s assumed")
    size, said = size_stated(options.image_size, _size(arrays, path))
    notes += said
    if size is None:
        size = ASSUMED_SIZE
        if "keypoints" in arrays:
            notes.append(f"the file has no image size: {size[0]} x {size[1]} assumed")
    skeleton = options.skeleton or _name(arrays, "skeleton", "mpm16", path)
    truth, told = _in_metres(_truth(arrays, path), skeleton, options.unit)
    notes += told
    clip = Clip.from_arrays(
        arrays.get("keypoints"),
        size,
        fps,
        skeleton,
        arrays.get("confidence"),
        truth,
        times if options.fps is None or times is None else at_rate(times, options.fps),
        _camera(arrays, path),
        _up(arrays, path),
        source=str(path),
        notes=(*notes, *_notes(arrays)),
        height_m=_number(arrays, "height_m", path),
    )
    marks: dict[str, Any] = {name: _marks(arrays, name, clip, path) for name in ("derived", "edited") if name in arrays}
    marks |= _corrections(arrays, marks.get("edited", clip.edited), path)
    filled = "hidden" if "positions" in arrays and "ground_truth" not in arrays else "completed"  # of a prediction, or a clip
    if filled in arrays and clip.ground_truth is not None:
        completed = _marks(arrays, filled, clip, path)
        marks["completed"] = completed if completed.any() else None
        if "confidence" not in arrays and clip.keypoints is None:
            marks["confidence"] = np.where(completed, np.float32(0), clip.confidence)
    history = provenance.of_rows(arrays.get("history", [])) or ()
    own_fps = _number(arrays, "own_fps", path)
    own_fps = told_fps if own_fps is None else check_rate(own_fps, f"{path}: 'own_fps': ")
    own_fps = None if own_fps == clip.fps else own_fps
    return replace(clip, is_virtual=_flag(arrays, "is_virtual", path), history=history, own_fps=own_fps, **marks)


def _in_metres(truth: Any, skeleton: str, unit: str | None) -> tuple[Any, tuple[str, ...]]:
    """Positions in metres, and what to say of their unit; what Clip will refuse is left as it is."""
    positions = np.asarray(truth)
    if truth is None or skeleton not in SKELETONS or positions.shape[1:] != (len(SKELETONS[skeleton]), 3):
        return truth, ()
    return to_metres(positions, SKELETONS[skeleton], unit) if positions.dtype.kind in "iuf" else (truth, ())


def _truth(arrays: dict[str, Any], path: Path) -> Any:
    """The 3D positions: a clip's own, or a prediction's moved to where the person stands."""
    if "ground_truth" in arrays or "positions" not in arrays:
        return arrays.get("ground_truth")
    positions = as_floats(arrays["positions"], f"{path}: 'positions'")
    if "root" not in arrays:
        return positions
    root = as_floats(arrays["root"], f"{path}: 'root'")
    if positions.ndim != 3 or root.shape != (len(positions), 3):
        raise UserError(f"{path}: 'root' {root.shape} does not fit 'positions' {positions.shape}")
    return positions + root[:, None]


def read_mask(path: Path, frames: int) -> Mask | None:
    """The mask (frames, 16) that was saved with a clip; None when there is none. UserError when it does not fit."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return None
    arrays = read_npz(path, ("mask",))
    if "mask" not in arrays:
        return None
    mask = np.asarray(arrays["mask"])
    if mask.shape != (frames, len(MPM16)) or mask.dtype != bool:
        raise UserError(f"{path}: 'mask' must be a bool array ({frames}, {len(MPM16)})")
    return mask


def read_threshold(path: Path) -> float:
    """The confidence below which joints were hidden, as it was saved with a clip; 0 when there is none."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return 0.0
    threshold = _number(read_npz(path, ("threshold",)), "threshold", path) or 0.0
    if not 0 <= threshold <= 1:
        raise UserError(f"{path}: 'threshold' must lie between 0 and 1, not {threshold:g}")
    return threshold


def _marks(arrays: dict[str, Any], name: str, clip: Clip, path: Path) -> NDArray[np.bool_]:
    marks = np.asarray(arrays[name])
    if marks.shape != clip.visible.shape or marks.dtype != bool:
        raise UserError(f"{path}: '{name}' must be a bool array {clip.visible.shape}")
    return marks


def _corrections(arrays: dict[str, Any], edited: NDArray[np.bool_], path: Path) -> dict[str, Any]:
    """Which edited joints are keys, and what was measured there; see Clip."""
    marks: dict[str, Any] = {}
    if "keys" in arrays:
        keys = np.asarray(arrays["keys"])
        if keys.shape != edited.shape or keys.dtype != np.uint8 or keys.max(initial=0) > KEY_SMOOTH:
            raise UserError(f"{path}: 'keys' must be a uint8 array {edited.shape} of numbers up to {KEY_SMOOTH}")
        marks["keys"] = np.where(edited, keys, np.uint8(0))
    if "original" in arrays:
        original = np.asarray(arrays["original"])
        if original.shape != (*edited.shape, 3) or original.dtype != np.float32 or np.isinf(original).any():
            raise UserError(f"{path}: 'original' must be a float32 array {(*edited.shape, 3)} of numbers")
        marks["original"] = original
    if "chosen" in arrays:
        chosen = np.asarray(arrays["chosen"])
        if chosen.shape != (*edited.shape, 4) or chosen.dtype != np.float32 or not np.isfinite(chosen).all():
            raise UserError(f"{path}: 'chosen' must be a float32 array {(*edited.shape, 4)} of numbers")
        if chosen[..., 3].min(initial=0) < 0 or chosen[..., 3].max(initial=0) > 1:
            raise UserError(f"{path}: the last column of 'chosen' must lie between 0 and 1")
        marks["chosen"] = chosen
    return marks


def _number(arrays: dict[str, Any], name: str, path: Path) -> float | None:
    try:
        return float(arrays[name]) if name in arrays else None
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{path}: '{name}' is not a number") from None


def _name(arrays: dict[str, Any], name: str, default: str, path: Path) -> str:
    value = np.asarray(arrays.get(name, default))
    if value.shape != () or value.dtype.kind != "U":
        raise UserError(f"{path}: '{name}' must be a name")
    return str(value)


def _vector(arrays: dict[str, Any], name: str, length: int, path: Path) -> list[float] | None:
    if name not in arrays:
        return None
    values = np.asarray(arrays[name])
    if values.shape != (length,) or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise UserError(f"{path}: '{name}' must be {length} numbers")
    return [float(v) for v in values]


def _size(arrays: dict[str, Any], path: Path) -> tuple[int, int] | None:
    size = _vector(arrays, "image_size", 2, path)
    return None if size is None else (int(size[0]), int(size[1]))


def _camera(arrays: dict[str, Any], path: Path) -> Intrinsics | None:
    values = _vector(arrays, "camera", 4, path)
    if values is None:
        return None
    return Intrinsics((values[0], values[1]), (values[2], values[3]), _flag(arrays, "camera_is_assumed", path))


def _flag(arrays: dict[str, Any], name: str, path: Path) -> bool:
    value = np.asarray(arrays.get(name, False))
    if value.shape != () or value.dtype != bool:
        raise UserError(f"{path}: '{name}' must be true or false")
    return bool(value)


def _up(arrays: dict[str, Any], path: Path) -> tuple[float, float, float] | None:
    """Version 0.1.0 wrote a level camera's where it did not know: that means nothing. UserError for no direction."""
    values = _vector(arrays, "up", 3, path)
    if values is None or tuple(values) == LEVEL_CAMERA_UP:
        return None
    if not any(values):
        raise UserError(f"{path}: 'up' must be a direction, not zero")
    return values[0], values[1], values[2]


def _notes(arrays: dict[str, Any]) -> tuple[str, ...]:
    """What was noted of a clip that holds for as long as it is used; other programs' notes may be anything."""
    notes = np.asarray(arrays.get("notes", ()))
    return tuple(str(note) for note in notes.ravel()) if notes.dtype.kind == "U" else ()


def _seen_by(clip: Clip) -> dict[str, Any]:
    """The camera that a clip is seen by."""
    camera = (*clip.camera.focal, *clip.camera.centre)
    return {"image_size": clip.image_size, "camera": camera, "camera_is_assumed": clip.camera.is_assumed}


def _write(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    part = options.frames(len(content))
    if isinstance(content, Prediction):
        arrays: dict[str, Any] = {
            "positions": content.positions[part], "root": content.root[part], "hidden": content.hidden[part],
            "times": content.times[part], "fps": content.fps, "skeleton": "mpm16",
        }  # fmt: skip
        sources, confidence = sources_of(content, options.clip)
        arrays |= {"confidence": confidence[part].astype(np.float32), "derived": (sources == "derived")[part]}
        if options.clip is not None:
            arrays |= _seen_by(options.clip)
        up = find_up(options.clip, content)
        if up.source != "level":
            arrays["up"] = up.direction
        told: dict[str, Any] = {name: getattr(content, name) for name in ("contact", "foot_height")}
        told = {name: rows[part] for name, rows in told.items() if rows is not None}
        floor = find_floor(content.absolute(), np.array(up.direction), content.contact)
        if content.contact is not None and floor is not None:
            told["floor"] = floor
        if up.source == "lifter":
            told["up_error_deg"] = up.error_deg
        arrays |= told
        if options.uncertainty:
            arrays["uncertainty"] = uncertainty_to_write(content)[part]
            if content.hypotheses is not None:
                arrays["hypotheses"] = content.hypotheses[:, part]
    elif options.uncertainty:
        uncertainty_to_write(content)
    else:
        arrays = {
            "confidence": content.confidence[part], "times": content.times[part], "fps": content.fps,
            "skeleton": content.skeleton.name, **_seen_by(content),
            "derived": content.derived[part], "edited": content.edited[part],
        }  # fmt: skip
        if content.edited[part].any():
            marks = {"keys": content.keys, "original": content.original}
            arrays |= {name: rows[part] for name, rows in marks.items() if rows is not None}
        if content.up is not None:
            arrays["up"] = content.up
        if content.keypoints is not None:
            arrays["keypoints"] = content.keypoints[part]
        if content.ground_truth is not None:
            arrays["ground_truth"] = content.ground_truth[part]
        if options.mask is not None:
            arrays["mask"] = options.mask[part]
        if options.threshold:
            arrays["threshold"] = options.threshold
        if content.chosen is not None and content.chosen[part].any():
            arrays["chosen"] = content.chosen[part]
        if content.completed is not None:
            arrays["completed"] = content.completed[part]
        if content.is_virtual:
            arrays["is_virtual"] = True
    clip = content if isinstance(content, Clip) else options.clip
    if clip is not None and clip.own_fps is not None:
        arrays["own_fps"] = clip.own_fps
    if clip is not None and clip.height_m is not None:
        arrays["height_m"] = clip.height_m
    notes = () if clip is None else clip.lasting_notes
    if isinstance(content, Clip) and content.ground_truth is not None:
        notes += tuple(note for note in content.notes if note.startswith(TRUTH_NOTE))
    if notes:
        arrays["notes"] = np.array(notes)
    history = (clip.history if clip is not None else ()) + (content.history if isinstance(content, Prediction) else ())
    if history:
        arrays["history"] = np.array(provenance.as_rows(history))
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


FORMAT = Format(
    "npz", "mpm-viewer NPZ", (".npz",), _recognise, _inspect, _read, _write, choices=("uncertainty",),
    keeps_times=True, keeps_marks=True, heeds=("image_size", "skeleton", "unit"),
)  # fmt: skip
