"""Reads arrays of keypoints: what lifters' demos save as keypoints.npz, what detectron2 found, and bare npz and npy files."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, POSSIBLE, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.containers import size_in
from mpm_core.formats.keypoints.layouts import counts_known
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting
from mpm_core.formats.pickled_npz import list_arrays, read_array, read_npz
from mpm_core.skeleton import MPM16

# MHFormer, StridedTransformer, PoseFormerV2 and MotionAGFormer call it so.
_LIFTERS = "reconstruction"
_BARE_SAYS = "an array of (frames, joints, 2 or 3) numbers"
# Arrays of this project's own npz.
_SHARED = ("keypoints", "ground_truth", "positions")
_OURS = {"keypoints", "ground_truth", "positions", "positions_2d", "positions_3d"}
# Scores of a third column; heat maps may go a little beyond 1.
_LARGEST_SCORE = 1.5
_FEW_BELOW = 0.01
# Along frames joints move less than this, in heights of the body.
_GOES_ON_HEIGHTS = 0.25
_JOINT_NAMES = ("joint_names", "keypoint_names", "joints", "names", "node_names", "bodyparts")


def _names(probe: Probe) -> tuple[str, ...]:
    return list_arrays(probe.path) if probe.kind == "zip" else ()


def _recognise_detectron(probe: Probe) -> Recognition | None:
    is_one = {"boxes", "keypoints", "segments"} <= set(_names(probe))
    return Recognition(CERTAIN, "'boxes', 'segments' and 'keypoints'") if is_one else None


def _parse_detectron(probe: Probe, options: ReadOptions) -> Sightings:
    content = read_npz(probe.path, ("keypoints", "metadata"))
    frames = content.get("keypoints")
    if not isinstance(frames, np.ndarray) or not frames.ndim or not len(frames):
        raise UserError(f"{probe.path}: 'keypoints' is not a table of frames")
    entries = []
    for number, frame in enumerate(frames):
        # Detectron lists what it found by class; people are the second.
        people = frame[1] if _is_list(frame) and len(frame) > 1 else ()
        if not _is_list(people):
            raise UserError(f"{probe.path}: frame {number}: no list of people")
        for place, person in enumerate(people):
            where = f"{probe.path}: frame {number}, person {place}"
            rows = as_floats(person, f"{where}: the keypoints")
            if rows.ndim != 2 or len(rows) not in (3, 4):
                raise UserError(f"{where}: the keypoints are not rows of x, y and scores")
            entries.append(Sighting(number, rows[[0, 1, -1]].T, where))
    return Sightings(entries, (0, len(frames) - 1), image_size=_size_of(content.get("metadata")), usual=("coco17",))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _size_of(metadata: Any) -> tuple[int, int] | None:
    return size_in(metadata, "w", "h")


DETECTRON_FORMAT = detection_format(
    "detectron2", "detectron2 npz of VideoPose3D", (".npz",), _recognise_detectron, _parse_detectron
)


def _recognise(probe: Probe) -> Recognition | None:
    return None if holds_3d(probe) else recognise_array(probe)


def recognise_array(probe: Probe) -> Recognition | None:
    """Whether a file holds one array of keypoints, in 2D or 3D."""
    if probe.kind == "npy":
        return Recognition(POSSIBLE, _BARE_SAYS)
    names = set(_names(probe))
    if not names:
        return None
    if _LIFTERS in names:
        return Recognition(CERTAIN, f"an array '{_LIFTERS}'")
    if names == {"keypoints"}:
        return Recognition(CERTAIN, "an array 'keypoints' and nothing else")
    foreign = _foreign(probe)
    if foreign is not None:
        return Recognition(CERTAIN, f"an array '{foreign}' of other joints than this project's own")
    return Recognition(POSSIBLE, _BARE_SAYS) if _bare_name(probe) is not None else None


def _foreign(probe: Probe) -> str | None:
    """The array that is called as one of this project's but cannot be its own: those say their skeleton, or have MPM-16."""
    names = set(_names(probe))
    found = names & set(_SHARED)
    if len(found) != 1 or {"skeleton", "boxes", "positions_2d", "positions_3d"} & names:
        return None
    (name,) = found
    values = read_npz(probe.path, (name,))[name]
    axes = 2 if name == "keypoints" else 3
    is_other = isinstance(values, np.ndarray) and _is_keypoints(values) and values.shape[1:] != (len(MPM16), axes)
    return name if is_other else None


def _bare_name(probe: Probe) -> str | None:
    """The only array that could be keypoints; None when there is none, or the file is this project's own."""
    names = _names(probe)
    if _OURS & set(names):
        return None
    arrays = read_npz(probe.path, names) if len(names) < 20 else {}
    fitting = [name for name, array in arrays.items() if isinstance(array, np.ndarray) and _is_keypoints(array)]
    return fitting[0] if len(fitting) == 1 else None


