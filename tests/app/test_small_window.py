"""At 1024 x 700 everything that is on show at once still fits, and can be read."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QPushButton

from app.document.lift_options import LiftState
from app.document.words import joint_in_words
from app.look.text_size import TEXT_PERCENTS
from mpm_core import Clip, write
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, show_panel, stop_answers, wait_for_lift
from tests.app.fan import switch_on

SMALL = (1024, 700)


def test_the_status_line_does_not_widen_the_window(qtbot, arm_window):
    status, session = arm_window.status_line, arm_window.session
    arm_window.resize(*SMALL)
    narrowest = arm_window.minimumSizeHint().width()
    session.set_range(280, 330)
    switch_on(qtbot, arm_window)
    session.failure.emit("something went wrong")
    session.set_state(LiftState(device="cuda", done=11, total=12, elapsed_ms=12345))
    status._alternatives.setText("20 alternatives, 147 cm apart at the right shoulder or elsewhere")
    QApplication.processEvents()
    assert (arm_window.width(), arm_window.height()) == SMALL and arm_window.minimumSizeHint().width() == narrowest
    for label in (status._place, status._errors, status._device):
        assert label.text() and label.width() >= label.sizeHint().width()
    assert status._alternatives.shown.endswith("…") and "281–331" in status.range_field.text()
    right = status.mapTo(arm_window, QPoint(status.width(), 0)).x()
    ends = [part.mapTo(arm_window, QPoint(part.width(), 0)).x() for part in (status.log_button, status._device, status._bar)]
    assert max(ends) <= right


@pytest.mark.parametrize("has_truth", [True, False])
def test_names_and_the_first_figure_of_each_joint_are_in_view(qtbot, window, tmp_path, demo, has_truth):
    flat = Clip.from_arrays(demo.keypoints, demo.image_size, 50)
    write(demo if has_truth else flat, tmp_path / "clip.npz")
    window.resize(*SMALL)
    show_panel(window, "Metrics")
    window.file_handlers.open_path(tmp_path / "clip.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    window.editor.set_hidden(MPM16.limb("left arm"), 10, 60, True)
    wait_for_lift(qtbot, window)
    table = window.metrics_panel.joints.table
    qtbot.waitUntil(lambda: table.isVisible() and table.isEnabled() and table.columnCount() > 2, timeout=WAIT_MS)
    metrics, header = table.fontMetrics(), table.horizontalHeader()
    for joint in range(len(MPM16)):
        assert table.columnWidth(0) > metrics.horizontalAdvance(joint_in_words(joint))
    assert table.columnViewportPosition(1) + table.columnWidth(1) <= table.viewport().width()
    shown = [column for column in range(table.columnCount()) if not table.isColumnHidden(column)]
    labels = [table.horizontalHeaderItem(column).text() for column in shown]
    assert len(set(labels)) == len(labels) and len(labels) > 3
    assert header.length() <= table.viewport().width()
    left_out = window.metrics_panel.joints._rest
    assert left_out.isVisible() == (len(shown) < table.columnCount()) and (left_out.text() == "") == (not left_out.isVisible())
    for column, label in zip(shown, labels, strict=True):
        widest = max(metrics.horizontalAdvance(line) for line in label.split("\n"))
        assert header.sectionSize(column) >= widest
    assert header.height() >= 2 * metrics.height()
    tips = [table.horizontalHeaderItem(column).toolTip() for column in range(1, table.columnCount())]
    assert tips[0].startswith("Error (mm): " if has_truth else "Reprojection error (px): ") and all(tips)
    assert np.isfinite(float(table.item(1, 1).text()))


def test_the_list_of_answers_needs_no_scrolling_and_says_what_it_leaves_out(qtbot, window, demo, monkeypatch):
    window.resize(*SMALL)
    show_panel(window, "Answers")
    window.session.open_clip(demo)
    window.editor.set_hidden(MPM16.limb("left arm"), 10, 60, True)
    wait_for_lift(qtbot, window)
    window.answers.predictions.keep_chosen.emit()
    table, rest = window.answers.predictions.table, window.answers.predictions._rest
    qtbot.waitUntil(lambda: table.rowCount() == 2 and table.item(1, 1).text() not in ("", "…"), timeout=WAIT_MS)

    def shown():
        return [table.horizontalHeaderItem(n).text() for n in range(table.columnCount()) if not table.isColumnHidden(n)]

    qtbot.waitUntil(lambda: table.horizontalHeader().length() <= table.viewport().width(), timeout=WAIT_MS)
    assert shown()[:3] == ["Answer", "MPJPE", "hidden"] and rest.isVisible() and "jumps" in rest.text()
    window.panel_dock.setMinimumWidth(760)
    qtbot.waitUntil(lambda: len(shown()) == table.columnCount(), timeout=WAIT_MS)
    assert not rest.isVisible()


@pytest.mark.parametrize("larger", [0, 3])
def test_the_list_of_joints_has_their_names_whole_with_larger_text_too(qtbot, window, demo, monkeypatch, larger):
    stop_answers(monkeypatch)
    window.resize(*SMALL)
    show_panel(window, "Joints")
    window.session.open_clip(demo)
    window.editor.set_hidden(MPM16.limb("left arm"), 0, 60, True)
    try:
        for _ in range(larger):
            window.actions_by_name["text_larger"].trigger()
        panel = window.joints_panel

        def names_are_whole():
            return all(
                panel.visualItemRect(item).isValid() and panel.columnWidth(0) >= panel.sizeHintForColumn(0)
                for item, _ in panel._rows
            )

        QApplication.processEvents()
        qtbot.waitUntil(names_are_whole, timeout=WAIT_MS)
        assert panel.columnWidth(0) + panel.columnWidth(1) + panel.columnWidth(2) <= panel.viewport().width() + 1
        hidden = next(item for item, joints in panel._rows if joints == (MPM16.index("LWrist"),))
        assert hidden.text(1) == "hidden" and hidden.toolTip(1)
    finally:
        window.actions_by_name["text_usual"].trigger()


def test_no_panel_scrolls_sideways_with_text_at_150_percent(qtbot, window):
    window.resize(*SMALL)
    actions, panels = window.actions_by_name, window.panels
    try:
        for _ in range(TEXT_PERCENTS.index(150) - TEXT_PERCENTS.index(100)):
            actions["text_larger"].trigger()
        for index in range(panels.count()):
            panels.setCurrentIndex(index)
            area = panels.widget(index)
            qtbot.waitUntil(lambda area=area: area.widget() is not None, timeout=WAIT_MS)

            def is_narrow(area=area):
                return area.widget().minimumSizeHint().width() <= area.viewport().width()

            qtbot.waitUntil(is_narrow, timeout=10_000)
        panels.setCurrentIndex(0)
        panel = window.lifting_panel
        for button in panel.findChildren(QPushButton):
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()), button.text()
    finally:
        actions["text_usual"].trigger()
