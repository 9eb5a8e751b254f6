"""Owns the undo commands of kept answers: keeping, removing and renaming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtGui import QUndoCommand

from app.document.commands import SetCamera
from app.document.predictions import KeptAnswer
from app.document.session import Session
from mpm_core.camera import Intrinsics


class SetAnswers(QUndoCommand):
    """Replace the list of kept answers by another one."""

    def __init__(self, session: Session, answers: Sequence[KeptAnswer], text: str) -> None:
        super().__init__(text)
        self._session = session
        self._before, self._after = session.kept.answers, tuple(answers)

    def redo(self) -> None:
        self._session.kept.set_answers(self._after)

    def undo(self) -> None:
        self._session.kept.set_answers(self._before)


def keep_answers(session: Session, new: Sequence[KeptAnswer], text: str) -> bool:
    """Keep answers under names that none has yet, and show them; whether there was room. A message says so otherwise."""
    reason = session.kept.why_no_room(*new)
    if reason:
        session.warning.emit(reason)
        return False
    kept = list(session.kept.answers)
    for answer in new:
        names = {other.name for other in kept}
        name = answer.name if answer.name not in names else session.kept.free_name(answer.name)
        kept.append(replace(answer, name=name))
    session.undo_stack.push(SetAnswers(session, kept, text))
    for answer in kept[-len(new) :]:
        session.kept.set_shown(answer.number, True)
    return True


def keep_with_camera(session: Session, new: KeptAnswer, camera: Intrinsics, text: str) -> bool:
    """Keep an answer by a camera that is known for the clip from then on, as one edit; whether there was room."""
    assert session.clip is not None
    if camera == session.clip.camera or session.kept.why_no_room(new):
        return keep_answers(session, [new], text)
    session.undo_stack.beginMacro(text)
    session.undo_stack.push(SetCamera(session, camera, text))
    keep_answers(session, [new], text)
    session.undo_stack.endMacro()
    return True


def remove_answers(session: Session, numbers: Sequence[int]) -> None:
    """Take answers off the list."""
    gone = [answer.name for answer in session.kept.answers if answer.number in numbers]
    if gone:
        left = [answer for answer in session.kept.answers if answer.number not in numbers]
        text = f"Remove {gone[0]}" if len(gone) == 1 else f"Remove {len(gone)} answers"
        session.undo_stack.push(SetAnswers(session, left, text))


def rename_answer(session: Session, number: int, name: str) -> None:
    """Call an answer otherwise; a name that is empty or that another has is refused with a message."""
    name = " ".join(name.split())
    old = session.kept.find(number)
    if old is None or name == old.name:
        return
    if not name or any(answer.name == name for answer in session.kept.answers):
        session.warning.emit(f"'{name}' is the name of another answer." if name else "An answer needs a name.")
        session.kept.changed.emit()  # so that lists show the name that it keeps
        return
    renamed = [replace(answer, name=name) if answer.number == number else answer for answer in session.kept.answers]
    session.undo_stack.push(SetAnswers(session, renamed, f"Rename {old.name}"))