def _is_keypoints(array: NDArray[Any]) -> bool:
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3, 4):
        return False
    if array.ndim == 2:
        return any(array.shape[1] % width == 0 and array.shape[1] // width in counts_known() for width in (2, 3))
    return array.shape[-1] in (2, 3)


def holds_3d(probe: Probe) -> bool:
    """Whether the one array of a file has three columns of which the third is no score: too large, or often below zero."""
    if probe.kind not in ("npy", "zip") or recognise_array(probe) is None:
        return False
    _, array = one_array(probe)
    if not _is_keypoints(array) or array.ndim < 3 or array.shape[-1] != 3:
        return False
    third = array[..., 2][np.isfinite(array[..., 2])]
    is_below = (third < 0) & (third != -1)  # which some programs give what they do not see
    return bool(third.size) and bool(np.abs(third).max() > _LARGEST_SCORE or is_below.mean() > _FEW_BELOW)


def one_array(probe: Probe) -> tuple[str, NDArray[np.float64]]:
    """The array of keypoints, and what to call it in messages; UserError for a damaged one."""
    name = _LIFTERS
    if probe.kind == "npy":
        try:
            with probe.path.open("rb") as file:
                values = read_array(file, probe.path.stat().st_size)
        except Exception:  # a damaged header may raise anything
            raise UserError(f"{probe.path}: is damaged, or holds no plain array of numbers") from None
    else:
        names = _names(probe)
        usual = next((known for known in (_LIFTERS, "keypoints") if known in names), None)
        chosen = usual or _foreign(probe) or _bare_name(probe)
        if chosen is None:
            raise UserError(f"{probe.path}: which of its arrays are the keypoints? ({', '.join(names)})")
        name, values = chosen, read_npz(probe.path, (chosen,))[chosen]
    where = f"{probe.path}: '{name}'" if probe.kind != "npy" else str(probe.path)
    return where, as_floats(values, where)


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    where, array = one_array(probe)
    name = where.partition("'")[2].rstrip("'")
    if not _is_keypoints(array) or not array.size:
        raise UserError(f"{where} is {array.shape}, not (frames, joints, 2 or 3) keypoints")
    if array.ndim == 2:
        array = array.reshape(len(array), -1, 3 if array.shape[1] % 3 == 0 and array.shape[1] // 3 in counts_known() else 2)
    people, notes = people_first(array)
    if people.shape[-1] == 3 and np.nanmax(np.abs(people[..., 2])) > _LARGEST_SCORE:
        raise UserError(f"{where}: its third column is no score, so these are 3D positions (--format arrays-3d reads them)")
    entries = [
        Sighting(frame, one, f"{where}: frame {frame}", identity=number)
        for number, person in enumerate(people)
        for frame, one in enumerate(person)
    ]
    scores = None if probe.kind == "npy" else _scores(probe, name, array.shape)
    if scores is not None:
        scores = scores.swapaxes(0, 1) if notes else scores.reshape(people.shape[:-1])
        entries = [replace(e, scores=scores[e.identity, e.frame]) for e in entries]  # type: ignore[index]
    fps, size = (None, None) if probe.kind == "npy" else facts_of(probe)
    usual = ("h36m17",) if name == _LIFTERS else ("mpm16",) if name == "keypoints" else ()
    joints = None if probe.kind == "npy" else joint_names(probe, people.shape[2])
    return Sightings(entries, (0, people.shape[1] - 1), fps, size, usual, joints=joints, notes=notes)


def people_first(array: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(people, frames, joints, axes) of an array that may be of frames first, or of one person, and what to say of that.

    Along frames a pose goes on; from person to person it does not.
    """
    if array.ndim == 3:
        return array[None], ()
    known = np.where((array != 0).any(-1, keepdims=True), array, np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of people who are nowhere
        size = np.nanmedian((np.nanmax(known, 2) - np.nanmin(known, 2)).max(-1))
        along = [float(np.nanmedian(np.linalg.norm(np.diff(known, axis=axis), axis=-1)) / size) for axis in (0, 1)]
    goes_on = along[0] < _GOES_ON_HEIGHTS and not along[1] <= 2 * along[0]
    if array.shape[0] == 1 or not goes_on:
        return array, ()
    return array.swapaxes(0, 1), ("its first axis is taken for frames and its second for people: along the first poses go on",)


def joint_names(probe: Probe, joints: int) -> tuple[str, ...] | None:
    """The names of so many joints, where an array beside the keypoints holds them."""
    content = read_npz(probe.path, tuple(name for name in _JOINT_NAMES if name in _names(probe)))
    for values in content.values():
        if isinstance(values, np.ndarray) and values.dtype.kind in "US" and values.shape == (joints,):
            return tuple(n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in values.tolist())
    return None


def _scores(probe: Probe, name: str, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Scores that stand in an array of their own, for points without a third column, in their order of axes."""
    if shape[-1] != 2:
        return None
    others = read_npz(probe.path, tuple(other for other in _names(probe) if other != name))
    for values in others.values():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.shape == shape[:-1]:
            return np.asarray(values, np.float64)
    return None


def facts_of(probe: Probe) -> tuple[float | None, tuple[int, int] | None]:
    """Frames per second and image size, where arrays of those names hold them."""
    content = read_npz(probe.path, ("fps", "image_size"))
    fps, size = (np.asarray(content.get(name, ())).ravel() for name in ("fps", "image_size"))
    is_rate = fps.size == 1 and fps.dtype.kind in "iuf" and 0 < float(fps[0]) < float("inf")
    is_size = size.size == 2 and size.dtype.kind in "iu" and bool((size > 0).all())
    return float(fps[0]) if is_rate else None, (int(size[0]), int(size[1])) if is_size else None


FORMAT = detection_format("arrays", "keypoints as a bare npz or npy array", (".npz", ".npy"), _recognise, _parse)
