"""What tooltips and error messages tell: what the mouse does, what helps, where settings are, which layouts can be read."""

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QToolTip

from app.document.suspicions import ADVICE
from app.views.joint_text import joint_tip
from mpm_core.skeleton import MPM16
from mpm_core.suspicions import CHECKS, Suspicion
from tests.app.conftest import LEFT, WAIT_MS, show_panel, stop_answers, wait_for_lift
from tests.app.test_window import place

WRIST = MPM16.index("LWrist")


def tip(window, view, spot, qtbot, words):
    """What is shown at a place, once it has such words."""

    def says_it():
        qtbot.mouseMove(view, spot + QPoint(1, 0))  # again, if another window of the display took the pointer away
        qtbot.mouseMove(view, spot)
        return words in QToolTip.text()

    qtbot.waitUntil(says_it, timeout=WAIT_MS)
    return QToolTip.text()


def test_a_joint_says_below_what_a_click_and_a_drag_do(qtbot, demo_window):
    image, session = demo_window.image_view, demo_window.session
    session.set_frame(300)
    text = tip(demo_window, image, place(image, WRIST), qtbot, "Left wrist")
    first, second = text.split("<br>")
    assert "confidence" in first and "Click hides it, drag corrects it<" in second and demo_window.theme.muted in second
    scene = demo_window.scene_view
    spot = place(scene, WRIST)
    assert "Click hides it<" in tip(demo_window, scene, spot, qtbot, "Click hides it<")  # there a drag corrects nothing
    qtbot.mouseClick(image, LEFT, pos=place(image, WRIST))
    wait_for_lift(qtbot, demo_window)
    assert "Click shows it, drag corrects it" in joint_tip(session, WRIST, demo_window.theme, True)
    session.set_range(290, 310)
    assert "shows it over the range, drag corrects it over the range" in joint_tip(session, WRIST, demo_window.theme, True)


def test_a_bad_frame_says_what_helps_and_the_button_why_it_is_grey(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.answers.suspicions
    assert ADVICE.keys() == CHECKS.keys()
    show_panel(demo_window, "Bad frames")
    items = (Suspicion("correction", 9, 11, (WRIST,), 1.5, 10), Suspicion("jump", 40, 40, (WRIST,), 2.0, 40))
    session.suspicions.set_items(items, len(session))
    assert not panel.hide_button.isEnabled() and panel.hide_button.toolTip() == "Choose rows first"
    panel.select(items[0])
    assert not panel.hide_button.isEnabled()
    assert "Jump by a key" in panel.hide_button.toolTip() and "where the error starts" in panel.hide_button.toolTip()
    index = panel._sorted.index(0, 0)
    assert index.data(Qt.ItemDataRole.ToolTipRole).endswith(ADVICE["correction"])
    assert "frames 10–12," in index.data(Qt.ItemDataRole.ToolTipRole)
    demo_window.actions_by_name["seconds"].setChecked(True)
    assert "frames 10–12 (0.18–0.22 s)" in index.data(Qt.ItemDataRole.ToolTipRole)
    panel.select(items[1])
    assert panel.hide_button.isEnabled() and "lifter fills them in" in panel.hide_button.toolTip()


def test_the_timeline_tells_times_where_its_ruler_has_them(window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    assert window.timeline.as_it_counts("Left arm, frame 51: hidden") == "Left arm, frame 51: hidden"
    window.actions_by_name["seconds"].setChecked(True)
    assert window.timeline.as_it_counts("Left arm, frame 51: hidden") == "Left arm, frame 51 (1.00 s): hidden"


def test_hide_at_random_in_the_toolbar_says_where_it_is_set_and_hides_as_it_is_set(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    action, panel = window.actions_by_name["hide_random"], window.lifting_panel
    assert "tab Lifting" in action.toolTip() and "at random" in action.toolTip()
    panel._sampler.setCurrentIndex(panel._sampler.findData("spatio-temporal"))
    panel._joints.setValue(3)
    panel._frames.setValue(50)
    action.trigger()
    hidden = window.session.mask.sum(1)
    assert set(np.unique(hidden)) == {0, 3} or set(np.unique(hidden)) == {3, 16}
    window.session.set_range(0, 9)
    panel._replace.setChecked(True)
    panel._joints.setValue(0)
    panel._frames.setValue(0)
    action.trigger()
    assert not window.session.mask[:10].any() and window.session.mask[10:].any()


def test_what_cannot_be_read_says_which_layouts_are_known(qtbot, window, tmp_path):
    (tmp_path / "bad.csv").write_text("nothing,of,the,kind\n1,2,3,4\n")
    window.file_handlers.open_path(tmp_path / "bad.csv")
    qtbot.waitUntil(lambda: "bad.csv" in window.status_line.message(), timeout=WAIT_MS)
    said = window.status_line.message()
    assert "DeepLabCut CSV" in said and "docs/formats.md" in said


def test_when_an_answer_was_kept_is_said_in_words(qtbot, demo_window):
    table = demo_window.answers.predictions.table
    show_panel(demo_window, "Answers")
    demo_window.actions_by_name["keep_answer"].trigger()
    qtbot.waitUntil(lambda: table.rowCount() == 2, timeout=WAIT_MS)
    lines = table.item(1, 0).toolTip().splitlines()
    assert next(line for line in lines if line.startswith("kept: ")).startswith(("kept: today ", "kept: yesterday "))


def test_the_demo_at_a_start_says_where_the_last_file_is(qtbot, window, tmp_path):
    (tmp_path / "walk.mpmproj").touch()
    window.recent.remember(tmp_path / "walk.mpmproj")
    window.opener.open_demo()
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    QApplication.processEvents()
    assert window.status_line.message() == "Opened demo.npz; walk.mpmproj is under File → Open recent"
