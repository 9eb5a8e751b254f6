"""Owns the room that PySide has for types, while workers run."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import shiboken6

_ROOM = 2_000
"""Twice as many as there are: of Qt's own, which are made when first used, of pyqtgraph's and of ours."""

_KNOWN_TO = (6, 13)
"""The first release whose table nobody has looked at: calls with what is no type might end the process there."""


@cache
def make_room_for_types() -> None:
    """Before the first worker starts, so large a table that it never has to grow.

    Before Python 3.12 PySide keeps what it knows of each type in one hash table. Qt asks an object for its class without
    Python's lock and looks in there; while another thread makes a type for which the table has to grow, as where a module is
    imported late, it finds nothing, and the process dies. The table keeps its size when entries go. Numbers stand for types
    here, which takes a millisecond: their addresses are all that is looked at. Only in the packages of PyPI is the library
    found beside the module; others may be built with checks.
    """
    if sys.version_info >= (3, 12) or shiboken6.__version_info__[:2] >= _KNOWN_TO:
        return
    for path in Path(shiboken6.__file__).parent.glob("*shiboken6.abi3*"):
        with suppress(OSError, AttributeError):
            library = ctypes.PyDLL(str(path))
            add, remove = library.PepType_SOTP, library.PepType_SOTP_delete
            add.argtypes = remove.argtypes = (ctypes.c_void_p,)
            add.restype = remove.restype = None
            for address in range(1, _ROOM + 1):
                add(address)
            for address in range(1, _ROOM + 1):
                remove(address)
            return
