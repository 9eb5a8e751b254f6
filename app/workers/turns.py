"""Owns whose turn it is when a worker is about to import a module: that of the window, or of a large library, goes before."""

from __future__ import annotations

import _imp
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from PySide6.QtCore import QTimer

_WINDOW_S, _LIBRARY_S = 0.15, 2.0
"""No import waits longer. The window may itself wait for what is being imported."""


class Turns(MetaPathFinder):
    """Has workers wait before the next module that they import.

    While the window has much to do: importing torch is a second of small pieces of work. Each time that Qt or numpy lets
    Python's lock go, the window would wait for it again while another piece is done, and stand still for three times as long as
    its own work takes. And while the C library loads a large library: it would load no other for them before that is done, for
    which they would wait with Python's lock in hand.
    """

    def __init__(self) -> None:
        self._is_window_idle, self._is_library_there = threading.Event(), threading.Event()
        self._is_window_idle.set()
        self._is_library_there.set()

    @property
    def is_window_idle(self) -> bool:
        """Whether it has done what it had to do."""
        return self._is_window_idle.is_set()

    def window_first(self) -> None:
        """The window has much to do from now on, until it has also painted and waits for something to happen. In its thread."""
        self._take_part()
        self._is_window_idle.clear()
        QTimer.singleShot(0, self._is_window_idle.set)

    @contextmanager
    def library_first(self) -> Iterator[None]:
        """While the C library is asked to load a large one."""
        self._take_part()
        self._is_library_there.clear()
        try:
            yield
        finally:
            self._is_library_there.set()

    def _take_part(self) -> None:
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:  # fmt: skip
        """Asked first for each module that is imported, which others find."""
        if threading.current_thread() is not threading.main_thread():
            with _others_import():
                self._is_library_there.wait(_LIBRARY_S)
                if not self._is_window_idle.wait(_WINDOW_S):
                    self._is_window_idle.set()  # once is enough
        return None


@contextmanager
def _others_import() -> Iterator[None]:
    """Python asks finders with the lock in hand that all imports share: the window must not wait for that one, too."""
    try:
        _imp.release_lock()
    except RuntimeError:  # somebody else than Python asks
        yield
        return
    try:
        yield
    finally:
        _imp.acquire_lock()


TURNS = Turns()
