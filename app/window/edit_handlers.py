"""Owns what the actions of the menu Edit do, and what clicks in views and panels edit."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.document.editor import Editor
from app.document.session import Session
from app.views.image_view import ImageView
from mpm_core.skeleton import MPM16


class EditHandlers(QObject):
    """Binds the table of actions, and the mouse, to the editor."""

    random_asked = Signal()
    """To hide joints at random, in the way that is set in the panel."""
    upright_asked = Signal()
    """To mark something upright in the picture."""

    def __init__(self, session: Session, editor: Editor, image: ImageView) -> None:
        super().__init__()
        self._session, self._editor, self._image = session, editor, image
        self._click_was_edit = False
        self._drag_gesture = self._paint_gesture = 0
        self._painted: bool | None = None

    def undo(self) -> None:
        self._session.undo_stack.undo()

    def redo(self) -> None:
        self._session.undo_stack.redo()

    def hide_selected(self) -> None:
        self._editor.hide_selected()

    def hide_frame(self) -> None:
        self._editor.hide_frame()

    def hide_random(self) -> None:
        self.random_asked.emit()

    def show_all(self) -> None:
        self._editor.show_all()

    def swap_sides(self) -> None:
        """Of the selected joints, or of all."""
        self._editor.swap_sides(self._session.selection or None)

    def mark_upright(self) -> None:
        self.upright_asked.emit()

    def range_in(self) -> None:
        last = self._session.range[1] if self._session.range else len(self._session) - 1
        self._session.set_range(self._session.frame, max(last, self._session.frame))

    def range_out(self) -> None:
        first = self._session.range[0] if self._session.range else 0
        self._session.set_range(min(first, self._session.frame), self._session.frame)

    def range_none(self) -> None:
        """Give up what is being marked in the image, or else the range."""
        if not self._image.end_upright():
            self._session.set_range(None, None)

    # Clicks of the views and panels

    def click_joint(self, joint: int, has_shift: bool, has_ctrl: bool) -> None:
        """A joint in the image or the scene: hide or show it; with Ctrl select it."""
        before = self._session.undo_stack.index()
        if has_ctrl:
            self._session.set_selection(self._session.selection ^ {joint})
        else:
            self._editor.click_joints((joint,), self._session.frame, has_shift)
        self._click_was_edit = self._session.undo_stack.index() != before

    def drag_joint(self, joint: int, x: float, y: float, begins: bool) -> None:
        """A press became a drag: take the click back and move the joint instead."""
        if begins:
            if self._click_was_edit:
                self._session.undo_stack.undo()
            self._drag_gesture = self._editor.begin_gesture()
        self._editor.move_joint(joint, self._session.frame, x, y, self._drag_gesture)

    def press_cell(self, joints: tuple[int, ...], frame: int, has_shift: bool) -> None:
        """A cell of the timeline: hide or show, and go there."""
        self._painted = self._editor.click_joints(joints, frame, has_shift)
        self._paint_gesture = self._editor.current_gesture
        self._session.set_frame(frame)

    def drag_cell(self, joints: tuple[int, ...], first: int, last: int) -> None:
        """Drag on from a cell: do the same to all cells on the way."""
        if self._painted is not None:
            low, high = sorted((first, last))
            self._editor.set_hidden(joints, low, high, self._painted, self._paint_gesture)
        self._session.set_frame(last)

    def select_joints(self, joints: tuple[int, ...]) -> None:
        self._session.set_selection(frozenset(joints) & frozenset(range(len(MPM16))))

    def toggle_joints(self, joints: tuple[int, ...], has_shift: bool = False) -> None:
        """A limb's name, or a tick box."""
        self._editor.click_joints(joints, self._session.frame, has_shift)
