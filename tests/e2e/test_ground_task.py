"""A person's task from start to end: a video from a hand that moves, the height and up said, saved, exported, found again."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from mpm_core import read_clip
from mpm_core.cli import main
from mpm_core.stature import stature
from tests.app.conftest import WAIT_MS, save_and_reopen, wait_for_lift
from tests.e2e.test_openpose_task import export
from tests.videos import write_scene

LEFT = Qt.MouseButton.LeftButton
FRAMES = 50


def mark(qtbot, window, line):
    qtbot.mouseClick(window.video_panel.camera_box._mark, LEFT)
    for x, y in window.image_view._to_widget(np.array(line, float)):
        qtbot.mouseClick(window.image_view, LEFT, pos=QPoint(round(x), round(y)))


def test_the_whole_task(qtbot, window, monkeypatch, tmp_path, squares, cache, caplog):
    session, panel, job = window.session, window.video_panel, window.detect_job

    # A video whose camera pans: the window says so when it is detected, and the panel goes on saying it.
    path = write_scene(tmp_path / "pan.mp4", FRAMES, lambda n: (1.2 * n, 0, 1))
    panel._detector.addItem(squares.label, squares.name)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: job.video is not None, timeout=WAIT_MS)
    panel._detector.setCurrentIndex(panel._detector.findData("squares"))
    panel._show_detector()
    qtbot.mouseClick(panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    assert "the camera moves: it pans or is carried" in window.status_line.message()
    assert panel.camera_box._moves.isVisible() and panel.camera_box._moves.text().startswith("The camera moves")
    assert "The camera moves" in window.metrics_panel._notes.text()

    # The height is typed.
    panel.body_box.window().panels.currentWidget().ensureWidgetVisible(panel.body_box)
    box = panel.body_box._height
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "1.66")
    qtbot.keyClick(box, Qt.Key.Key_Tab)
    assert session.clip.height_m == pytest.approx(1.66)

    # Two edges of walls are marked: both lean inwards at the top, so the camera looks up.
    qtbot.waitUntil(lambda: window.image_view.has_picture, timeout=WAIT_MS)
    mark(qtbot, window, [(60, 220), (80, 20)])
    mark(qtbot, window, [(260, 220), (240, 20)])
    assert "where the 2 lines meet" in window.status_line.message() and "is assumed" in window.status_line.message()
    assert session.up.pitch_deg < -5 and abs(session.up.roll_deg) < 1.5
    wait_for_lift(qtbot, window)
    prediction = session.prediction
    assert stature(prediction.positions, prediction.hidden) == pytest.approx(1.66, abs=1e-3)

    # Exported and saved, everything is found again.
    export(qtbot, window, monkeypatch, tmp_path / "pan.csv", "CSV")
    written = read_clip(tmp_path / "pan.csv")
    assert written.height_m == pytest.approx(1.66) and written.lasting_notes == session.clip.lasting_notes
    assert written.up == pytest.approx(session.clip.up, abs=1e-5)
    assert stature(written.ground_truth) == pytest.approx(1.66, abs=1e-3)
    up = session.up
    save_and_reopen(qtbot, window, monkeypatch, tmp_path / "work.mpmproj")
    wait_for_lift(qtbot, window)
    assert session.clip.height_m == pytest.approx(1.66) and session.up.direction == pytest.approx(up.direction)
    assert panel.camera_box._moves.text().startswith("The camera moves")
    assert box.value() == pytest.approx(1.66) and panel.body_box._leave.isEnabled()

    # The command line takes what was saved, and says it.
    with caplog.at_level("INFO", "mpm"):
        assert main(["lift", str(tmp_path / "work.mpmproj"), "-o", str(tmp_path / "a.npz")]) == 0
    assert "the person is 1.66 m tall, as it is known" in caplog.text and "the camera moves" in caplog.text


def test_detecting_again_keeps_what_was_said(qtbot, window, tmp_path, squares, cache):
    session, panel, job = window.session, window.video_panel, window.detect_job
    path = write_scene(tmp_path / "still.mp4", 30)
    panel._detector.addItem(squares.label, squares.name)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: job.video is not None, timeout=WAIT_MS)
    panel._detector.setCurrentIndex(panel._detector.findData("squares"))
    panel._show_detector()
    qtbot.mouseClick(panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    assert "camera moves" not in window.status_line.message() and not panel.camera_box._moves.isVisible()
    panel.body_box._height.setValue(1.9)
    panel.camera_box._pitch.setValue(12)
    before = session.clip
    session.undo_stack.setClean()
    qtbot.mouseClick(panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: session.clip is not before and not job.state.is_running, timeout=WAIT_MS)
    assert session.clip.height_m == pytest.approx(1.9) and session.up.pitch_deg == pytest.approx(12)
    window.video_handlers.open_person(1)  # somebody else, who is as tall as they are
    qtbot.waitUntil(lambda: session.person == 1, timeout=WAIT_MS)
    assert session.clip.height_m is None and session.up.pitch_deg == pytest.approx(12)
    wait_for_lift(qtbot, window)
