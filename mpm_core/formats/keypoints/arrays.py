"""Reads arrays of keypoints: what lifters' demos save as keypoints.npz, what detectron2 found, and bare npz and npy files."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, POSSIBLE, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.containers import size_in
from mpm_core.formats.keypoints.depths import Third, third_of
from mpm_core.formats.keypoints.layouts import counts_known
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting, is_about_hips
from mpm_core.formats.pickled_npz import list_arrays, read_array, read_npz
from mpm_core.formats.stated import rate_stated
from mpm_core.skeleton import MEDIAPIPE33, MPM16

# MHFormer, StridedTransformer, PoseFormerV2 and MotionAGFormer call it so.
_LIFTERS = "reconstruction"
_BARE_SAYS = "an array of (frames, joints, 2 or 3) numbers"
# Arrays of this project's own npz.
_SHARED = ("keypoints", "ground_truth", "positions")
_OURS = {"keypoints", "ground_truth", "positions", "positions_2d", "positions_3d"}
# Scores of a third column; heat maps may go a little beyond 1.
_LARGEST_SCORE = 1.5
_FEW_BELOW = 0.01
_HIPS = MEDIAPIPE33.indices(("LHip", "RHip"))
# MediaPipe's landmarks, of which scripts keep x, y and z, or these and visibility, and shares of the image.
_LANDMARKS, _WITH_VISIBILITY, _SHARES = 33, 4, 1.5
# No body is so flat, in its longest side: its third column is a depth in another unit than the pixels.
_FLAT = 0.02
# Arrays beside the keypoints that hold scores or, by the words in brackets, who is seen; arr_1 is what NumPy calls a second.
_SCORES = re.compile(r"conf|score|likel|prob|(vis|valid)|arr_\d+", re.IGNORECASE)
_OPPOSITES = re.compile(r"invis|invalid|(no|not|non|un)_?(vis|valid|conf|score)|occl|hidden|missing|error|outlier", re.I)
# COCO's flags of what was not labelled, is hidden from sight, or is seen.
_FLAGS = (0.0, 1.0, 2.0)
# Along frames joints move less than this, in heights of the body.
_GOES_ON_HEIGHTS = 0.25
_RATES, _TIMES = ("fps", "frame_rate", "framerate"), ("times", "timestamps", "time_s")
_SIZES = ("image_size", "width", "height")
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
    return None if third_in(probe) is Third.DEPTH else recognise_array(probe)


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
        return _flat_width(array.shape[1]) is not None
    return array.shape[-1] in (2, 3) or array.shape[-2:] == (_LANDMARKS, _WITH_VISIBILITY)


def _flat_width(columns: int) -> int | None:
    """How many numbers each of the joints has in rows of so many; None where these are no joints that we know."""
    if columns == _LANDMARKS * _WITH_VISIBILITY:
        return _WITH_VISIBILITY
    return next((width for width in (3, 2) if columns % width == 0 and columns // width in counts_known()), None)


def third_in(probe: Probe) -> Third:
    """What the third column of a file's one array is; a score also where there is none, or a depth by guess."""
    if probe.kind not in ("npy", "zip") or recognise_array(probe) is None:
        return Third.SCORE
    return _third_of(one_array(probe)[1])


def _third_of(array: NDArray[np.float64]) -> Third:
    is_open = _is_keypoints(array) and array.shape[-1] == 3 and _has_depth(array) and not _is_of_pictures(array)
    return third_of(array) if is_open else Third.SCORE


def _has_depth(array: NDArray[np.float64]) -> bool:
    """Whether the third column is no score: too large, or often below zero."""
    third = array[..., 2][np.isfinite(array[..., 2])]
    if not third.size or _are_flags(third):
        return False
    return bool(np.abs(third).max() > _LARGEST_SCORE or _is_below_zero(third).mean() > _FEW_BELOW)


def _is_below_zero(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values < 0) & (values != -1)  # which some programs give what they do not see


def _are_flags(values: NDArray[np.float64]) -> bool:
    return bool(np.isin(values[np.isfinite(values)], _FLAGS).all())


def _is_of_pictures(array: NDArray[np.float64]) -> bool:
    """Whether x and y are places in a picture all the same: MediaPipe's, as shares of it or in pixels."""
    points = array.reshape(-1, array.shape[-2], 3)
    points = points[np.isfinite(points).all((1, 2))]
    if not len(points):
        return False
    across, depth = (float(np.median(np.ptp(points[..., axes], axis=1).max(-1))) for axes in ([0, 1], [2]))
    if depth < _FLAT * across or points.shape[1] != _LANDMARKS:
        return depth < _FLAT * across
    return bool(np.percentile(np.abs(points[..., :2]), 99) <= _SHARES) and not is_about_hips(points[..., :2], _HIPS)


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
    array = as_floats(values, where)
    width = _flat_width(array.shape[1]) if array.ndim == 2 else None
    return where, array if width is None else array.reshape(len(array), -1, width)


