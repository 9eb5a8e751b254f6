"""Owns constants as tensors, made once for each device: a list of numbers or of indices that becomes a tensor in every step
has a GPU wait for the CPU each time, and cannot be part of a captured step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def numbers(values: Sequence[Any], like: Tensor) -> Tensor:
    """float32, on the device of `like`, shaped as the nested values. Not to be written to."""
    return _made(_frozen(values), like.device, torch.float32)


def indices(values: Sequence[int], like: Tensor) -> Tensor:
    """int64, to index `like` or what lies beside it. Not to be written to."""
    return _made(tuple(values), like.device, torch.int64)


def _frozen(values: Any) -> Any:
    return tuple(_frozen(value) for value in values) if isinstance(values, Sequence) else float(values)


@lru_cache(maxsize=512)
def _made(values: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # else what lifting made could not be trained with
        return torch.tensor(values, device=device, dtype=dtype)
