"""Nothing that is written or said lies over the person for longer than it must, and the person is whole and in the middle."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from app.look.theme import DARK
from app.views.horizon import draw_horizon
from app.views.picture_place import PicturePlace, person_box
from app.views.scene_angle import StepBack
from mpm_core.camera import Intrinsics
from mpm_core.grounding.up import Up
from tests.app.conftest import WAIT_MS, stop_answers
from tests.app.test_readable import kept_answers

VIEW = QSize(285, 330)  # at 1024 x 700
NAME_BOTTOM = 28


def test_the_legend_covers_no_more_than_it_is_written_on(demo_window):
    """Rows of kept answers are short, and the person's head and arms are seen beside them."""
    kept_answers(demo_window, 3)
    key = demo_window.scene_view._key
    widths = key.written_widths(key.fontMetrics())
    assert len(widths) == 4 and max(widths[1:]) < widths[0]
    picture = QImage(key.size(), QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    key.render(picture, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    row = key.height() // 4
    beside = [picture.pixelColor(int(widths[n]) + 4, row * n + row // 2).alpha() for n in range(4)]
    assert beside == [0, 0, 0, 0] and picture.pixelColor(2, row + 2).alpha() > 0


def test_the_scene_is_as_near_again_once_nobody_stands_beside(demo_window):
    scene, beside = demo_window.scene_view, demo_window.actions_by_name["beside"]
    near = scene.opts["distance"]
    kept_answers(demo_window, 3)
    beside.setChecked(True)
    assert scene.opts["distance"] > near + 1
    beside.setChecked(False)
    assert scene.opts["distance"] == near
    step_back = StepBack()
    assert step_back.distance(4.0, 10.0) == 10.0
    assert step_back.distance(7.0, None) == 7.0  # somebody has come nearer


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
def test_what_is_said_is_beside_the_picture(qtbot, demo_window, size):
    demo_window.resize(*size)
    demo_window.messages.say("Kept as 'MPM (2)': the tab Answers lists it, a double click there renames it.")
    note = demo_window.messages.notes()[-1]
    picture = demo_window.image_view
    on_window = QRect(picture.mapTo(demo_window, QPoint(0, 0)), picture.size())
    assert not note.geometry().intersects(on_window) and note.width() >= 300
    assert note.geometry().right() <= demo_window.views.geometry().right()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_horizon_is_dashed_however_near_one_looks(qapp, scale):
    picture = QImage(int(400 * scale), int(200 * scale), QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.black)
    painter = QPainter(picture)
    camera = Intrinsics((4000.0, 4000.0), (2000.0, 100.0))  # ten times the width of what is seen
    draw_horizon(painter, camera, Up((0.0, -1.0, 0.0), 0.0, "network"), QRectF(0, 0, 400, 200), lambda at: at, DARK)
    painter.end()
    row = int(100 * scale)
    grey = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.width(), 4)[row - 1 : row + 2, :, 0]
    share = (grey.max(0) > 80).mean()  # what lies behind the dashes is as dark as the theme
    assert 0.4 < share < 0.9


def test_a_horizon_that_is_not_in_view_is_not_drawn(qapp):
    picture = QImage(400, 200, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.black)
    painter = QPainter(picture)
    camera = Intrinsics((400.0, 400.0), (200.0, 300.0))
    draw_horizon(painter, camera, Up((0.0, -1.0, 0.0), 0.0, "network"), QRectF(picture.rect()), lambda at: at, DARK)
    painter.end()
    assert not np.frombuffer(picture.constBits(), np.uint8).reshape(200, 400, 4)[..., :3].any()


def seen_corners(clip, frame):
    """Left upper and right lower corner of the keypoints in a view, in pixels."""
    rect = PicturePlace().rect(clip.image_size, VIEW, person_box(clip, frame))
    points = clip.keypoints[frame][clip.visible[frame]] * (rect.width() / clip.image_size[0]) + (rect.x(), rect.y())
    return points.min(0), points.max(0)


def test_the_name_of_the_picture_is_not_over_the_head(demo):
    for frame in range(0, len(demo), 10):
        assert seen_corners(demo, frame)[0][1] > NAME_BOTTOM


def test_whoever_jumps_is_whole(demo):
    """One frame of a person with arms and legs far out, among calm ones."""
    keypoints = demo.keypoints.copy()
    middle = np.nanmean(keypoints[300], axis=0)
    keypoints[298:303] = middle + (keypoints[298:303] - middle) * 2.2
    jumping = replace(demo, keypoints=keypoints)
    low, high = seen_corners(jumping, 300)
    assert low.min() >= 0 and (high <= (VIEW.width(), VIEW.height())).all() and low[1] > NAME_BOTTOM


def test_who_walks_into_the_clip_is_in_the_middle_of_its_first_frame(demo):
    low, high = seen_corners(demo, 0)
    assert (low + high)[0] / 2 == pytest.approx(VIEW.width() / 2, abs=0.06 * VIEW.width())


def test_a_false_detection_takes_nobody_away(demo):
    """Somebody seems to be in a far corner for two frames, before and after the person has gone."""
    keypoints, visible = demo.keypoints.copy(), demo.visible.copy()
    keypoints[310:312] = keypoints[310:312] * 0.05
    visible[400:] = False
    keypoints[420:422] = keypoints[420:422] * 0.05
    visible[420:422] = True
    clip = replace(demo, keypoints=keypoints, visible=visible)
    for frame in (309, 315):
        assert np.abs(person_box(clip, frame) - person_box(demo, frame)).max() < 10
    assert np.abs(person_box(clip, 410).mean(0) - demo.keypoints[399].mean(0)).max() < 60
    assert person_box(clip, 480) is None and person_box(clip, 600) is None


def test_curves_have_their_choices_in_place_of_a_title_and_fit_a_small_window_with_its_frame(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.resize(1024, 660)  # 700 less what a desktop puts around it
    window.session.open_clip(demo)
    window.actions_by_name["curves"].setChecked(True)
    curves = window.answers.curves
    qtbot.waitUntil(lambda: 0 < curves.bar.height() < 60, timeout=WAIT_MS)
    assert window.height() == 660
    assert curves.bar.geometry().bottom() <= curves.geometry().top() + 1 and curves.plot.height() >= 70
    cross = curves.bar.findChildren(type(curves._save))[-1]
    assert cross.text() == "×"
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert window.answers.dock.isHidden() and not window.actions_by_name["curves"].isChecked()


def test_a_window_with_nothing_in_it_says_what_to_do_and_nothing_of_gravity(qtbot, window, demo, monkeypatch, tmp_path):
    stop_answers(monkeypatch)
    gravity = window.scene_view._gravity
    assert not any(item.visible() for item in gravity.items)
    window.file_handlers.open_path(tmp_path / "nobody.json")
    qtbot.waitUntil(lambda: "Ctrl+O" in window.timeline.next_step, timeout=WAIT_MS)
    window.session.open_clip(demo)
    assert all(item.visible() for item in gravity.items)
    window.session.close()
    assert not any(item.visible() for item in gravity.items)


def test_curves_that_are_not_there_yet_have_no_figures_on_their_axis(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    window.actions_by_name["curves"].setChecked(True)
    curves = window.answers.curves
    axis = curves.plot.getPlotItem().getAxis("left")
    qtbot.waitUntil(curves.plot.isVisible, timeout=WAIT_MS)
    assert not axis.style["showValues"]
    curves.choose("confidence")
    qtbot.waitUntil(lambda: axis.style["showValues"], timeout=WAIT_MS)
