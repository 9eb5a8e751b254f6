"""Owns what a network costs: its parameters, its arithmetic, its speed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from mpm_core.bench import frames_per_second
from mpm_core.lifters.base import Lifter
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.inputs import INPUT_FORMS

COST_HEAD = ("million parameters for lifting", "MFLOPs a window", "fast, frames/s", "per-frame, frames/s")

_FAST_FRAMES, _PER_FRAME_FRAMES = 3000, 300


@dataclass(frozen=True)
class Cost:
    """parameters: those that lifting in either mode uses. flops: of a window in per-frame mode, a multiplication and an
    addition counted as two. fast, per_frame: frames/s from pixels to positions, without the mirrored answer, on this
    machine."""

    parameters: int
    flops: int
    fast: float
    per_frame: float

    def cells(self) -> tuple[str, ...]:
        """In COST_HEAD's order."""
        return f"{self.parameters / 1e6:.1f}", f"{self.flops / 1e6:,.0f}", f"{self.fast:,.0f}", f"{self.per_frame:,.0f}"


def measure_cost(network: PoseNetwork, lifter: Lifter, mirror: bool) -> Cost:
    """network: as training has it, on the CPU. lifter: the same at work. mirror: see Lifter."""
    config = network.config
    points = torch.randn(1, config.frames, config.joints, 2)
    extras = torch.randn(1, config.frames, INPUT_FORMS[config.input_form].extras)
    hidden = torch.zeros(1, config.frames, config.joints, dtype=torch.bool)
    network.eval().requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        related = network.relate(network.make_tokens(points, extras, hidden), hidden.all(-1))
        middle = network.decode_middle(related)
    flops = int(counter.get_total_flops())
    (network.decode_3d(related).sum() + middle.sum()).backward()
    # What neither mode's answer depends on has no gradient.
    used = sum(p.numel() for p in network.parameters() if p.grad is not None)
    fast = frames_per_second(lifter, "fast", _FAST_FRAMES, mirror)
    return Cost(used, flops, fast, frames_per_second(lifter, "per-frame", _PER_FRAME_FRAMES, mirror))
