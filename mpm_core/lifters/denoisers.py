"""Owns where the denoiser comes from: the shipped weights, or a file of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mpm_core.assets import find_asset
from mpm_core.errors import UserError
from mpm_core.networks.denoiser import Denoiser
from mpm_core.networks.packing import pack
from mpm_core.training.checkpoint import load_weights

WEIGHTS = "weights/denoiser.safetensors"


@dataclass(frozen=True)
class LoadedDenoiser:
    """Ready for inference. card: what its file says about its training; weights: which file it is, for people."""

    model: Denoiser
    card: dict[str, Any]
    weights: str


def load_denoiser(device: str, weights: Path | None = None) -> LoadedDenoiser:
    """UserError where there are no such weights, or those of another network."""
    try:
        path = weights or find_asset(WEIGHTS)
    except UserError as error:
        raise UserError(
            f"hypotheses need the weights of the denoiser, 'assets/{WEIGHTS}', which are missing: train them (mpm train"
            " --network denoiser) or name a file of them"
        ) from error
    model, card = load_weights(path, torch.device("cpu"))
    if not isinstance(model, Denoiser):
        raise UserError(f"{path}: holds the weights of the network '{model.name}', not of a denoiser, which hypotheses need")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model = model.to(device).eval()
    if device == "cpu":
        pack(model)
    return LoadedDenoiser(model, card, f"{path.name}, sha256 {digest[:12]}")
