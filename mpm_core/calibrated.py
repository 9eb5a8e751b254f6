"""Owns what a calibration says of several cameras: their lenses, and where they stand in one world.

TOML as Anipose, aniposelib and Pose2Sim write it: a table for each camera with `name`, `size`, `matrix`, `distortions` (k1, k2,
p1, p2 and perhaps k3), `rotation` (a rotation vector) and `translation`, so that a point p in the world is R p + t in the
camera's axes (x right, y down, z forward). The file does not say in which unit; Anipose and FreeMoCap have that of their board.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import UNITS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FARTHEST_M = 100.0
"""Cameras that stand farther from the middle of the world than this are in another unit."""

_TURNS = 20
"""Rounds in which a lens is straightened: each leaves less than a tenth of the error of a usual lens."""

_SAME_PX = 1.0
_BLOCK_PX = 16
_STRAIGHT_PX = 0.05


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """size: (width, height) pixels, or None where the file does not say. distortion: (5,) k1, k2, p1, p2, k3 of Brown's model.
    rotation (3, 3), translation (3,) metres: a point p of the world is rotation @ p + translation in the camera's axes."""

    name: str
    size: tuple[int, int] | None
    camera: Intrinsics
    distortion: NDArray[np.float64]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def seen(self, clip: Clip) -> Clip:
        """The clip as a pinhole camera would have seen it, with this camera's intrinsics; without joints so far outside of the
        image that the lens is not known there, which is noted. UserError where its image is of another size, or has no 2D."""
        name = clip.source or "a clip"
        if clip.keypoints is None:
            raise UserError(f"{name}: has no 2D keypoints to lift")
        padded = self._padded_note(clip, name)
        rays = self.rays(np.where(clip.visible[..., None], clip.keypoints, np.nan), clip.image_size)
        visible = np.isfinite(rays[..., 0])
        there = np.concatenate((np.nan_to_num(rays), np.ones((*visible.shape, 1))), axis=-1)
        pixels = np.where(visible[..., None], self.camera.project(there), 0).astype(np.float32)
        lost = int((clip.visible & ~visible).sum())
        far = f"{lost} of all joints lie so far outside of the image that the lens tells nothing there, and are left out"
        return replace(
            clip, keypoints=pixels, visible=visible, derived=clip.derived & visible, edited=clip.edited & visible,
            confidence=np.where(visible, clip.confidence, 0).astype(np.float32), camera=self.camera,
            notes=(*clip.notes, *padded, *((far,) if lost else ())),
        ).after(f"seen by the calibrated camera '{self.name}'")  # fmt: skip

    def _padded_note(self, clip: Clip, name: str) -> tuple[str, ...]:
        """What is to be said of an image that is a little smaller or larger than the calibrated one, as codecs pad it at two of
        its edges; UserError for one of any other size."""
        if self.size is None or np.abs(np.subtract(clip.image_size, self.size)).max() <= _SAME_PX:
            return ()
        said = f"its image is {clip.image_size[0]} x {clip.image_size[1]} pixels"
        calibrated = f"was calibrated for {self.size[0]} x {self.size[1]}"
        if any(_padded(a) != _padded(b) for a, b in zip(clip.image_size, self.size, strict=True)):
            raise UserError(f"{name}: {said}, but the camera '{self.name}' {calibrated}")
        return (f"{said}, and its camera {calibrated}, which is the same but for the edge that codecs add",)

    def rays(self, pixels: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float64]:
        """(..., 2) rays of pixels (..., 2), by fixed-point rounds as OpenCV does; NaN for pixels that are NaN, or outside of an
        image of (width, height) pixels where none is found. UserError where none is found inside."""
        known = np.isfinite(pixels).all(-1)
        seen = np.where(known[..., None], (np.nan_to_num(pixels) - self.camera.centre) / self.camera.focal, 0)
        rays = seen.copy()
        with np.errstate(invalid="ignore"):
            for _ in range(_TURNS):
                rays += seen - self._bent(rays)
            found = (np.abs(seen - self._bent(rays)) * self.camera.focal <= _STRAIGHT_PX).all(-1)
            inside = ((pixels >= 0) & (pixels <= size)).all(-1)
        if (inside & ~found).any():
            raise UserError(
                f"the camera '{self.name}': its lens bends too much to be straightened out to the edge of the image"
            )
        return np.where((known & found)[..., None], rays, np.nan)

    def _bent(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        k1, k2, p1, p2, k3 = self.distortion
        x, y = rays[..., 0], rays[..., 1]
        with np.errstate(over="ignore", invalid="ignore"):
            square = x * x + y * y
            radial = 1 + square * (k1 + square * (k2 + square * k3))
            across = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)
            down = y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y
        return np.stack((across, down), axis=-1)


