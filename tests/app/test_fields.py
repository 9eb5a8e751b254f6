"""Fields of the side panel take what was meant for them, and leave to the window what was not."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QScrollArea, QSlider, QWidget

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
    pitch.setFocus()
    qtbot.keyClick(pitch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: session.up.pitch_deg == pytest.approx(was), timeout=WAIT_MS)
    qtbot.keyClick(pitch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: session.up.pitch_deg == pytest.approx(12), timeout=WAIT_MS)


@pytest.fixture
def pitch(demo_window):
    """A field in which a person has clicked."""
    show_panel(demo_window, "Video")
    box = demo_window.video_panel.camera_box._pitch
    demo_window.panels.currentWidget().ensureWidgetVisible(box)
    QTest.mouseClick(box.lineEdit(), Qt.MouseButton.LeftButton)
    assert box.hasFocus()
    return box


def test_a_number_in_which_nobody_types_leaves_the_window_its_letters(qtbot, demo_window, pitch):
    errors, session = demo_window.actions_by_name["errors"], demo_window.session
    qtbot.keyClick(pitch, Qt.Key.Key_C)
    assert errors.isChecked() and not pitch.hasFocus()
    pitch.setFocus()
    pitch.selectAll()
    qtbot.keyClicks(pitch, "-12")
    qtbot.keyClick(pitch, Qt.Key.Key_C)
    assert errors.isChecked() and pitch.hasFocus() and pitch.text() == "-12°", "somebody types"
    demo_window.actions_by_name["follow"].trigger()
    assert session.up.pitch_deg == pytest.approx(-12), "what is done next counts with what was typed"


def test_enter_takes_what_is_typed_and_esc_gives_it_up(qtbot, demo_window, pitch):
    session, was = demo_window.session, pitch.text()
    session.set_range(10, 20)
    pitch.selectAll()
    qtbot.keyClicks(pitch, "12")
    qtbot.keyClick(pitch, Qt.Key.Key_Escape)
    assert pitch.text() == was and not pitch.hasFocus() and session.range == (10, 20)
    assert session.up.source != "clip" or not session.undo_stack.count(), "nobody has said it"
    pitch.setFocus()
    pitch.selectAll()
    qtbot.keyClicks(pitch, "12")
    qtbot.keyClick(pitch, Qt.Key.Key_Return)
    assert session.up.pitch_deg == pytest.approx(12) and not pitch.hasFocus()


def test_a_click_elsewhere_and_its_own_arrows_take_the_keyboard_from_a_field(qtbot, demo_window, pitch):
    left, status = Qt.MouseButton.LeftButton, demo_window.status_line
    others = (demo_window.image_view, demo_window.timeline, status, demo_window.panels.currentWidget().viewport())
    for other in others:
        pitch.setFocus()
        place = QPoint(2, other.height() - 2)
        qtbot.mouseClick(other, left, pos=place)
        assert not pitch.hasFocus(), other
    pitch.setFocus()
    value = pitch.value()
    qtbot.mouseClick(pitch, left, pos=QPoint(pitch.width() - 6, 6))
    assert pitch.value() > value
    qtbot.waitUntil(lambda: not pitch.hasFocus(), timeout=WAIT_MS)


def test_whatever_part_of_a_panel_has_the_keyboard_letters_are_the_windows(qtbot, demo_window):
    window, swapped = demo_window, []
    window.actions_by_name["swap"].triggered.connect(lambda *_: swapped.append(True))
    for index in range(window.panels.count()):
        window.panels.setCurrentIndex(index)
        area = window.panels.widget(index)
        qtbot.waitUntil(lambda area=area: area.widget() is not None, timeout=WAIT_MS)
        for part in area.findChildren(QWidget):
            if part.isVisible() and part.isEnabled() and part.focusPolicy() & Qt.FocusPolicy.TabFocus:
                part.setFocus()
                swapped.clear()
                QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_X)
                assert swapped, f"{type(part).__name__} in {window.panels.tabText(index)} keeps it"
                window.session.undo_stack.undo()
