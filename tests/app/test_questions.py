"""Questions that are asked before work could be lost."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from app.panels.questions import ask_to_recover, ask_to_save, ask_where_now


def press(label, then=None):
    """Press a button of the question that comes up; returns what it says."""
    texts = []

    def click():
        box = QApplication.activeModalWidget()
        texts.extend((box.text(), box.informativeText()))
        next(button for button in box.buttons() if button.text().replace("&", "") == label).click()

    QTimer.singleShot(0, click)
    return texts


def test_questions_say_what_is_at_stake(qtbot, window, tmp_path, monkeypatch):
    texts = press("Discard")
    assert ask_to_save(window, "walk.mpmproj", True) == QMessageBox.StandardButton.Discard
    assert texts[0] == "Save the changes to walk.mpmproj first?"
    texts = press("Cancel")
    assert ask_to_save(window, "walk.mp4", False) == QMessageBox.StandardButton.Cancel
    assert texts[0] == "Save your work on walk.mp4 as a project first?"
    for label, answer in (("Recover", True), ("Discard", False), ("Ask me later", None)):
        texts = press(label)
        assert ask_to_recover("walk.mp4", "14:32", "walk.mpmproj") is answer
        assert texts[0] == "Recover walk.mp4 of 14:32?" and "walk.mpmproj, which stays as it is" in texts[1]
    texts = press("Open without it")
    assert ask_where_now(window, tmp_path / "walk.mp4", "Videos (*)") is None
    assert texts[0] == "Where is walk.mp4 now?"
    monkeypatch.setattr(
        "app.panels.questions.QFileDialog.getOpenFileName", lambda *_: (str(tmp_path / "found.mp4"), "")
    )  # fmt: skip
    press("Find it…")
    assert ask_where_now(window, tmp_path / "walk.mp4", "Videos (*)") == tmp_path / "found.mp4"
