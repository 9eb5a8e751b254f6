"""A person's task from start to end: an OpenPose folder, an arm hidden over a range, figures, undo, BVH and CSV."""

import numpy as np
import pybvh
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QDoubleSpinBox, QFileDialog, QSpinBox

from app.panels.export_dialog import ExportDialog
from app.panels.open_dialog import OpenDialog
from mpm_core import read_clip
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import motion_of
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, every_error, save_and_reopen, show_panel, wait_for_lift

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
ARM = list(MPM16.limb("left arm"))


def answer_dialog(kind, fill):
    """When a dialog of that kind comes up, fill it in and press its first button; tries until it is there."""

    def attempt():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, kind):
            QTimer.singleShot(50, attempt)
            return
        fill(dialog)
        dialog.findChild(QDialogButtonBox).buttons()[0].click()

    QTimer.singleShot(50, attempt)


def fill_in_open_dialog(dialog):
    (fps,) = dialog.findChildren(QDoubleSpinBox)
    fps.setValue(50)
    for box in dialog.findChildren(QSpinBox):
        box.setValue(1080)


def drag(qtbot, widget, start, end, modifiers=Qt.KeyboardModifier.NoModifier):
    qtbot.mousePress(widget, LEFT, modifiers, start)
    qtbot.mouseMove(widget, (start + end) / 2)
    qtbot.mouseMove(widget, end)
    qtbot.mouseRelease(widget, LEFT, modifiers, end)


def export(qtbot, window, monkeypatch, path, label):
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: path)
    answer_dialog(ExportDialog, lambda dialog: dialog._format.setCurrentIndex(dialog._format.findText(label)))
    window.actions_by_name["export"].trigger()
    qtbot.waitUntil(lambda: window.status_line.message().startswith(f"Wrote {path}"), timeout=WAIT_MS)


def test_the_whole_task(qtbot, window, monkeypatch, tmp_path, openpose_folder, demo):
    session, timeline = window.session, window.timeline

    # Open the folder; the dialog asks for what OpenPose does not write.
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(openpose_folder))
    answer_dialog(OpenDialog, fill_in_open_dialog)
    window.actions_by_name["open_folder"].trigger()
    qtbot.waitUntil(lambda: session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    assert len(session) == 120 and session.clip.fps == 50 and session.clip.image_size == (1080, 1080)
    assert session.missing[35, MPM16.index("LWrist")]

    # Its ground truth lies in a file of its own.
    np.savez(tmp_path / "truth.npz", positions=demo.ground_truth[250:370], fps=50)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "truth.npz"), ""))
    window.actions_by_name["truth_file"].trigger()
    qtbot.waitUntil(lambda: session.has_errors, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)

    # Scrub along the ruler.
    frames = []
    session.frame_changed.connect(frames.append)
    drag(qtbot, timeline, *(QPoint(round(timeline.x_of(f + 0.5)), 8) for f in (10, 90)))
    assert session.frame == 90 and len(frames) >= 2

    # Choose a range and click the left arm's lane: hidden over the range, and the 3D answers.
    drag(qtbot, timeline, *(QPoint(round(timeline.x_of(f + 0.5)), 8) for f in (50, 100)), SHIFT)
    assert session.range == (50, 100)
    before = session.prediction.positions.copy()
    lane = next(lane for lane in timeline.lanes() if lane.label == "Left arm")
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(round(timeline.x_of(70.5)), int(lane.top + 9)))
    assert session.mask[50:101, ARM].all() and session.mask.sum() == 51 * 3
    wait_for_lift(qtbot, window)
    change = np.linalg.norm(session.prediction.positions - before, axis=-1)
    assert change[50:101, ARM].mean() > 0.005 and session.frame == 70

    # The error of the hidden joints appears in the status line and in the panel, over the range.
    panel = window.metrics_panel
    show_panel(window, "Metrics")
    expected = np.nanmean(every_error(session)[50:101, ARM])

    def is_told():  # until then it is that of the wrist that was lost before
        hidden = panel._values["hidden"]
        return hidden.isVisible() and abs(float(hidden.text().split()[0]) - expected) < 0.06

    qtbot.waitUntil(is_told, timeout=WAIT_MS)
    assert "hidden" in window.status_line._errors.text() and "51–101" in panel._scope.text()

    # A virtual display has no window manager that would give the keys back to the window after a dialog.
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)

    # Undo takes it back, and the old answer returns; redo for the export.
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not session.mask.any()
    wait_for_lift(qtbot, window)
    assert np.abs(session.prediction.positions - before).max() < 1e-5
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | SHIFT)
    wait_for_lift(qtbot, window)

    # Export the range as BVH and CSV and read both back.
    export(qtbot, window, monkeypatch, tmp_path / "walk.bvh", "BVH motion")
    export(qtbot, window, monkeypatch, tmp_path / "walk.csv", "CSV")
    bvh = pybvh.read_bvh_file(tmp_path / "walk.bvh", world_up="+y")
    motion, _ = motion_of(session.prediction, WriteOptions(50, 100, session.clip))
    order = [bvh.joint_names.index(joint.name) for joint in motion.joints]
    assert bvh.frame_count == 51
    assert np.abs(np.asarray(bvh.joint_positions())[:, order] / 100 - motion.joint_positions()).max() < 0.010
    table = read_clip(tmp_path / "walk.csv")
    assert len(table) == 51 and np.abs(table.ground_truth - session.prediction.absolute()[50:101]).max() < 1e-5
    assert "completed" in (tmp_path / "walk.csv").read_text()


