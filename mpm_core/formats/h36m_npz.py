"""Reads VideoPose3D's npz pair, Human3.6M's usual form: 2D per subject, action and camera, world 3D in a file beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, to_camera
from mpm_core.clip import Clip, as_floats
from mpm_core.errors import UserError
from mpm_core.formats.base import ASSUMED_FPS, CERTAIN, Contents, Format, Probe, ReadOptions, Recognition, read_json
from mpm_core.formats.keypoints.people import guess_size
from mpm_core.formats.pickled_npz import list_arrays, read_npz
from mpm_core.formats.stated import size_stated
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import H36M17, find_skeleton

_LAYOUTS = {"h36m": "h36m17", "coco": "coco17"}
# What Human3.6M's own files leave out, as everybody knows it.
_FPS = 50.0
_IMAGE_SIZE = (1000, 1000)
# Of the 32 joints in the original Human3.6M file, those that the field uses.
_USED_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)

# Of the products of a camera's axes with each other.
_ROTATION_ERROR = 0.02

Motions = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _View:
    """The camera of a view: world to camera axes, and its intrinsics and image size."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    intrinsics: Intrinsics
    image_size: tuple[int, int]

    @property
    def up(self) -> tuple[float, float, float]:
        x, y, z = (float(v) for v in self.rotation[:, 2])
        return (x, y, z)


@dataclass(frozen=True)
class _Told:
    """What the files tell about a view, None where they do not: its camera, image size in pixels and frames per second."""

    view: _View | None
    image_size: tuple[int, int] | None
    fps: float | None


_HEEDS = ("image_size", "select")


def _recognise(probe: Probe) -> Recognition | None:
    found = {"positions_2d", "positions_3d"} & set(list_arrays(probe.path)) if probe.kind == "zip" else set()
    return Recognition(CERTAIN, f"a table '{min(found)}'") if found else None


def _inspect(probe: Probe, options: ReadOptions) -> Contents:
    pair = _Pair(probe.path)
    return Contents(selections=pair.names, lacks=pair.lacks, assumed_fps=pair.assumed_fps, assumed_size=pair.assumed_size)


def _read(probe: Probe, options: ReadOptions) -> Clip:
    pair = _Pair(probe.path)
    name, notes = _choose(pair.names, options.select, probe.path)
    return pair.clip(name, options, notes)


