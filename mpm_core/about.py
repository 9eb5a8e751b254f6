"""Owns what the program can say about itself: version, devices, formats, and the card of the shipped weights."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any


def version_text() -> str:
    """The installed version."""
    try:
        return version("mpm-viewer")
    except PackageNotFoundError:
        return "not installed"


def facts() -> dict[str, Any]:
    """What there is to say, for programs; loads the weights to see that they are there and fit."""
    from mpm_core.assets import find_asset
    from mpm_core.detectors import DETECTORS
    from mpm_core.formats import FORMATS
    from mpm_core.lifters import LIFTERS, available_devices, load_lifter
    from mpm_core.lifters.network import NetworkLifter

    lifter = load_lifter("mpm")
    assert isinstance(lifter, NetworkLifter)
    return {
        "version": version_text(),
        "devices": list(available_devices()),
        "reads": {f.name: f.label for f in FORMATS.values() if f.read},
        "writes": {f.name: f.label for f in FORMATS.values() if f.write},
        "lifters": list(LIFTERS),
        "detectors": {name: detector.why_missing() or "installed" for name, detector in DETECTORS.items()},
        "weights": str(find_asset("weights/mpm.safetensors")),
        "parameters": sum(p.numel() for p in lifter.model.parameters()),
        "card": dict(lifter.card),
        "demo": str(find_asset("demo/demo.npz")),
    }


def describe() -> str:
    """The same as several lines of plain text."""
    told = facts()
    reads = ", ".join(f"{label} ({name})" for name, label in told["reads"].items())
    lines = [
        f"mpm-viewer {told['version']}",
        f"devices: {', '.join(told['devices'])}",
        f"reads: {reads}",
        f"writes: {', '.join(told['writes'].values())}",
        f"lifters: {', '.join(told['lifters'])}",
        *(f"detector {name}: {state}" for name, state in told["detectors"].items()),
        f"weights: {told['weights']}, {told['parameters'] / 1e6:.1f} million parameters",
        *(f"  {key}: {value}" for key, value in told["card"].items()),
        f"demo: {told['demo']}",
    ]
    return "\n".join(lines)
