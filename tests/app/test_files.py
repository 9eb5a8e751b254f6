"""Saving, exporting and adding ground truth through the window's handlers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.look.theme import DARK
from app.panels.export_dialog import ExportDialog
from app.panels.folders import folder_of
from app.panels.questions import ask_where
from app.window.main_window import MainWindow
from mpm_core import Clip, write
from mpm_core.formats import FORMATS
from mpm_core.formats.base import ReadOptions
from tests.app.conftest import WAIT_MS, save_and_reopen, stop_answers, wait_for_lift
from tests.core.test_formats import h36m_pair


@pytest.fixture
def accepted(monkeypatch):
    """The export dialog answers at once with what it proposes."""
    monkeypatch.setattr(ExportDialog, "exec", lambda _: 1)


@pytest.mark.parametrize("choice", ["Discard", "Cancel", "Save"])
def test_closing_asks_about_unsaved_work(demo_window, monkeypatch, tmp_path, choice):
    monkeypatch.setattr("app.window.project_handlers.ask_to_save", lambda *_: QMessageBox.StandardButton[choice])
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "work.mpmproj")
    demo_window.editor.apply_preset("left leg")
    assert demo_window.close() == (choice != "Cancel")
    assert (tmp_path / "work.mpmproj").exists() == (choice == "Save")


@pytest.mark.parametrize(("typed", "may_replace", "written"), [
    ("walk.npz", None, "walk.npz"), ("walk.csv", None, "walk.csv.npz"), ("old.csv", True, "old.csv.npz"),
    ("old.csv", False, None),
])  # fmt: skip
def test_the_suffix_is_forced_and_nothing_replaced_unasked(window, monkeypatch, tmp_path, typed, may_replace, written):
    (tmp_path / "old.csv.npz").touch()
    monkeypatch.setattr(QFileDialog, "exec", lambda _: 1)
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _: [str(tmp_path / typed)])
    buttons = QMessageBox.StandardButton
    monkeypatch.setattr(QMessageBox, "question", lambda *_: buttons.Yes if may_replace else buttons.No)
    path = ask_where(window, "Save", "walk.npz", "NPZ", ".npz")
    assert path == (tmp_path / written if written else None)


def test_an_answer_that_is_not_whole_is_not_exported(demo_window, monkeypatch, accepted):
    session, handlers = demo_window.session, demo_window.file_handlers
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: pytest.fail("asked for a place"))
    positions = session.prediction.positions.copy()
    positions[100:200] = np.nan
    # Straight into the session: set_prediction would fill the gap from the answer before.
    session._prediction = replace(session.prediction, positions=positions)
    handlers.export()
    assert "not complete yet" in demo_window.status_line.message()
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: None)
    session.message.emit("")
    session.set_range(0, 99)
    handlers.export()
    assert demo_window.status_line.message() == ""


def test_an_export_that_fails_says_so_in_one_sentence(qtbot, demo_window, monkeypatch, tmp_path, accepted):
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "nowhere" / "walk.bvh")
    demo_window.file_handlers.export()
    qtbot.waitUntil(lambda: "there is no folder" in demo_window.status_line.message(), timeout=WAIT_MS)
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "walk.bvh")
    demo_window.file_handlers.export()
    qtbot.waitUntil(lambda: demo_window.status_line.message() == f"Wrote {tmp_path / 'walk.bvh'}", timeout=WAIT_MS)


def open_flat(qtbot, window, path: Path, clip: Clip, frames: int) -> None:
    """Open the first frames of a clip without their 3D."""
    write(Clip.from_arrays(clip.keypoints[:frames], clip.image_size, 50), path)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None and len(window.session) == frames, timeout=WAIT_MS)


def test_ground_truth_is_chosen_from_a_file_with_many_clips(qtbot, window, monkeypatch, tmp_path, demo):
    many = h36m_pair(tmp_path, demo)
    open_flat(qtbot, window, tmp_path / "flat.npz", demo, 50)
    monkeypatch.setattr("app.panels.open_dialog.OpenDialog", lambda *_: ChooseSitting())
    window.opener.open_truth(many)
    qtbot.waitUntil(lambda: window.session.clip.ground_truth is not None, timeout=WAIT_MS)
    assert "S9/Sitting/1" in window.status_line.message()


class ChooseSitting(QObject):
    """Answers the open dialog."""

    def exec(self) -> bool:
        return True

    def options(self) -> ReadOptions:
        return ReadOptions(select="S9/Sitting/1")


def test_ground_truth_lands_on_the_clip_it_was_read_for(qtbot, window, tmp_path, demo):
    open_flat(qtbot, window, tmp_path / "a.npz", demo, 50)
    first = window.session.clip
    window.editor.move_joint(5, 3, 400.0, 500.0, window.editor.begin_gesture())
    window.truth_job.attach(first, demo.cut(0, 49))
    # An edit leaves it the same clip.
    qtbot.waitUntil(lambda: window.session.clip.ground_truth is not None, timeout=WAIT_MS)
    window.session.undo_stack.undo()
    window.session.open_clip(Clip.from_arrays(demo.keypoints[:50], demo.image_size, 50))
    with qtbot.waitSignal(window.truth_job.found, timeout=WAIT_MS):
        window.truth_job.attach(first, demo.cut(0, 49))
    assert window.session.clip.ground_truth is None


def test_an_export_while_the_lifter_is_at_work_is_written_when_it_is_done(qtbot, demo_window, monkeypatch, tmp_path, accepted):
    session, path = demo_window.session, tmp_path / "walk.npz"
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: path)
    monkeypatch.setattr(ExportDialog, "format", lambda _: next(one for one in FORMATS.values() if one.name == "npz"))
    demo_window.editor.set_hidden((12, 13), 0, len(session) - 1, True)
    assert session.state.is_busy
    demo_window.file_handlers.export()
    assert not path.exists() and "when the lifter is done" in demo_window.status_line.message()
    demo_window.file_handlers.export()
    assert "still being written" in demo_window.status_line.message()
    qtbot.waitUntil(path.exists, timeout=WAIT_MS)
    wait_for_lift(qtbot, demo_window)
    with np.load(path) as written:
        assert np.allclose(written["positions"], session.prediction.positions)


def test_a_window_is_not_closed_unasked_while_an_export_waits(qtbot, demo_window, monkeypatch, tmp_path, accepted):
    asked = []
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "walk.bvh")
    monkeypatch.setattr("app.window.file_handlers.ask_to_give_up_export", lambda _, name: asked.append(name))
    stop_answers(monkeypatch)
    demo_window.editor.set_hidden((12, 13), 0, 50, True)
    demo_window.file_handlers.export()
    demo_window.close()
    assert asked == ["walk.bvh"] and demo_window.isVisible()


def test_an_export_whose_clip_was_closed_meanwhile_is_given_up(qtbot, demo_window, monkeypatch, tmp_path, accepted):
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "walk.bvh")
    stop_answers(monkeypatch)
    demo_window.editor.set_hidden((12,), 0, 20, True)
    demo_window.file_handlers.export()
    demo_window.session.close()
    qtbot.waitUntil(lambda: "walk.bvh was not written" in demo_window.status_line.message(), timeout=WAIT_MS)
    demo_window.file_handlers.export()
    assert "no prediction" in demo_window.status_line.message() and not (tmp_path / "walk.bvh").exists()


def test_dialogs_begin_where_files_were_used_last_and_names_come_from_the_project(
    qtbot, demo_window, monkeypatch, tmp_path, settings, accepted
):
    began, folders = [], [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()

    def note(dialog):
        began.append(Path(dialog.directory().absolutePath()) / dialog.selectedFiles()[0])
        return 0

    monkeypatch.setattr(QFileDialog, "exec", note)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: (began.append(Path(words[2])) or "", ""))
    demo_window.file_handlers.open_file()
    assert began.pop() == Path.home()
    demo_window.file_handlers.open_path(folders[0] / "nothing.npz")  # as one that was dropped
    demo_window.file_handlers.export()
    assert began.pop() == folders[0] / "demo.bvh"
    save_and_reopen(qtbot, demo_window, monkeypatch, folders[1] / "first.mpmproj")
    wait_for_lift(qtbot, demo_window)
    demo_window.file_handlers.open_video()
    demo_window.file_handlers.export()
    assert began == [folders[1], folders[1] / "first.bvh"]
    demo_window.close()
    another = MainWindow(settings, DARK)
    qtbot.addWidget(another)
    assert folder_of(another) == folders[1]
    another.close()
