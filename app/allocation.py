"""Owns how the C library hands out memory to this program."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

_LARGE_BYTES = 6 << 20
"""Arrays of long clips are larger, what a network makes on its way is smaller."""

_LARGEST_PICTURE_BYTES = 30 << 20
"""Of larger pieces glibc always asks the system for each."""

_KEPT_FREE_BYTES = 32 << 20
_ARENAS = 4
"""Heaps that threads share: each of the window's two dozen would otherwise have one of its own, with holes of its own."""

_PRIMITIVES = "64"
"""oneDNN writes code for each new shape of a product, two pieces that take 0.6 MB, and keeps 1,024 pieces by default. Opening
clips and clicking in them takes 43 with the usual lifter; more only fill up as lifters, modes and alternatives change."""

_PRIMITIVES_OF_A_THREAD = "1"
"""torch keeps the last 1,024 once more, also those that oneDNN has given up: 0.3 MB for each new shape. What oneDNN still has
is found there as fast."""


def save_memory() -> None:
    """Before torch is imported: keep the code of fewer shapes, share heaps, and let arrays of a long clip go back to the system
    as soon as nobody holds them. glibc otherwise puts up to 32 MB where it puts everything else once it has seen one go, and
    there they leave holes: 0.15 GB after a clip of an hour was opened."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _PRIMITIVES)
    os.environ.setdefault("LRU_CACHE_CAPACITY", _PRIMITIVES_OF_A_THREAD)
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_FREE_BYTES)
        mallopt(_ARENA_MAX, _ARENAS)


def keep_at_hand(picture_bytes: int) -> None:
    """Pictures of that size come and go from now on, one for each frame of a video: to ask the system for the memory of each,
    which it empties first, takes longer than decoding. Until return_pictures."""
    if _LARGE_BYTES < picture_bytes < _LARGEST_PICTURE_BYTES:
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").mallopt(_MMAP_THRESHOLD, picture_bytes + (1 << 20))


def return_pictures() -> None:
    """No more of them come and go; see keep_at_hand."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    return_what_is_free()


def return_what_is_free() -> None:
    """Give back what lies free between smaller things; takes some milliseconds, and the window need not wait for it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
