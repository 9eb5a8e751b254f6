"""Owns two calibrated cameras in relation to each other: where what both see must lie, and how far off it is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mpm_core.calibrated import CalibratedCamera


class Placed(Protocol):
    """Where a camera stands: a point p of the world is rotation @ p + translation in its axes."""

    @property
    def rotation(self) -> NDArray[np.floating]: ...

    @property
    def translation(self) -> NDArray[np.floating]: ...


def relation(first: Placed, second: Placed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation (3, 3) and offset (3,): a point p in the axes of the first is rotation @ p + offset in those of the second."""
    rotation = np.asarray(second.rotation, float) @ np.asarray(first.rotation, float).T
    return rotation, np.asarray(second.translation, float) - rotation @ np.asarray(first.translation, float)


class Beside:
    """One camera in relation to another; rotation, offset: see relation."""

    def __init__(self, first: CalibratedCamera, second: CalibratedCamera) -> None:
        self.first, self.second = first.camera, second.camera
        self.rotation, self.offset = relation(first, second)
        x, y, z = self.offset
        self._essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ self.rotation

    def lines(self, pixels: NDArray[np.floating], is_first: bool) -> tuple[NDArray[np.float64], ...]:
        """Of pixels (..., 2): their rays (..., 3), the lines (..., 3) on which the other camera sees them, and how fast the
        distance from these grows, squared (...,)."""
        camera, other = (self.first, self.second) if is_first else (self.second, self.first)
        rays = np.concatenate((camera.rays(pixels), np.ones((*pixels.shape[:-1], 1))), axis=-1).astype(np.float64)
        lines = rays @ (self._essential.T if is_first else self._essential)
        return rays, lines, np.square(lines[..., :2] / np.array(other.focal)).sum(-1)

    def distances(self, first: NDArray[np.floating] | None, second: NDArray[np.floating] | None) -> NDArray[np.float64]:
        """(...,) signed pixels by which what both see (..., 2) would have to move, to first order (Sampson, 1982)."""
        assert first is not None and second is not None
        _, lines, one = self.lines(first, True)
        rays, _, two = self.lines(second, False)
        return np.asarray((rays * lines).sum(-1) / np.sqrt(np.maximum(one + two, 1e-18)))

    def places(self, first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) metres in the first camera's axes: the middle of the shortest way from ray to ray of pixels (..., 2)."""
        one, two = self.lines(first, True)[0], self.lines(second, False)[0] @ self.rotation
        centre = -self.offset @ self.rotation
        a, b, c = (one * one).sum(-1), (one * two).sum(-1), (two * two).sum(-1)
        d, e = one @ centre, two @ centre
        apart = np.maximum(a * c - b * b, 1e-12)
        return ((c * d - b * e)[..., None] * one + (centre * apart[..., None] + (b * d - a * e)[..., None] * two)) / (
            2 * apart[..., None]
        )
