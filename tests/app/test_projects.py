"""Projects in the real window: saved, opened, left, recovered, several at once; nothing old looks new."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from app.document.answer_commands import keep_answers
from app.document.predictions import keep
from app.look.theme import DARK
from app.panels.history import HistoryDialog
from app.window.main_window import MainWindow
from app.window.windows import Windows
from mpm_core import Clip, write
from mpm_core.formats.project import Project, read_project, write_project
from mpm_core.lifters.aids import Aids
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, close_unasked, show_panel, wait_for_lift
from tests.videos import write_scene

WRIST = MPM16.index("LWrist")
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def clip(demo):
    return Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50)


@pytest.fixture
def walk(qtbot, window, tmp_path, clip):
    """The window with a short clip; nobody waits for its 3D."""
    write(clip, tmp_path / "walk.npz")
    window.file_handlers.open_path(tmp_path / "walk.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    return window


def saved(qtbot, window, path, monkeypatch):
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: path)
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_S, CTRL)
    qtbot.waitUntil(lambda: window.document.path == path and not window.document.is_unsaved(), timeout=WAIT_MS)
    return path


def opened(qtbot, window, path):
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=WAIT_MS)


def test_ctrl_s_saves_and_the_mark_in_the_title_goes(qtbot, walk, tmp_path, monkeypatch):
    assert walk.windowTitle() == "walk.npz[*] – mpm-viewer" and not walk.isWindowModified()
    walk.editor.apply_preset("left leg")
    qtbot.waitUntil(walk.isWindowModified, timeout=WAIT_MS)
    path = saved(qtbot, walk, tmp_path / "walk.mpmproj", monkeypatch)
    qtbot.waitUntil(lambda: walk.windowTitle().startswith("walk.mpmproj") and not walk.isWindowModified(), timeout=WAIT_MS)
    assert walk.status_line.message() == f"Saved {path}"
    assert walk.menus.recent.actions()[0].text().startswith("walk.mpmproj  –  project, today")
    # The next time nothing is asked, and undoing is a change too.
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: pytest.fail("asked again"))
    walk.session.undo_stack.undo()
    qtbot.waitUntil(walk.isWindowModified, timeout=WAIT_MS)
    qtbot.keyClick(walk, Qt.Key.Key_S, CTRL)
    qtbot.waitUntil(lambda: not walk.isWindowModified(), timeout=WAIT_MS)
    assert not read_project(path).mask.any()
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "other.mpmproj")
    qtbot.keyClick(walk, Qt.Key.Key_S, CTRL | SHIFT)
    qtbot.waitUntil(lambda: walk.document.path == tmp_path / "other.mpmproj", timeout=WAIT_MS)


def test_a_project_is_as_it_was_left(qtbot, walk, tmp_path, monkeypatch, settings):
    session = walk.session
    walk.editor.apply_preset("left leg")
    walk.lifting_panel._ground.click()  # keep standing feet still
    session.set_range(5, 30)
    session.set_frame(17)
    walk.actions_by_name["errors"].setChecked(True)
    show_panel(walk, "Metrics")
    walk.timeline.toggle_limb("left arm")
    walk.image_view.put_picture("free", 3.0, QPointF(20, -10))
    walk.scene_view.setCameraPosition(distance=2.5, elevation=33, azimuth=77)
    path = saved(qtbot, walk, tmp_path / "walk.mpmproj", monkeypatch)
    mask, clip = session.mask.copy(), session.clip
    size = walk.size()
    walk.opener.open_demo()
    qtbot.waitUntil(lambda: len(session) > 100, timeout=WAIT_MS)
    for name in ("errors",):
        walk.actions_by_name[name].setChecked(False)
    show_panel(walk, "Lifting")
    session.set_options(replace(session.options, aids=Aids()))
    drop(walk, path)
    qtbot.waitUntil(lambda: walk.document.path == path, timeout=WAIT_MS)
    assert (session.mask == mask).all() and (session.clip.keypoints == clip.keypoints).all()
    assert (session.frame, session.range) == (17, (5, 30)) and not session.options.aids.ground
    assert not walk.lifting_panel._ground.isChecked() and walk.panels.currentIndex() == 2
    assert walk.actions_by_name["errors"].isChecked() and "left arm" in walk.timeline.in_view[2]
    assert walk.image_view.picture_place == ("free", 3.0, QPointF(20, -10)) and walk.size() == size
    qtbot.waitUntil(lambda: session.prediction is not None and not session.state.is_busy, timeout=WAIT_MS)
    assert [round(walk.scene_view.opts[name], 3) for name in ("distance", "elevation", "azimuth")] == [2.5, 33, 77]
    assert not walk.document.is_unsaved()


def test_what_is_chosen_to_be_looked_at_comes_back_with_a_project(qtbot, walk, tmp_path, monkeypatch, settings):
    session = walk.session
    wait_for_lift(qtbot, walk)
    for name in ("b", "a"):
        keep_answers(session, [keep(name, session.prediction, Aids(), session.clip)], "Keep")
    session.kept.set_shown(session.kept.answers[0].number, False)  # both are when they are new
    walk.scene_view.ghosts.reach = 4
    walk.actions_by_name["curves"].setChecked(True)
    walk.answers.curves.choose("speed")
    session.suspicions.set_only("gap")
    walk.playback.set_speed(0.25)
    walk.editor.corrections.set_fill("linear", 2.5)
    sizes = [walk.views.width() * 2 // 3, walk.views.width() // 3]
    walk.views.setSizes(sizes)
    sizes = walk.views.sizes()
    path = saved(qtbot, walk, tmp_path / "walk.mpmproj", monkeypatch)
    other = MainWindow(QSettings(str(tmp_path / "others.ini"), QSettings.Format.IniFormat), DARK)
    qtbot.addWidget(other, before_close_func=close_unasked)
    other.resize(walk.size())
    other.show()
    other.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: other.document.path == path, timeout=WAIT_MS)
    again = other.session
    assert [answer.name for answer in again.kept.shown] == ["a"] and len(again.kept.answers) == 2
    assert other.scene_view.ghosts.reach == 4 and other.answers.curves.choice().kind == "speed"
    assert other.actions_by_name["curves"].isChecked() and not other.answers.dock.isHidden()
    assert again.suspicions.only == "gap" and other.playback.speed == 0.25
    assert (other.editor.corrections.fill, other.editor.corrections.reach_s) == ("linear", 2.5)
    assert np.allclose(other.views.sizes(), sizes, atol=4)
    assert not other.document.is_unsaved()
    again.kept.set_shown(again.kept.answers[0].number, True)
    assert not other.document.is_unsaved()  # looking is no work


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)
    )


def test_a_damaged_project_is_one_sentence_and_leaves_the_work(qtbot, walk, tmp_path):
    (tmp_path / "bad.mpmproj").write_bytes(b"PK\x03\x04 cut off")
    clip = walk.session.clip
    walk.file_handlers.open_path(tmp_path / "bad.mpmproj")
    qtbot.waitUntil(lambda: "is damaged, or no project" in walk.status_line.message(), timeout=WAIT_MS)
    assert walk.session.clip is clip


@pytest.mark.parametrize("found", [True, False])
def test_a_video_that_moved_is_asked_for(qtbot, window, tmp_path, monkeypatch, clip, found):
    video = write_scene(tmp_path / "walk.mp4", 60)
    window.session.open_clip(replace(clip, source=str(video)))
    window.backdrop.open(video, is_source=True)
    path = saved(qtbot, window, tmp_path / "walk.mpmproj", monkeypatch)
    (tmp_path / "moved").mkdir()
    moved = Path(shutil.move(video, tmp_path / "moved" / "walk.mp4"))
    window.session.close()
    assert not window.image_view.has_picture
    asked = []
    monkeypatch.setattr(
        "app.window.project_handlers.ask_where_now", lambda *a: asked.append(a[1]) or (moved if found else None)
    )  # fmt: skip
    opened(qtbot, window, path)
    assert asked == [video] and len(window.session) == 60
    if found:
        qtbot.waitUntil(lambda: window.image_view.has_picture, timeout=WAIT_MS)
        assert window.session.clip.source == str(moved) and window.document.is_unsaved()  # the project links elsewhere
    else:
        assert "walk.mp4 was not found: there are no pictures" in window.status_line.message()
        assert window.session.video.path == video and not window.document.is_unsaved()


def test_another_video_under_the_old_name_is_said(qtbot, window, tmp_path, monkeypatch, clip):
    video = write_scene(tmp_path / "walk.mp4", 60)
    window.session.open_clip(replace(clip, source=str(video)))
    window.backdrop.open(video, is_source=True)
    path = saved(qtbot, window, tmp_path / "walk.mpmproj", monkeypatch)
    write_scene(video, 20)
    window.session.close()
    opened(qtbot, window, path)
    assert "walk.mp4 is not the file that was worked on" in window.status_line.message()


def test_saving_that_fails_keeps_the_window_open(qtbot, walk, tmp_path, monkeypatch):
    monkeypatch.setattr("app.window.project_handlers.ask_to_save", lambda *_: QMessageBox.StandardButton.Save)
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "nowhere" / "walk.mpmproj")
    told = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *a: told.append(a[2]))
    walk.editor.apply_preset("left leg")
    assert not walk.close() and walk.isVisible() and "cannot be written" in told[0]


def test_a_project_that_somebody_else_changed_is_not_written_over_unasked(qtbot, walk, tmp_path, monkeypatch):
    path = saved(qtbot, walk, tmp_path / "walk.mpmproj", monkeypatch)
    others = path.read_bytes() + b" "
    path.write_bytes(others)
    answers, asked = [False, True], []
    monkeypatch.setattr("app.window.project_handlers.ask_to_replace", lambda *a: asked.append(a[1]) or answers.pop(0))
    walk.editor.apply_preset("left leg")
    walk.project_handlers.save()
    assert asked == ["walk.mpmproj"] and path.read_bytes() == others and walk.document.is_unsaved()
    walk.project_handlers.save()
    qtbot.waitUntil(lambda: not walk.document.is_unsaved(), timeout=WAIT_MS)
    assert read_project(path).mask.any()


def test_what_was_done_is_told_copied_and_exported(qtbot, walk, tmp_path, monkeypatch):
    walk.editor.move_joint(WRIST, 3, 100.0, 200.0, walk.editor.begin_gesture())
    qtbot.waitUntil(lambda: walk.session.prediction is not None and not walk.session.state.is_busy, timeout=WAIT_MS)
    shown = []

    def look():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, HistoryDialog)
        shown.extend(dialog.table.item(row, 1).text() for row in range(dialog.table.rowCount()))
        dialog.copy()
        dialog.reject()

    QTimer.singleShot(0, look)
    walk.actions_by_name["history"].trigger()
    assert shown[0].startswith("Read from ") and shown[1].startswith("Noted: nothing tells the camera's field of view: 47.2°")
    assert shown[2] == "Move Left wrist, frame 4"
    assert any(text.startswith("Lifted by mpm (mpm.safetensors, sha256 ") for text in shown)
    assert "Move Left wrist, frame 4" in QApplication.clipboard().text()
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "out.npz")
    walk.actions_by_name["export_clip"].trigger()
    qtbot.waitUntil(lambda: walk.status_line.message() == f"Wrote {tmp_path / 'out.npz'}", timeout=WAIT_MS)
    with np.load(tmp_path / "out.npz") as written:
        assert written["history"][2][1] == "Move Left wrist, frame 4"


# Nothing old looks new


def test_another_video_clears_everything_of_the_clip_before(qtbot, demo_window, tmp_path):
    window, session = demo_window, demo_window.session
    session.set_range(3, 9)
    video = write_scene(tmp_path / "new.mp4", 30)
    window.file_handlers.open_path(video)
    qtbot.waitUntil(lambda: window.detect_job.video is not None, timeout=WAIT_MS)
    assert session.clip is None and session.prediction is None and session.video is None
    assert window.windowTitle() == "new.mp4[*] – mpm-viewer"
    window.scene_view.drawn()
    assert not window.scene_view._prediction.visible() and not window.scene_view._truth.visible()
    assert window.status_line._place.text() == "" and window.status_line._errors.text() == ""
    assert "demo" not in " ".join(w.text() for w in window.findChildren(QLabel) if w.isVisible())
    assert all(not any(char.isdigit() for char in value.text()) for value in window.metrics_panel.findChildren(
        QLabel) if value.isVisible() and value.text().endswith(("mm", "px")))  # fmt: skip
    window.grab()  # every view draws nothing without a fault


def test_a_clip_clears_the_video_that_was_chosen_before(qtbot, window, tmp_path, clip):
    video = write_scene(tmp_path / "new.mp4", 30)
    window.file_handlers.open_path(video)
    qtbot.waitUntil(lambda: window.detect_job.video is not None, timeout=WAIT_MS)
    write(clip, tmp_path / "walk.npz")
    window.file_handlers.open_path(tmp_path / "walk.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert window.detect_job.video is None and not window.video_panel.detect_button.isEnabled()
    assert "new.mp4" not in window.video_panel._video.text() and window.windowTitle().startswith("walk.npz")


def test_the_unsaved_clip_is_asked_about_before_a_video_takes_its_place(qtbot, walk, tmp_path, monkeypatch):
    walk.editor.apply_preset("left leg")
    clip = walk.session.clip
    monkeypatch.setattr("app.window.project_handlers.ask_to_save", lambda *_: QMessageBox.StandardButton.Cancel)
    walk.file_handlers.open_path(write_scene(tmp_path / "new.mp4", 30))
    qtbot.wait(200)
    assert walk.session.clip is clip and walk.detect_job.video is None


# Several windows, and after a crash


@pytest.fixture
def windows(qtbot, settings):
    windows = Windows(settings, DARK)
    yield windows
    for window in list(windows.open_windows):
        close_unasked(window)
        window.close()


def test_a_second_window_is_another_document_with_the_same_look(qtbot, windows, clip):
    first = windows.open()
    first.resize(1024, 700)
    first.actions_by_name["new_window"].trigger()
    first, second = windows.open_windows
    assert second.size() == first.size() and second.pos() != first.pos() and "Ctrl+O" in second.timeline.next_step
    first.session.open_clip(clip)
    assert second.session.clip is None and first.session.clip is not None
    second.actions_by_name["theme_light"].trigger()
    assert first.theme.name == second.theme.name == "light"
    second.close()
    assert windows.open_windows == [first] and first.isVisible()
    first.session.set_frame(5)
    assert first.session.frame == 5
    qtbot.wait(50)


def test_quit_asks_for_each_window_and_keeps_all_when_one_is_to_stay(qtbot, windows, clip, monkeypatch):
    first, second = windows.open(), windows.open()
    asked = []
    buttons = QMessageBox.StandardButton
    answers = [buttons.Discard, buttons.Cancel]
    monkeypatch.setattr("app.window.project_handlers.ask_to_save", lambda w, *_: asked.append(w) or answers[len(asked) - 1])
    for window in (first, second):
        window.session.open_clip(clip)
        window.editor.apply_preset("left leg")
    first.actions_by_name["quit"].trigger()
    assert asked == [first, second] and first.isVisible() and second.isVisible()
    answers[:] = [buttons.Discard] * 9
    second.actions_by_name["quit"].trigger()
    assert windows.open_windows == [] and len(asked) == 4


@pytest.mark.parametrize("answer", [True, False, None])
def test_what_a_crash_left_is_offered_once(qtbot, windows, settings, clip, monkeypatch, state_folder, tmp_path, answer):
    monkeypatch.setenv("MPM_AUTOSAVE_SECONDS", "0.02")
    crashed = windows.open()
    crashed.session.open_clip(replace(clip, source=str(tmp_path / "walk.json")))
    with qtbot.waitSignal(crashed.project_handlers.autosave.kept, timeout=WAIT_MS):
        crashed.editor.apply_preset("left leg")
    slot = crashed.project_handlers.autosave._slot
    monkeypatch.setattr("app.workers.autosave.Slot.clear", lambda _: None)
    close_unasked(crashed)
    crashed.close()  # its file stays, as after a crash
    monkeypatch.undo()
    monkeypatch.setenv("MPM_STATE_DIR", str(state_folder.parent))
    assert slot.path.exists()
    asked = []
    monkeypatch.setattr("app.window.windows.ask_to_recover", lambda *a: asked.append(a) or answer)
    window = windows.open()
    window.opener.open_demo = lambda: asked.append("demo")
    windows.start(None)
    assert asked[0][0] == "walk.json" and len(asked[0][1]) == len("14:32")
    if answer:
        assert window.session.mask.any() and window.document.is_unsaved()
        qtbot.waitUntil(window.isWindowModified, timeout=WAIT_MS)
        assert len(asked) == 1
    else:
        assert asked[1] == "demo" and window.session.clip is None
        assert slot.path.exists() == (answer is None)


def test_the_program_starts_with_a_project(qtbot, windows, clip, tmp_path):
    nothing = np.zeros((len(clip), 16), bool)
    write_project(Project(clip, nothing, nothing[:, 0], 0.25), tmp_path / "walk.mpmproj")
    window = windows.open()
    windows.start(tmp_path / "walk.mpmproj")
    qtbot.waitUntil(lambda: window.document.path == tmp_path / "walk.mpmproj", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.windowTitle().startswith("walk.mpmproj"), timeout=WAIT_MS)
    assert window.session.threshold == 0.25


# The questions themselves