def read_named(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[tuple[str, Clip]]:
    """Every clip of a pair whose 'subject/action/camera' is wanted, camera by camera, with that name."""
    pair = _Pair(path)
    for name in filter(wanted, pair.names):
        yield name, pair.clip(name, ReadOptions(), ())


def read_all(path: Path) -> Iterator[Clip]:
    """Every clip of a pair, camera by camera."""
    return (clip for _, clip in read_named(path))


def read_worlds(path: Path) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Subject, action and (frames, 17, 3) world metres, Z up, of every motion of a 3D file; UserError for another file."""
    for subject, actions in _motions(read_npz(path, ("positions_3d",)), "positions_3d", path).items():
        for action, world in actions.items():
            yield subject, action, _world(world, f"{path} [{subject}/{action}]")


def _motions(content: dict[str, Any], name: str, path: Path) -> Motions:
    motions = content.get(name)
    if not isinstance(motions, dict) or not motions or not all(isinstance(m, dict) and m for m in motions.values()):
        raise UserError(f"{path}: '{name}' is not a table of subjects and their actions")
    return motions


def _choose(names: tuple[str, ...], select: str | None, path: Path) -> tuple[str, tuple[str, ...]]:
    """The first selection that begins with what was asked for, and a note when nothing was."""
    if select is None:
        return names[0], (f"{len(names)} clips in the file: the first, {names[0]}, was taken",) if len(names) > 1 else ()
    wanted = select.strip("/").split("/")
    for name in names:
        if name.split("/")[: len(wanted)] == wanted:
            return name, ()
    raise UserError(f"{path}: there is no '{select}' (for example: {', '.join(names[:3])})")


class _Pair:
    """A 2D file with the 3D file and the cameras beside it, or a 3D file alone; each is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = read_npz(path, ("positions_2d", "positions_3d", "metadata", "scores"))
        self._has_2d = "positions_2d" in self._content
        self._motions = _motions(self._content, "positions_2d" if self._has_2d else "positions_3d", path)
        beside = path.with_name(f"data_3d_{_dataset(path)}.npz")
        self._world: Motions = {}
        if self._has_2d and beside.exists():
            self._world = _motions(read_npz(beside, ("positions_3d",)), "positions_3d", beside)
        self._cameras = _read_cameras(path.with_name("cameras.json")) if self._has_2d else None
        self._keys = _keys(self._motions, self._has_2d, path)
        self._layout = _layout(self._content, str(path)) if self._has_2d else H36M17.name
        self._is_h36m = self._layout == H36M17.name or _dataset(path) == "h36m"

    @property
    def names(self) -> tuple[str, ...]:
        """'subject/action/camera', or 'subject/action' of a 3D file."""
        return tuple(self._keys)

    @property
    def lacks(self) -> tuple[str, ...]:
        """See Contents; of Human3.6M itself everybody knows what its files leave out."""
        if self._is_h36m:
            return ()
        told = [self._told(*key) for key in self._keys.values()]
        return tuple(name for name in ("fps", "image_size") if any(getattr(view, name) is None for view in told))

    @property
    def assumed_fps(self) -> float:
        """Frames per second where nothing tells."""
        return _FPS if self._is_h36m else ASSUMED_FPS

    @property
    def assumed_size(self) -> tuple[int, int]:
        """Image size where nothing tells, from the first clip."""
        return self._assumed_size(self._points(self.names[0]) if self._has_2d else None)

    def clip(self, name: str, options: ReadOptions, notes: tuple[str, ...]) -> Clip:
        """One of `names`."""
        subject, action, number = self._keys[name]
        source = f"{self._path} [{name}]"
        if not self._has_2d:
            fps, notes = self._fps(options.fps, notes)
            return _clip_of_world(_world(self._motions[subject][action], source), options.image_size, fps, source, notes)
        points = self._points(name)
        scores = _scores(self._content.get("scores"), subject, action, number, points.shape[:2])
        told = self._told(subject, action, number)
        fps, notes = self._fps(options.fps or told.fps, notes)
        size, said = size_stated(options.image_size, told.image_size)
        size, notes = self._size(size, points, (*notes, *said))
        view, world = told.view, self._world.get(subject, {}).get(action)
        if world is not None:
            world = _world(world, source)
            frames = min(len(points), len(world))
            points, world, scores = points[:frames], world[:frames], None if scores is None else scores[:frames]
            if view is None:
                reason = "no cameras.json beside the file" if self._cameras is None else "cameras.json lacks this view"
                view, note = _fitted_view(points, world, self._layout, size, reason)
                notes += (note,)
        clip = Clip.from_arrays(
            points, size, fps, self._layout, confidence=scores, camera=view.intrinsics if view else None,
            up=view.up if view else None, source=source, notes=notes,
        )  # fmt: skip
        return clip if view is None or world is None else _with_truth(clip, world, view)

    def _points(self, name: str) -> NDArray[np.float64]:
        subject, action, number = self._keys[name]
        return _as_numbers(self._motions[subject][action][number], 2, f"{self._path} [{name}]")

    def _told(self, subject: str, action: str, number: int) -> _Told:
        size, fps = _video_facts(self._content.get("metadata"), subject, action)
        view = _known_view(self._cameras or {}, subject, action, number, str(self._path.with_name("cameras.json")))
        return _Told(view, view.image_size if view else size, fps)

    def _fps(self, fps: float | None, notes: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
        if fps is not None:
            return fps, notes
        why = ", as in Human3.6M" if self._is_h36m else ""
        return self.assumed_fps, (*notes, f"the file has no frame rate: {self.assumed_fps:g} frames/s assumed{why}")

    def _size(
        self, size: tuple[int, int] | None, points: NDArray[np.float64], notes: tuple[str, ...]
    ) -> tuple[tuple[int, int], tuple[str, ...]]:
        if size is not None:
            return size, notes
        size = self._assumed_size(points)
        why = "as in Human3.6M" if self._is_h36m else "the smallest usual one that fits"
        return size, (*notes, f"the file has no image size: {size[0]} x {size[1]} assumed, {why}")

    def _assumed_size(self, points: NDArray[np.float64] | None) -> tuple[int, int]:
        return _IMAGE_SIZE if self._is_h36m or points is None else guess_size(points)


def _keys(motions: Motions, has_cameras: bool, path: Path) -> dict[str, tuple[str, str, int]]:
    """Subject, action and camera number (0 in a 3D file) by selection; the names in a file may hold slashes themselves."""
    keys: dict[str, tuple[str, str, int]] = {}
    for subject, actions in motions.items():
        for action, views in actions.items():
            if not has_cameras:
                keys[f"{subject}/{action}"] = (subject, action, 0)
                continue
            if not (isinstance(views, (list, tuple)) or (isinstance(views, np.ndarray) and views.ndim)):
                raise UserError(f"{path}: 'positions_2d' of {subject}/{action} is not a list of camera views")
            keys |= {f"{subject}/{action}/{number}": (subject, action, number) for number in range(len(views))}
    if not keys:
        raise UserError(f"{path}: 'positions_2d' holds no camera view")
    return keys


def _clip_of_world(
    world: NDArray[np.float64], size: tuple[int, int] | None, fps: float, source: str, notes: tuple[str, ...]
) -> Clip:
    """World positions as a clip that holds 3D only.

    Nothing says where a camera was: it looks along the world's second axis, with the third one up.
    """
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    truth = to_camera(world, level, np.zeros(3))
    return Clip.from_arrays(None, size or _IMAGE_SIZE, fps, H36M17.name, ground_truth=truth, source=source, notes=notes)


def _with_truth(clip: Clip, world: NDArray[np.float64], view: _View) -> Clip:
    """The clip in MPM-16 joints with the world positions brought into its camera."""
    seen = to_camera(world, view.rotation, view.translation)
    mapped = map_to_mpm16(H36M17).apply(seen, np.all(np.isfinite(seen), axis=-1))
    truth = np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float32)
    return replace(clip.to_mpm16(), ground_truth=truth)


def _as_numbers(values: Any, axes: int, source: str) -> NDArray[np.float64]:
    array = as_floats(values, f"{source}: the positions")
    if array.ndim != 3 or array.shape[2] != axes:
        raise UserError(f"{source}: expected (frames, joints, {axes}) numbers, found {array.shape}")
    return array


def _world(values: Any, source: str) -> NDArray[np.float64]:
    """(frames, 17, 3) world metres, cut to the 17 joints when the file has all 32."""
    world = _as_numbers(values, 3, source)
    if world.shape[1] == 32:
        world = world[:, list(_USED_OF_32)]
    if world.shape[1] != len(H36M17):
        raise UserError(f"{source}: {world.shape[1]} joints in 3D, expected 17 or 32")
    return world


def _layout(content: dict[str, Any], source: str) -> str:
    metadata = content.get("metadata")
    layout = metadata.get("layout_name", "h36m") if isinstance(metadata, dict) else "h36m"
    if not isinstance(layout, str):
        raise UserError(f"{source}: the name of the joint layout is no text")
    if layout not in _LAYOUTS:
        raise UserError(f"{source}: unknown joint layout '{layout}' (known: {', '.join(_LAYOUTS)})")
    return find_skeleton(_LAYOUTS[layout]).name


def _scores(scores: Any, subject: str, action: str, camera: int, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    try:
        array = np.array(scores[subject][action][camera], np.float64)
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    return array if array.shape == shape else None


def _dataset(path: Path) -> str:
    """'open' of data_2d_open_gt.npz."""
    parts = path.stem.split("_")
    return parts[2] if len(parts) > 2 and parts[:2] == ["data", "2d"] else ""


def _video_facts(metadata: Any, subject: str, action: str) -> tuple[tuple[int, int] | None, float | None]:
    """Image size and frames per second by the metadata's table of videos: the view's own, else what all agree on."""
    table = metadata.get("video_metadata") if isinstance(metadata, dict) else None
    if not isinstance(table, dict) or not table:
        return None, None
    own = next((table[name] for name in (subject, action) if name in table), None)
    videos = list(table.values()) if own is None else [own]
    width, height, fps = (_shared_number(videos, name) for name in ("w", "h", "fps"))
    return (int(width), int(height)) if width and height else None, fps


def _shared_number(videos: list[Any], name: str) -> float | None:
    """A positive number that all the videos have under that name, else None."""
    try:
        values = {float(video[name]) for video in videos}
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    value = values.pop()
    return value if not values and 0 < value < float("inf") else None


def _read_cameras(path: Path) -> dict[str, Any] | None:
    """The table of cameras.json, subject -> action -> list; None when there is no such file."""
    if not path.exists():
        return None
    content = read_json(path)
    cameras = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(cameras, dict):
        raise UserError(f"{path}: no table 'cameras'")
    return cameras


def _known_view(cameras: dict[str, Any], subject: str, action: str, number: int, where: str) -> _View | None:
    """The camera of a view, if the table has it whole; UserError for axes that are none."""
    try:
        entry = cameras[subject][action][number]
        shapes = {"R": (3, 3), "t": (3,), "K": (3, 3)}
        rotation, translation, matrix = (np.array(entry[key], float).reshape(shape) for key, shape in shapes.items())
        size = (int(entry["res_w"]), int(entry["res_h"]))
    except (ValueError, LookupError, TypeError, OverflowError):
        return None
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_ERROR) or not np.isfinite(translation).all():
        raise UserError(f"{where}: 'R' of {subject}/{action}/{number} is no rotation, or 't' no place")
    return _View(rotation, translation, Intrinsics.from_matrix(matrix), size)


def _fitted_view(
    points: NDArray[np.float64], world: NDArray[np.float64], layout: str, size: tuple[int, int], reason: str
) -> tuple[_View, str]:
    """The camera that sees the world positions nearest to the 2D ones, and a note that says why and how near."""
    from mpm_core.camera_fit import fit_camera  # SciPy's optimisers are slow to import

    flat = map_to_mpm16(find_skeleton(layout)).apply(points, np.all(np.isfinite(points), axis=-1))
    solid = map_to_mpm16(H36M17).apply(world, np.all(np.isfinite(world), axis=-1))
    both = flat.visible & solid.visible & ~flat.derived
    fit = fit_camera(solid.points[both], flat.points[both])
    note = f"{reason}: the camera was fitted to 2D and 3D ({fit.error_px:.1f} px median error)"
    return _View(fit.rotation, fit.translation, fit.intrinsics, size), note


FORMAT = Format("h36m-npz", "Human3.6M / VideoPose3D npz", (".npz",), _recognise, _inspect, _read, heeds=_HEEDS)
