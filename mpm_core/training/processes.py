"""Owns the processes of a training run: torchrun's, or this one alone.

Every process draws the whole batch from the same generators and works on its share of the windows, so that each window is
the same however many processes there are; sums over windows are taken over all of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class ProcessGroup:
    """This process's number and how many there are."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls, device: torch.device) -> tuple[ProcessGroup, torch.device]:
        """The processes that torchrun has set up (NCCL on GPUs, gloo on CPUs), or this one alone; and this process's own
        device, since on GPUs each has another."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls(), device
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(distributed.get_rank(), distributed.get_world_size()), device

    def leave(self) -> None:
        """End what join() began."""
        if self.size > 1:
            distributed.destroy_process_group()

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and speaks."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Of the first axis, what this process works on."""
        return rows if self.size == 1 else rows[self.rank :: self.size]

    def count(self, rows: int) -> int:
        """How many of the first so many rows are in share()."""
        return len(range(self.rank, rows, self.size))

    def total(self, value: Tensor) -> Tensor:
        """Sum over the processes, without a gradient."""
        if self.size > 1:
            value = value.detach().clone()
            distributed.all_reduce(value)
        return value

    def add_gradients(self, model: nn.Module) -> None:
        """Sum every gradient over the processes, in one message. What has none in any of them keeps none: the optimiser
        leaves such parameters alone, where a zero would go on with their momentum."""
        if self.size == 1:
            return
        parameters = list(model.parameters())
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        exist = torch.tensor([float(p.grad is not None) for p in parameters], device=gradients[0].device)
        summed = self.total(torch.cat([gradient.flatten() for gradient in gradients] + [exist]))
        *parts, existed = summed.split([g.numel() for g in gradients] + [len(parameters)])
        for parameter, part, count in zip(parameters, parts, existed.tolist(), strict=True):
            parameter.grad = part.view_as(parameter) if count else None

    def from_first(self, value: float) -> float:
        """The first process's value."""
        if self.size == 1:
            return value
        told = [value]
        distributed.broadcast_object_list(told)
        return told[0]

    def gather(self, value: Tensor) -> list[Tensor]:
        """A small CPU tensor of every process, in order."""
        if self.size == 1:
            return [value]
        found: list[Tensor] = [torch.empty(0)] * self.size
        distributed.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Go on when all are here."""
        if self.size > 1:
            distributed.barrier()
