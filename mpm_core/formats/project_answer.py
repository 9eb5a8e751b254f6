"""Owns how an answer is kept in a project: exactly, array by array, with what JSON can say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core import provenance
from mpm_core.errors import UserError
from mpm_core.limits import check_rate
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_SHAPES: Mapping[str, tuple[tuple[int, ...], str]] = {
    "positions": ((len(MPM16), 3), "f"), "root": ((3,), "f"), "hidden": ((len(MPM16),), "b"), "is_prior_only": ((), "b"),
    "times": ((), "f"), "uncertainty": ((len(MPM16),), "f"), "foot_odds": ((2,), "f"), "foot_height": ((2,), "f"),
    "moved": ((len(MPM16),), "f"), "stands": ((2,), "f"),
}  # fmt: skip
"""What each frame has in the arrays that are kept, and their kind. The network's single hypotheses are not kept."""

_NEEDED = ("positions", "root", "hidden", "is_prior_only", "times")
_KNOWN = ("positions", "root", "times")


def answer_parts(answer: Prediction) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What JSON can say of an answer, and its arrays."""
    arrays = {name: array for name in (*_SHAPES, "up") if (array := getattr(answer, name)) is not None}
    note = {
        "fps": answer.fps, "lifter": answer.lifter, "task": answer.task, "mode": answer.mode, "scale": answer.scale,
        "up_error_deg": answer.up_error_deg, "history": provenance.as_rows(answer.history),
    }  # fmt: skip
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in note.items()}, arrays


def answer_from(note: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], frames: int, where: str) -> Prediction:
    """What answer_parts gave, of a clip of so many frames; UserError, beginning with `where`, for what cannot have come from
    there."""
    try:
        history = provenance.of_rows(note["history"])
        kept: dict[str, Any] = {name: arrays[name] for name in _SHAPES if name in arrays or name in _NEEDED}
        for name, array in kept.items():
            shape, kind = _SHAPES[name]
            is_known = name not in _KNOWN or np.isfinite(array).all()
            if array.shape != (frames, *shape) or array.dtype.kind != kind or not is_known:
                raise ValueError(name)
        up = arrays.get("up")
        if history is None or (up is not None and (up.shape != (3,) or up.dtype.kind != "f" or not np.isfinite(up).all())):
            raise ValueError("history")
        error, scale = note["up_error_deg"], float(note["scale"])
        if not 0 < scale < np.inf or not (np.diff(kept["times"]) > 0).all() or not np.isfinite(error or 0.0):
            raise ValueError("scale")
        return Prediction(
            **kept, up=up, fps=check_rate(note["fps"], where), lifter=str(note["lifter"]), task=str(note["task"]),
            mode=str(note["mode"]), scale=scale, up_error_deg=None if error is None else float(error), history=history,
        )  # fmt: skip
    except (LookupError, TypeError, ValueError, UserError):
        raise UserError(f"{where}: an answer that was kept is damaged") from None
