"""Reads an answer back from a file that it was written to, as far as the file keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.pickled_npz import list_arrays, read_npz
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

NO_MASK_NOTE = "the file does not say what was hidden from the lifter: all joints count as visible"
KNOWN_UP_NOTE = "the file holds up as it was known and not as the lifter told it, so that there is no error of up"

_BY_FRAME = {"positions": (len(MPM16), 3), "root": (3,), "hidden": (len(MPM16),), "contact": (2,), "foot_height": (2,)}


def read_answer(path: Path, clip: Clip) -> tuple[Prediction, tuple[str, ...]]:
    """An answer, and what is to be said of it. clip: the file as read_clip reads it.

    An NPZ of ours keeps what was hidden, where the person stands, up and which feet stand; other files have positions alone.
    UserError when the file holds no 3D, or its arrays do not fit each other.
    """
    if path.suffix.lower() == ".npz" and {"positions", "root", "hidden", "times"} <= set(list_arrays(path)):
        arrays = read_npz(path, (*_BY_FRAME, "up_error_deg"))
        return _from_arrays(arrays, clip, path), () if "up_error_deg" in arrays else (KNOWN_UP_NOTE,)
    clip = clip.to_mpm16()
    if clip.ground_truth is None:
        raise UserError(f"{path}: holds no 3D positions, so that nothing can be measured")
    places = clip.ground_truth.astype(np.float32)
    root = places[:, MPM16.root].copy()
    nothing = np.zeros(places.shape[:2], bool)
    answer = Prediction(
        places - root[:, None], root, nothing, nothing[:, 0].copy(), clip.times, clip.fps, "unknown", "lift", "unknown",
    )  # fmt: skip
    return answer, (NO_MASK_NOTE,)


def _from_arrays(arrays: dict[str, Any], clip: Clip, path: Path) -> Prediction:
    count = len(clip)
    for name, shape in _BY_FRAME.items():
        array = arrays.get(name)
        kinds = "b" if name == "hidden" else "f"
        if array is not None and (array.shape != (count, *shape) or array.dtype.kind not in kinds):
            raise UserError(f"{path}: '{name}' must be an array {(count, *shape)} of {'bool' if kinds == 'b' else 'numbers'}")
    return Prediction(
        arrays["positions"].astype(np.float32), arrays["root"].astype(np.float32), arrays["hidden"],
        np.zeros(count, bool), clip.times, clip.fps, "unknown", "lift", "unknown",
        up=np.array(clip.up, np.float32) if clip.up is not None and "up_error_deg" in arrays else None,
        stands=arrays.get("contact"), foot_height=arrays.get("foot_height"),
        up_error_deg=float(arrays["up_error_deg"]) if "up_error_deg" in arrays else None,
    )  # fmt: skip
