import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton

from app.document.commands import EditKeypoints
from app.panels.refining import RefineControls
from mpm_core.metrics import joint_errors, reprojection
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, every_error, show_panel, wait_for_lift

LEFT = Qt.MouseButton.LeftButton


def test_task_switch_completes_3d(qtbot, demo_window):
    session = demo_window.session
    qtbot.mouseClick(demo_window.lifting_panel._task_buttons["complete"], LEFT)
    wait_for_lift(qtbot, demo_window)
    assert session.prediction.task == "complete" and session.errors_at(0) is None  # with nothing hidden there is none
    assert np.nanmax(joint_errors(session.prediction.positions, session.clip.measured_truth)) < 0.01
    demo_window.editor.apply_preset("left arm")
    wait_for_lift(qtbot, demo_window)
    arm = list(MPM16.limb("left arm"))
    assert every_error(session)[:, arm].mean() > 1 and np.delete(every_error(session), arm, axis=1).max() < 0.01


def test_peers_can_be_chosen_and_compared(qtbot, demo_window):
    panel, session = demo_window.lifting_panel, demo_window.session
    answers = {"mpm": session.prediction.positions}
    for name in ("tcn", "stmo"):
        choose(qtbot, panel._lifter, name)
        qtbot.waitUntil(lambda name=name: session.prediction.lifter == name, timeout=WAIT_MS)
        wait_for_lift(qtbot, demo_window)
        answers[name] = session.prediction.positions
    assert not np.allclose(answers["tcn"], answers["stmo"]) and not np.allclose(answers["mpm"], answers["stmo"])
    # A peer only lifts, so completing takes MPM again, and a peer goes back to lifting.
    panel._task_buttons["complete"].click()
    qtbot.waitUntil(lambda: session.prediction is not None and session.prediction.task == "complete", timeout=WAIT_MS)
    assert session.options.lifter == "mpm" and panel._lifter.currentData() == "mpm"
    choose(qtbot, panel._lifter, "tcn")
    assert session.options.task == "lift" and panel._task_buttons["lift"].isChecked()


def choose(qtbot, box, value):
    """Pick an entry of a combo box with the keys."""
    box.setFocus()
    steps = box.findData(value) - box.currentIndex()
    for _ in range(abs(steps)):
        qtbot.keyClick(box, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)
    assert box.currentData() == value


def test_completion_is_thorough_unless_told_otherwise(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.lifting_panel
    assert panel._mirror.isChecked() and not panel._calibrate.isEnabled()
    qtbot.mouseClick(panel._task_buttons["complete"], LEFT)
    demo_window.editor.apply_preset("left arm")
    wait_for_lift(qtbot, demo_window)
    assert panel._mirror.isChecked() and panel._calibrate.isEnabled() and panel._calibrate.isChecked()
    thorough = session.prediction
    assert thorough.uncertainty is not None
    panel._calibrate.click()
    qtbot.waitUntil(lambda: np.abs(session.prediction.positions - thorough.positions).max() > 1e-3, timeout=WAIT_MS)
    assert not session.options.aids.calibrate and session.prediction.uncertainty is not None
    panel._mirror.click()
    qtbot.waitUntil(lambda: session.prediction.uncertainty is None, timeout=WAIT_MS)
    assert session.options.aids.mirror is False
    qtbot.mouseClick(panel._task_buttons["lift"], LEFT)
    assert not panel._mirror.isChecked() and not panel._calibrate.isEnabled()


def test_boxes_that_change_nothing_say_why(qtbot, window):
    panel = window.lifting_panel
    assert panel._mirror.isEnabled() and "average" in panel._mirror.text() and "takes twice" in panel._mirror.toolTip()
    assert panel._calibrate.toolTip() == "Only for completing 3D"
    for lifter in ("d3dp", "platypose"):
        choose(qtbot, panel._lifter, lifter)
        assert not panel._mirror.isEnabled() and panel._mirror.toolTip().startswith(f"{lifter.upper()} answers by hypotheses")
        qtbot.mouseClick(panel._task_buttons["complete"], LEFT)
        assert not panel._calibrate.isEnabled() and "not corrected by the other side" in panel._calibrate.toolTip()
        assert panel._fit.toolTip() == panel._ground.toolTip() == "Only for lifting 2D" and not panel._ground.isEnabled()
        qtbot.mouseClick(panel._task_buttons["lift"], LEFT)
        assert "cannot be refined" in panel.findChild(RefineControls)._box.toolTip()
    choose(qtbot, panel._lifter, "mpm")
    assert panel._mirror.isEnabled() and "takes twice" in panel._mirror.toolTip()


def test_the_fit_to_the_keypoints_can_be_left_out(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.lifting_panel
    wait_for_lift(qtbot, demo_window)
    fitted = reprojection(session.prediction, session.clip).px
    assert panel._fit.isChecked() and panel._fit.isEnabled()
    panel._fit.click()
    qtbot.waitUntil(lambda: reprojection(session.prediction, session.clip).px > 1.3 * fitted, timeout=WAIT_MS)
    assert not session.options.aids.fit
    qtbot.mouseClick(panel._task_buttons["complete"], LEFT)
    assert not panel._fit.isEnabled()


def test_the_panel_says_by_how_much_standing_feet_moved_the_person(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.lifting_panel
    wait_for_lift(qtbot, demo_window)
    moved = 1000 * session.prediction.moved
    text = f"Joints were moved by {moved.mean():.0f} mm on average and {moved.max():.0f} at most"
    assert panel._moved.text() == f"{text}, so that standing feet do not slide"
    assert 1 < moved.mean() < moved.max() < 1000 and not panel._moved.isHidden()
    panel._ground.click()
    qtbot.waitUntil(lambda: not panel._moved.text(), timeout=WAIT_MS)
    assert session.prediction.moved is None


@pytest.mark.parametrize("larger", [0, 2])
def test_lines_that_come_move_nothing_below_them(qtbot, window, demo, larger):
    show_panel(window, "Lifting")
    for _ in range(larger):
        window.actions_by_name["text_larger"].trigger()
    panel, session = window.lifting_panel, window.session

    def tops():
        QApplication.sendPostedEvents()
        return [button.mapTo(panel, QPoint()).y() for button in panel.findChildren(QPushButton) if button.isVisible()]

    qtbot.waitUntil(lambda: min(tops()) >= 0, timeout=WAIT_MS)
    before = tops()
    session.open_clip(demo)
    wait_for_lift(qtbot, window)
    qtbot.waitUntil(lambda: bool(panel._moved.text()), timeout=WAIT_MS)
    assert tops() == before and len(before) > 8
    assert panel._moved.heightForWidth(panel._moved.width()) <= panel._moved.height()
    wrist = MPM16.index("LWrist")
    window.editor.set_hidden((wrist,), 100, 130, True)
    rows = np.zeros((20, 16, 4), np.float32)
    rows[:, wrist] = (0, 0.3, 0, 1)
    session.undo_stack.push(EditKeypoints(session, 105, {"chosen": rows}, "Take an alternative"))
    assert panel._followed.text() == "20 frames follow an alternative that was taken" and tops() == before
