"""Owns how torch's largest library gets into memory while Python goes on."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from app.workers.turns import TURNS

_LIBRARY = Path("lib") / "libtorch_cpu.so"

_LARGE = 1 << 15
"""Numbers of 8 bytes each: numpy asks about arrays from 256 KB on."""


def load_torch_library() -> None:
    """Have the C library load it, 0.2 s of work, before torch is imported, which would hold Python's lock for as long. Does
    nothing on systems with other names for this; what goes wrong here, importing torch says better."""
    spec = find_spec("torch") if sys.platform.startswith("linux") else None
    for folder in (spec and spec.submodule_search_locations) or ():
        with suppress(OSError, AttributeError):
            load = ctypes.CDLL(None).dlopen  # ctypes' own way of loading a library does not let the lock go
            load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
            with TURNS.library_first():
                load(os.fsencode(Path(folder) / _LIBRARY), os.RTLD_NOW)


def let_numpy_ask() -> None:
    """Have numpy compute once in each way with a large array that nobody else holds: in each thread that does so later, before
    torch's library is loaded.

    numpy asks the C library, once in each thread, which library each of its callers is in, before it takes such an array for
    the result. The C library answers nobody while it loads a library, and numpy would wait for that with Python's lock in hand,
    and the window with it.
    """
    if not sys.platform.startswith("linux") or "torch" in sys.modules:
        return
    ones = np.ones(_LARGE)
    bits = ones.view(np.int64)
    for _ in (
        (ones + ones) + ones, (ones + ones) - ones, (ones + ones) * ones, (ones + ones) / ones, (ones + ones) // ones,
        (ones + ones) ** 2, -(ones + ones), abs(ones + ones), ones + (ones - ones), ones * (ones + ones), ~(bits | bits),
        (bits | bits) & bits, (bits | bits) | bits, (bits | bits) ^ bits, (bits | bits) << bits, (bits | bits) >> bits,
    ):  # fmt: skip
        pass
