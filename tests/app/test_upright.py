"""Something upright is marked in the picture by two clicks, and up follows."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage

from app.views.gravity import describe_gravity
from mpm_core.grounding.up import Up, up_of_camera
from mpm_core.metrics import angle_deg
from tests.app.conftest import wait_for_lift

LEFT = Qt.MouseButton.LeftButton
TRUE = np.array(up_of_camera(18, -6))


@pytest.fixture
def marking(qtbot, demo_window):
    """The demo with a picture behind it and the video panel in front."""
    window, session = demo_window, demo_window.session
    picture = QImage(*session.clip.image_size, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkGray)
    window.image_view.set_picture(picture)
    window.panels.setCurrentIndex(window.panels.count() - 1)
    window.panels.currentWidget().ensureWidgetVisible(window.video_panel.body_box)
    return window


def press_button(qtbot, window):
    qtbot.mouseClick(window.video_panel.camera_box._mark, LEFT)


def pole(window, place):
    """Widget pixels of both ends of a pole at a place (3,)."""
    foot = np.array(place, float)
    pixels = window.session.clip.camera.project(np.stack((foot, foot + 1.6 * TRUE)))
    return [QPoint(*(round(float(value)) for value in end)) for end in window.image_view._to_widget(pixels)]


def mark(qtbot, window, place):
    press_button(qtbot, window)
    view = window.image_view
    start, end = pole(window, place)
    qtbot.mouseClick(view, LEFT, pos=start)
    qtbot.mouseMove(view, (start + end) / 2)
    qtbot.mouseClick(view, LEFT, pos=end)


def off(window):
    return angle_deg(np.array(window.session.up.direction), TRUE)


def test_two_lines_tell_up_and_each_is_undone(qtbot, marking):
    session, button = marking.session, marking.video_panel.camera_box._mark
    before, mask = session.up, session.mask.copy()
    mark(qtbot, marking, (-1.6, 0.8, 5))
    one = session.up
    assert one.source == "clip" and one.direction != before.direction and not button.isChecked()
    assert "Along the line of sight it stays as it was" in marking.status_line.message()
    mark(qtbot, marking, (1.6, 0.8, 5))
    assert off(marking) < 1.5 < angle_deg(np.array(before.direction), TRUE)
    assert "where the 2 lines meet" in marking.status_line.message()
    assert np.array_equal(session.mask, mask)  # no click of these hid a joint
    session.undo_stack.undo()
    assert session.up.direction == one.direction
    mark(qtbot, marking, (1.2, 0.8, 4))  # beside the first, which holds again
    assert off(marking) < 1.5
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.up.direction == before.direction
    wait_for_lift(qtbot, marking)


def test_after_up_was_said_otherwise_a_line_counts_alone(qtbot, marking):
    mark(qtbot, marking, (-1.6, 0.8, 5))
    marking.video_panel.camera_box._pitch.setValue(30)
    mark(qtbot, marking, (1.6, 0.8, 5))
    assert "a second" not in marking.status_line.message() and "another one" in marking.status_line.message()
    assert marking.session.up.pitch_deg == pytest.approx(30, abs=3)
    wait_for_lift(qtbot, marking)


def test_escape_gives_it_up_and_keeps_the_range(qtbot, marking):
    session, view = marking.session, marking.image_view
    session.set_range(10, 20)
    steps = session.undo_stack.count()
    press_button(qtbot, marking)
    assert view._upright.is_on and marking.video_panel.camera_box._mark.isChecked()
    qtbot.mouseClick(view, LEFT, pos=pole(marking, (-1, 0.8, 5))[0])
    qtbot.keyClick(marking, Qt.Key.Key_Escape)
    assert not view._upright.is_on and not marking.video_panel.camera_box._mark.isChecked()
    assert session.range == (10, 20) and session.undo_stack.count() == steps
    qtbot.keyClick(marking, Qt.Key.Key_Escape)
    assert session.range is None
    press_button(qtbot, marking)
    press_button(qtbot, marking)  # once more gives it up too
    assert not view._upright.is_on


def test_a_line_that_nothing_upright_lies_along_changes_nothing(qtbot, marking):
    session, view = marking.session, marking.image_view
    before, steps = session.up, session.undo_stack.count()
    press_button(qtbot, marking)
    middle = view.rect().center()
    qtbot.mouseClick(view, LEFT, pos=middle - QPoint(100, 0))
    qtbot.mouseClick(view, LEFT, pos=middle + QPoint(100, 3))
    assert session.up is before and session.undo_stack.count() == steps
    assert "Up is as it was" in marking.status_line.message()


def test_without_a_picture_there_is_nothing_to_mark(qtbot, marking):
    marking.image_view.set_picture(None)
    press_button(qtbot, marking)
    assert "no picture" in marking.status_line.message() and not marking.image_view._upright.is_on
    assert not marking.video_panel.camera_box._mark.isChecked()


def test_another_clip_forgets_the_lines(qtbot, marking):
    press_button(qtbot, marking)
    clip = marking.session.clip
    marking.session.open_clip(clip)
    assert not marking.image_view._upright.is_on
    wait_for_lift(qtbot, marking)


def test_the_arrow_says_how_well_gravity_is_known(qtbot, demo_window):
    assert describe_gravity(Up()) == "gravity, if the camera is level"
    assert describe_gravity(Up((0, -1, 0), "lifter", 4.6)) == "gravity ± 5°"
    scene = demo_window.scene_view
    if scene is None:
        pytest.skip("no OpenGL here")
    ends = scene._gravity._arrow.pos[:2]
    assert ends[1, 2] == pytest.approx(scene._floor) and ends[0, 2] > ends[1, 2]
    assert np.allclose(ends[0, :2], ends[1, :2])
    before = scene._floor
    demo_window.session.attach_truth(None)
    wait_for_lift(qtbot, demo_window)
    demo_window.video_panel.camera_box._pitch.setValue(35)
    wait_for_lift(qtbot, demo_window)
    assert scene._floor != pytest.approx(before, abs=0.01)
    assert scene._gravity._arrow.pos[1, 2] == pytest.approx(scene._floor)


def test_up_that_was_told_quite_wrongly_does_not_keep_lines_from_counting(qtbot, marking):
    marking.video_panel.camera_box._roll.setValue(100)
    mark(qtbot, marking, (-0.3, 0.8, 5))
    assert "as if the camera were level" in marking.status_line.message()
    assert marking.session.up.roll_deg == pytest.approx(-6, abs=4)
    mark(qtbot, marking, (1.6, 0.8, 5))
    assert off(marking) < 2.5
    wait_for_lift(qtbot, marking)


def test_the_menu_begins_to_mark_too(qtbot, marking):
    before = marking.session.up
    marking.actions_by_name["mark_upright"].trigger()
    assert marking.video_panel.camera_box._mark.isChecked()
    start, end = pole(marking, (-1.6, 0.8, 5))
    qtbot.mouseClick(marking.image_view, LEFT, pos=start)
    qtbot.mouseClick(marking.image_view, LEFT, pos=end)
    assert marking.session.up.source == "clip" and marking.session.up.direction != before.direction
