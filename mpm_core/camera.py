"""Owns cameras: intrinsics, projection, pixel normalisation, axes, and placing the root in camera space.

Camera axes are x right, y down, z forward, in metres. Rays are (X/Z, Y/Z). Pixels have their origin at the top left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What is assumed of an unknown camera: the field of view of Human3.6M's cameras along the longer side of the image.
ASSUMED_FIELD_OF_VIEW_DEG = 47.2

LEVEL_CAMERA_UP = (0.0, -1.0, 0.0)
"""The direction away from the ground, in the axes of a camera that is held level."""

_SMALLEST_DETERMINANT = 1e-9
_PATH_SMOOTHING_FRAMES = 2.0
_PATH_REACH = 4.0  # times that, as far as smoothing looks

# A person's depth differs by such a share, or so many metres, at most from its median over so many known frames before and
# after.
_DEPTH_NEIGHBOURS = 40
_DEPTH_MAY_DIFFER = 0.35
_DEPTH_MAY_DIFFER_M = 0.5


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera. focal and centre: (x, y) in pixels. `is_assumed`: guessed, not read from a file."""

    focal: tuple[float, float]
    centre: tuple[float, float]
    is_assumed: bool = False

    @classmethod
    def assumed(cls, image_size: tuple[int, int], field_of_view_deg: float = ASSUMED_FIELD_OF_VIEW_DEG) -> Intrinsics:
        """A camera with this field of view along the image's longer side, looking at its middle."""
        focal = max(image_size) / 2 / math.tan(math.radians(field_of_view_deg) / 2)
        return cls((focal, focal), (image_size[0] / 2, image_size[1] / 2), is_assumed=True)

    def field_of_view_deg(self, image_size: tuple[int, int]) -> float:
        """The angle along the longer side of an image of this (width, height)."""
        longer = int(image_size[1] > image_size[0])
        return 2 * math.degrees(math.atan(image_size[longer] / 2 / self.focal[longer]))

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.floating]) -> Intrinsics:
        """From a 3 x 3 camera matrix K; its skew is ignored."""
        return cls((float(matrix[0, 0]), float(matrix[1, 1])), (float(matrix[0, 2]), float(matrix[1, 2])))

    def rays(self, pixels: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., 2) pixels -> (..., 2) rays."""
        rays = pixels - np.array(self.centre)
        rays /= np.array(self.focal)  # in place: of a long clip each array is large
        return rays.astype(np.float32)

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., 3) metres in camera axes -> (..., 2) pixels."""
        rays = points[..., :2] / points[..., 2:]
        return (rays * np.array(self.focal) + np.array(self.centre)).astype(np.float32)


def to_screen(pixels: NDArray[np.floating], image_size: tuple[int, int]) -> NDArray[np.float32]:
    """Pixels -> VideoPose3D's screen coordinates: x in [-1, 1] over the width, y by the same scale."""
    width, height = image_size
    return ((pixels * 2 - np.array([width, height])) / width).astype(np.float32)


def to_camera(
    world: NDArray[np.floating], rotation: NDArray[np.floating], translation: NDArray[np.floating]
) -> NDArray[np.float32]:
    """(..., 3) world metres -> camera axes: R x + t, with R (3, 3) and t (3,)."""
    return (world @ np.asarray(rotation).T + np.asarray(translation)).astype(np.float32)


def upright(points: NDArray[np.floating], up: tuple[float, float, float]) -> NDArray[np.floating]:
    """Points (..., 3) in camera axes -> x right, y away from the ground, z towards the viewer.

    up: away from the ground, in camera axes. For a level camera this only turns y and z round.
    """
    y = np.array(up, np.float64)
    y /= np.linalg.norm(y)
    backward = np.array([0.0, 0.0, -1.0])
    x = np.cross(y, backward)
    if np.linalg.norm(x) < 1e-6:  # the camera looks straight up or down
        x = np.array([1.0, 0.0, 0.0])
    x /= np.linalg.norm(x)
    return points @ np.stack((x, y, np.cross(x, y)), axis=-1).astype(points.dtype)


