"""Owns opening HDF5 files, in which DeepLabCut and SLEAP keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mpm_core.errors import UserError


@contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """An HDF5 file; UserError where it cannot be read."""
    try:
        import h5py
    except ImportError:
        raise UserError(f"{path}: HDF5 needs the package h5py (pip install h5py)") from None
    try:
        with h5py.File(path, "r") as file:
            yield file
    except UserError:
        raise
    except Exception:  # a damaged file makes HDF5 raise anything
        raise UserError(f"{path}: is damaged, or no HDF5") from None
