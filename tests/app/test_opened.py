"""What opening a clip changes: task and lifter are the clip's, it is announced, and what was said of the last one goes."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox

from app.document.lift_options import LiftOptions
from app.document.measured import NOTHING_TO_MEASURE
from mpm_core import Clip, write
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, save_and_reopen, show_panel, wait_for_lift

WRIST, ANKLE = MPM16.index("LWrist"), MPM16.index("RAnkle")


@pytest.fixture
def files(tmp_path, demo):
    """walk.csv has 3D alone, walk.npz has 2D and 3D, seen.npz 2D alone."""
    truth = demo.ground_truth[:60]
    write(Clip.from_arrays(None, (1, 1), 50, ground_truth=truth), tmp_path / "walk.csv")
    write(Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50, ground_truth=truth), tmp_path / "walk.npz")
    write(Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50), tmp_path / "seen.npz")
    return tmp_path


def opened(qtbot, window, path):
    """Open a file; returns what was said."""
    before = window.session.clip
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None and window.session.clip is not before, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    return window.status_line.message()


def choose_lifter(qtbot, window, name):
    box: QComboBox = window.lifting_panel._lifter
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: window.session.prediction.lifter == name, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)


def test_each_clip_has_the_task_that_it_has_data_for(qtbot, window, files):
    session, panel = window.session, window.lifting_panel
    said = opened(qtbot, window, files / "walk.csv")
    assert said.startswith("Opened walk.csv: it has 3D alone, so hidden joints are completed")
    assert session.options.task == "complete" and panel._task_buttons["complete"].isChecked()
    write(session.prediction, files / "walk.bvh")
    for name in ("walk.bvh", "walk.npz", "seen.npz"):  # a BVH has the 2D of a virtual camera
        assert opened(qtbot, window, files / name).startswith(f"Opened {name}")
        assert session.options.task == "lift" and panel._task_buttons["lift"].isChecked()
        assert "completed" not in window.status_line.message()
    opened(qtbot, window, files / "walk.csv")
    window.opener.open_demo()
    qtbot.waitUntil(lambda: session.clip.name == "demo.npz", timeout=WAIT_MS)
    assert session.options.task == "lift" and window.status_line.message().startswith("Opened demo.npz")


def test_3d_of_which_nothing_is_hidden_is_not_measured_against_itself(qtbot, window, files):
    session, panel, table = window.session, window.metrics_panel, window.answers.predictions
    opened(qtbot, window, files / "walk.csv")
    show_panel(window, "Metrics")
    qtbot.waitUntil(lambda: NOTHING_TO_MEASURE in panel._scope.text(), timeout=WAIT_MS)
    shown = [label.text() for label in panel._values.values() if label.isVisible()]
    assert not any(text.startswith("0") for text in shown) and not panel.joints.isVisible()
    assert window.timeline.curves.curves == ()
    assert window.status_line._errors.text() == "nothing hidden here"
    assert session.errors_at(0) is None and not session.has_errors
    window.actions_by_name["worst"].trigger()
    assert window.status_line.message() == NOTHING_TO_MEASURE
    show_panel(window, "Answers")
    qtbot.waitUntil(lambda: table._figures is not None, timeout=WAIT_MS)
    assert "0.0" not in {table.table.item(0, column).text() for column in range(1, table.table.columnCount())}
    # What is hidden is measured, where it is; a frame of which nothing is hidden has nothing to say still.
    window.editor.set_hidden((WRIST,), 20, 40, True)
    wait_for_lift(qtbot, window)
    qtbot.waitUntil(lambda: panel._values["hidden"].text().endswith(" mm"), timeout=WAIT_MS)
    assert NOTHING_TO_MEASURE not in panel._scope.text() and window.status_line._errors.text() == "nothing hidden here"
    session.set_frame(30)
    assert window.status_line._errors.text().startswith("MPJPE here ") and np.nanmax(session.errors_at(30)) > 0
    window.actions_by_name["worst"].trigger()
    assert 20 <= session.frame <= 40
    session.set_range(45, 55)
    window.actions_by_name["worst"].trigger()
    assert window.status_line.message() == NOTHING_TO_MEASURE
    qtbot.waitUntil(lambda: NOTHING_TO_MEASURE in panel._scope.text(), timeout=WAIT_MS)


def test_what_looks_wrong_in_3d_of_which_nothing_is_hidden_is_gone_to(qtbot, window, tmp_path, demo):
    truth = demo.ground_truth[:60].copy()
    truth[30, WRIST] += 0.5
    write(Clip.from_arrays(None, (1, 1), 50, ground_truth=truth), tmp_path / "walk.csv")
    opened(qtbot, window, tmp_path / "walk.csv")
    session, panel = window.session, window.answers.suspicions
    show_panel(window, "Bad frames")
    qtbot.waitUntil(lambda: session.suspicions.items is not None and not session.suspicions.is_outdated, timeout=WAIT_MS)
    worst = max(session.suspicions.shown, key=lambda item: (item.kind != "gap", item.badness))
    qtbot.mouseClick(panel.worst_button, Qt.MouseButton.LeftButton)
    assert session.frame == worst.worst and window.status_line.message().startswith("Most suspicious of the clip: ")


def test_a_lifter_that_was_chosen_is_not_the_next_clips(qtbot, window, files, monkeypatch):
    session, key = window.session, window.scene_view.key._first_words
    opened(qtbot, window, files / "walk.npz")
    assert key() == "prediction"
    choose_lifter(qtbot, window, "tcn")
    assert key() == "prediction (TCN)"
    key_widths = window.scene_view.key.written_widths(window.scene_view.key.fontMetrics())
    assert max(key_widths) < window.scene_view.key.width()  # all of it can be read
    # The same file keeps it, as does a project, which says so.
    assert "by TCN" in opened(qtbot, window, files / "walk.npz") and session.options.lifter == "tcn"
    save_and_reopen(qtbot, window, monkeypatch, files / "walk.mpmproj")
    assert window.status_line.message() == "Opened walk.mpmproj: lifted by TCN" and session.options.lifter == "tcn"
    said = opened(qtbot, window, files / "seen.npz")
    assert said.startswith("Opened seen.npz: lifted by MPM again, not by TCN")
    assert session.prediction.lifter == "mpm" and window.lifting_panel._lifter.currentData() == "mpm"
    assert key() == "prediction"
    window.lifting_panel._ground.click()
    assert opened(qtbot, window, files / "walk.npz").startswith("Opened walk.npz: lifted with the usual options again")
    assert session.options.aids.ground and window.lifting_panel._ground.isChecked()


def test_a_video_is_lifted_as_usual_unless_a_lifter_is_chosen_for_it(qtbot, window, files, video, squares, cache):
    session, panel = window.session, window.video_panel
    opened(qtbot, window, files / "walk.npz")
    choose_lifter(qtbot, window, "tcn")
    window.session.failure.emit("other.csv: there is no such file")
    window.file_handlers.open_path(video)
    qtbot.waitUntil(lambda: window.detect_job.video is not None, timeout=WAIT_MS)
    said = "Opened squares.mp4: Detect finds the people in it; lifted by MPM again, not by TCN"
    assert [note.message.text for note in window.messages.notes()] == [said]
    assert session.options.lifter == "mpm"
    window.lifting_panel._lifter.setCurrentIndex(window.lifting_panel._lifter.findData("stmo"))
    window.lifting_panel._lifter.activated.emit(0)
    panel._detector.addItem(squares.label, squares.name)
    panel._detector.setCurrentIndex(panel._detector.findData("squares"))
    panel.detect_button.click()
    qtbot.waitUntil(lambda: session.clip is not None and session.prediction is not None, timeout=WAIT_MS)
    assert session.prediction.lifter == "stmo"


def test_what_was_said_of_a_clip_goes_with_it_but_not_from_the_log(qtbot, window, files):
    opened(qtbot, window, files / "walk.npz")
    (files / "bad.csv").write_text("nothing,of,the,kind\n1,2,3,4\n")
    window.file_handlers.open_path(files / "bad.csv")
    qtbot.waitUntil(lambda: "bad.csv" in window.status_line.message(), timeout=WAIT_MS)
    window.session.warning.emit("There is no prediction to export yet.")
    assert len(window.messages.notes()) == 3
    opened(qtbot, window, files / "seen.npz")
    (note,) = window.messages.notes()
    assert note.message.text.startswith("Opened seen.npz")
    assert [said.kind.name for said in window.messages.log] == ["done", "error", "warning", "done"]


def test_what_changes_no_answer_is_not_called_unusual():
    usual = LiftOptions()
    assert replace(usual, sampling=replace(usual.sampling, samples=7)).unusual == "" != usual.with_lifter("tcn").unusual
    assert replace(usual, aids=replace(usual.aids, refine=True)).unusual == "with other options than usual"


def eye(scene):
    return scene.cameraPosition().toTuple()


def test_the_camera_view_stays_where_the_camera_stood(qtbot, demo_window):
    scene, session, actions = demo_window.scene_view, demo_window.session, demo_window.actions_by_name
    assert actions["follow"].isChecked()
    actions["view_camera"].trigger()
    before = eye(scene)
    assert np.linalg.norm(before) < 0.01
    seen = scene.joint_places() - demo_window.scene_view.rect().center().toTuple()
    actions["forward_100"].trigger()
    demo_window.editor.click_joints((ANKLE,), session.frame)
    wait_for_lift(qtbot, demo_window)
    assert np.allclose(eye(scene), before, atol=1e-3)
    moved = scene.joint_places() - demo_window.scene_view.rect().center().toTuple()
    assert np.abs(moved - seen).max() > 5  # the person walks through the picture
    actions["beside"].setChecked(True)
    assert np.allclose(scene.joint_places() - scene.rect().center().toTuple(), moved, atol=1), "side by side moves no camera"
    actions["beside"].setChecked(False)
    # A turn of the mouse wheel, or another view, leaves the camera: the person is followed again.
    actions["view_side"].trigger()
    actions["forward_100"].trigger()
    centre = np.array(scene.opts["center"].toTuple())
    assert np.linalg.norm(eye(scene) - centre) < 6 and np.linalg.norm(eye(scene)) > 0.5
    before = centre
    actions["back_100"].trigger()
    assert np.linalg.norm(np.array(scene.opts["center"].toTuple()) - before) > 0.1


def test_a_project_that_was_left_in_camera_view_opens_in_it(qtbot, demo_window, tmp_path, monkeypatch):
    demo_window.actions_by_name["view_camera"].trigger()
    save_and_reopen(qtbot, demo_window, monkeypatch, tmp_path / "walk.mpmproj")
    wait_for_lift(qtbot, demo_window)
    demo_window.actions_by_name["forward_100"].trigger()
    assert np.linalg.norm(eye(demo_window.scene_view)) < 0.01
