"""Owns the worker for slow edits of keypoints: they are computed away from the window's thread, and pushed as one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.commands import EditKeypoints
from app.document.session import Session
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.corrections import FIELDS, with_keys


@dataclass(frozen=True, eq=False)
class Change:
    """What an edit comes to. clip: the clip with other 2D; flags: (frames,) those that deserve a look, or None to leave them.
    first, last: the frames that it is for, both included. text: its name in the undo list. note: a sentence about it."""

    clip: Clip
    first: int
    last: int
    text: str
    note: str = ""
    flags: NDArray[np.bool_] | None = None


class CleaningJob(QObject):
    """Computes changes of the session's clip. One whose clip was edited or left meanwhile is given up."""

    _computed = Signal(object, object)  # the clip that was asked about, and the Change

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._computed.connect(self._on_computed)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def ask(self, compute: Callable[[Clip], Change]) -> None:
        """Compute a change of the clip that is open, and make it."""
        if self._session.clip is not None:
            self._thread.ask(compute, self._session.clip)

    def _work(self, compute: Callable[[Clip], Change], clip: Clip) -> None:
        self._computed.emit(clip, compute(clip))

    def _on_computed(self, asked: Clip, change: Change) -> None:
        """In the window's thread."""
        session = self._session
        if session.clip is not asked:
            session.warning.emit(f"{change.text}: given up, as the clip has changed meanwhile.")
            return
        part, changed = slice(change.first, change.last + 1), with_keys(change.clip)
        patch = {field: getattr(changed, field)[part] for field in FIELDS}
        is_same = all(np.array_equal(rows, getattr(asked, field)[part]) for field, rows in patch.items())
        if is_same and (change.flags is None or np.array_equal(change.flags, session.flags)):
            session.message.emit(f"{change.text}: nothing to change.")
            return
        session.undo_stack.push(EditKeypoints(session, change.first, patch, change.text, flags=change.flags))
        if change.note:
            session.message.emit(change.note)
