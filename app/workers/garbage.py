"""Owns when Python looks for garbage: while it does, nothing else of it runs, and the window stands still."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from app.document.session import Session

_lock = Lock()
_at_work: list[bool] = []
"""Whether garbage was collected when each of those began that go on at once, in windows of their own."""


@contextmanager
def nothing_collected() -> Iterator[None]:
    """For work that makes many objects which stay, such as importing torch: its 300,000 would be looked through five times
    meanwhile, for up to 0.2 s each. The last of those that go on at once lets garbage be collected again."""
    with _lock:
        _at_work.append(gc.isenabled() or any(_at_work))
        gc.disable()
    try:
        yield
    finally:
        is_frozen = gc.get_freeze_count() > 0
        gc.freeze()
        if not is_frozen:
            gc.unfreeze()  # what there is counts as old now, without having been looked at
        with _lock:
            was_collecting = _at_work.pop()
            if was_collecting and not _at_work:
                gc.enable()


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
