"""Owns what the program can say about itself: version, devices, formats, and the card of the shipped weights."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_text() -> str:
    """The installed version."""
    try:
        return version("mpm-viewer")
    except PackageNotFoundError:
        return "not installed"


def describe() -> str:
    """Several lines of plain text; loads the weights to see that they are there and fit."""
    from mpm_core.assets import find_asset
    from mpm_core.detectors import DETECTORS
    from mpm_core.formats import FORMATS
    from mpm_core.lifters import LIFTERS, available_devices, load_lifter
    from mpm_core.lifters.network import NetworkLifter

    reads = ", ".join(f"{f.label} ({f.name})" for f in FORMATS.values() if f.read)
    writes = ", ".join(f.label for f in FORMATS.values() if f.write)
    lines = [
        f"mpm-viewer {version_text()}",
        f"devices: {', '.join(available_devices())}",
        f"reads: {reads}",
        f"writes: {writes}",
        f"lifters: {', '.join(LIFTERS)}",
        *(f"detector {name}: {detector.why_missing() or 'installed'}" for name, detector in DETECTORS.items()),
    ]
    lifter = load_lifter("mpm")
    assert isinstance(lifter, NetworkLifter)
    size = sum(p.numel() for p in lifter.model.parameters())
    lines.append(f"weights: {find_asset('weights/mpm.safetensors')}, {size / 1e6:.1f} million parameters")
    lines += [f"  {key}: {value}" for key, value in lifter.card.items()]
    lines.append(f"demo: {find_asset('demo/demo.npz')}")
    return "\n".join(lines)
