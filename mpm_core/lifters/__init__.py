"""Lifters by name. Importing this package does not import torch; loading a lifter does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mpm_core.assets import SAMPLING_LIFTERS as SAMPLING_LIFTERS
from mpm_core.errors import UserError
from mpm_core.lifters.base import Lifter


def _from_network(name: str) -> Callable[[str, Path | None], Lifter]:
    def load(device: str, weights: Path | None) -> Lifter:
        from mpm_core.lifters.network import NetworkLifter

        return NetworkLifter.load(name, device, weights)

    return load


def _by_sampling(way: str) -> Callable[[str, Path | None], Lifter]:
    def load(device: str, weights: Path | None) -> Lifter:
        from mpm_core.lifters.network import NetworkLifter

        return NetworkLifter.load_sampling(way, device, weights)

    return load


LIFTERS: Mapping[str, Callable[[str, Path | None], Lifter]] = {
    **{name: _from_network(name) for name in ("mpm", "stmo", "tcn")},
    **{name: _by_sampling(name) for name in SAMPLING_LIFTERS},
}
"""Each entry loads a lifter onto a device, with its bundled weights or those of a file."""

COMPLETING_LIFTERS = ("mpm", *SAMPLING_LIFTERS)
"""Those that can complete 3D; the others only lift."""


def available_devices() -> tuple[str, ...]:
    """Devices that lifters can run on here, the fastest first."""
    import torch

    return ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",)


def find_device(name: str) -> str:
    """The device meant by 'auto' (the fastest), or the named one; UserError when it is not available here."""
    devices = available_devices()
    chosen = devices[0] if name == "auto" else name
    if chosen not in devices:
        raise UserError(f"the device '{name}' is not available here (there is: {', '.join(devices)})")
    return chosen


def load_lifter(name: str = "mpm", device: str = "auto", weights: Path | str | None = None) -> Lifter:
    """A lifter with its weights on a device: 'auto' (CUDA when there is one), 'cpu' or 'cuda'. A weight file says by itself
    which network it holds.

    UserError for a name or device that there is not, or a weight file that cannot be used.

    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> lifter = mpm_core.load_lifter("mpm", device="cpu")
    >>> clip = mpm_core.read_clip(find_asset("demo/demo.npz"))
    >>> lifter.lift(clip).absolute().shape  # metres in camera axes
    (730, 16, 3)
    >>> lifter.complete(clip.ground_truth).positions.shape
    (730, 16, 3)
    """
    if name not in LIFTERS:
        raise UserError(f"unknown lifter '{name}' (known: {', '.join(LIFTERS)})")
    return LIFTERS[name](find_device(device), None if weights is None else Path(weights))