def _parse(probe: Probe, options: ReadOptions) -> Sightings:
    where, array = one_array(probe)
    name = where.partition("'")[2].rstrip("'")
    if not _is_keypoints(array) or not array.size:
        raise UserError(f"{where} is {array.shape}, not (frames, joints, 2 or 3) keypoints")
    said: tuple[str, ...] = ()
    if array.shape[-1] == _WITH_VISIBILITY or (array.shape[-1] == 3 and _has_depth(array)):
        if _third_of(array) is Third.DEPTH:
            raise UserError(f"{where}: its third column is no score, so these are 3D positions (--format arrays-3d reads them)")
        if array.shape[-2] == _LANDMARKS:
            array, said = np.delete(array, 2, axis=-1), ("the depth z is left out, as it is not measured in pixels",)
        elif _is_below_zero(array[..., 2]).any():  # else these are scores, in per cent or of no limit
            array, said = array[..., :2], ("the third column is left out: it is no score, nor a depth in pixels",)
    elif array.shape[-1] == 3 and _are_flags(array[..., 2]):
        array = np.minimum(array, (np.inf, np.inf, 1.0))  # all that were placed count alike
    people, notes = people_first(array)
    entries = [
        Sighting(frame, one, f"{where}: frame {frame}", identity=number)
        for number, person in enumerate(people)
        for frame, one in enumerate(person)
    ]
    scores, unused = (None, ()) if probe.kind == "npy" else _scores(probe, name, array.shape)
    if scores is not None:
        scores = scores.swapaxes(0, 1) if notes else scores.reshape(people.shape[:-1])
        entries = [replace(e, scores=scores[e.identity, e.frame]) for e in entries]  # type: ignore[index]
    fps, size, times = (None, None, ()) if probe.kind == "npy" else facts_of(probe)
    usual = ("h36m17",) if name == _LIFTERS else ("mpm16",) if name == "keypoints" else ()
    joints = None if probe.kind == "npy" else joint_names(probe, people.shape[2])
    return Sightings(entries, (0, people.shape[1] - 1), fps, size, usual, joints=joints, notes=(*notes, *said, *unused, *times))


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


def _scores(probe: Probe, name: str, shape: tuple[int, ...]) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Scores that stand in arrays of their own, for points without a third column, in their order of axes, 0 where one says
    that a joint is not seen; and what to say of other arrays of that shape, which may be the opposite, or no scores at all."""
    others = read_npz(probe.path, tuple(other for other in _names(probe) if other != name)) if shape[-1] == 2 else {}
    fitting = {
        other: np.minimum(array, 1.0) if _are_flags(array.astype(np.float64)) else array.astype(np.float64)
        for other, array in others.items()
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiub" and array.shape == shape[:-1]
    }
    scores, notes = None, []
    for other, array in sorted(fitting.items(), key=lambda pair: _is_of_sight(pair[0])):
        is_score = bool(_SCORES.search(other)) and not _OPPOSITES.search(other)
        is_score &= not (other.startswith("arr_") and _is_odd(array))
        if not is_score:
            notes.append(f"the array '{other}' is not used: by its name it holds no scores")
        elif scores is None:
            scores = array
        elif _is_of_sight(other):
            scores = np.where(array > 0, scores, 0.0)
    return scores, tuple(notes)


def _is_of_sight(name: str) -> bool:
    found = _SCORES.search(name)
    return found is not None and found[1] is not None


def _is_odd(array: NDArray[np.float64]) -> bool:
    return not bool(((array >= 0) & (array <= _LARGEST_SCORE)).all())


def facts_of(probe: Probe) -> tuple[float | None, tuple[int, int] | None, tuple[str, ...]]:
    """Frames per second and image size, where arrays of those names hold them, and what to say of them."""
    content = read_npz(probe.path, (*_RATES, *_TIMES, *_SIZES))
    numbers = {name: np.asarray(array).ravel() for name, array in content.items() if np.asarray(array).dtype.kind in "iuf"}
    rates = [float(numbers[name][0]) for name in _RATES if name in numbers and numbers[name].size == 1]
    times = next((numbers[name].astype(np.float64) for name in _TIMES if name in numbers), None)
    if times is not None and not (len(times) > 1 and 0 < np.median(np.diff(times)) < 1):
        times = None  # in another unit than seconds, or of something else
    fps, notes = rate_stated(rates[0] if rates and 0 < rates[0] < float("inf") else None, times)
    image_size, *sides = (numbers.get(name, np.empty(0)) for name in _SIZES)
    size = image_size if image_size.size == 2 else np.concatenate([side for side in sides if side.size == 1] or [image_size])
    is_size = size.size == 2 and bool(((size > 0) & (size == np.rint(size))).all())
    return fps, (int(size[0]), int(size[1])) if is_size else None, notes


FORMAT = detection_format("arrays", "keypoints as a bare npz or npy array", (".npz", ".npy"), _recognise, _parse)
