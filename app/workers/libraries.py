"""Owns how torch's largest library gets into memory while Python goes on."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_LIBRARY = Path("lib") / "libtorch_cpu.so"


def load_torch_library() -> None:
    """Have the C library load it, 0.2 s of work, before torch is imported, which would hold Python's lock for as long. Does
    nothing on systems with other names for this; what goes wrong here, importing torch says better."""
    spec = find_spec("torch") if sys.platform.startswith("linux") else None
    for folder in (spec and spec.submodule_search_locations) or ():
        with suppress(OSError, AttributeError):
            load = ctypes.CDLL(None).dlopen  # ctypes' own way of loading a library does not let the lock go
            load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
            load(os.fsencode(Path(folder) / _LIBRARY), os.RTLD_NOW)
