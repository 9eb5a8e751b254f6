"""Owns what is said to people: notes over the views that differ by what they are, and the log of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look import theme as look

_MS_A_LETTER = 90
_MOST_ON_SHOW = 3
_MOST_KEPT = 500
_WIDTH_PX = 460
_SHARE = 0.58
"""Of the area's width, at most: beside the picture, whose person stands at its lower edge."""
_LOG_SIZE = (640, 420)


@dataclass(frozen=True)
class Kind:
    """One kind of message. name: also in the style sheet. shown_ms: at least so long, 0 for until it is closed."""

    name: str
    sign: str
    label: str
    shown_ms: int


DONE = Kind("done", "✓", "Done", 4000)
BEGUN = Kind("begun", "…", "Begun", 4000)
WARNING = Kind("warning", "!", "Warning", 12_000)
ERROR = Kind("error", "✕", "Error", 0)

_PASSING = (DONE.name, BEGUN.name)
"""Kinds of what nobody has to read: one of them makes room for the next."""


@dataclass(frozen=True)
class Message:
    """What was said, and when."""

    kind: Kind
    text: str
    at: datetime


class Note(QFrame):
    """One message on show. A long one wraps, and stays longer."""

    closed = Signal()

    def __init__(self, message: Message, parent: QWidget) -> None:
        super().__init__(parent)
        self.message = message
        self.setProperty("role", "note")
        self.setProperty("kind", message.kind.name)
        sign, self.label, close = QLabel(message.kind.sign), QLabel(message.text), QToolButton()
        sign.setProperty("kind", message.kind.name)
        sign.setAccessibleName(message.kind.label)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close.setText("×")
        close.setToolTip("Close; it stays in the log of messages")
        close.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 4, 6)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.label, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        # The first line is beside the middle of the cross, whether it is the only one or not.
        above = max((close.sizeHint().height() - self.label.fontMetrics().height()) // 2, 0)
        for text in (sign, self.label):
            text.setAlignment(Qt.AlignmentFlag.AlignTop)
            text.setContentsMargins(0, above, 0, above)
        if message.kind.shown_ms:
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(self.closed)
            timer.start(max(message.kind.shown_ms, len(message.text) * _MS_A_LETTER))


class Messages(QObject):
    """Shows messages in the lower right of an area of a window, the newest lowest, and keeps them all."""

    changed = Signal()

    def __init__(self, area: QWidget, worded: Callable[[str], str] = str) -> None:
        """worded: what becomes of a sentence before it is shown, unless something went wrong, maybe with another clip."""
        super().__init__(area)
        self._worded = worded
        self._area, self._window = area, area.window()
        self._notes: list[Note] = []
        self.log: list[Message] = []
        self.unread = 0
        area.installEventFilter(self)

    def say(self, text: str) -> None:
        """What was done, or is so, or has only begun (with "…" at its end); nothing at all takes away what is on show."""
        self._add(BEGUN if text.endswith("…") else DONE, text)

    def warn(self, text: str) -> None:
        """What could not be done, or should be looked at."""
        self._add(WARNING, text)

    def fail(self, text: str) -> None:
        """What went wrong. It stays until somebody closes it."""
        self._add(ERROR, text)

    def text(self) -> str:
        """The newest message on show; nothing when there is none."""
        return self._notes[-1].message.text if self._notes else ""

    def notes(self) -> tuple[Note, ...]:
        """What is on show, the newest last."""
        return tuple(self._notes)

    def mark_read(self) -> None:
        """Somebody has looked at the log."""
        self.unread = 0
        self.changed.emit()

    def _add(self, kind: Kind, text: str) -> None:
        if not text:
            for note in self.notes():
                self._close(note)
            return
        text = text if kind is ERROR else self._worded(text)
        message = Message(kind, text, datetime.now())
        self.log = [*self.log, message][-_MOST_KEPT:]
        self.unread += kind.name not in _PASSING
        for note in self.notes():
            # The same again is one note, and what was done makes room for what is done now.
            if note.message.text == text or (kind.name in _PASSING and note.message.kind.name in _PASSING):
                self._close(note)
        note = Note(message, self._window)
        note.closed.connect(lambda: self._close(note))
        self._notes.append(note)
        while len(self._notes) > _MOST_ON_SHOW:
            self._close(self._notes[0])
        note.show()
        self._place()
        self.changed.emit()

    def _close(self, note: Note) -> None:
        if note in self._notes:
            self._notes.remove(note)
            note.hide()
            note.deleteLater()
            self._place()

    def _place(self) -> None:
        corner = self._area.mapTo(self._window, QPoint(self._area.width(), self._area.height()))
        bottom = corner.y() - look.MARGIN
        width = min(_WIDTH_PX, round(self._area.width() * _SHARE) - look.MARGIN)
        for note in reversed(self._notes):
            note.setFixedWidth(width)
            note.setFixedHeight(max(note.heightForWidth(width), note.minimumSizeHint().height()))
            bottom -= note.height()
            note.move(corner.x() - look.MARGIN - width, bottom)
            note.raise_()
            bottom -= look.MARGIN // 2

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place()
        return False


class MessageLog(QDialog):
    """All messages since the start, the newest first, to be read and copied."""

    def __init__(self, messages: Messages, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Messages")
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        for message in reversed(messages.log):
            text = f"{message.at:%H:%M:%S}  {message.kind.sign}  {message.kind.label}: {message.text}"
            self.list.addItem(QListWidgetItem(text))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy all", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)
        layout.addWidget(buttons)
        self.resize(*_LOG_SIZE)
        messages.mark_read()

    def _copy(self) -> None:
        lines = [self.list.item(row).text() for row in range(self.list.count())]
        QApplication.clipboard().setText("\n".join(lines))
