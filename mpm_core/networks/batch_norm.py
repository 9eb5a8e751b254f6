"""Owns the batch norm over all the processes of a training run."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional as across


class SyncedBatchNorm(nn.BatchNorm1d):
    """Batch norm whose statistics in training are those of all processes, on any device (torch's own SyncBatchNorm wants
    CUDA). Alone it is BatchNorm1d, and their weights are interchangeable."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (rows, features) -> the same shape."""
        if not (self.training and distributed.is_available() and distributed.is_initialized()):
            return super().forward(x)
        wide = x.float()
        count = torch.full((1,), float(len(x)), device=x.device)
        sums = across.all_reduce(torch.cat((wide.sum(0), wide.square().sum(0), count)))
        features = x.shape[1]
        count = sums[-1].clamp(min=1.0)
        mean = sums[:features] / count
        variance = (sums[features:-1] / count - mean.square()).clamp(min=0.0)
        if sums[-1] > 0:
            self._remember(mean.detach(), variance.detach(), count)
        return ((wide - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / (count - 1).clamp(min=1.0), self.momentum)
        self.num_batches_tracked.add_(1)
