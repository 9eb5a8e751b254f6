"""Reads npz files, also such whose arrays are pickled, of which nothing but data can come out."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from mpm_core.errors import UserError
from mpm_core.files import open_zip
from mpm_core.formats.pickle_values import PickleError, is_plain, read_pickle, to_native

_LARGEST_BYTES = 1 << 32  # of an array, unpacked: beyond the largest data sets of the field


def read_npz(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """The named arrays of an npz, as far as it has them; object arrays of shape () come as the object they hold.

    UserError when the file is no npz, or when an array in it is damaged or holds anything but numbers, text and plain
    containers of those.
    """
    with open_zip(path, "not an npz archive") as archive:
        members = _members(archive)
        return {name: _read_member(archive, members[name], path) for name in names if name in members}


def read_members(archive: zipfile.ZipFile, where: str) -> dict[str, Any]:
    """All arrays of an npz that is open; UserError, beginning with `where`, as of read_npz."""
    return {name: _read_member(archive, member, where) for name, member in _members(archive).items()}


def list_arrays(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an npz; UserError when the file is none."""
    with open_zip(path, "not an npz archive") as archive:
        return tuple(_members(archive))


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Names in the archive by the names of arrays."""
    return {Path(name).stem: name for name in archive.namelist() if name.endswith(".npy")}


def _read_member(archive: zipfile.ZipFile, member: str, path: Path | str) -> Any:
    size = archive.getinfo(member).file_size
    if size > _LARGEST_BYTES:
        raise UserError(f"{path}: '{member}' has {size} bytes, more than any keypoints ({_LARGEST_BYTES} at most are read)")
    try:
        with archive.open(member) as file:
            return read_array(file, size)
    except PickleError as error:
        raise UserError(f"{path}: '{member}' was refused: {error}") from None
    except OSError as error:
        raise UserError(f"{path}: '{member}' cannot be read ({error.strerror or 'it is damaged'})") from error
    except Exception as error:  # a damaged archive or header may bring out anything
        raise UserError(f"{path}: '{member}' is damaged") from error


def read_array(file: IO[bytes], size: int) -> Any:
    """An array of a member of so many bytes, or what it holds as an object."""
    shape, is_fortran, dtype = _read_header(file)
    if dtype.hasobject:
        value = read_pickle(file.read())
        return value.item() if isinstance(value, np.ndarray) and value.shape == () else value
    if not is_plain(dtype):
        raise PickleError("it holds neither numbers nor text")
    count = math.prod(shape)
    if count * dtype.itemsize != size - file.tell():
        raise PickleError("it is of another size than it says")
    flat = np.frombuffer(file.read(), dtype) if count and dtype.itemsize else np.zeros(count, dtype)
    return to_native(flat.reshape(shape, order="F" if is_fortran else "C"))


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The header of a .npy file, leaving the file at its data."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that Python 2 wrote it
        return read(file)
