"""Owns the losses of the denoiser: how much noise each window gets, and how far the clean motion is from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mpm_core.data.augment import Draw
from mpm_core.diffusion.noise import correlate
from mpm_core.diffusion.schedule import add_noise, signal_share
from mpm_core.networks.denoiser import Denoiser, standardise
from mpm_core.training.config import StageTwoConfig
from mpm_core.training.losses import ALONE, TaskInputs, Tasks, mean_distance
from mpm_core.training.processes import ProcessGroup


@dataclass(frozen=True)
class Noising:
    """What is drawn for windows, lifting first, then completion: step (count,) 0 to 1, noise (count, frames, 16, 3) of unit
    variance, has_no_condition (count,) bool, windows that are denoised without one."""

    step: Tensor
    noise: Tensor
    has_no_condition: Tensor

    @classmethod
    def draw(cls, draw: Draw, tasks: Tasks, frames: int, joints: int, stage: StageTwoConfig) -> Noising:
        """By the generator that a checkpoint keeps. Windows that are completed always have a condition. Steps of little noise
        come more often, as samplers stop at them: what is left open by a condition is decided there."""
        count = tasks.lift + tasks.complete
        noise = correlate(draw.normal(count, frames, joints * 3)).unflatten(-1, (joints, 3))
        dropped = draw.chance(stage.unconditioned_share, count)
        dropped[tasks.lift :].zero_()
        return cls((1 - draw.uniform(count)).square(), noise, dropped)

    def share(self, tasks: Tasks, group: ProcessGroup) -> Noising:
        """What one of several processes works on; see TaskInputs.share."""
        if group.size == 1:
            return self
        parts = (
            torch.cat((group.share(rows[: tasks.lift]), group.share(rows[tasks.lift :])))
            for rows in (self.step, self.noise, self.has_no_condition)
        )
        return Noising(*parts)


def tasks_of(windows: int, stage: StageTwoConfig) -> Tasks:
    """Lifting, with or without its condition, and completion; nothing else is denoised."""
    complete = round(windows * stage.complete_share)
    return Tasks(windows - complete, 0, complete)


def denoising_losses(
    model: Denoiser, ready: TaskInputs, tasks: Tasks, stage: StageTwoConfig, noising: Noising, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """Of the clean motion: distances, squared distances, and distances of velocities.

    The squares have the answer at each step be the mean of what is possible, by which a sampler is to go; distances alone would
    have it be the median, and hypotheses that lie too close together.
    """
    flat = model.encode(ready.form.points, ready.form.extras, ready.hidden_2d)
    solid = model.encode(ready.form_3d.points, ready.form_3d.extras, ready.hidden_3d)
    hidden = torch.cat((ready.hidden_2d, ready.hidden_3d)).all(-1) | noising.has_no_condition[:, None]
    condition = model.condition(model.spatial(torch.cat((flat, solid))), hidden)
    target = torch.cat((ready.target_lift, ready.target_3d))
    noised = add_noise(standardise(target), noising.noise, noising.step)
    answer = model.denoise(condition, noised, noising.step, signal_share(noising.step))
    inside = torch.cat((ready.inside_2d, ready.inside_3d))
    lift = slice(0, tasks.lift)
    weights = torch.where(ready.hidden_3d, 1.0, stage.weight_copied)
    square = (answer - target).square().sum(-1).mean(-1)  # (windows, frames)
    velocities = mean_distance(answer.diff(dim=1), target.diff(dim=1), inside[:, :-1] & inside[:, 1:], group=group)
    return {
        "lift": stage.weight_frames * mean_distance(answer[lift], target[lift], inside[lift], group=group),
        "3d": stage.weight_complete
        * mean_distance(answer[tasks.lift :], target[tasks.lift :], ready.inside_3d, weights, group),
        "squares": stage.weight_squares * (square * inside).sum() / group.total(inside.sum()).clamp(min=1),
        "velocities": stage.weight_velocities * velocities,
    }
