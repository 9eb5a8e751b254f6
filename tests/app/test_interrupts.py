"""Ctrl+C in the terminal that a window was started from."""

import os
import signal

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QWidget

from app.window.interrupts import Interrupts
from tests.app.conftest import WAIT_MS


@pytest.fixture
def interrupts(qtbot, caplog):
    """What holds while the window's question is open, and whether how to end it is said then; Ctrl+C goes to the window."""
    handler, asked = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, signal.default_int_handler)

    window = QWidget()
    qtbot.addWidget(window)
    window.show()

    def ask():
        dialog = QDialog()
        qtbot.addWidget(dialog)
        QTimer.singleShot(600, dialog.reject)  # nobody answers for so long
        QTimer.singleShot(500, lambda: asked.append((signal.getsignal(signal.SIGINT), "at once" in caplog.text)))
        dialog.exec()

    listening = Interrupts(ask)
    yield asked
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, handler)
    listening.deleteLater()


def test_ctrl_c_asks_the_window_to_quit_and_a_second_one_before_the_answer_ends_it(qtbot, interrupts, caplog):
    os.kill(os.getpid(), signal.SIGINT)
    qtbot.waitUntil(lambda: bool(interrupts), timeout=WAIT_MS)
    assert interrupts == [(signal.SIG_DFL, True)]
    assert "Ctrl+C again ends it at once" in caplog.text
    os.kill(os.getpid(), signal.SIGINT)  # a person wanted to go on: the window is asked anew
    qtbot.waitUntil(lambda: interrupts == [(signal.SIG_DFL, True)] * 2, timeout=WAIT_MS)


def test_ctrl_c_waits_for_a_question_that_is_open(qtbot, interrupts, caplog):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    dialog.open()
    os.kill(os.getpid(), signal.SIGINT)
    qtbot.waitUntil(lambda: "Ctrl+C again ends it at once" in caplog.text, timeout=WAIT_MS)
    assert not interrupts