def solve_root(positions: NDArray[np.floating], rays: NDArray[np.floating], visible: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Where Hip is in each frame by itself, so that the pose is seen along its rays.

    positions: (frames, joints, 3) metres from Hip, rays: (frames, joints, 2), visible: (frames, joints). The least
    squares solution T of (X + T) parallel to the ray over the visible joints. Returns (frames, 3), NaN where fewer than
    two joints are visible or the answer lies behind the camera.
    """
    x, y, z = np.moveaxis(positions.astype(np.float64), -1, 0)
    u, v = np.moveaxis(np.where(visible[..., None], rays, 0.0).astype(np.float64), -1, 0)
    w = visible.astype(np.float64)
    right_x, right_y = u * z - x, v * z - y
    normal = np.zeros((len(positions), 3, 3))
    normal[:, 0, 0] = normal[:, 1, 1] = w.sum(1)
    normal[:, 0, 2] = normal[:, 2, 0] = -u.sum(1)
    normal[:, 1, 2] = normal[:, 2, 1] = -v.sum(1)
    normal[:, 2, 2] = (u * u + v * v).sum(1)
    b = np.stack(((w * right_x).sum(1), (w * right_y).sum(1), -(u * right_x + v * right_y).sum(1)), axis=-1)
    root = np.full((len(positions), 3), np.nan)
    solvable = (visible.sum(1) >= 2) & (np.linalg.det(normal) > _SMALLEST_DETERMINANT)
    root[solvable] = np.linalg.solve(normal[solvable], b[solvable][..., None])[..., 0]
    root[~(root[:, 2] > 0)] = np.nan
    return root.astype(np.float32)


def _fits_its_neighbours(depth: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(known frames,): whether each depth is near the median of the known frames around it."""
    from scipy.ndimage import median_filter  # slow to import, and not needed to open a window

    size = min(2 * _DEPTH_NEIGHBOURS + 1, len(depth))
    median = median_filter(depth, size, mode="reflect")
    return np.abs(depth - median) <= np.maximum(_DEPTH_MAY_DIFFER * median, _DEPTH_MAY_DIFFER_M)


class SmoothPath:
    """A path that becomes known, or other, bit by bit: its NaN frames are interpolated, then it is smoothed in time; zero when
    no frame is known. Depths that a wrong 2D pose has made, far from those of the frames around, count as unknown.

    smooth: (frames, 3). pieces: stretches of frames with pauses between them, each smoothed by itself.
    """

    def __init__(self, frames: int, pieces: Sequence[slice] = (slice(None),)) -> None:
        self.smooth = np.zeros((frames, 3), np.float32)
        self._pieces = [_SmoothPiece(piece.start or 0, self.smooth[piece]) for piece in pieces]

    def renew(self, root: NDArray[np.floating], first: int, last: int) -> slice:
        """Take over frames first to last (excluded) of the path (frames, 3); returns the frames that may be other ones now."""
        changed = [first, last]
        for piece in self._pieces:
            low, high = max(first, piece.start), min(last, piece.end)
            if low < high:
                part = piece.renew(root[piece.start : piece.end], low - piece.start, high - piece.start)
                changed += [part.start + piece.start, part.stop + piece.start]
        for number, piece in enumerate(self._pieces):
            place = self._place_beside(number)
            if not piece.is_known and (piece.smooth != place).any():
                piece.smooth[:] = place
                changed += [piece.start, piece.end]
        return slice(min(changed), max(changed))

    def _place_beside(self, number: int) -> NDArray[np.float32]:
        """(3,) where the person was last before a piece in which nobody knows, else where they are next."""
        before = next((piece.smooth[-1] for piece in reversed(self._pieces[:number]) if piece.is_known), None)
        after = next((piece.smooth[0] for piece in self._pieces[number:] if piece.is_known), np.zeros(3, np.float32))
        return after if before is None else before


class _SmoothPiece:
    """A stretch of such a path without a pause. smooth: (frames, 3), a view of the whole one."""

    def __init__(self, start: int, smooth: NDArray[np.float32]) -> None:
        self.start, self.end, self.smooth = start, start + len(smooth), smooth
        frames = len(smooth)
        self._known, self._fits = np.zeros(frames, bool), np.zeros(frames, bool)
        self._known_before = 0

    @property
    def is_known(self) -> bool:
        """Whether the path is known in any frame."""
        return bool(self._fits.any())

    def renew(self, root: NDArray[np.floating], first: int, last: int) -> slice:
        """Take over frames first to last (excluded) of the path (frames, 3); returns the frames that may be other ones now."""
        self._known[first:last] = np.isfinite(root[first:last]).all(-1)
        known = np.flatnonzero(self._known)
        first, last = self._judge(root, known, first, last)
        self._known_before = len(known)
        fitting = np.flatnonzero(self._fits)
        if not len(fitting):
            self.smooth[:] = 0
            return slice(0, len(root))
        return self._smooth_between(root, fitting, first, last)

    def _judge(self, root: NDArray[np.floating], known: NDArray[np.int64], first: int, last: int) -> tuple[int, int]:
        """Find out which known frames fit their neighbours, where that may have changed; returns the range of frames that
        this and the change before concern."""
        low, high = (int(place) for place in np.searchsorted(known, (first, last)))
        low, high = max(low - _DEPTH_NEIGHBOURS, 0), min(high + _DEPTH_NEIGHBOURS, len(known))
        window = 2 * _DEPTH_NEIGHBOURS + 1
        if min(len(known), self._known_before) < window:  # then all frames are neighbours
            low, high, first, last = 0, len(known), 0, len(root)
        begin = max(low - _DEPTH_NEIGHBOURS, 0)
        end = max(high + _DEPTH_NEIGHBOURS, begin + window)
        begin = max(min(begin, len(known) - window), 0)
        self._fits[first:last] = False
        if low < high:
            fits = _fits_its_neighbours(root[known[begin:end], 2])
            self._fits[known[low:high]] = fits[low - begin : high - begin]
            first, last = min(first, int(known[low])), max(last, int(known[high - 1]) + 1)
        return first, last

    def _smooth_between(self, root: NDArray[np.floating], fitting: NDArray[np.int64], first: int, last: int) -> slice:
        """Interpolate and smooth a range of frames, and as far around as the frames that fit tell of."""
        from scipy.ndimage import gaussian_filter1d  # slow to import, and not needed to open a window

        low, high = (int(place) for place in np.searchsorted(fitting, (first, last)))
        reach = math.ceil(_PATH_REACH * _PATH_SMOOTHING_FRAMES)
        first = max(int(fitting[low - 1]) - reach, 0) if low else 0
        last = min(int(fitting[high]) + reach + 1, len(root)) if high < len(fitting) else len(root)
        begin, end = max(first - reach, 0), min(last + reach, len(root))
        low, high = (int(place) for place in np.searchsorted(fitting, (begin, end)))
        points = fitting[max(low - 1, 0) : high + 1]
        frames = np.arange(begin, end)
        filled = np.stack([np.interp(frames, points, root[points, axis]) for axis in range(3)], axis=-1)
        smooth = gaussian_filter1d(filled, _PATH_SMOOTHING_FRAMES, axis=0, mode="nearest", truncate=_PATH_REACH)
        self.smooth[first:last] = smooth[first - begin : last - begin]
        return slice(first, last)
