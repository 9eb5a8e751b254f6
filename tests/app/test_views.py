"""Views and panels: nothing to draw or pick, rows given up, zoom, long messages, and what a cell says."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QVector3D

from app.document.scene_positions import root_in_scene
from app.views.joint_text import describe_cell
from app.views.projected_item import projected
from mpm_core.skeleton import MPM16
from tests.app.conftest import show_panel

WRIST, HEAD = MPM16.index("LWrist"), MPM16.index("Head")
ARM = frozenset(MPM16.limb("left arm"))
CTRL, PLAIN = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_frames_without_an_answer_are_drawn_without_one(demo_window):
    session = demo_window.session
    positions, root = session.prediction.positions.copy(), session.prediction.root.copy()
    positions[300], root[300] = np.nan, np.nan
    prediction = replace(session.prediction, positions=positions, root=root)
    session.set_prediction(None)
    session.set_prediction(prediction)
    demo_window.editor.set_hidden((WRIST,), 300, 300, True)
    session.set_frame(300)
    demo_window.grab()
    assert not demo_window.scene_view._prediction.visible() and demo_window.scene_view._truth.visible()
    assert np.isnan(demo_window.scene_view.joint_places()).all()
    assert np.isnan(demo_window.image_view._state().completed).all()
    assert demo_window.status_line._errors.text() == ""
    session.set_frame(301)
    demo_window.scene_view.drawn()
    assert demo_window.scene_view._prediction.visible()


def test_joints_behind_the_eye_are_nowhere(demo_window):
    view, session = demo_window.scene_view, demo_window.session
    assert np.isfinite(view.joint_places()).all()
    ahead = root_in_scene(session, session.frame) + (0.0, 30.0, 0.0)
    view.setCameraPosition(pos=QVector3D(*(float(v) for v in ahead)), distance=4, elevation=0, azimuth=-90)
    assert np.isnan(view.joint_places()).all()


@pytest.mark.parametrize(("before", "row", "keys", "after"), [
    (ARM, (WRIST,), CTRL, ARM - {WRIST}),
    (ARM, (WRIST,), PLAIN, {WRIST}),
    (ARM, tuple(sorted(ARM)), PLAIN, ARM),
    (ARM, tuple(sorted(ARM)), CTRL, set()),
    (ARM - {WRIST}, (WRIST,), CTRL, ARM),
    (ARM - {WRIST}, tuple(sorted(ARM)), CTRL, ARM),
    ({WRIST}, (HEAD,), PLAIN, {HEAD}),
    (ARM | {HEAD}, (HEAD,), CTRL, ARM),
])  # fmt: skip
def test_rows_of_the_joints_panel_are_chosen_and_given_up(qtbot, demo_window, before, row, keys, after):
    panel, session = demo_window.joints_panel, demo_window.session
    show_panel(demo_window, "Joints")
    for item in [item for item, joints in panel._rows if tuple(sorted(joints)) == row]:  # 'Head' is a limb and a joint
        session.set_selection(frozenset(before))
        panel.scrollToItem(item)
        # On the name: the box before it hides.
        qtbot.mouseClick(panel.viewport(), Qt.MouseButton.LeftButton, keys, panel.visualItemRect(item).center())
        assert session.selection == after and not session.mask.any()


def test_the_person_fills_the_picture_and_is_followed_until_the_whole_is_wanted(qtbot, demo_window):
    view, session = demo_window.image_view, demo_window.session
    room = np.array([view.width(), view.height()])

    def share():
        places = view.joint_places()
        assert (places > 0).all() and (places < room).all()
        return float((np.ptp(places, axis=0) / room).max())

    for frame in (0, 80, 250, 600, 725):
        session.set_frame(frame)
        assert 0.6 < share() < 0.95
    steps = []
    for frame in range(100, 160):
        session.set_frame(frame)
        steps.append(view._image_rect().topLeft())
    moves = np.diff([(p.x(), p.y()) for p in steps], axis=0)
    assert np.abs(np.diff(moves, axis=0)).max() < 1.0  # the view glides
    qtbot.keyClick(demo_window, Qt.Key.Key_Z)
    rect = view._image_rect()
    assert rect.width() <= view.width() + 1 and rect.height() <= view.height() + 1
    session.set_frame(725)
    assert view._image_rect() == rect
    qtbot.keyClick(demo_window, Qt.Key.Key_Z)
    assert share() > 0.6
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(5, view.height() - 5))
    qtbot.mouseMove(view, QPoint(45, view.height() - 25))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(45, view.height() - 25))
    assert not demo_window.actions_by_name["zoom"].isChecked() and view._place.mode == "free"


def test_a_joint_that_is_dragged_stays_under_the_mouse_although_the_view_follows(qtbot, demo_window):
    view = demo_window.image_view
    start = view.joint_places()[MPM16.index("LWrist")]
    end = start + (60, -40)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(*start.round().astype(int)))
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(view, QPoint(*(start + share * (end - start)).round().astype(int)))
        assert np.abs(view.joint_places()[MPM16.index("LWrist")] - (start + share * (end - start))).max() < 1.5
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(*end.round().astype(int)))


def test_the_answer_is_drawn_back_over_the_picture(qtbot, demo_window):
    view, session = demo_window.image_view, demo_window.session
    clip, prediction = session.clip, session.prediction
    seen = clip.camera.project(prediction.positions[0] + prediction.root[0])
    assert np.nanmean(np.linalg.norm(projected(prediction, clip, 0) - seen, axis=-1)) < 0.1
    assert np.linalg.norm(seen - clip.keypoints[0], axis=-1).mean() < 15
    before = view.grab().toImage()
    qtbot.keyClick(demo_window, Qt.Key.Key_O)
    assert view.shows_answer and view.grab().toImage() != before
    qtbot.keyClick(demo_window, Qt.Key.Key_O)
    assert view.grab().toImage() == before


def test_cells_say_why_the_lifter_is_not_shown_a_joint(qtbot, demo_window):
    session, arm = demo_window.session, MPM16.limb("left arm")
    demo_window.editor.set_hidden(arm[1:], 10, 10, True)
    assert describe_cell(session, arm, 10, "Left arm") == "Left arm, frame 11: 2 of 3 joints hidden by you"
    assert describe_cell(session, (arm[1],), 10, "Left elbow") == "Left elbow, frame 11: hidden by you"
    assert describe_cell(session, arm, 11, "Left arm") == "Left arm, frame 12: shown to the lifter"
    scores = session.clip.confidence.copy()
    scores[12, arm[2]] = 0.2
    session.patch_keypoints(0, {"confidence": scores})
    assert describe_cell(session, arm, 12, "Left arm").endswith("the detector was unsure")
    session.set_threshold(0.3)
    assert describe_cell(session, arm, 12, "Left arm").endswith("1 of 3 joints less sure than 0.30")


def test_the_timeline_shows_a_pause_and_says_how_long_it_is(demo_window):
    session, timeline = demo_window.session, demo_window.timeline
    clip = session.clip
    times = np.where(np.arange(len(clip)) < 200, clip.times, clip.times + 7200)
    session.open_clip(replace(clip, times=times))
    with_pause = timeline.grab().toImage()
    x = timeline.x_of(200)
    assert timeline._explain(x + 1, 60) == "A pause of 2.0 hours before frame 201."
    assert "pause" not in timeline._explain(x + 40, 60)
    session.open_clip(clip)
    without = timeline.grab().toImage()
    near = [(int(x) + across, y) for across in (-1, 0, 1) for y in range(timeline.height())]
    assert any(with_pause.pixel(*place) != without.pixel(*place) for place in near)
