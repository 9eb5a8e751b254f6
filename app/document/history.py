"""Owns what was done to the document, as far as it can be told: what the clip brought with it, and the edits that stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand

from app.document.answer_commands import SetAnswers
from app.document.commands import SETTINGS, SetMask
from app.document.session import Session
from mpm_core.provenance import History, Step

# So many edits of one kind in a row are told as one.
_MANY = 3


class DoneList(QObject):
    """Dates the session's edits. What is undone was not done, nor was what a later value has replaced; mask and kept answers
    are no part of it, as they are on show."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._edits: list[Step | None] = []
        session.undo_stack.indexChanged.connect(self._on_index_changed)

    def steps(self) -> History:
        """What was done so far, the first thing first; without the answer on show."""
        clip = self._session.clip
        if clip is None:
            return ()
        stack = self._session.undo_stack
        last = {type(stack.command(place)): place for place in range(len(self._edits))}
        edits = [
            step for place, step in enumerate(self._edits) if step is not None and not (
                isinstance(command := stack.command(place), SETTINGS) and last[type(command)] != place
            )
        ]  # fmt: skip
        runs = [list(run) for _, run in groupby(edits, key=lambda step: step.text.partition(" ")[0])]
        return (*clip.history, *(step for run in runs for step in _told(run)))

    def _on_index_changed(self, index: int) -> None:
        stack = self._session.undo_stack
        del self._edits[index:]
        for place in range(len(self._edits), index):
            self._edits.append(_as_step(stack.command(place)))
        if index and (last := self._edits[-1]) is not None and last.text != stack.text(index - 1):
            self._edits[-1] = replace(last, text=stack.text(index - 1))  # a gesture went on


def _as_step(command: QUndoCommand) -> Step | None:
    return None if isinstance(command, SetMask | SetAnswers) else Step.now(command.text())


def _told(run: list[Step]) -> list[Step]:
    """Edits of one kind, one by one or, where there are many, as one."""
    if len(run) <= _MANY:
        return run
    return [replace(run[-1], text=f"{run[-1].text}, and {len(run) - 1} edits like it before")]