def _padded(pixels: int) -> int:
    """An image's side as codecs have it, which know blocks alone."""
    return -(-pixels // _BLOCK_PX) * _BLOCK_PX


def read_cameras(path: Path, unit: str = "m") -> tuple[CalibratedCamera, ...]:
    """All cameras of a calibration file. unit: of its translations, a name from UNITS. UserError where it cannot be read, has
    none, or one of them lacks something."""
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: is no calibration in TOML ({error})") from None
    tables = {key: table for key, table in content.items() if isinstance(table, dict) and "matrix" in table}
    if not tables:
        raise UserError(f"{path}: has no cameras, which are tables with matrix, rotation and translation")
    cameras = tuple(_camera(f"{path}, [{key}]", str(table.get("name", key)), table, unit) for key, table in tables.items())
    names = [camera.name for camera in cameras]
    if len(set(names)) < len(names):
        raise UserError(f"{path}: two cameras have the same name")
    return cameras


def camera_of(cameras: Sequence[CalibratedCamera], file: Path, name: str = "") -> CalibratedCamera:
    """The camera of that name, or, without one, whose name is the file's or stands in it, but for signs: cam_01 and cam01.json.
    UserError where there is none, or more than one."""
    known = ", ".join(camera.name for camera in cameras)
    if name:
        found = [camera for camera in cameras if camera.name == name]
        if not found:
            raise UserError(f"{file}: there is no camera '{name}' (there are: {known})")
        return found[0]
    plain = {camera.name: re.sub(r"\W|_", "", camera.name.lower()) for camera in cameras}
    stem = re.sub(r"\W|_", "", file.stem.lower())
    exact = [camera for camera in cameras if plain[camera.name] == stem]
    found = exact or [camera for camera in cameras if re.search(re.escape(plain[camera.name]) + r"(?!\d)", stem)]
    if len(found) != 1:
        raise UserError(f"{file}: cannot tell which camera saw it: say CAMERA={file.name} (there are: {known})")
    return found[0]


def _camera(where: str, name: str, table: Mapping[str, Any], unit: str) -> CalibratedCamera:
    if table.get("fisheye"):
        raise UserError(f"{where}: is a fisheye lens, which is not known here: straighten its 2D first")
    matrix, rotation, translation = (_numbers(where, table, key, shape) for key, shape in _SHAPES.items())
    bends = np.zeros(5)
    if "distortions" in table:
        told = _numbers(where, table, "distortions", None).ravel()
        if len(told) > 5 and told[5:].any():
            raise UserError(f"{where}: distortions has {len(told)} numbers, and 5 are known: k1, k2, p1, p2, k3")
        bends[: len(told)] = told[:5]
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise UserError(f"{where}: its focal length must be more than 0")
    translation *= UNITS[unit]
    if np.linalg.norm(translation) > _FARTHEST_M:
        away = f"stands {np.linalg.norm(translation):.0f} m from the middle of the world"
        raise UserError(f"{where}: {away}: in which unit is its translation (--unit mm, as boards are often measured)?")
    size = None
    if "size" in table:
        width, height = _numbers(where, table, "size", (2,))
        size = (round(width), round(height))
    turn = Rotation.from_rotvec(rotation).as_matrix()
    return CalibratedCamera(name, size, Intrinsics.from_matrix(matrix), bends, turn, translation)


_SHAPES = {"matrix": (3, 3), "rotation": (3,), "translation": (3,)}


def _numbers(where: str, table: Mapping[str, Any], key: str, shape: tuple[int, ...] | None) -> NDArray[np.float64]:
    try:
        numbers = np.array(table[key], float)
    except KeyError:
        raise UserError(f"{where}: does not say {key}") from None
    except (TypeError, ValueError):
        raise UserError(f"{where}: {key} is not made of numbers") from None
    if (shape is not None and numbers.shape != shape) or not np.isfinite(numbers).all():
        wanted = "numbers" if shape is None else " x ".join(map(str, shape)) + " numbers"
        raise UserError(f"{where}: {key} must be {wanted}")
    return numbers
