"""Owns which frames of the answer on show are still those to what was asked before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal


class Renewal(QObject):
    """Frames are outdated from the change that touches them until an answer to it has come. Questions have numbers."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pending: NDArray[np.bool_] | None = None
        self._asked: list[tuple[int, int, int]] = []  # number, first and last frame
        self._number = 0
        self._marks: NDArray[np.bool_] | None = None

    def reset(self) -> None:
        """Nothing is asked, and no answer is there."""
        self._pending, self._marks = None, None
        self._asked.clear()

    def ask(self, first: int, last: int, frames: int) -> int:
        """A change that touches frames first to last of so many; returns the number of the question."""
        self._number += 1
        self._asked.append((self._number, first, last))
        self._mark(frames)
        return self._number

    def answer(self, number: int, is_pending: NDArray[np.bool_] | None, frames: int) -> None:
        """An answer to a question, of which these frames (frames,) are still to come."""
        self._asked = [asked for asked in self._asked if asked[0] > number]
        self._pending = is_pending
        self._mark(frames)

    def _mark(self, frames: int) -> None:
        marks = np.zeros(frames, bool) if self._pending is None or len(self._pending) != frames else self._pending.copy()
        for _, first, last in self._asked:
            marks[max(first, 0) : last + 1] = True
        self._marks = marks if marks.any() else None
        self.changed.emit()

    @property
    def marks(self) -> NDArray[np.bool_] | None:
        """(frames,) those that are outdated; None when none are. Not to be written to."""
        return self._marks

    def is_outdated(self, frame: int) -> bool:
        """Whether the answer on show is an older one in this frame."""
        return self._marks is not None and frame < len(self._marks) and bool(self._marks[frame])
