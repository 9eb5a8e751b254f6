"""Owns the training configs: the paper's settings as defaults, and the shares of masks and tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from mpm_core.data.augment import AugmentConfig
from mpm_core.data.cameras import CameraConfig
from mpm_core.errors import UserError
from mpm_core.masking import MaskRatios
from mpm_core.networks.base import NetworkConfig
from mpm_core.networks.mpm import MPMConfig


@dataclass(frozen=True)
class RateConfig:
    """Adam's learning rate: warm-up, then multiplied by `decay` each epoch, then down to zero over the last share."""

    peak: float
    decay: float = 0.98
    windows_per_epoch: int = 60_000
    warm_up_steps: int = 200
    cool_down_share: float = 0.0


PRECISIONS = ("bfloat16", "float32")
STAGE_ONE_TASKS = ("lift", "2d", "3d")


@dataclass(frozen=True)
class StageOneConfig:
    """Masked pre-training: masked lifting, masked 2D modelling and masked 3D modelling, each a third of every batch.

    `tasks`: which of them; the later version of the paper has ["2d", "3d"] alone. `masker`: an entry of MASKERS, such as
    "tube" (spatial), "temporal" or "spatio-temporal". `lengths`: see StageTwoConfig.
    """

    name: str = "I"
    windows: int = 3_000_000
    batch: int = 1024
    rate: RateConfig = RateConfig(1e-3)
    tasks: Sequence[str] = STAGE_ONE_TASKS
    masker: str = "spatio-temporal"
    ratios: MaskRatios = MaskRatios()
    lengths: Mapping[int, float] = field(default_factory=dict)
    weight_2d: float = 5.0
    weight_3d: float = 2.0
    weight_lift: float = 1.0


_FILLING_MASKS = {"limbs": 62, "joints": 10, "spatio-temporal": 8, "frame spans": 8, "edges": 6, "tube": 6}
_LIFTING_MASKS = {"none": 30, "limbs": 25, "joints": 12, "spatio-temporal": 10, "frame spans": 10, "edges": 8, "tube": 5}


@dataclass(frozen=True)
class StageTwoConfig:
    """Fine-tuning on every task and mask of the viewer.

    The shares split each batch: lifting (2D -> 3D with any mask), completing 3D, and the rest masked 2D modelling.
    `masks` are relative shares of the samplers for lifting, `masks_filled` for the tasks that fill in what is hidden.
    `lengths`: relative shares of the steps by frames per window; a shorter window stands anywhere in the whole one, and a
    step takes as many more of them, so that all steps see equally many frames. Short windows teach the single pose much
    faster, since a step sees more different poses. `middle_share`: share of the whole windows' lifting on which the
    strided decoder is trained as well. `weight_copied`: how much a visible joint counts in completion. `weight_directions`: of
    lifted bones' directions, a unit vector each; `weight_accelerations`: of lifted joints, in metres a frame squared.

    Of the denoiser alone: `unconditioned_share` of the windows that are lifted are denoised without a condition;
    `weight_squares`: of squared distances, in square metres; `weight_velocities`: of all joints, in metres a frame.
    """

    name: str = "II"
    windows: int = 3_000_000
    batch: int = 1024
    rate: RateConfig = RateConfig(7e-4)
    masks: Mapping[str, float] = field(default_factory=lambda: dict(_LIFTING_MASKS))
    masks_filled: Mapping[str, float] = field(default_factory=lambda: dict(_FILLING_MASKS))
    ratios: MaskRatios = MaskRatios()
    lengths: Mapping[int, float] = field(default_factory=dict)
    lift_share: float = 0.62
    complete_share: float = 0.25
    weight_frames: float = 1.0
    weight_sequence: float = 1.0
    weight_middle: float = 2.0
    weight_complete: float = 1.0
    weight_copied: float = 0.25
    weight_2d: float = 1.0
    weight_directions: float = 0.0
    weight_accelerations: float = 0.0
    weight_up: float = 0.005
    weight_standing: float = 0.03
    weight_height: float = 0.2
    middle_share: float = 0.3
    unconditioned_share: float = 0.18
    weight_squares: float = 2.0
    weight_velocities: float = 2.0


StageConfig = StageOneConfig | StageTwoConfig


@dataclass(frozen=True)
class TrainConfig:
    """A whole run. `model`: the config of an entry of NETWORKS. `precision` 'bfloat16' runs the network under autocast.
    `compiled`: whether torch makes faster code of the transformer's blocks first, which takes a minute or two and a compiler.
    `captured`: whether a GPU repeats whole steps by itself, as captured once for each length of window.
    `average`: decay of the averaged weights."""

    model: NetworkConfig = MPMConfig()
    stage_one: StageOneConfig = field(default_factory=StageOneConfig)
    stage_two: StageTwoConfig = field(default_factory=StageTwoConfig)
    augment: AugmentConfig = AugmentConfig()
    cameras: CameraConfig = CameraConfig()
    precision: str = "bfloat16"
    compiled: bool = False
    captured: bool = False
    average: float = 0.999
    clip_norm: float = 1.0
    seed: int = 0


C = TypeVar("C")

_MAY_BE_ZERO = ("seed", "warm_up_steps", "convolution", "windows")


def with_changes(config: C, changes: Mapping[str, Any]) -> C:
    """A copy of a nested config with some fields changed, named 'part.field'; UserError for a name it lacks."""
    for path, value in changes.items():
        config = _with_change(config, path.split("."), value, path)
    return config


def _with_change(config: Any, path: list[str], value: Any, whole: str) -> Any:
    name, *rest = path
    if not is_dataclass(config) or name not in {f.name for f in fields(config)}:
        raise UserError(f"unknown setting '{whole}'")
    old = getattr(config, name)
    if rest:
        return replace(config, **{name: _with_change(old, rest, value, whole)})  # type: ignore[type-var]
    expected = get_type_hints(type(config))[name]
    if expected is int and not (type(value) is int and value >= (name not in _MAY_BE_ZERO)):
        raise UserError(f"setting '{whole}' must be a whole number from {int(name not in _MAY_BE_ZERO)} on")
    if expected is float and not (type(value) in (int, float) and math.isfinite(value)):
        raise UserError(f"setting '{whole}' must be a number")
    if isinstance(expected, type) and not isinstance(value, (expected, int) if expected is float else expected):
        raise UserError(f"setting '{whole}' must be of type {expected.__name__}")
    return replace(config, **{name: value})  # type: ignore[type-var]