def test_work_is_saved_and_found_again(qtbot, demo_window, monkeypatch, tmp_path):
    session = demo_window.session
    session.set_range(100, 120)
    demo_window.editor.apply_preset("left leg")
    gesture = demo_window.editor.begin_gesture()
    demo_window.editor.move_joint(5, 300, 400.0, 500.0, gesture)
    mask, keypoints = session.mask.copy(), session.clip.keypoints.copy()
    save_and_reopen(qtbot, demo_window, monkeypatch, tmp_path / "work.mpmproj")
    assert (session.mask == mask).all() and (session.clip.keypoints == keypoints).all() and session.clip.edited[300, 5]
    wait_for_lift(qtbot, demo_window)


def test_the_person_is_chosen_when_there_are_several(qtbot, window, tmp_path, demo):
    from tests.conftest import body25_from_mpm16, write_openpose

    first = body25_from_mpm16(demo.keypoints[300:340])
    second = body25_from_mpm16(demo.keypoints[300:340] * 0.5)
    folder = write_openpose(tmp_path / "two", first, others=[second])

    def choose_second(dialog):
        assert dialog._people.count() == 2
        dialog._people.setCurrentRow(1)
        fill_in_open_dialog(dialog)

    answer_dialog(OpenDialog, choose_second)
    window.file_handlers.open_path(folder)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    knee = MPM16.index("LKnee")
    assert np.allclose(window.session.clip.keypoints[:, knee], demo.keypoints[300:340, knee] * 0.5, atol=0.01)


def test_a_clip_of_many_is_chosen(qtbot, window, tmp_path, demo):
    from tests.core.test_formats import h36m_pair

    def choose(dialog):
        rows = [dialog._clips.item(n).text() for n in range(dialog._clips.count())]
        dialog._clips.setCurrentRow(rows.index("S9/Sitting/1"))

    answer_dialog(OpenDialog, choose)
    window.file_handlers.open_path(h36m_pair(tmp_path, demo))
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert "S9/Sitting/1" in window.session.clip.source and len(window.session) == 50
    wait_for_lift(qtbot, window)
    assert np.nanmean(every_error(window.session)) < 100


def test_a_file_dropped_on_the_window_opens(qtbot, window, tmp_path, demo):
    from PySide6.QtCore import QMimeData, QPointF, QUrl
    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from mpm_core import write

    write(demo, tmp_path / "dropped.npz")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "dropped.npz"))])
    copy, no_keys = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(200, 200), copy, data, LEFT, no_keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(200, 200), copy, data, LEFT, no_keys))
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert "dropped.npz" in window.windowTitle()


def test_a_video_lies_behind_the_skeleton(qtbot, demo_window, shared, monkeypatch):
    pictures = []
    demo_window.backdrop.picture_changed.connect(pictures.append)
    video = shared / "video" / "person_outdoor.mp4"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(video), ""))
    demo_window.actions_by_name["backdrop"].trigger()
    qtbot.waitUntil(lambda: bool(pictures) and pictures[-1] is not None, timeout=WAIT_MS)
    assert (pictures[-1].width(), pictures[-1].height()) == (1768, 994)
    first = pictures[-1]
    demo_window.session.set_frame(100)
    qtbot.waitUntil(lambda: pictures[-1] is not first and pictures[-1] != first, timeout=WAIT_MS)
