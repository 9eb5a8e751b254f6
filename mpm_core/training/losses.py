"""Owns the losses of both stages: which windows do which task, and how far each answer is from the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from mpm_core.data.batches import Batch
from mpm_core.errors import UserError
from mpm_core.networks import inputs
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.ground import HEIGHT, STANDING, UP, direction_loss
from mpm_core.networks.inputs import INPUT_FORMS, PreparedInput
from mpm_core.networks.mpm import MPM
from mpm_core.networks.stmo import STMO
from mpm_core.on_device import indices
from mpm_core.skeleton import MPM16
from mpm_core.training.config import STAGE_ONE_TASKS, StageConfig, StageOneConfig, StageTwoConfig
from mpm_core.training.processes import ProcessGroup

ALONE = ProcessGroup()

_CHILDREN = [joint for joint, parent in enumerate(MPM16.parents) if parent >= 0]
_PARENTS = [MPM16.parents[joint] for joint in _CHILDREN]


@dataclass(frozen=True)
class Tasks:
    """A batch split in three runs of windows: lifting (2D -> 3D), masked 2D modelling, 3D completion.

    strided: of the first so many of the lifting, the middle frame is decoded too.
    """

    lift: int
    model_2d: int
    complete: int
    strided: int = 0

    @property
    def first_3d(self) -> int:
        return self.lift + self.model_2d

    @classmethod
    def of_stage_one(cls, count: int, config: StageOneConfig, completes: bool = True) -> Tasks:
        """Equal shares for the tasks of the config; masked 2D modelling alone for a network that cannot complete."""
        if not completes:
            return cls(0, count, 0)
        wanted = [name in config.tasks for name in STAGE_ONE_TASKS]
        if not any(wanted) or len(config.tasks) != sum(wanted):
            raise UserError(f"stage_one.tasks must name some of {', '.join(STAGE_ONE_TASKS)}, each once")
        shares = [count // sum(wanted) * is_wanted for is_wanted in wanted]
        shares[wanted.index(True)] += count - sum(shares)
        return cls(*shares)

    @classmethod
    def of_stage_two(cls, count: int, config: StageTwoConfig, completes: bool = True) -> Tasks:
        """Shares as the config has them; lifting alone for a network that cannot complete."""
        lift, complete = round(count * config.lift_share), round(count * config.complete_share)
        if not completes:
            lift, complete = count, 0
        return cls(lift, count - lift - complete, complete, round(lift * config.middle_share))


@dataclass(frozen=True)
class TaskInputs:
    """A batch ready for the network: the 2D part (lifting first, then 2D modelling) and the 3D part.

    target_2d, target_3d: (windows of the 2D or the 3D side, frames, 16, axes) in the axes of the answers. target_ground:
    (windows that are lifted, then those that are completed, frames, GROUND_CHANNELS), up likewise, and standing 0 to 1;
    has_ground: (the same windows,) bool, where that is known.
    """

    form: PreparedInput
    hidden_2d: Tensor
    target_lift: Tensor
    target_2d: Tensor
    form_3d: PreparedInput
    hidden_3d: Tensor
    target_3d: Tensor
    inside_2d: Tensor
    inside_3d: Tensor
    target_ground: Tensor
    has_ground: Tensor

    def share(self, tasks: Tasks, group: ProcessGroup) -> tuple[TaskInputs, Tasks]:
        """What one of several processes works on: its share of the windows of every task."""
        if group.size == 1:
            return self, tasks
        lift = tasks.lift
        changes: dict[str, Any] = {"target_lift": group.share(self.target_lift), "target_2d": group.share(self.target_2d)}
        for name in ("hidden_3d", "target_3d", "inside_3d"):
            changes[name] = group.share(getattr(self, name))

        def of_both(rows: Tensor) -> Tensor:
            return torch.cat((group.share(rows[:lift]), group.share(rows[lift:])))

        for name in ("hidden_2d", "inside_2d", "target_ground", "has_ground"):
            changes[name] = of_both(getattr(self, name))
        changes["form"], changes["form_3d"] = _map_form(self.form, of_both), _map_form(self.form_3d, group.share)
        mine = Tasks(*(group.count(n) for n in (lift, tasks.model_2d, tasks.complete, tasks.strided)))
        return TaskInputs(**changes), mine


def _map_form(form: PreparedInput, change: Callable[[Tensor], Tensor]) -> PreparedInput:
    changed: dict[str, Any] = {name: None if value is None else change(value) for name, value in vars(form).items()}
    return PreparedInput(**changed)


def prepare_tasks(batch: Batch, masks: Tensor, tasks: Tasks, input_form: str) -> TaskInputs:
    """masks: (count, frames, 16) bool. Frames beyond the clip are hidden too, and no loss is taken there."""
    form = INPUT_FORMS[input_form]
    flat, cut, lift = slice(0, tasks.first_3d), slice(tasks.first_3d, None), slice(0, tasks.lift)
    hidden = masks | ~batch.inside[..., None]
    hidden[flat] |= batch.unsure[flat]
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
        inside_2d=batch.inside[flat],
        inside_3d=batch.inside[cut],
        target_ground=torch.cat((_ground(batch, lift, prepared), _ground(batch, cut, solid))),
        has_ground=torch.cat((batch.has_ground[lift], batch.has_ground[cut])),
    )


def _ground(batch: Batch, windows: slice, prepared: PreparedInput) -> Tensor:
    """(windows, frames, GROUND_CHANNELS), up in the axes of the answer."""
    standing = batch.standing[windows]
    up = batch.up[windows, None, None].expand(-1, standing.shape[1], -1, -1)
    first = PreparedInput(
        prepared.points, None, None if prepared.turn is None else prepared.turn[: len(up)], prepared.centre, None
    )
    return torch.cat((inputs.turn_forth(up, first)[:, :, 0], standing, batch.height[windows]), dim=-1)


def _encode_and_share(model: MPM, ready: TaskInputs, first: int) -> Tensor:
    """Both modalities through their encoders, then together through S and T, so that batch norm sees the mixture."""
    flat = model.encode(ready.form.points, ready.form.extras, ready.hidden_2d)
    solid = model.encode(ready.form_3d.points, ready.form_3d.extras, ready.hidden_3d)
    hidden_frames = torch.cat((ready.hidden_2d, ready.hidden_3d)).all(-1)
    return model.share(torch.cat((flat, solid)), hidden_frames, first)


def mean_distance(
    answer: Tensor, target: Tensor, frames: Tensor, weights: Tensor | None = None, group: ProcessGroup = ALONE
) -> Tensor:
    """Mean Euclidean distance over the chosen frames. answer: (..., joints, axes), frames: (...) bool, weights: (...,
    joints), how much each joint counts, or None when all count the same. Of several processes, this one's part of the mean."""
    distance = (answer.float() - target).norm(dim=-1)
    if weights is None:
        return (distance.mean(-1) * frames).sum() / group.total(frames.sum()).clamp(min=1)
    weights = weights * frames[..., None]
    return (distance * weights).sum() / group.total(weights.sum()).clamp(min=1)


