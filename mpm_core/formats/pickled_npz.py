"""Reads npz files whose arrays are pickled, through an unpickler that knows NumPy's arrays and plain containers only."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from mpm_core.errors import UserError

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),  # how Python 2 pickles hold bytes
}


class _SafeUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which data has no need of")
        return super().find_class(module, name)


def read_npz(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """The named arrays of an npz, as far as it has them; object arrays of shape () come as the object they hold.

    UserError when the file is no npz, or when a pickle in it asks for anything but NumPy arrays and plain containers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(name).stem: name for name in archive.namelist() if name.endswith(".npy")}
            return {name: _read_member(archive, members[name], path) for name in names if name in members}
    except zipfile.BadZipFile:
        raise UserError(f"{path}: not an npz archive") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read_member(archive: zipfile.ZipFile, member: str, path: Path) -> Any:
    try:
        with archive.open(member) as file:
            if not _holds_objects(file):
                file.seek(0)
                return np.lib.format.read_array(file, allow_pickle=False)
            array = _SafeUnpickler(file, encoding="latin1").load()
            return array.item() if isinstance(array, np.ndarray) and array.shape == () else array
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: '{member}' was refused: {error}") from None
    except OSError:
        raise
    except Exception as error:  # a damaged pickle or header may raise anything
        raise UserError(f"{path}: '{member}' is damaged ({error})") from None


def _holds_objects(file: IO[bytes]) -> bool:
    """Read the header of a .npy file, leaving the file at its data."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return bool(read_header(file)[2].hasobject)


def list_arrays(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an npz; UserError when the file is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(Path(name).stem for name in archive.namelist() if name.endswith(".npy"))
    except zipfile.BadZipFile:
        raise UserError(f"{path}: not an npz archive") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
