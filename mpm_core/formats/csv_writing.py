"""Writes this project's CSV: comments, then a row per frame or per joint; x, y (and z), confidence and source of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import IN_WORLD, WriteOptions
from mpm_core.formats.hypotheses import uncertainty_to_write
from mpm_core.formats.sources import marks_of, marks_of_3d, sources_of
from mpm_core.formats.table_rows import write_rows
from mpm_core.formats.tidy_csv import write_tidy
from mpm_core.grounding.up import find_up
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16, Skeleton

_AXES_3D = "metres; camera axes: x right, y down, z forward; <joint>_conf: detector confidence"
_AXES_2D = "pixels; x right, y down from the top left corner; <joint>_conf: detector confidence"


def _up_comment(up: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.6f}" for value in up)


def _camera_comments(clip: Clip) -> dict[str, str]:
    numbers = [f"{value:.10g}" for value in (*clip.camera.focal, *clip.camera.centre)]
    camera = " ".join((*numbers, "assumed") if clip.camera.is_assumed else numbers)
    return {"image_size": f"{clip.image_size[0]}x{clip.image_size[1]}", "camera": camera}


def write_csv(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """2D, or 3D in camera axes, with what is known of the clip in comments above; tidy CSV as tidy_csv.py has it."""
    if options.uncertainty and isinstance(content, Clip):
        uncertainty_to_write(content)
    if options.tidy and options.uncertainty:
        raise UserError("--uncertainty is for plain CSV and NPZ: tidy CSV has no column for it")
    if options.tidy:
        write_tidy(content, path, options)
        return
    if set(options.chosen()) & set(IN_WORLD):
        raise UserError("only tidy CSV (--tidy) is of motion in the world, with a choice of unit, axis, rate and way")
    part = options.frames(len(content))
    table = _prediction_table(content, options) if isinstance(content, Prediction) else _clip_table(content)
    clip = content if isinstance(content, Clip) else options.clip
    if clip is not None and clip.own_fps is not None:
        table.comments["own_fps"] = f"{clip.own_fps:.10g}"
    if clip is not None:
        table.comments.update(_camera_comments(clip))
    if clip is not None and clip.height_m is not None:
        table.comments["height_m"] = f"{clip.height_m:.10g}"
    if clip is not None and clip.lasting_notes:
        table.comments["note"] = "; ".join(clip.lasting_notes)
    with path.open("w", newline="", encoding="utf-8") as file:
        for key, value in table.comments.items():
            file.write(f"# {key}: {value}\n")
        fields = table.fields
        heads = (
            ["joint", *fields] if options.long else [f"{joint}_{name}" for joint in table.skeleton.joints for name in fields]
        )
        file.write(",".join(["frame", "time_s", *heads]) + "\n")
        write_rows(
            file, table.skeleton.joints, range(len(table.times))[part], table.times[part], table.points[part],
            table.confidence[part], table.sources[part], options.long,
            None if table.uncertainty is None else table.uncertainty[part],
        )  # fmt: skip


@dataclass(frozen=True)
class _Table:
    """What is written: (frames, joints, axes) points, (frames, joints) confidence and sources, (frames,) seconds.

    Sources: see sources.py. uncertainty: (frames, joints) metres, or None.
    """

    comments: dict[str, str]
    skeleton: Skeleton
    points: NDArray[np.floating]
    confidence: NDArray[np.floating]
    sources: NDArray[np.str_]
    times: NDArray[np.float64]
    uncertainty: NDArray[np.floating] | None = None

    @property
    def fields(self) -> list[str]:
        more = [] if self.uncertainty is None else ["uncertainty"]
        return [*"xyz"[: self.points.shape[-1]], "conf", "source", *more]


def _prediction_table(prediction: Prediction, options: WriteOptions) -> _Table:
    sources, confidence = sources_of(prediction, options.clip)
    comments = {
        "mpm-viewer": "3D positions", "units": _AXES_3D, "skeleton": MPM16.name, "fps": f"{prediction.fps:.10g}",
        "lifter": f"{prediction.lifter}, {prediction.task}, {prediction.mode}",
    }  # fmt: skip
    up = find_up(options.clip, prediction)
    if up.source != "level":
        comments["up"] = _up_comment(up.direction)
    uncertainty = uncertainty_to_write(prediction) if options.uncertainty else None
    if uncertainty is not None:
        comments["units"] += "; <joint>_uncertainty: metres, root mean square distance of the hypotheses from their mean"
    return _Table(comments, MPM16, prediction.absolute(), confidence, sources, prediction.times, uncertainty)


def _clip_table(clip: Clip) -> _Table:
    comments = {"mpm-viewer": "2D keypoints", "units": _AXES_2D, "skeleton": clip.skeleton.name, "fps": f"{clip.fps:.10g}"}
    points: NDArray[np.floating]
    if clip.keypoints is not None and not clip.is_virtual:
        points = np.where(clip.visible[..., None], clip.keypoints, np.nan)
    else:
        assert clip.ground_truth is not None
        points, comments["mpm-viewer"], comments["units"] = clip.ground_truth, "3D positions", _AXES_3D
        sources, confidence = marks_of_3d(clip)
        return _Table(comments | _up_of(clip), clip.skeleton, points, confidence, sources, clip.times)
    return _Table(comments | _up_of(clip), clip.skeleton, points, clip.confidence, marks_of(clip), clip.times)


def _up_of(clip: Clip) -> dict[str, str]:
    return {} if clip.up is None else {"up": _up_comment(clip.up)}
