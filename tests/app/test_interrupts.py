"""Ctrl+C in the terminal that a window was started from."""

import os
import signal

import pytest
from PySide6.QtWidgets import QDialog

from app.window.interrupts import Interrupts


@pytest.fixture
def interrupts(qtbot):
    """What the window was asked, while Ctrl+C goes to it."""
    handler, asked = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, signal.default_int_handler)
    listening = Interrupts(lambda: asked.append("quit"))
    yield asked
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, handler)
    listening.deleteLater()


def test_ctrl_c_asks_the_window_to_quit_and_a_second_one_ends_it(qtbot, interrupts):
    os.kill(os.getpid(), signal.SIGINT)
    qtbot.waitUntil(lambda: interrupts == ["quit"], timeout=5000)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL


def test_ctrl_c_waits_for_a_question_that_is_open(qtbot, interrupts, caplog):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    dialog.open()
    os.kill(os.getpid(), signal.SIGINT)
    qtbot.waitUntil(lambda: "Ctrl+C again ends it at once" in caplog.text, timeout=5000)
    assert not interrupts