def losses_of(
    network: PoseNetwork, ready: TaskInputs, tasks: Tasks, stage: StageConfig, first: int = 0, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """The weighted losses of a stage by name, to be added. first: where in the window the frames begin."""
    if isinstance(stage, StageTwoConfig):
        if isinstance(network, MPM):
            return stage_two_losses(network, ready, tasks, stage, first, group)
        return lifting_losses(network, ready, tasks, stage, first, group)
    if isinstance(network, MPM):
        return stage_one_losses(network, ready, tasks, stage, first, group)
    if isinstance(network, STMO):
        modelled = network.model_2d(ready.form.points, ready.form.extras, ready.hidden_2d, first)
        return {"2d": stage.weight_2d * mean_distance(modelled, ready.target_2d, ready.inside_2d, group=group)}
    raise TypeError(f"{network.name} has no stage I")


def stage_one_losses(
    model: MPM, ready: TaskInputs, tasks: Tasks, config: StageOneConfig, first: int = 0, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """The two or three weighted losses of masked pre-training."""
    shared = _encode_and_share(model, ready, first)
    flat, solid = slice(tasks.lift, tasks.first_3d), slice(tasks.first_3d, None)
    answers = model.decode_3d(torch.cat((shared[: tasks.lift], shared[solid])), first)
    lifted, completed = answers[: tasks.lift], answers[tasks.lift :]
    modelled = model.decode_2d(shared[flat], first)
    every = {
        "lift": config.weight_lift * mean_distance(lifted, ready.target_lift, ready.inside_2d[: tasks.lift], group=group),
        "2d": config.weight_2d * mean_distance(modelled, ready.target_2d, ready.inside_2d[tasks.lift :], group=group),
        "3d": config.weight_3d * mean_distance(completed, ready.target_3d, ready.inside_3d, group=group),
    }
    return {name: loss for name, loss in every.items() if name in config.tasks}


def stage_two_losses(
    model: MPM, ready: TaskInputs, tasks: Tasks, config: StageTwoConfig, first: int = 0, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """Every task's loss on every frame, the sequence head's on the visible ones, the strided decoder's on the middle.

    The strided decoder is trained on whole windows alone. Completion counts mostly hidden joints, since visible ones are
    copied.
    """
    shared = _encode_and_share(model, ready, first)
    lift, flat, solid = slice(0, tasks.lift), slice(tasks.lift, tasks.first_3d), slice(tasks.first_3d, None)
    decoded = model.decoder_3d(torch.cat((shared[lift], shared[solid])), first)
    read = model.read(decoded)
    answers = read.positions
    lifted, completed = answers[: tasks.lift], answers[tasks.lift :]
    inside, target = ready.inside_2d[lift], ready.target_lift
    seen = ~ready.hidden_2d[lift].all(-1) & inside
    weights = torch.where(ready.hidden_3d, 1.0, config.weight_copied)
    modelled = model.decode_2d(shared[flat], first)
    losses = {
        "lift": config.weight_frames * mean_distance(lifted, target, inside, group=group),
        "sequence": config.weight_sequence * mean_distance(model.sequence_head(shared[lift]), target, seen, group=group),
        "3d": config.weight_complete * mean_distance(completed, ready.target_3d, ready.inside_3d, weights, group),
        "2d": config.weight_2d * mean_distance(modelled, ready.target_2d, ready.inside_2d[flat], group=group),
    }
    if config.weight_directions:
        losses["directions"] = config.weight_directions * mean_distance(
            _directions(lifted), _directions(target), inside, group=group
        )
    if config.weight_accelerations and lifted.shape[1] > 2:
        whole = inside[:, :-2] & inside[:, 2:]
        losses["accelerations"] = config.weight_accelerations * mean_distance(
            lifted.float().diff(n=2, dim=1), target.diff(n=2, dim=1), whole, group=group
        )
    if read.ground is not None:
        losses |= ground_losses(read.ground, ready, tasks, config, group)
    if shared.shape[1] == model.config.frames:
        centre = model.middle_head(model.strided_decoder(decoded[: tasks.strided]))
        losses["middle"] = _middle_loss(centre, ready, config, group)
    return losses


def ground_losses(
    ground: Tensor, ready: TaskInputs, tasks: Tasks, config: StageTwoConfig, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """Of up, of which feet stand and of how high they are, (windows, frames, GROUND_CHANNELS), where that is known."""
    ground, truth = ground.float(), ready.target_ground
    frames = torch.cat((ready.inside_2d[: tasks.lift], ready.inside_3d)) & ready.has_ground[:, None]
    every = {
        "up": config.weight_up * direction_loss(ground[..., UP], truth[..., UP]),
        "standing": config.weight_standing
        * binary_cross_entropy_with_logits(ground[..., STANDING], truth[..., STANDING], reduction="none").mean(-1),
        "height": config.weight_height * (ground[..., HEIGHT] - truth[..., HEIGHT]).abs().mean(-1),
    }
    count = group.total(frames.sum()).clamp(min=1)
    return {name: (loss * frames).sum() / count for name, loss in every.items()}


def _directions(positions: Tensor) -> Tensor:
    """(..., 15, 3) unit vectors of the bones of (..., 16, 3)."""
    children, parents = indices(_CHILDREN, positions), indices(_PARENTS, positions)
    return normalize(positions[..., children, :].float() - positions[..., parents, :], dim=-1, eps=1e-6)


def lifting_losses(
    network: PoseNetwork, ready: TaskInputs, tasks: Tasks, config: StageTwoConfig, first: int = 0, group: ProcessGroup = ALONE
) -> dict[str, Tensor]:
    """For networks that only lift: the loss on every frame, and that of whole windows' middle frame where it is decoded
    apart from the others."""
    tokens = network.make_tokens(ready.form.points, ready.form.extras, ready.hidden_2d)
    related = network.relate(tokens, ready.hidden_2d.all(-1), first)
    answers = network.decode_3d(related, first)
    losses = {"lift": config.weight_frames * mean_distance(answers, ready.target_lift, ready.inside_2d, group=group)}
    if network.has_middle_decoder and answers.shape[1] == network.config.frames:
        losses["middle"] = _middle_loss(network.decode_middle(related[: tasks.strided]), ready, config, group)
    return losses


def _middle_loss(centre: Tensor, ready: TaskInputs, config: StageTwoConfig, group: ProcessGroup) -> Tensor:
    """centre: (windows, joints, 3), the answers for the middle frame of the first windows."""
    windows, middle = len(centre), ready.target_lift.shape[1] // 2
    target, inside = ready.target_lift[:windows, middle], ready.inside_2d[:windows, middle]
    return config.weight_middle * mean_distance(centre, target, inside, group=group)
