"""Owns which keys and turns of the wheel the fields of the side panel take, and which they leave to the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QLineEdit, QSlider, QSpinBox, QWidget

from app.panels.said_box import SaidBox

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_NO_TEXT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class Fields(QObject):
    """Keeps a panel's fields from what was meant for the window: the wheel scrolls the panel whatever field slides under the
    pointer, which it would else turn unseen, so that the whole clip is lifted with another pitch; where a field has nothing to
    undo, Ctrl+Z goes on to the window; and a number in which nobody types leaves the window its letters. Enter, Esc and the
    field's own arrows, once let go, give the keyboard back."""

    def guard(self, panel: QWidget) -> None:
        for kind in (QAbstractSpinBox, QComboBox, QSlider):
            for field in panel.findChildren(kind):
                if field.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                if isinstance(field, QAbstractSpinBox):
                    field.setKeyboardTracking(False)  # Esc gives up what is typed: until then it is no number
                field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel:
            event.ignore()  # what holds the field gets it
            return True
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            return _on_shortcut(watched, event)
        if not isinstance(watched, QAbstractSpinBox):
            return False
        if event.type() == QEvent.Type.FocusIn:
            watched.lineEdit().setModified(False)
        elif event.type() == QEvent.Type.MouseButtonRelease:  # of its arrows: the text has the others
            QTimer.singleShot(0, watched, watched.clearFocus)
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return _ends(watched, event)
        return False


def _on_shortcut(field: QObject, event: QKeyEvent) -> bool:
    """A key that the field may keep from the window's shortcuts. Whether it needs no more to be asked."""
    edit = field.findChild(QLineEdit)
    undoes = event.matches(QKeySequence.StandardKey.Undo) and not (edit is not None and edit.isUndoAvailable())
    redoes = event.matches(QKeySequence.StandardKey.Redo) and not (edit is not None and edit.isRedoAvailable())
    if undoes or redoes:
        event.ignore()
        return True
    if not isinstance(field, QAbstractSpinBox):
        return False
    if event.key() == Qt.Key.Key_Escape:
        event.accept()
        return True
    if event.text().isprintable() and not field.lineEdit().isModified() and not _could_begin(field, event):
        event.ignore()
        return True
    return False


def _could_begin(field: QAbstractSpinBox, event: QKeyEvent) -> bool:
    """Whether a key could begin another number there."""
    text = event.text().strip()
    if event.modifiers() & _NO_TEXT or not event.text():
        return True  # it is no text, and the field knows best
    state, *_ = field.validate(text, len(text))
    return bool(text) and state != QValidator.State.Invalid


def _ends(field: QAbstractSpinBox, event: QKeyEvent) -> bool:
    """Whether a key press ended what was being typed: Enter takes it, Esc gives it up."""
    if not field.hasFocus():
        return False
    if event.key() == Qt.Key.Key_Escape:
        if isinstance(field, SaidBox):
            field.forget_typed()
        if isinstance(field, QDoubleSpinBox):
            field.setValue(field.value())  # which is shown again
        elif isinstance(field, QSpinBox):
            field.setValue(field.value())
    elif event.key() not in _ENTER:
        return False
    field.clearFocus()
    return True
