"""Alternatives that are wanted where there is nothing for them to be alternatives to."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.workers.lifting import LiftJob
from mpm_core.errors import UserError
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS


def test_without_an_answer_none_are_said_to_come(qtbot, window, monkeypatch):
    def fail(job, _):
        raise UserError("the lifter is gone")

    monkeypatch.setattr(LiftJob, "_task_for", fail)
    session, line, said = window.session, window.status_line._alternatives, []
    session.failure.connect(said.append)
    window.opener.open_demo()
    qtbot.waitUntil(lambda: said == ["the lifter is gone"], timeout=WAIT_MS)
    window.editor.set_hidden(MPM16.limb("left arm"), 0, 40, True)
    QTest.keyClick(window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=WAIT_MS)
    assert session.alternatives.samples == 5 and session.alternatives.is_pending and line.text() == ""
