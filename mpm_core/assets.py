"""Owns where the shipped files lie: weights, demo clips and icons; and which weights a lifter needs."""

from __future__ import annotations

from pathlib import Path

from mpm_core.errors import UserError

_FOLDERS = (Path(__file__).parent / "assets", Path(__file__).parent.parent / "assets")

SAMPLING_LIFTERS = ("d3dp", "platypose")
"""Those that answer by hypotheses, see docs/hypotheses.md; the others give one answer, beside which 'mpm' can have them too."""


def find_asset(name: str) -> Path:
    """Path of a shipped file, in an installed wheel or in a source checkout; UserError when it is missing."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise UserError(f"the file 'assets/{name}' that belongs to mpm-viewer is missing: install it again")


def shipped_weights(name: str, samples: int = 0) -> tuple[str, ...]:
    """Assets with the bundled weights that a lifter answers by, with so many hypotheses beside its answer."""
    first = "mpm" if name in SAMPLING_LIFTERS else name
    networks = (first, "denoiser") if samples or name in SAMPLING_LIFTERS else (first,)
    return tuple(f"weights/{network}.safetensors" for network in networks)
