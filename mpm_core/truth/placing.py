"""Owns where a clip's camera sees ground truth of another world: one rotation and one place for all frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, solve_root
from mpm_core.skeleton import MPM16

_MOST_FRAMES = 400
_FEWEST_POINTS = 20
_ROBUST_SHARE = 0.02  # of the person's height in the picture: errors beyond are played down
_NEAREST_M = 0.2
_STEP = 1e-3  # of a rotation, that places in single precision tell

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sight:
    """What is known of the same joints in 2D and 3D. pixels: (frames, 16, 2), world: (frames, 16, 3) metres, both: (frames,
    16) bool, where both are known. height_px: of the person in the picture."""

    pixels: Array
    world: Array
    both: NDArray[np.bool_]
    height_px: float

    @classmethod
    def of(cls, pixels: NDArray[np.floating], visible: NDArray[np.bool_], world: NDArray[np.floating]) -> Sight | None:
        """None where fewer than 20 joints are known in both."""
        both = visible & np.isfinite(world).all(-1)
        if both.sum() < _FEWEST_POINTS:
            return None
        seen = np.where(visible[..., None], pixels, np.nan).astype(np.float64)[both.any(1)]
        boxes = np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)
        height = max(float(np.median(np.linalg.norm(boxes, axis=-1))), 1.0)
        return cls(np.where(both[..., None], pixels, 0.0).astype(np.float64),
                   np.where(both[..., None], world, 0.0).astype(np.float64), both, height)  # fmt: skip

    def thinned(self) -> Sight:
        """At most 400 of the frames in which joints are known in both, evenly spread."""
        frames = np.flatnonzero(self.both.any(1))
        frames = frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).astype(int)]
        return Sight(self.pixels[frames], self.world[frames], self.both[frames], self.height_px)


@dataclass(frozen=True)
class Placed:
    """positions: (frames, 16, 3) metres in camera axes, NaN where unknown, absolute or relative to Hip. rotation: (3, 3) from
    the world to camera axes. error_px: median distance in the picture of joints known in both; share: of the person's height.
    is_absolute: whether the person's place is part of it."""

    positions: NDArray[np.float32]
    rotation: Array
    error_px: float
    share: float
    is_absolute: bool


def place(sight: Sight, world: NDArray[np.floating], camera: Intrinsics) -> list[Placed]:
    """The rigid motion that puts world positions (frames, 16, 3) where the camera sees them nearest to the keypoints, first
    with the person's own path, then with the person wherever each frame shows them; a way that finds none is left out.

    It starts from the linear map of an affine camera and ends with least squares of the distances in the picture, in which
    large ones count less. How large the person is and how far away cannot be told apart by one camera: the size stays.
    """
    few = sight.thinned()
    start = _affine_rotation(few, camera)
    if start is None:
        return []
    found = [_place_with_path(few, sight, world, camera, start), _place_in_each(few, sight, world, camera, start)]
    return [placed for placed in found if placed is not None]


def as_it_is(sight: Sight, world: NDArray[np.floating], camera: Intrinsics) -> Placed:
    """Positions that may be in the camera's axes already; absolute where they lie where the person is seen."""
    flat = _project(sight.world, camera)
    error = _median_error(flat, sight)
    if error <= sight.height_px and not (np.abs(world[:, MPM16.root]) < 1e-6).all():
        return Placed(np.asarray(world, np.float32), np.eye(3), error, error / sight.height_px, True)
    rooted = _rooted(sight, np.eye(3), camera)
    error = np.inf if rooted is None else _median_error(_project(rooted, camera), sight)
    relative = world - world[:, MPM16.root, None]
    return Placed(np.asarray(relative, np.float32), np.eye(3), error, error / sight.height_px, False)


def _affine_rotation(sight: Sight, camera: Intrinsics) -> Array | None:
    """The rotation of the affine camera that maps joints relative to Hip in 3D to those in 2D; None for a pose that is flat."""
    with_hip = sight.both & sight.both[:, MPM16.root, None]
    rays = camera.rays(sight.pixels).astype(np.float64)
    flat = (rays - rays[:, MPM16.root, None])[with_hip]
    solid = (sight.world - sight.world[:, MPM16.root, None])[with_hip]
    if len(flat) < _FEWEST_POINTS:
        middle = [np.where(sight.both[..., None], v, np.nan) for v in (rays, sight.world)]
        flat, solid = ((v - np.nanmean(v, axis=1, keepdims=True))[sight.both] for v in middle)
    linear, _, rank, _ = np.linalg.lstsq(solid, flat, rcond=1e-6)
    if rank < 3:
        return None
    left, _, right = np.linalg.svd(linear.T, full_matrices=False)
    rows = left @ right  # (2, 3), the nearest two orthogonal rows
    return np.concatenate((rows, np.cross(rows[0], rows[1])[None]))


