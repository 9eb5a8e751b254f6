"""Owns when and where Python looks for garbage: in the window's thread alone, which stands still meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

from app.document.session import Session
from mpm_core import garbage

_LOOK_MS = 100
_GROWTH = 0.25
"""Old objects are looked through when there are by that share more of them, as Python itself does."""


class Collector:
    """Looks for garbage in the window's thread for as long as there are workers.

    Python by itself looks in whichever thread happens to make an object. In a worker, that destroys objects of Qt which belong
    to the window's thread: one whose timer runs, or to which an event is on its way, takes the process with it.
    """

    def __init__(self) -> None:
        self._workers = 0
        self._was_collecting = False
        self._timer: QTimer | None = None
        self._old = 0

    def begin(self) -> None:
        """A worker is about to start; in the window's thread."""
        self._workers += 1
        if self._timer is None:
            self._was_collecting = gc.isenabled()
            gc.disable()
            self._timer = QTimer()
            self._timer.timeout.connect(self.look)
            self._timer.start(_LOOK_MS)

    def end(self) -> None:
        """A worker has ended; in the window's thread."""
        self._workers -= 1
        if self._timer is not None and not self._workers:
            self._timer.stop()
            self._timer = None
            if self._was_collecting:
                gc.enable()

    def look(self) -> None:
        """Look for garbage among objects of an age of which enough were made since the last time."""
        counts, most = gc.get_count(), gc.get_threshold()
        if garbage.is_held() or not 0 < most[0] < counts[0]:
            return
        if counts[1] <= most[1]:
            gc.collect(0)
        elif counts[2] <= most[2] or len(gc.get_objects(generation=2)) < self._old * (1 + _GROWTH):
            gc.collect(1)
        else:
            gc.collect()
            self._old = len(gc.get_objects(generation=2))


COLLECTOR = Collector()


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For work that makes many objects which stay, such as importing torch: its 300,000 would be looked through five times
    meanwhile, for up to 0.2 s each."""
    with garbage.nothing_collected():
        try:
            yield
        finally:
            is_frozen = gc.get_freeze_count() > 0
            gc.freeze()
            if not is_frozen:
                gc.unfreeze()  # what there is counts as old now, without having been looked at


def freeze_after_first_answer(session: Session) -> None:
    """Once the first answer is there, so are the libraries, and nothing of them is ever garbage: look at what comes later."""

    def freeze() -> None:
        if session.prediction is not None:
            session.prediction_changed.disconnect(freeze)
            gc.freeze()

    session.prediction_changed.connect(freeze)


def freeze_anew() -> None:
    """A window is gone, and all that was frozen of it may go too."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
