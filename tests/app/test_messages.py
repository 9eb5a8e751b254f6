"""What is said: done, warning and error look different, wrap, stay readable, and can be read again."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QToolButton

from app.window import messages as said
from app.window.messages import MessageLog
from tests.app.conftest import WAIT_MS


def test_kinds_look_different_and_errors_stay(qtbot, window, monkeypatch):
    session, messages = window.session, window.messages
    session.message.emit("Wrote walk.npz")
    session.warning.emit("There is no prediction to export yet.")
    session.failure.emit("walk.mp4: cannot be read as a video")
    notes = messages.notes()
    assert [note.message.kind.name for note in notes] == ["done", "warning", "error"]
    edges = {note.grab().toImage().pixelColor(2, note.height() // 2).name() for note in notes}
    assert len(edges) == 3
    assert all(note.isVisible() and note.geometry().bottom() < window.timeline.mapTo(window, note.rect().topLeft()).y()
               for note in notes)  # fmt: skip
    assert notes[0].y() < notes[1].y() < notes[2].y()
    assert notes[2].message.kind.shown_ms == 0
    qtbot.mouseClick(notes[2].findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert window.status_line.message() == "There is no prediction to export yet."


def test_a_note_goes_away_after_its_time(qtbot, window, monkeypatch):
    monkeypatch.setattr(said, "_MS_A_LETTER", 0)
    monkeypatch.setattr(said, "DONE", said.Kind("done", "✓", "Done", 30))
    window.session.message.emit("Wrote walk.npz")
    assert window.status_line.message() == "Wrote walk.npz"
    qtbot.waitUntil(lambda: window.status_line.message() == "", timeout=WAIT_MS)
    assert len(window.messages.log) == 1


def test_a_long_message_wraps_and_does_not_widen_the_window(qtbot, window):
    before = window.minimumSizeHint().width()
    text = "a sentence that goes on and on, with an address at its end " * 8
    window.session.warning.emit(text)
    note = window.messages.notes()[-1]
    assert window.minimumSizeHint().width() == before and note.width() <= window.views.width()
    lines = note.label.fontMetrics().boundingRect(0, 0, note.label.width(), 10_000, Qt.TextFlag.TextWordWrap, text)
    assert note.label.height() >= lines.height() > 4 * note.label.fontMetrics().height()


def test_the_log_holds_all_with_their_kind_and_the_button_counts_what_was_not_read(qtbot, window):
    assert not window.status_line.log_button.isEnabled()
    for number in range(5):
        window.session.warning.emit(f"warning {number}")
    window.session.failure.emit("an error")
    assert len(window.messages.notes()) == 3 and window.status_line.log_button.text() == "Messages (6)"
    log = MessageLog(window.messages, window)
    qtbot.addWidget(log)
    lines = [log.list.item(row).text() for row in range(log.list.count())]
    assert len(lines) == 6 and "Error: an error" in lines[0] and "Warning: warning 0" in lines[-1]
    assert window.status_line.log_button.text() == "Messages"
    log._copy()
    assert QApplication.clipboard().text().count("\n") == 5


@pytest.mark.parametrize("source", ["opener", "backdrop"])
def test_what_fails_is_an_error(window, source):
    getattr(window, source).failed.emit("walk.mp4: there is no such file")
    assert window.messages.notes()[-1].message.kind.name == "error"
