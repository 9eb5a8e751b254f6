"""Owns reading MPI-INF-3DHP in P-STMO's layout: data_train_3dhp.npz and data_test_3dhp.npz."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import as_floats
from mpm_core.data.published.recording import Recording
from mpm_core.errors import UserError
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.skeleton import H36M17, MPI_INF_3DHP17

_UNITS_PER_METRE = 1000.0
_TEST_FPS = 25.0  # the test set's frames, as they are published
_TO_H36M17 = list(MPI_INF_3DHP17.indices(H36M17.joints))


@dataclass(frozen=True)
class TestSequence:
    """One sequence of the test set. points: (frames, 17, 2) pixels. joints: (frames, 17, 3) metres in camera axes. Both in
    MPI_INF_3DHP17's order. valid: (frames,) bool, the frames that the published protocol scores."""

    name: str
    points: NDArray[np.float64]
    joints: NDArray[np.float64]
    valid: NDArray[np.bool_]
    fps: float


def read_3dhp(path: Path) -> Iterator[Recording]:
    """Every sequence as its first camera sees it; UserError for another kind of file.

    The layout has camera axes only, so up is taken to be up in the image. The frame rate stands behind the cameras.
    """
    for name, sequence in _table(path).items():
        cameras, *rest = sequence if isinstance(sequence, (list, tuple)) and len(sequence) else [sequence]
        if not isinstance(cameras, dict) or not cameras:
            raise UserError(f"{path}: '{name}' holds no cameras")
        view = cameras if "data_3d" in cameras else next(iter(cameras.values()))
        joints = _array(view, "data_3d", 3, f"{path}: '{name}'") / _UNITS_PER_METRE
        level = np.stack((joints[..., 0], joints[..., 2], -joints[..., 1]), axis=-1)[:, _TO_H36M17]
        subject = name.split()[0] if name.strip() else name
        fps = _rate(rest)
        split = "val" if subject.startswith("TS") else "train"
        yield Recording(f"3dhp/{name}", subject, level, fps, split, ("up is taken from the camera",))


def read_3dhp_test(path: Path) -> Iterator[TestSequence]:
    """Every sequence of the test file; UserError for another kind of file."""
    for name, sequence in _table(path).items():
        where = f"{path}: '{name}'"
        points = _array(sequence, "data_2d", 2, where)
        joints = _array(sequence, "data_3d", 3, where) / _UNITS_PER_METRE
        valid = as_floats(sequence.get("valid", np.ones(len(points))), f"{where}, valid").ravel() > 0
        if not len(points) == len(joints) == len(valid):
            raise UserError(f"{where}: 2D, 3D and 'valid' are of different lengths")
        yield TestSequence(name, points, joints, valid, _TEST_FPS)


def _rate(rest: list[Any]) -> float | None:
    """Frames per second, where what stands behind the cameras are some."""
    try:
        rate = float(rest[0])
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    return rate if 0 < rate < np.inf else None


def _table(path: Path) -> dict[str, Any]:
    content = read_npz(path, ("data",)).get("data")
    if not isinstance(content, dict) or not content or not all(isinstance(name, str) for name in content):
        raise UserError(f"{path}: not MPI-INF-3DHP in P-STMO's layout, 'data' is no table of sequences")
    return content


def _array(view: Any, name: str, axes: int, where: str) -> NDArray[np.float64]:
    values = as_floats(view.get(name) if isinstance(view, dict) else None, f"{where}, {name}")
    if values.ndim != 3 or values.shape[1:] != (len(MPI_INF_3DHP17), axes):
        raise UserError(f"{where}: '{name}' must be (frames, {len(MPI_INF_3DHP17)}, {axes}), not {values.shape}")
    return values
