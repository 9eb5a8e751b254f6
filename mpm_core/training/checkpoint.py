"""Owns checkpoints and weight files: safetensors with a JSON header, nothing pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mpm_core.errors import UserError
from mpm_core.networks import NETWORKS, build_network
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.mpm import MPM, MPM_BEFORE_GROUND

_FORMAT = "mpm-weights-2"
_OLD_FORMAT = "mpm-weights-1"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a safetensors file beside `path`, then rename it, so that an interrupted write leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, partial, {"json": json.dumps(header)})
    partial.replace(path)


def load_tensors(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of such a file; UserError when it is not one."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = json.loads((file.metadata() or {})["json"])
            if not isinstance(header, dict):
                raise ValueError("its header is not a table")
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (safe_open is no mapping)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as MPM weights ({error})") from error


def save_weights(path: Path, model: PoseNetwork, card: Mapping[str, Any]) -> None:
    """The network alone, float16 (running variances too large for it would be infinite, so they stay float32)."""
    tensors = {
        name: value.half() if value.is_floating_point() and "running_var" not in name else value
        for name, value in model.state_dict().items()
    }
    header = {"format": _FORMAT, "network": model.name, "model": asdict(model.config), "card": dict(card)}
    save_tensors(path, tensors, header)


def load_weights(path: Path, device: torch.device) -> tuple[PoseNetwork, dict[str, Any]]:
    """The network in float32, in evaluation mode, and what its card says; UserError for the file of another network."""
    tensors, header = load_tensors(path, device)
    if header.get("format") not in (_FORMAT, _OLD_FORMAT):
        raise UserError(f"{path}: not a file of MPM weights, or of a later version than this")
    try:
        network = NETWORKS[header.get("network", "mpm")]
        unsaid = MPM_BEFORE_GROUND if header["format"] == _OLD_FORMAT and network is MPM else {}
        model = build_network(network.config_class(**{**unsaid, **header["model"]})).to(device)
        model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
        return model.eval(), header["card"]
    except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path}: holds the weights of another network than this version's ({reason})") from error
