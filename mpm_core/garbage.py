"""Owns whether Python may look for garbage: not while many objects are made that stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_at_work: list[bool] = []
"""Whether garbage was collected when each of those began that go on at once, in threads of their own."""


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For work that makes many objects which stay, and would be looked through again and again meanwhile. The last of those
    that go on at once lets garbage be collected again."""
    with _lock:
        _at_work.append(gc.isenabled() or any(_at_work))
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            was_collecting = _at_work.pop()
            if was_collecting and not _at_work:
                gc.enable()


def is_held() -> bool:
    """Whether such work goes on."""
    return bool(_at_work)
