"""Owns the losses of both stages: which windows do which task, and how far each answer is from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mpm_core.data.batches import Batch
from mpm_core.networks import inputs
from mpm_core.networks.inputs import INPUT_FORMS, PreparedInput
from mpm_core.networks.mpm import MPM
from mpm_core.training.config import StageOneConfig, StageTwoConfig


@dataclass(frozen=True)
class Tasks:
    """A batch split in three runs of windows: lifting (2D -> 3D), masked 2D modelling, 3D completion."""

    lift: int
    model_2d: int
    complete: int

    @property
    def first_3d(self) -> int:
        return self.lift + self.model_2d

    @classmethod
    def of_stage_one(cls, count: int) -> Tasks:
        third = count // 3
        return cls(count - 2 * third, third, third)

    @classmethod
    def of_stage_two(cls, count: int, config: StageTwoConfig) -> Tasks:
        lift, complete = round(count * config.lift_share), round(count * config.complete_share)
        return cls(lift, count - lift - complete, complete)


@dataclass(frozen=True)
class TaskInputs:
    """A batch ready for the network: the 2D part (lifting first, then 2D modelling) and the 3D part.

    target_2d, target_3d: (windows of the 2D or the 3D side, frames, 16, axes) in the axes of the answers.
    """

    form: PreparedInput
    hidden_2d: Tensor
    target_lift: Tensor
    target_2d: Tensor
    form_3d: PreparedInput
    hidden_3d: Tensor
    target_3d: Tensor
    inside: Tensor


def prepare_tasks(batch: Batch, masks: Tensor, tasks: Tasks, input_form: str) -> TaskInputs:
    """masks: (count, frames, 16) bool. Frames beyond the clip are hidden too, and no loss is taken there."""
    form = INPUT_FORMS[input_form]
    hidden = masks | ~batch.inside[..., None]
    flat, cut, lift = slice(0, tasks.first_3d), slice(tasks.first_3d, None), slice(0, tasks.lift)
    detected, rays = batch.detected[flat], batch.rays[flat]
    if not form.takes_rays:
        focal = batch.focal[flat, None, None, None]
        detected, rays = detected * focal, rays * focal
    prepared = form.prepare(detected, hidden[flat])
    lifted = inputs.turn_forth(batch.positions[flat], prepared)[lift]
    solid = form.prepare_3d(batch.measured[cut] + batch.path[cut, :, None], hidden[cut])
    return TaskInputs(
        form=prepared,
        hidden_2d=hidden[flat],
        target_lift=lifted,
        target_2d=form.follow(rays, prepared)[tasks.lift :],
        form_3d=solid,
        hidden_3d=hidden[cut],
        target_3d=inputs.turn_forth(batch.positions[cut], solid),
        inside=batch.inside,
    )


def _encode_and_share(model: MPM, ready: TaskInputs, first: int) -> Tensor:
    """Both modalities through their encoders, then together through S and T, so that batch norm sees the mixture."""
    flat = model.encode(ready.form.points, ready.form.extras, ready.hidden_2d)
    solid = model.encode(ready.form_3d.points, ready.form_3d.extras, ready.hidden_3d)
    hidden_frames = torch.cat((ready.hidden_2d, ready.hidden_3d)).all(-1)
    return model.share(torch.cat((flat, solid)), hidden_frames, first)


def mean_distance(answer: Tensor, target: Tensor, frames: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean Euclidean distance over the chosen frames. answer: (..., joints, axes), frames: (...) bool, weights: (...,
    joints), how much each joint counts, or None when all count the same."""
    distance = (answer.float() - target).norm(dim=-1)
    if weights is None:
        return (distance.mean(-1) * frames).sum() / frames.sum().clamp(min=1)
    weights = weights * frames[..., None]
    return (distance * weights).sum() / weights.sum().clamp(min=1)


def stage_one_losses(model: MPM, ready: TaskInputs, tasks: Tasks, config: StageOneConfig, first: int = 0) -> dict[str, Tensor]:
    """The three weighted losses of masked pre-training. first: where in the window the frames begin."""
    shared = _encode_and_share(model, ready, first)
    flat, solid = slice(tasks.lift, tasks.first_3d), slice(tasks.first_3d, None)
    answers = model.decode_3d(torch.cat((shared[: tasks.lift], shared[solid])), first)
    lifted, completed = answers[: tasks.lift], answers[tasks.lift :]
    modelled = model.decode_2d(shared[flat], first)
    return {
        "lift": config.weight_lift * mean_distance(lifted, ready.target_lift, ready.inside[: tasks.lift]),
        "2d": config.weight_2d * mean_distance(modelled, ready.target_2d, ready.inside[flat]),
        "3d": config.weight_3d * mean_distance(completed, ready.target_3d, ready.inside[solid]),
    }


def stage_two_losses(model: MPM, ready: TaskInputs, tasks: Tasks, config: StageTwoConfig, first: int = 0) -> dict[str, Tensor]:
    """Every task's loss on every frame, the sequence head's on the visible ones, the strided decoder's on the middle.

    first: where in the window the frames begin; the strided decoder is trained on whole windows alone. Completion
    counts mostly hidden joints, since visible ones are copied.
    """
    shared = _encode_and_share(model, ready, first)
    lift, flat, solid = slice(0, tasks.lift), slice(tasks.lift, tasks.first_3d), slice(tasks.first_3d, None)
    decoded = model.decoder_3d(torch.cat((shared[lift], shared[solid])), first)
    answers = model.head_3d(model.norm_3d(decoded))
    lifted, completed = answers[: tasks.lift], answers[tasks.lift :]
    seen = ~ready.hidden_2d[lift].all(-1) & ready.inside[lift]
    weights = torch.where(ready.hidden_3d, 1.0, config.weight_copied)
    losses = {
        "lift": config.weight_frames * mean_distance(lifted, ready.target_lift, ready.inside[lift]),
        "sequence": config.weight_sequence * mean_distance(model.sequence_head(shared[lift]), ready.target_lift, seen),
        "3d": config.weight_complete * mean_distance(completed, ready.target_3d, ready.inside[solid], weights),
        "2d": config.weight_2d * mean_distance(model.decode_2d(shared[flat], first), ready.target_2d, ready.inside[flat]),
    }
    if shared.shape[1] == model.config.frames:
        strided, middle = slice(0, round(tasks.lift * config.middle_share)), model.config.frames // 2
        centre = model.middle_head(model.strided_decoder(decoded[strided]))
        target, inside = ready.target_lift[strided, middle], ready.inside[strided, middle]
        losses["middle"] = config.weight_middle * mean_distance(centre, target, inside)
    return losses
