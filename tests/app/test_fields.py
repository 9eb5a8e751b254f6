"""Fields of the side panel take what was meant for them, and leave to the window what was not."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QScrollArea, QSlider

from app.panels.camera import CameraBox
from tests.app.conftest import WAIT_MS, show_panel, wait_for_lift


def turn_wheel(widget, steps):
    """The wheel over the middle of a widget, as the system gives it to the window there."""
    window = widget.window()
    QTest.wheelEvent(window.windowHandle(), QPointF(widget.mapTo(window, widget.rect().center())), QPoint(0, 120 * steps))


def value_of(field):
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


@pytest.mark.parametrize("panel", ["Lifting", "Corrections", "Video"])
def test_the_wheel_scrolls_a_panel_and_turns_no_field_in_it(demo_window, panel):
    demo_window.resize(1024, 700)
    show_panel(demo_window, panel)
    area = demo_window.panels.currentWidget()
    assert isinstance(area, QScrollArea)
    fields = [field for kind in (QAbstractSpinBox, QComboBox, QSlider) for field in area.widget().findChildren(kind)]
    shown = [field for field in fields if field.isVisible() and field.isEnabled()]
    assert shown
    before, bar = [value_of(field) for field in shown], area.verticalScrollBar()
    scrolls = bar.maximum() > 0
    for field in shown:
        area.ensureWidgetVisible(field)
        field.setFocus()  # as one that was used before
        was = bar.value()
        step = -1 if was < bar.maximum() else 1
        turn_wheel(field, step)
        assert bar.value() != was or not scrolls
    assert [value_of(field) for field in shown] == before


def test_what_is_typed_as_it_is_assumed_or_told_is_said(qtbot, demo_window, demo):
    session = demo_window.session
    session.open_clip(replace(demo, camera=replace(demo.camera, is_assumed=True), up=None))
    wait_for_lift(qtbot, demo_window)
    show_panel(demo_window, "Video")
    panel = demo_window.video_panel.camera_box

    def type_what_stands_in(box):
        demo_window.panels.currentWidget().ensureWidgetVisible(box)
        box.setFocus()
        box.selectAll()
        qtbot.keyClicks(box, box.cleanText())
        qtbot.keyClick(box, Qt.Key.Key_Return)

    assert panel._angle_note.text() == "assumed" and session.up.source == "lifter"
    type_what_stands_in(panel._angle)
    assert not session.clip.camera.is_assumed and panel._angle_note.text() == "known or given"
    wait_for_lift(qtbot, demo_window)
    type_what_stands_in(panel._pitch)
    assert session.up.source == "clip" and session.undo_stack.count() == 2
    type_what_stands_in(panel._pitch)
    assert session.undo_stack.count() == 2, "said already"
    wait_for_lift(qtbot, demo_window)


def test_undo_goes_to_the_window_from_a_field_that_has_nothing_to_undo(qtbot, demo_window):
    session = demo_window.session
    show_panel(demo_window, "Video")
    pitch = demo_window.findChild(CameraBox).findChildren(QAbstractSpinBox)[1]
    was = session.up.pitch_deg
    pitch.setFocus()
    pitch.selectAll()
    qtbot.keyClicks(pitch, "12")
    qtbot.keyClick(pitch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # what is typed comes first
    qtbot.keyClicks(pitch, "12")
    qtbot.keyClick(pitch, Qt.Key.Key_Return)
    assert session.up.pitch_deg == pytest.approx(12)
    assert pitch.hasFocus()
    qtbot.keyClick(pitch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: session.up.pitch_deg == pytest.approx(was), timeout=WAIT_MS)
    qtbot.keyClick(pitch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: session.up.pitch_deg == pytest.approx(12), timeout=WAIT_MS)
