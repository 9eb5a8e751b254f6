"""Owns what is marked upright in the picture, and up as it follows from that."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.commands import SetUp
from app.document.session import Session
from app.views.image_view import ImageView
from app.views.upright_tool import Line
from mpm_core.errors import UserError
from mpm_core.grounding.marks import up_of_marks
from mpm_core.grounding.up import Direction, Up

_NO_PICTURE = "There is no picture to mark something on: File > Video behind the skeleton shows one."


class UprightMarks(QObject):
    """Lets people mark lines and says up by them. Lines add up as long as up is as they left it, also after undo and redo."""

    changed = Signal(bool)  # whether the picture waits for clicks

    def __init__(self, session: Session, view: ImageView) -> None:
        super().__init__()
        self._session, self._view = session, view
        self._lines: dict[Direction, tuple[Line, ...]] = {}
        session.clip_changed.connect(self._lines.clear)
        view.upright_marked.connect(self._mark)
        view.upright_ended.connect(lambda: self.changed.emit(False))

    def choose(self, is_on: bool) -> None:
        """Begin to mark something, or give it up."""
        if not is_on:
            self._view.end_upright()
        elif self._view.has_picture:
            self._view.begin_upright(self._so_far())
            self.changed.emit(True)
        else:
            self._session.warning.emit(_NO_PICTURE)
            self.changed.emit(False)

    def _so_far(self) -> tuple[Line, ...]:
        """The lines that up is from."""
        clip = self._session.clip
        return () if clip is None or clip.up is None else self._lines.get(clip.up, ())

    def _mark(self, *line: float) -> None:
        """Take over a line, in image pixels, beside those before."""
        session, x0, y0, x1, y1 = self._session, *line
        if session.clip is None:
            return
        lines = (*self._so_far(), (x0, y0, x1, y1))
        before, camera = session.up, session.clip.camera
        try:
            try:
                marked = up_of_marks(np.reshape(lines, (-1, 2, 2)), camera, before.direction)
            except UserError:
                before = Up()  # up may have been told quite wrongly, and that is why somebody marks something
                marked = up_of_marks(np.reshape(lines, (-1, 2, 2)), camera, before.direction)
        except UserError as error:
            session.warning.emit(f"Up is as it was: {error}.")
            return
        self._lines[marked.direction] = lines
        session.undo_stack.push(SetUp(session, marked.direction, "Up by something upright", is_step=False))
        assumed = ""
        if marked.is_fixed and camera.is_assumed:
            assumed = f" The field of view, {camera.field_of_view_deg(session.clip.image_size):.0f}°, is assumed."
        session.message.emit(_told(session.up, before, len(lines), marked.is_fixed) + assumed)


def _told(up: Up, before: Up, count: int, is_fixed: bool) -> str:
    """What followed from the lines and what was assumed."""
    angles = f"the camera looks down by {up.pitch_deg:.0f}° and is rolled by {up.roll_deg:.0f}°"
    if is_fixed:
        return f"Up is where the {count} lines meet: {angles}."
    kept = {"lifter": "as the lifter tells it", "level": "as if the camera were level"}.get(before.source, "as it was")
    more = "another one, well to the side of it," if count == 1 else "these lines are too near to each other; one farther off"
    return f"Up leans sideways as the line does: {angles}. Along the line of sight it stays {kept}: {more} fixes that too."
