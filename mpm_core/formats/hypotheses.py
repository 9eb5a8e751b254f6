"""Owns hypotheses and their uncertainty in files: what is written of an answer, and how they are read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import Probe
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16


@dataclass(frozen=True, eq=False)
class ReadHypotheses:
    """What a file says beside its 3D: uncertainty (frames, 16) metres, and hypotheses (samples, frames, 16, 3) metres from
    Hip in camera axes, which a CSV has not."""

    uncertainty: NDArray[np.float32]
    hypotheses: NDArray[np.float32] | None


def uncertainty_to_write(content: Clip | Prediction) -> NDArray[np.float32]:
    """(frames, 16) metres; UserError where nothing is known of it."""
    if isinstance(content, Clip) or content.uncertainty is None:
        raise UserError(
            "--uncertainty: nothing is known of it here; it is that of a lifted or completed answer, by --samples"
            " or mirror averaging"
        )
    return content.uncertainty


def read_hypotheses(path: Path | str) -> ReadHypotheses:
    """What `--uncertainty` has written to an NPZ or a plain CSV; UserError for a file without it, or a damaged one."""
    path = Path(path)
    if path.suffix.lower() == ".csv":
        return ReadHypotheses(_of_csv(path), None)
    arrays = read_npz(path, ("uncertainty", "hypotheses"))
    if "uncertainty" not in arrays:
        raise UserError(f"{path}: says nothing of uncertainty (written with --uncertainty it does)")
    uncertainty = _floats(arrays["uncertainty"], path, "uncertainty", (None, len(MPM16)))
    if "hypotheses" not in arrays:
        return ReadHypotheses(uncertainty, None)
    shape = (None, len(uncertainty), len(MPM16), 3)
    return ReadHypotheses(uncertainty, _floats(arrays["hypotheses"], path, "hypotheses", shape))


def _floats(array: Any, path: Path, name: str, shape: tuple[int | None, ...]) -> NDArray[np.float32]:
    values = np.asarray(array)
    fits = values.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, values.shape, strict=True))
    if not fits or values.dtype.kind != "f":
        raise UserError(f"{path}: '{name}' must be numbers in the shape {tuple('any' if n is None else n for n in shape)}")
    return values.astype(np.float32)


def _of_csv(path: Path) -> NDArray[np.float32]:
    table = Probe(path).table
    if "uncertainty" in table.header and "joint" in table.header:
        names, which = table.labels("joint")
        frames, places = np.unique(table.numbers(["frame"])[:, 0], return_inverse=True)
        uncertainty = np.full((len(frames), len(MPM16)), np.nan, np.float32)
        joints = np.array([MPM16.index(name) for name in names])[which]
        uncertainty[places, joints] = table.numbers(["uncertainty"])[:, 0]
        return uncertainty
    columns = [f"{joint}_uncertainty" for joint in MPM16.joints]
    if not set(columns) <= set(table.header):
        raise UserError(f"{path}: says nothing of uncertainty (written with --uncertainty it does)")
    return table.numbers(columns).astype(np.float32)
