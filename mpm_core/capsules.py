"""Owns the geometry of a capsule, of which bodies are drawn and exported: rings about z, and axes that point along a bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unit_capsule(sides: int, rings: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Unit directions (n, 3) of its vertices, which end each belongs to (n,), 0 or 1, and triangles (m, 3); of so many corners
    around, and so many rings at each end."""
    latitude = np.concatenate((np.linspace(-np.pi / 2, 0, rings), np.linspace(0, np.pi / 2, rings)))
    around = np.arange(sides) / sides * 2 * np.pi
    x, y = np.outer(np.cos(latitude), np.cos(around)), np.outer(np.cos(latitude), np.sin(around))
    z = np.repeat(np.sin(latitude)[:, None], sides, axis=1)
    ring, side = np.meshgrid(np.arange(2 * rings - 1), np.arange(sides), indexing="ij")
    a, b = ring * sides + side, ring * sides + (side + 1) % sides
    faces = np.stack((a, b, a + sides, b, b + sides, a + sides), axis=-1).reshape(-1, 3)
    return np.stack((x, y, z), axis=-1).reshape(-1, 3), np.repeat([0.0, 1.0], rings * sides), faces


def axes_along(direction: NDArray[np.floating]) -> NDArray[np.float64]:
    """(parts, 3, 3) rotations whose third column points along each direction (parts, 3); the identity for a zero one."""
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    z = np.where(length > 1e-9, direction / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    right, ahead, up = z.T
    is_flat, zero = np.abs(up) < 0.9, np.zeros(len(z))
    # Across z and an axis that is not near it. Written out: np.cross takes ten times as long for so few.
    x = np.where(is_flat, (-ahead, right, zero), (zero, -up, ahead))
    x /= np.linalg.norm(x, axis=0)
    y = np.stack((ahead * x[2] - up * x[1], up * x[0] - right * x[2], right * x[1] - ahead * x[0]))
    return np.stack((x, y, z.T), axis=-2).transpose(2, 0, 1)
