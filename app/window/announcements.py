"""Owns what is said in the window when: whatever was said of a clip goes when another one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def connect_messages(window: MainWindow) -> None:
    """Show what is said, for as long as the clip that it was said of is open; the log keeps it."""
    session, messages = window.session, window.messages
    session.clip_changed.connect(lambda: messages.say(""))
    for source in (window.opener.failed, window.backdrop.failed, session.failure):
        source.connect(messages.fail)
    session.warning.connect(messages.warn)
    session.message.connect(messages.say)
    window.status_line.log_button.clicked.connect(window.actions_by_name["messages"].trigger)
