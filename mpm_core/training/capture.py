"""Owns steps of training that a GPU repeats by itself: captured once for each length of window, then started by one call
instead of thousands, most of which cost the CPU more time than the GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Step = Callable[[Tensor], dict[str, Tensor]]
"""One whole step on masks (windows, frames, 16) bool: draw, answer, learn; its losses by name."""

_PLAIN_STEPS = 3
"""Taken before a capture, so that nothing is set up, compiled or chosen during it."""


@dataclass(eq=False)
class _Captured:
    masks: Tensor
    graph: torch.cuda.CUDAGraph
    names: tuple[str, ...]
    losses: Tensor


class CapturedSteps:
    """CUDA graphs of a step, one for each shape of masks, with memory of their own.

    What a step draws by `generator` and by torch's own differs from replay to replay, as it does from step to step. A step must
    not ask for a number from the GPU, and what it changes must stay where it lies in memory.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._taken: dict[torch.Size, int] = {}
        self._captured: dict[torch.Size, _Captured] = {}

    def take(self, masks: Tensor, step: Step) -> dict[str, Tensor]:
        """One step, captured or not yet."""
        shape = masks.shape
        captured = self._captured.get(shape)
        if captured is None:
            self._taken[shape] = self._taken.get(shape, 0) + 1
            if self._taken[shape] <= _PLAIN_STEPS:
                return _beside(step, masks)
            captured = self._captured[shape] = self._capture(masks, step)
        captured.masks.copy_(masks, non_blocking=True)
        captured.graph.replay()
        return dict(zip(captured.names, captured.losses.clone().unbind(), strict=True))

    def _capture(self, masks: Tensor, step: Step) -> _Captured:
        graph, kept = torch.cuda.CUDAGraph(), masks.clone()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph):
            losses = step(kept)
            together = torch.stack([loss.float() for loss in losses.values()])
        return _Captured(kept, graph, tuple(losses), together)


def _beside(step: Step, masks: Tensor) -> dict[str, Tensor]:
    """A plain step on a stream of its own, as a capture wants it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        losses = step(masks)
    torch.cuda.current_stream().wait_stream(stream)
    return losses