def _place_with_path(few: Sight, sight: Sight, world: NDArray[np.floating], camera: Intrinsics, start: Array) -> Placed | None:
    from scipy.optimize import least_squares  # slow to import, and not needed to open a window
    from scipy.spatial.transform import Rotation

    points, pixels = few.world[few.both], few.pixels[few.both]
    rays = camera.rays(pixels).astype(np.float64)
    turned = points @ start.T
    rows = np.zeros((len(points), 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = -1.0
    rows[:, :, 2] = rays
    wanted = turned[:, :2] - rays * turned[:, 2:]
    shift = np.linalg.lstsq(rows.reshape(-1, 3), wanted.ravel(), rcond=None)[0]
    depth = turned[:, 2] + shift[2]
    if np.median(depth) < _NEAREST_M:
        return None

    def distances(parameters: Array) -> Array:
        seen = Rotation.from_rotvec(parameters[:3]).apply(points) + parameters[3:]
        return ((_project(seen, camera) - pixels) / (_ROBUST_SHARE * few.height_px)).ravel()

    begin = np.concatenate((Rotation.from_matrix(start).as_rotvec(), shift))
    fit = least_squares(distances, begin, loss="soft_l1", x_scale="jac", max_nfev=60)
    turn = Rotation.from_rotvec(fit.x[:3]).as_matrix()
    error = _median_error(_project(sight.world @ turn.T + fit.x[3:], camera), sight)
    positions = np.asarray(world @ turn.T + fit.x[3:], np.float32)
    return Placed(positions, turn, error, error / sight.height_px, True)


def _place_in_each(few: Sight, sight: Sight, world: NDArray[np.floating], camera: Intrinsics, start: Array) -> Placed | None:
    from scipy.optimize import least_squares  # slow to import, and not needed to open a window
    from scipy.spatial.transform import Rotation

    def distances(parameters: Array) -> Array:
        rooted = _rooted(few, Rotation.from_rotvec(parameters).as_matrix(), camera)
        off = np.zeros((int(few.both.sum()), 2))
        if rooted is not None:
            off = (_project(rooted, camera) - few.pixels)[few.both]
        # Frames that no place fits count as far off, whatever the rotation.
        return np.nan_to_num(off / (_ROBUST_SHARE * few.height_px), nan=100.0).ravel()

    fit = least_squares(distances, Rotation.from_matrix(start).as_rotvec(), loss="soft_l1", diff_step=_STEP, max_nfev=40)
    turn = Rotation.from_rotvec(fit.x).as_matrix()
    rooted = _rooted(sight, turn, camera)
    if rooted is None:
        return None
    error = _median_error(_project(rooted, camera), sight)
    relative = np.asarray((world - world[:, MPM16.root, None]) @ turn.T, np.float32)
    return Placed(relative, turn, error, error / sight.height_px, False) if np.isfinite(error) else None


def _rooted(sight: Sight, turn: Array, camera: Intrinsics) -> Array | None:
    """World positions turned, and in each frame where its own keypoints place them: (frames, 16, 3), NaN where nowhere."""
    anchor = np.where(sight.both[:, MPM16.root, None], sight.world[:, MPM16.root], _mean_of_known(sight))
    turned = (sight.world - anchor[:, None]) @ turn.T
    root = solve_root(turned, camera.rays(sight.pixels), sight.both)
    return turned + root[:, None] if np.isfinite(root).any() else None


def _mean_of_known(sight: Sight) -> Array:
    weight = sight.both[..., None]
    return (sight.world * weight).sum(1) / np.maximum(weight.sum(1), 1)


def _project(points: Array, camera: Intrinsics) -> Array:
    """As a camera does, but what is behind it or too near is put just in front, so that it is far off and finite."""
    depth = np.where(np.isnan(points[..., 2:]), np.nan, np.maximum(points[..., 2:], _NEAREST_M))
    return np.asarray(points[..., :2] / depth * np.array(camera.focal) + np.array(camera.centre), np.float64)


def _median_error(flat: Array, sight: Sight) -> float:
    off = np.linalg.norm(flat - sight.pixels, axis=-1)[sight.both]
    return float(np.median(np.where(np.isfinite(off), off, np.inf)))
