"""Reads VideoPose3D's npz pair, Human3.6M's usual form: 2D per subject, action and camera, world 3D in a file beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, to_camera
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import Contents, Format, Probe, ReadOptions, read_json
from mpm_core.formats.pickled_npz import list_arrays, read_npz
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import H36M17, find_skeleton

_LAYOUTS = {"h36m": "h36m17", "coco": "coco17"}
_FPS = 50.0
_IMAGE_SIZE = (1000, 1000)
# Of the 32 joints in the original Human3.6M file, those that the field uses.
_USED_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)

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


def _sniff(probe: Probe) -> bool:
    return probe.suffix == ".npz" and bool({"positions_2d", "positions_3d"} & set(list_arrays(probe.path)))


def _inspect(probe: Probe) -> Contents:
    return Contents(selections=_Pair(probe.path).names)


def _read(probe: Probe, options: ReadOptions) -> Clip:
    pair = _Pair(probe.path)
    name, notes = _choose(pair.names, options.select, probe.path)
    return pair.clip(name, options, notes)


def read_all(path: Path) -> Iterator[Clip]:
    """Every clip of a pair, camera by camera."""
    pair = _Pair(path)
    for name in pair.names:
        yield pair.clip(name, ReadOptions(), ())


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
        self._cameras = _read_cameras(path.with_name("cameras.json")) if self._has_2d else {}

    @property
    def names(self) -> tuple[str, ...]:
        """'subject/action/camera', or 'subject/action' of a 3D file."""
        pairs = [(f"{s}/{a}", views) for s, actions in self._motions.items() for a, views in actions.items()]
        return (
            tuple(f"{n}/{k}" for n, views in pairs for k in range(len(views))) if self._has_2d else tuple(n for n, _ in pairs)
        )

    def clip(self, name: str, options: ReadOptions, notes: tuple[str, ...]) -> Clip:
        """One of `names`."""
        source = f"{self._path} [{name}]"
        subject, action, *camera = name.split("/")
        if not self._has_2d:
            return _clip_of_world(_world(self._motions[subject][action], source), options, source, notes)
        number = int(camera[0])
        points = _as_numbers(self._motions[subject][action][number], 2, source)
        scores = _scores(self._content.get("scores"), subject, action, number, points.shape[:2])
        layout = _layout(self._content, source)
        view, world = None, self._world.get(subject, {}).get(action)
        if world is not None:
            world = _world(world, source)
            frames = min(len(points), len(world))
            points, world, scores = points[:frames], world[:frames], None if scores is None else scores[:frames]
            view = _known_view(self._cameras, subject, action, number)
            if view is None:
                view, note = _fitted_view(points, world, layout)
                notes += (note,)
        clip = Clip.from_arrays(
            points, options.image_size or (view.image_size if view else _IMAGE_SIZE), options.fps or _FPS, layout,
            confidence=scores, camera=view.intrinsics if view else None, source=source, notes=notes,
        )  # fmt: skip
        return clip if view is None or world is None else _with_truth(clip, world, view)


def _clip_of_world(world: NDArray[np.float64], options: ReadOptions, source: str, notes: tuple[str, ...]) -> Clip:
    """World positions as a clip that holds 3D only.

    Nothing says where a camera was: it looks along the world's second axis, with the third one up.
    """
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    truth = to_camera(world, level, np.zeros(3))
    size, fps = options.image_size or _IMAGE_SIZE, options.fps or _FPS
    return Clip.from_arrays(None, size, fps, "h36m17", ground_truth=truth, source=source, notes=notes)


def _with_truth(clip: Clip, world: NDArray[np.float64], view: _View) -> Clip:
    """The clip in MPM-16 joints with the world positions brought into its camera."""
    seen = to_camera(world, view.rotation, view.translation)
    mapped = map_to_mpm16(H36M17).apply(seen, np.all(np.isfinite(seen), axis=-1))
    truth = np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float32)
    return replace(clip.to_mpm16(), ground_truth=truth, up=view.up)


def _as_numbers(values: Any, axes: int, source: str) -> NDArray[np.float64]:
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise UserError(f"{source}: not an array of numbers") from None
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
    if layout not in _LAYOUTS:
        raise UserError(f"{source}: unknown joint layout '{layout}' (known: {', '.join(_LAYOUTS)})")
    return find_skeleton(_LAYOUTS[layout]).name


def _scores(scores: Any, subject: str, action: str, camera: int, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    try:
        array = np.array(scores[subject][action][camera], np.float64)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return array if array.shape == shape else None


def _dataset(path: Path) -> str:
    """'open' of data_2d_open_gt.npz."""
    parts = path.stem.split("_")
    return parts[2] if len(parts) > 2 and parts[:2] == ["data", "2d"] else ""


def _read_cameras(path: Path) -> dict[str, Any]:
    """The table of cameras.json, subject -> action -> list; empty when there is no such file."""
    if not path.exists():
        return {}
    content = read_json(path)
    cameras = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(cameras, dict):
        raise UserError(f"{path}: no table 'cameras'")
    return cameras


def _known_view(cameras: dict[str, Any], subject: str, action: str, number: int) -> _View | None:
    """The camera of a view, if the table has it."""
    try:
        entry = cameras[subject][action][number]
        rotation, translation, matrix = (np.array(entry[key], float) for key in ("R", "t", "K"))
        size = (int(entry["res_w"]), int(entry["res_h"]))
    except (ValueError, LookupError, TypeError):
        return None
    return _View(rotation, translation, Intrinsics.from_matrix(matrix), size)


def _fitted_view(points: NDArray[np.float64], world: NDArray[np.float64], layout: str) -> tuple[_View, str]:
    """The camera that sees the world positions nearest to the 2D ones, and a note that says how near."""
    from mpm_core.camera_fit import fit_camera  # SciPy's optimisers are slow to import

    flat = map_to_mpm16(find_skeleton(layout)).apply(points, np.all(np.isfinite(points), axis=-1))
    solid = map_to_mpm16(H36M17).apply(world, np.all(np.isfinite(world), axis=-1))
    both = flat.visible & solid.visible & ~flat.derived
    fit = fit_camera(solid.points[both], flat.points[both])
    note = f"no cameras.json beside the file: the camera was fitted to 2D and 3D ({fit.error_px:.1f} px median error)"
    return _View(fit.rotation, fit.translation, fit.intrinsics, _IMAGE_SIZE), note


FORMAT = Format("h36m-npz", "Human3.6M / VideoPose3D npz", (".npz",), _sniff, _inspect, _read)
