"""Owns where the shipped files lie: weights, demo clips and icons."""

from __future__ import annotations

from pathlib import Path

from mpm_core.errors import UserError

_FOLDERS = (Path(__file__).parent / "assets", Path(__file__).parent.parent / "assets")


def find_asset(name: str) -> Path:
    """Path of a shipped file, in an installed wheel or in a source checkout; UserError when it is missing."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise UserError(f"the file 'assets/{name}' that belongs to mpm-viewer is missing: install it again")
