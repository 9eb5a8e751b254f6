"""Owns the worker that imports, once the window has shown, what is needed soon but not for its first picture."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module

from PySide6.QtCore import QObject, Signal

from app.workers.garbage import nothing_collected
from app.workers.newest_wins import NewestWins

_log = logging.getLogger(__name__)


class LoadJob(QObject):
    """Imports modules, for which the window would otherwise stand still when it needs them. One that cannot be imported is left
    to whoever needs it, who says so where it is seen."""

    loaded = Signal()

    def __init__(self, modules: Sequence[str]) -> None:
        super().__init__()
        self._modules = modules
        self._thread = NewestWins(self._work)
        self._thread.start()

    def start(self) -> None:
        """Import them all in the background; `loaded` tells when that is done."""
        self._thread.ask()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def _work(self) -> None:
        with nothing_collected():
            for name in self._modules:
                try:
                    import_module(name)
                except Exception:  # PyOpenGL raises what it likes where a library is lacking
                    _log.exception("%s cannot be imported", name)
        if not self._thread.is_outdated():  # nothing is built in a window that closes
            self.loaded.emit()
