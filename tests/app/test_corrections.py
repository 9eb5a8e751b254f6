"""Corrections by mouse and keys: drags, nudges, keys of the list, rubber band and lasso, menus, masks, and what is said."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMessageBox

from app.look.theme import DARK
from mpm_core.mask_files import write_mask_file
from mpm_core.metrics import reprojection_errors
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, show_panel, wait_for_lift
from tests.app.test_window import LEFT, key, place

WRIST, ELBOW, HEAD = MPM16.indices(("LWrist", "LElbow", "Head"))
ARM = frozenset(MPM16.limb("left arm"))
CTRL, SHIFT, ALT, NO = (
    getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Control", "Shift", "Alt", "No")
)  # fmt: skip


def drag(qtbot, view, start, by, keys=NO, steps=6):
    """By (dx, dy) widget pixels from a place, with the left button down."""
    qtbot.mousePress(view, LEFT, keys, start)
    for step in range(1, steps + 1):
        qtbot.mouseMove(view, start + QPoint(by[0] * step // steps, by[1] * step // steps))
    qtbot.mouseRelease(view, LEFT, keys, start + QPoint(*by))


def drag_joint(qtbot, window, joint, by):
    drag(qtbot, window.image_view, place(window.image_view, joint), by)


def fields(session):
    """Everything that a correction may change."""
    return [getattr(session.clip, name).copy() for name in ("keypoints", "visible", "edited", "keys", "original", "confidence")]


def assert_undone_and_redone(session, before, count=1):
    """The last steps go away and come back as they were."""
    after = fields(session)
    for _ in range(count):
        session.undo_stack.undo()
    assert all(np.array_equal(a, b) for a, b in zip(fields(session), before, strict=True))
    for _ in range(count):
        session.undo_stack.redo()
    assert all(np.array_equal(a, b) for a, b in zip(fields(session), after, strict=True))


def test_a_drag_is_a_key_and_the_status_says_what_moved(qtbot, demo_window):
    session = demo_window.session
    session.set_frame(300)
    before, said, lifted = fields(session), [], session.prediction.absolute()
    session.message.connect(said.append)
    drag_joint(qtbot, demo_window, WRIST, (24, 0))
    qtbot.waitUntil(lambda: any("3D follows" in text for text in said), timeout=WAIT_MS)
    moved = np.linalg.norm(session.clip.keypoints[300, WRIST] - before[0][300, WRIST])
    mm = 1000 * np.linalg.norm(session.prediction.absolute()[300, WRIST] - lifted[300, WRIST])
    assert said == [f"Left wrist moved by {moved:.0f} px, frame 301; 3D follows: {mm:.0f} mm"] and mm > 50
    assert session.clip.keys[300, WRIST] and session.clip.keys.astype(bool).sum() == 1
    assert reprojection_errors(session.prediction, session.clip)[300, WRIST] < 2
    assert_undone_and_redone(session, before)


def test_two_keys_fill_what_lies_between_and_the_list_goes_there(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.corrections_panel
    before = fields(session)
    for frame in (300, 320):
        session.set_frame(frame)
        drag_joint(qtbot, demo_window, WRIST, (30, 0))
    assert session.clip.edited[300:321, WRIST].all() and session.clip.edited.sum() == 21
    qtbot.waitUntil(lambda: panel.list.topLevelItemCount() == 2, timeout=WAIT_MS)
    rows = [panel.list.topLevelItem(n) for n in (0, 1)]
    assert [row.text(0) for row in rows] == ["Left wrist"] * 2 and [row.text(1) for row in rows] == ["301", "321"]
    assert rows[0].text(2).endswith("px") and rows[0].text(3) == "smooth"
    show_panel(demo_window, "Corrections")
    session.set_frame(0)
    qtbot.mouseClick(panel.list.viewport(), LEFT, pos=panel.list.visualItemRect(rows[1]).center())
    assert session.frame == 320 and session.selection == {WRIST}
    assert_undone_and_redone(session, before, 2)
    qtbot.mouseClick(panel.list.viewport(), LEFT, pos=panel.list.visualItemRect(panel.list.topLevelItem(1)).center())
    two = fields(session)
    key(qtbot, demo_window, Qt.Key.Key_Delete)
    assert session.clip.edited.sum() == 1
    assert_undone_and_redone(session, two)
    qtbot.waitUntil(lambda: panel.list.topLevelItemCount() == 1, timeout=WAIT_MS)
    qtbot.mouseClick(panel._restore, LEFT)
    assert not session.clip.edited.any() and np.array_equal(session.clip.keypoints, before[0])


def test_how_frames_between_keys_are_filled_is_a_choice(qtbot, demo_window):
    session, corrections = demo_window.session, demo_window.editor.corrections
    box = demo_window.corrections_panel._fill
    show_panel(demo_window, "Corrections")
    counts = {}
    for name in ("none", "linear", "smooth"):
        box.setCurrentIndex(box.findData(name))
        box.activated.emit(box.currentIndex())
        assert corrections.fill == name
        for frame in (400, 420):
            session.set_frame(frame)
            drag_joint(qtbot, demo_window, WRIST, (30, 0))
        counts[name] = int(session.clip.edited.sum())
        points = session.clip.keypoints[400:421, WRIST]
        is_straight = np.abs(np.diff(points, 2, axis=0)).max() < 1e-2
        assert is_straight == (name == "linear")
        session.undo_stack.undo()
        session.undo_stack.undo()
    assert counts == {"none": 2, "linear": 21, "smooth": 21}
    corrections.set_fill("smooth", 0.3)
    for frame in (400, 420):
        session.set_frame(frame)
        drag_joint(qtbot, demo_window, WRIST, (30, 0))
    assert session.clip.edited.sum() == 2, "farther apart than keys are joined"


def test_a_drag_with_a_range_moves_the_joint_over_it(qtbot, demo_window):
    session = demo_window.session
    session.set_frame(320)
    session.set_range(300, 340)
    before = fields(session)
    drag_joint(qtbot, demo_window, WRIST, (0, 30))
    off = session.clip.keypoints[:, WRIST] - before[0][:, WRIST]
    assert off[320, 1] > 20 and np.allclose(off[315:326], off[320], atol=1e-2)
    assert 0 < off[300, 1] < 0.2 * off[320, 1] and not off[:300].any() and not off[341:].any()
    assert (session.clip.keys > 0).sum() == 1
    assert_undone_and_redone(session, before)


def test_arrows_nudge_what_is_selected_and_go_through_frames_otherwise(qtbot, demo_window):
    session, view = demo_window.session, demo_window.image_view
    session.set_frame(300)
    qtbot.mouseClick(view, LEFT, CTRL, place(view, WRIST))
    view.setFocus()
    before = fields(session)
    start = session.clip.keypoints[300, WRIST].copy()
    for code, keys in ((Qt.Key.Key_Right, NO), (Qt.Key.Key_Right, NO), (Qt.Key.Key_Up, NO), (Qt.Key.Key_Down, SHIFT)):
        qtbot.keyClick(view, code, keys)
    assert np.allclose(session.clip.keypoints[300, WRIST] - start, (2, 9)) and session.frame == 300
    assert session.undo_stack.count() == 1
    assert_undone_and_redone(session, before)
    qtbot.keyClick(view, Qt.Key.Key_Right, CTRL)
    assert session.frame == 310
    qtbot.mouseClick(view, LEFT, pos=QPoint(3, 3))
    assert not session.selection
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert session.frame == 311


def test_a_selection_moves_and_hides_and_swaps_as_one(qtbot, demo_window):
    session = demo_window.session
    session.set_frame(300)
    session.set_selection(ARM)
    before = fields(session)
    drag_joint(qtbot, demo_window, WRIST, (12, 18))
    off = session.clip.keypoints[300] - before[0][300]
    assert np.allclose(off[sorted(ARM)], off[WRIST], atol=1e-3) and np.abs(off[WRIST]).max() > 10
    assert set(np.flatnonzero(off.any(1))) == ARM
    assert_undone_and_redone(session, before)
    session.undo_stack.undo()
    key(qtbot, demo_window, Qt.Key.Key_H)
    assert set(np.flatnonzero(session.mask[300])) == ARM
    key(qtbot, demo_window, Qt.Key.Key_X)
    mirrored = [MPM16.mirror[joint] for joint in sorted(ARM)]
    assert np.array_equal(session.clip.keypoints[300, sorted(ARM)], before[0][300, mirrored])
    legs = list(MPM16.limb("left leg"))
    assert np.array_equal(session.clip.keypoints[300, legs], before[0][300, legs])
    assert_undone_and_redone(session, before)


@pytest.mark.parametrize("is_lasso", [False, True])
def test_rubber_band_and_lasso_select(qtbot, demo_window, is_lasso):
    session, view = demo_window.session, demo_window.image_view
    session.set_frame(300)
    demo_window.actions_by_name["zoom"].trigger()
    places = view.joint_places()
    low, high = places.min(0) - 6, places.max(0) + 6
    corners = [QPoint(*(int(v) for v in corner)) for corner in (low, (high[0], low[1]), high, (low[0], high[1]))]
    way = corners if is_lasso else [corners[0], corners[2]]
    keys = CTRL | SHIFT if is_lasso else CTRL
    qtbot.mousePress(view, LEFT, keys, way[0])
    for spot in way[1:]:
        qtbot.mouseMove(view, spot)
    demo_window.grab()
    qtbot.mouseRelease(view, LEFT, keys, way[-1])
    assert session.selection == frozenset(range(16)) and not session.mask.any()
    # A small one adds nothing, since nothing lies in it.
    session.set_selection(frozenset({HEAD}))
    drag(qtbot, view, QPoint(2, 2), (8, 8), keys)
    assert session.selection == {HEAD}


def texts(menu):
    return [action.text() for action in menu.actions() if action.text()]


def test_the_menu_of_a_joint(qtbot, demo_window):
    session, menus = demo_window.session, demo_window.correction_handlers._menus
    session.set_frame(300)
    session.set_range(290, 310)
    drag_joint(qtbot, demo_window, WRIST, (0, 30))
    menu = menus.menu((WRIST,), 300)
    words = texts(menu)
    assert words[0] == "Left wrist, frame 301" and "Hide here" in words and "Hide in frames 291–311" in words
    for name in ("Clear key", "Restore what was measured here", "Restore what was measured in frames 291–311"):
        assert name in words
    assert "Select left arm" in words and "Swap left and right here" in words
    by_text = {action.text(): action for action in menu.actions()}
    by_text["Hide in frames 291–311"].trigger()
    assert session.mask[290:311, WRIST].all() and session.mask.sum() == 21
    by_text["Select left arm"].trigger()
    assert session.selection == ARM
    assert texts(menus.menu((ELBOW,), 300))[0] == "Left arm, frame 301", "one of those that are selected stands for all"
    by_text["Clear key"].trigger()
    assert not session.clip.edited.any()
    assert "Clear key" not in texts(menus.menu((HEAD,), 300)) and "Invert the mask" in texts(menus.menu((), 300))


def test_the_menu_of_a_cell_copies_and_pastes_there_and_not_at_the_cursor(demo_window):
    session, menus = demo_window.session, demo_window.correction_handlers._menus

    def press(frame, text):
        action = next(action for action in menus.menu((WRIST,), frame).actions() if action.text() == text)
        assert action.isEnabled()
        action.trigger()

    demo_window.editor.set_hidden((WRIST,), 100, 100, True)
    session.set_frame(300)
    paste = next(action for action in menus.menu((WRIST,), 150).actions() if action.text().startswith("Paste"))
    assert paste.text() == "Paste the mask from frame 151 on" and not paste.isEnabled()
    press(100, "Copy the mask of frame 101")
    press(150, "Paste the mask from frame 151 on")
    assert np.flatnonzero(session.mask[:, WRIST]).tolist() == [100, 150]
    session.set_range(200, 209)
    press(150, "Paste the mask all over frames 201–210")
    assert np.flatnonzero(session.mask[:, WRIST]).tolist() == [100, 150, *range(200, 210)]


def test_right_clicks_ask_for_it_on_joints_limbs_lanes_and_rows(qtbot, demo_window, monkeypatch):
    asked = []
    monkeypatch.setattr(demo_window.correction_handlers, "ask", lambda joints, frame, _: asked.append((joints, frame)))
    demo_window.session.set_frame(300)
    view, timeline, panel = demo_window.image_view, demo_window.timeline, demo_window.joints_panel
    wrist, elbow = (place(view, joint) for joint in (WRIST, ELBOW))
    lane = next(lane for lane in timeline.lanes() if lane.label == "Right leg")
    cell = QPoint(round(timeline.x_of(120.5)), int(lane.top + 8))
    show_panel(demo_window, "Joints")
    row = panel.visualItemRect(panel._rows[0][0]).center()
    for widget, spot in (
        (view, wrist), (view, (wrist + elbow) / 2), (view, QPoint(2, 2)), (timeline, cell), (timeline, QPoint(60, cell.y())),
        (panel.viewport(), row), (demo_window.scene_view, place(demo_window.scene_view, HEAD)),
    ):  # fmt: skip
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, widget.mapToGlobal(spot))
        QApplication.sendEvent(widget, event)
    leg = frozenset(MPM16.limb("right leg"))
    first = frozenset(panel._rows[0][1])
    assert asked == [({WRIST}, 300), (ARM, 300), (frozenset(), 300), (leg, 120), (leg, 300), (first, 300), ({HEAD}, 300)]


def test_a_mask_is_copied_pasted_inverted_saved_and_loaded(qtbot, demo_window, tmp_path, monkeypatch):
    session, paste = demo_window.session, demo_window.actions_by_name["paste_mask"]
    demo_window.editor.set_hidden((WRIST,), 100, 104, True)
    session.set_range(100, 109)
    assert not paste.isEnabled()
    key(qtbot, demo_window, Qt.Key.Key_C, CTRL)
    assert paste.isEnabled()
    session.set_range(200, 219)
    key(qtbot, demo_window, Qt.Key.Key_V, CTRL)
    assert np.flatnonzero(session.mask[:, WRIST]).tolist() == [*range(100, 105), *range(200, 205), *range(210, 215)]
    session.set_range(None, None)
    session.set_frame(300)
    key(qtbot, demo_window, Qt.Key.Key_V, CTRL)
    assert session.mask[300:305, WRIST].all() and session.mask.sum() == 20
    before = session.mask.copy()
    key(qtbot, demo_window, Qt.Key.Key_I, CTRL)
    assert np.array_equal(session.mask, ~before)
    session.undo_stack.undo()
    monkeypatch.setattr("app.window.correction_handlers.ask_where", lambda *_: tmp_path / "mask.csv")
    demo_window.actions_by_name["save_mask"].trigger()
    demo_window.actions_by_name["show_all"].trigger()
    demo_window.correction_handlers.read_mask(tmp_path / "mask.csv")
    assert np.array_equal(session.mask, before)
    warned = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *words: warned.append(words[-1]))
    write_mask_file(before[:10], tmp_path / "short.csv")
    demo_window.correction_handlers.read_mask(tmp_path / "short.csv")
    assert len(warned) == 1 and "has 10 frames" in warned[0] and np.array_equal(session.mask, before)


def test_presets_add_unless_asked_to_replace(qtbot, demo_window):
    session, panel = demo_window.session, demo_window.lifting_panel
    buttons = {button.text(): button for button in panel.findChildren(type(panel._task_buttons["lift"]))}
    leg, arm = (list(MPM16.limb(limb)) for limb in ("left leg", "left arm"))
    qtbot.mouseClick(buttons["Left leg"], LEFT)
    qtbot.mouseClick(buttons["Left arm"], LEFT)
    assert session.mask[:, leg].all() and session.mask[:, arm].all()
    assert "1 random joint" in buttons and "2 random joints" in buttons
    qtbot.mouseClick(panel._replace, LEFT, pos=QPoint(8, panel._replace.height() // 2))
    qtbot.mouseClick(buttons["Left arm"], LEFT)
    assert not session.mask[:, leg].any() and session.mask[:, arm].all()
    key(qtbot, demo_window, Qt.Key.Key_Escape)
    assert session.mask.any()


def test_frames_are_counted_from_one_where_people_read(qtbot, demo_window, monkeypatch):
    session, count = demo_window.session, len(demo_window.session)
    status = demo_window.status_line._place
    assert f"frame 1 of {count} " in status.text() and "counted from 1" in status.toolTip()
    session.set_range(9, 19)
    field = demo_window.status_line.range_field
    assert "10–20" in field.text() and "counted from 1" in field.toolTip()
    asked = []

    def ask(*words, text):
        asked.append((*words, text))
        return "100", True

    monkeypatch.setattr("app.window.view_handlers.QInputDialog.getText", ask)
    demo_window.actions_by_name["goto"].trigger()
    assert session.frame == 99 and f"from 1 to {count}" in asked[0][2] and asked[0][3] == "1"
    demo_window.actions_by_name["last"].trigger()
    names = {demo_window.actions_by_name[name].iconText() for name in ("hide_joints", "hide_frame")}
    assert names == {"Hide joint", "Hide frame"}


def test_keys_are_diamonds_on_the_timeline(qtbot, demo_window):
    session, timeline = demo_window.session, demo_window.timeline
    lane = next(lane for lane in timeline.lanes() if lane.label == "Left arm")

    def count():
        picture, y = timeline.grab().toImage(), int(lane.top + lane.height / 2)
        return sum(picture.pixelColor(x, y).name() == DARK.key_mark for x in range(110, timeline.width() - 8))

    session.set_frame(600)
    assert count() == 0
    demo_window.editor.move_joint(WRIST, 300, 500.0, 400.0, demo_window.editor.begin_gesture())
    one = count()
    assert 3 <= one <= 9
    demo_window.editor.move_joint(WRIST, 340, 500.0, 400.0, demo_window.editor.begin_gesture())
    assert count() > 2 * one, "a line from one to the next"


def test_a_hidden_joint_that_is_corrected_stays_hidden_and_that_is_said(qtbot, demo_window):
    session, said = demo_window.session, []
    session.set_frame(300)
    demo_window.editor.set_hidden((WRIST,), 300, 300, True)
    wait_for_lift(qtbot, demo_window)
    session.message.connect(said.append)
    drag_joint(qtbot, demo_window, WRIST, (24, 0))
    qtbot.waitUntil(lambda: any("does not follow" in text for text in said), timeout=WAIT_MS)
    assert session.mask[300, WRIST]
