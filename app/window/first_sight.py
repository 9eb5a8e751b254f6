"""Owns when a window was seen for the first time: what its first picture does not need begins only then."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

from app.document.timers import single_shot

_UNSEEN_MS = 1000
"""After so long a window that nobody can see, such as a minimized one, counts as seen."""


class FirstSight(QObject):
    """Tells once that a window has been painted."""

    seen = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._soon = single_shot(self, self._tell)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._soon.start(_UNSEEN_MS)
        elif event.type() == QEvent.Type.Paint:
            self._soon.start(0)  # when all of the window is painted
        return False

    def _tell(self) -> None:
        self._window.removeEventFilter(self)
        self.seen.emit()
