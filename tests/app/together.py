"""What a person does in the dialog that brings two cameras together; its fixtures are in conftest."""

from contextlib import contextmanager
from threading import Event

import numpy as np
from PySide6.QtCore import Qt

from mpm_core.lifters.several_cameras import Together
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS

LEFT = Qt.MouseButton.LeftButton


@contextmanager
def held_back(monkeypatch):
    """What several cameras saw waits to be lifted meanwhile. Yields an event: whether that has begun."""
    make, may_go, has_begun = Together.of, Event(), Event()

    def wait(*given):
        may_go.wait(WAIT_MS / 1000)
        has_begun.set()
        return make(*given)

    monkeypatch.setattr(Together, "of", wait)
    try:
        yield has_begun
    finally:
        may_go.set()


def off_mm(answer, motion):
    relative = motion - motion[:, MPM16.root, None]
    return 1000 * float(np.linalg.norm(answer.positions - relative, axis=-1).mean())


def until_fits(qtbot, dialog):
    qtbot.waitUntil(lambda: dialog.matched is not None, timeout=WAIT_MS)
    assert dialog.lift_button.isEnabled()


def until_said(qtbot, dialog, words):
    qtbot.waitUntil(lambda: words in dialog.said.text(), timeout=WAIT_MS)
    assert not dialog.lift_button.isEnabled()


def lift_both(qtbot, folder, ask, monkeypatch, view="cam02.npz"):
    """As a person does: both files are chosen, the sentence is read, Lift is clicked. Returns the sentence."""
    chosen, said = [folder / "calib.toml", folder / view], []
    monkeypatch.setattr("app.panels.together_dialog.ask_for_file", lambda *_: chosen.pop(0))

    def person(dialog):
        until_said(qtbot, dialog, "Choose the file that says where the cameras stood")
        qtbot.mouseClick(dialog.choose_button, LEFT)
        until_said(qtbot, dialog, "Add what another camera saw")
        qtbot.mouseClick(dialog.add_button, LEFT)
        until_fits(qtbot, dialog)
        said.append(dialog.said.text())
        qtbot.mouseClick(dialog.lift_button, LEFT)

    ask(person)
    return said[0]
