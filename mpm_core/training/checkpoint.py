"""Owns checkpoints and weight files: safetensors with a JSON header, nothing pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mpm_core.errors import UserError
from mpm_core.files import written_whole
from mpm_core.networks import NETWORKS, build_network
from mpm_core.networks.base import NetworkConfig, PoseNetwork
from mpm_core.networks.inputs import INPUT_FORMS
from mpm_core.networks.mpm import MPM, MPM_BEFORE_GROUND
from mpm_core.skeleton import MPM16

_FORMAT = "mpm-weights-2"
_OLD_FORMAT = "mpm-weights-1"

_ANOTHER = "holds the weights of another network than this version's"

# Far beyond any network of this kind.
_LARGEST_SIZE, _MOST_BLOCKS = 16_384, 64


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a safetensors file, whole or not at all; UserError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made ({error.strerror})") from error
    with written_whole(path) as partial:
        try:
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, partial, {"json": json.dumps(header)})
        except SafetensorError as error:  # which hides what the system said
            raise UserError(f"{path}: cannot be written (is the disk full?)") from error


def load_tensors(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of such a file; UserError when it is not one."""
    if not path.is_file():
        raise UserError(f"{path}: {'is a folder, no file of MPM weights' if path.is_dir() else 'there is no such file'}")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = json.loads((file.metadata() or {})["json"])
            if not isinstance(header, dict):
                raise ValueError("its header is not a table")
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (safe_open is no mapping)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or 'it is cut short'})") from error
    except (SafetensorError, LookupError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise UserError(f"{path}: cannot be read as a file of weights (it is damaged, or another kind)") from error


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
    network = NETWORKS.get(header.get("network", "mpm")) if isinstance(header.get("network", "mpm"), str) else None
    card = header.get("card")
    if network is None or not isinstance(card, dict):
        raise UserError(f"{path}: holds the weights of a network that this version does not know")
    unsaid = MPM_BEFORE_GROUND if header["format"] == _OLD_FORMAT and network is MPM else {}
    config = _read_config(path, network.config_class, header.get("model"), unsaid)
    with torch.device("meta"):  # sizes alone: the file's sizes may be any, and what is made of them large
        model = build_network(config)
    _check_names(path, tensors, {name: value.shape for name, value in model.state_dict().items()})
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    _check_numbers(path, tensors)
    model.load_state_dict(tensors, assign=True)
    return model.to(device).eval(), card


def _read_config(path: Path, kind: type[NetworkConfig], said: Any, unsaid: Mapping[str, Any]) -> NetworkConfig:
    """The sizes that a header says, those that it may leave out from `unsaid`; UserError for others than a network has."""
    if not isinstance(said, dict):
        raise UserError(f"{path}: does not say the sizes of its network")
    values = {**unsaid, **said}
    known = {field.name: type(field.default) for field in fields(kind)}
    for name, value in values.items():
        if name not in known or type(value) not in ((int, float) if known[name] is float else (known[name],)):
            raise UserError(f"{path}: {_ANOTHER} ('{name}' is not known, or of another kind)")
        largest = 1 if known[name] is float else _MOST_BLOCKS if name == "blocks" else _LARGEST_SIZE
        smallest = 1 if known[name] is int and name != "convolution" else 0
        if known[name] in (int, float) and not smallest <= value <= largest:
            raise UserError(f"{path}: a '{name}' of {str(value)[:20]} is beyond all sizes of a network")
    config = kind(**values)
    reason = why_no_network(config)
    if reason:
        raise UserError(f"{path}: {_ANOTHER} ({reason})")
    return config


def why_no_network(config: NetworkConfig) -> str:
    """Why no network can be built of these sizes, as a clause; nothing when one can."""
    heads = getattr(config, "heads", 1)
    is_power = config.frames in (3**n for n in range(1, 8))
    if not heads or config.width % (2 * heads) or not is_power or config.joints != len(MPM16):
        return "its sizes do not go together"
    if config.input_form not in INPUT_FORMS or getattr(config, "positions", "relative") not in ("relative", "absolute"):
        return "it takes what this version cannot give it"
    return ""


def _check_names(path: Path, tensors: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> None:
    """UserError unless these are the tensors that a network has."""
    odd = sorted(tensors.keys() ^ shapes.keys()) or [name for name, value in tensors.items() if value.shape != shapes[name]]
    if odd:
        raise UserError(f"{path}: {_ANOTHER} ('{odd[0]}' does not fit)")


def _check_numbers(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """UserError unless all of them are numbers, and variances none below zero."""
    for name, value in tensors.items():
        ends = torch.stack(value.aminmax())  # what is no number is passed on
        if not torch.isfinite(ends).all() or ("running_var" in name and (ends < 0).any()):
            raise UserError(f"{path}: is damaged, '{name}' holds what is no number")
