import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMessageBox

from app.document.scene_positions import predicted_in_scene, root_in_scene
from app.look.theme import DARK, LIGHT
from app.panels.open_dialog import OpenDialog
from app.window.actions import ACTIONS
from app.window.help import CommandPalette, KeysDialog
from mpm_core import Clip, write
from mpm_core.formats import inspect_file
from mpm_core.skeleton import BODY25, MPM16
from tests.app.conftest import WAIT_MS, close_unasked, every_error, show_panel, wait_for_lift
from tests.conftest import body25_from_mpm16, write_openpose

LEFT = Qt.MouseButton.LeftButton
WRIST = MPM16.index("LWrist")


def place(widget, joint):
    """Where a joint is drawn in the image or the scene."""
    x, y = widget.joint_places()[joint]
    return QPoint(round(x), round(y))


def key(qtbot, window, code, modifiers=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(window, code, modifiers)


def test_the_demo_is_lifted_beside_its_truth(demo_window):
    session = demo_window.session
    assert len(session) > 500 and every_error(session).shape == (len(session), 16)
    assert np.nanmean(every_error(session)) < 80
    assert demo_window.scene_view is not None and demo_window.scene_area.reason.text() == ""
    assert "MPJPE" in demo_window.status_line._errors.text()


@pytest.mark.parametrize("view", ["image_view", "scene_view"])
def test_a_click_on_a_joint_hides_it_while_the_mouse_is_down(qtbot, demo_window, view):
    widget, session = getattr(demo_window, view), demo_window.session
    session.set_frame(300)
    before = session.prediction.positions[300].copy()
    qtbot.mousePress(widget, LEFT, pos=place(widget, WRIST))
    assert session.mask[300, WRIST] and session.mask.sum() == 1
    wait_for_lift(qtbot, demo_window)  # the button is still down
    assert np.abs(session.prediction.positions[300] - before).max() > 1e-4
    qtbot.mouseRelease(widget, LEFT, pos=place(widget, WRIST))
    assert session.mask.sum() == 1


def test_a_click_beside_all_joints_changes_nothing(qtbot, demo_window):
    qtbot.mouseClick(demo_window.image_view, LEFT, pos=QPoint(3, 3))
    qtbot.mouseClick(demo_window.scene_view, LEFT, pos=QPoint(3, 3))
    assert not demo_window.session.mask.any()


def test_ctrl_click_selects_and_h_hides(qtbot, demo_window):
    view = demo_window.image_view
    qtbot.mouseClick(view, LEFT, Qt.KeyboardModifier.ControlModifier, place(view, WRIST))
    assert demo_window.session.selection == {WRIST} and not demo_window.session.mask.any()
    key(qtbot, demo_window, Qt.Key.Key_H)
    assert demo_window.session.mask[0, WRIST]
    key(qtbot, demo_window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not demo_window.session.mask.any()
    key(qtbot, demo_window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert demo_window.session.mask[0, WRIST]


def test_dragging_a_joint_corrects_it_and_hides_nothing(qtbot, demo_window):
    view, session = demo_window.image_view, demo_window.session
    session.set_frame(300)
    old = session.clip.keypoints[300, WRIST].copy()
    start = place(view, WRIST)
    qtbot.mousePress(view, LEFT, pos=start)
    for step in range(1, 7):
        qtbot.mouseMove(view, start + QPoint(4 * step, 0))
    qtbot.mouseRelease(view, LEFT, pos=start + QPoint(24, 0))
    moved = session.clip.keypoints[300, WRIST] - old
    assert moved[0] > 20 and abs(moved[1]) < 8 and session.clip.edited[300, WRIST]
    assert not session.mask.any()
    wait_for_lift(qtbot, demo_window)
    session.undo_stack.undo()
    assert np.allclose(session.clip.keypoints[300, WRIST], old) and session.undo_stack.index() == 0


def test_lanes_are_painted_by_dragging(qtbot, demo_window):
    timeline, session = demo_window.timeline, demo_window.session
    lane = next(lane for lane in timeline.lanes() if lane.label == "Left arm")
    y = int(lane.top + lane.height / 2)
    first, last = (QPoint(round(timeline.x_of(f + 0.5)), y) for f in (100, 200))
    qtbot.mousePress(timeline, LEFT, pos=first)
    qtbot.mouseMove(timeline, (first + last) / 2)
    qtbot.mouseMove(timeline, last)
    qtbot.mouseRelease(timeline, LEFT, pos=last)
    hidden = session.mask[:, WRIST]
    assert hidden[102:199].all() and not hidden[:98].any() and not hidden[203:].any()
    assert abs(session.frame - 200) <= 1
    session.undo_stack.undo()
    assert not session.mask.any()


def test_limbs_unfold_to_joints(qtbot, demo_window):
    timeline = demo_window.timeline
    lane = next(lane for lane in timeline.lanes() if lane.label == "Left arm")
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(12, int(lane.top + 8)))
    labels = [lane.label for lane in timeline.lanes()]
    assert labels[labels.index("Left arm") + 1 :][:3] == ["Left shoulder", "Left elbow", "Left wrist"]
    wrist = timeline.lanes()[labels.index("Left wrist")]
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(round(timeline.x_of(50.5)), int(wrist.top + 6)))
    assert demo_window.session.mask[:, WRIST].sum() == 1 and demo_window.session.mask.sum() == 1


def test_a_limbs_name_hides_the_limb(qtbot, demo_window):
    timeline = demo_window.timeline
    lane = next(lane for lane in timeline.lanes() if lane.label == "Right leg")
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(60, int(lane.top + 8)))
    assert set(np.flatnonzero(demo_window.session.mask[0])) == set(MPM16.limb("right leg"))


def test_scrubbing_and_zooming_the_timeline(qtbot, demo_window):
    timeline = demo_window.timeline
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(round(timeline.x_of(400.5)), 8))
    assert abs(demo_window.session.frame - 400) <= 1
    qtbot.mousePress(timeline, LEFT, Qt.KeyboardModifier.ShiftModifier, QPoint(round(timeline.x_of(100.5)), 8))
    qtbot.mouseMove(timeline, QPoint(round(timeline.x_of(150.5)), 8))
    qtbot.mouseRelease(timeline, LEFT, pos=QPoint(round(timeline.x_of(150.5)), 8))
    first, last = demo_window.session.range
    assert abs(first - 100) <= 1 and abs(last - 150) <= 1


@pytest.mark.parametrize(
    ("code", "modifiers", "frame"),
    [
        (Qt.Key.Key_Right, "", 301), (Qt.Key.Key_Left, "", 299), (Qt.Key.Key_Right, "C", 310), (Qt.Key.Key_Left, "CA", 200),
        (Qt.Key.Key_Home, "", 0), (Qt.Key.Key_End, "", -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("focus", ["image_view", "scene_view", "timeline", "joints_panel"])
def test_frame_keys_work_wherever_the_focus_is(qtbot, demo_window, code, modifiers, frame, focus):
    session = demo_window.session
    session.set_frame(300)
    widget = getattr(demo_window, focus)
    show_panel(demo_window, "Joints")
    widget.setFocus()
    keys = Qt.KeyboardModifier.NoModifier
    keys |= Qt.KeyboardModifier.ControlModifier if "C" in modifiers else keys
    keys |= Qt.KeyboardModifier.AltModifier if "A" in modifiers else keys
    qtbot.keyClick(widget, code, keys)
    assert session.frame == (frame if frame >= 0 else len(session) - 1)


def test_shift_and_arrows_select(qtbot, demo_window):
    demo_window.session.set_frame(50)
    for _ in range(3):
        key(qtbot, demo_window, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert demo_window.session.range == (50, 53)
    key(qtbot, demo_window, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert demo_window.session.range == (50, 52)
    key(qtbot, demo_window, Qt.Key.Key_Escape)
    assert demo_window.session.range is None


def test_brackets_set_the_range_and_space_plays(qtbot, demo_window):
    session = demo_window.session
    session.set_frame(20)
    key(qtbot, demo_window, Qt.Key.Key_BracketLeft)
    session.set_frame(40)
    key(qtbot, demo_window, Qt.Key.Key_BracketRight)
    assert session.range == (20, 40)
    key(qtbot, demo_window, Qt.Key.Key_Space)
    assert demo_window.playback.is_playing
    qtbot.waitUntil(lambda: session.frame not in (40, 20), timeout=WAIT_MS)
    key(qtbot, demo_window, Qt.Key.Key_Space)
    assert not demo_window.playback.is_playing and 20 <= session.frame <= 40


def test_preset_views_look_from_where_they_say(qtbot, demo_window):
    scene = demo_window.scene_view
    demo_window.session.set_frame(600)
    key(qtbot, demo_window, Qt.Key.Key_3)
    assert scene.opts["elevation"] > 85
    key(qtbot, demo_window, Qt.Key.Key_1)
    places = scene.joint_places()
    right, left = places[MPM16.index("RShoulder"), 0], places[MPM16.index("LShoulder"), 0]
    assert right < left  # facing us, their right is on our left
    key(qtbot, demo_window, Qt.Key.Key_4)
    frame = demo_window.session.frame
    clip, prediction = demo_window.session.clip, demo_window.session.prediction
    seen = clip.camera.project(prediction.positions[frame] + clip.ground_truth[frame, 0])
    offset = np.linalg.norm(np.diff(scene.joint_places(), axis=0)) / np.linalg.norm(np.diff(seen, axis=0))
    shape = scene.joint_places() / offset
    assert np.abs((shape - shape[0]) - (seen - seen[0])).max() < 0.02 * np.ptp(seen)


def test_figures_follow_the_mask(qtbot, demo_window):
    panel = demo_window.metrics_panel
    qtbot.waitUntil(lambda: panel._values["mpjpe"].text() != "", timeout=WAIT_MS)
    assert panel._values["hidden"].isHidden()
    units = {"acceleration": "m/s²", "path": "mm", "sliding": "m/s", "under": "%"}
    assert all(panel._values[name].text().endswith(unit) for name, unit in units.items())
    assert panel._values["jumps"].text() == "0"
    show_panel(demo_window, "Metrics")
    demo_window.editor.apply_preset("2 legs")
    wait_for_lift(qtbot, demo_window)
    qtbot.waitUntil(lambda: "mm" in panel._values["hidden"].text() and panel._values["hidden"].isVisible(), timeout=WAIT_MS)


def test_without_ground_truth_figures_are_absent_not_zero(qtbot, window, tmp_path, demo):
    from mpm_core import Clip, write

    write(Clip.from_arrays(demo.keypoints, demo.image_size, 50), tmp_path / "flat.npz")
    window.file_handlers.open_path(tmp_path / "flat.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    assert not window.session.has_errors
    values = window.metrics_panel._values
    qtbot.waitUntil(lambda: "no ground truth" in window.metrics_panel._scope.text(), timeout=WAIT_MS)
    assert [name for name, value in values.items() if not value.isHidden()] == ["reprojection", "sliding", "under"]
    assert values["sliding"].text().endswith(" m/s") and values["under"].text().endswith(" %")
    assert window.status_line._errors.text() == ""
    assert window.joints_panel.isColumnHidden(2)
    assert not window.lifting_panel._task_buttons["complete"].isEnabled()


def test_the_joints_panel_hides_and_selects(qtbot, demo_window):
    panel, session = demo_window.joints_panel, demo_window.session
    show_panel(demo_window, "Joints")
    item = next(item for item, joints in panel._rows if joints == (WRIST,))
    item.setCheckState(0, Qt.CheckState.Unchecked)
    assert session.mask[0, WRIST] and item.text(1) == "hidden"
    panel.setCurrentItem(item)
    assert session.selection == {WRIST}


def test_both_themes_and_palettes_apply(qtbot, demo_window):
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        demo_window.actions_by_name[f"theme_{name}"].trigger()
        assert demo_window.theme is theme and demo_window.scene_view.theme is theme
        picture = demo_window.grab().toImage()
        corner = picture.pixelColor(3, picture.height() - 60)
        assert abs(corner.lightness() - demo_window.palette().window().color().lightness()) < 40
    demo_window.actions_by_name["palette_colour_blind"].trigger()
    assert demo_window.image_view.palette_name == "colour-blind"


def test_error_colours_change_the_scene(qtbot, demo_window):
    def picture():
        demo_window.scene_view.repaint()
        return demo_window.scene_view.drawn()

    plain = picture()
    demo_window.actions_by_name["errors"].trigger()
    assert demo_window.scene_view._legend.isVisible() and picture() != plain


def test_keys_are_unique_and_all_listed(qtbot, demo_window):
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys))
    from PySide6.QtWidgets import QLabel

    dialog = KeysDialog(demo_window)
    qtbot.addWidget(dialog)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    assert {spec.text for spec in ACTIONS if spec.keys} <= texts


def test_the_palette_finds_and_runs_a_command(qtbot, demo_window):
    demo_window.session.set_frame(100)
    palette = CommandPalette(demo_window)
    qtbot.addWidget(palette)
    palette.show()
    qtbot.keyClicks(palette._search, "first frame")
    qtbot.keyClick(palette._search, Qt.Key.Key_Return)
    assert demo_window.session.frame == 0


def test_a_newer_mask_wins_over_one_at_work(qtbot, demo_window):
    session = demo_window.session
    for name in ("2 legs", "2 arms", "left leg", "right arm"):
        demo_window.editor.apply_preset(name, replaces=True)
    wait_for_lift(qtbot, demo_window)
    assert set(np.flatnonzero(session.prediction.hidden[0])) == set(MPM16.limb("right arm"))


def test_gaps_are_among_the_bad_frames(qtbot, window, tmp_path, demo):
    from mpm_core import Clip, write

    points = demo.keypoints.copy()
    points[120:130, 3] = np.nan
    points[400:402, 7] = np.nan
    write(Clip.from_arrays(points, demo.image_size, 50), tmp_path / "gaps.npz")
    window.file_handlers.open_path(tmp_path / "gaps.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.session.suspicions.items is not None, timeout=WAIT_MS)
    for expected in (120, 400, 400):
        key(qtbot, window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
        assert window.session.frame == expected
    key(qtbot, window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert window.session.frame == 120


def test_recent_files_are_remembered(qtbot, window, settings, tmp_path, demo):
    from mpm_core import write

    write(demo, tmp_path / "a.npz")
    window.file_handlers.open_path(tmp_path / "a.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    (action,) = window.menus.recent.actions()
    assert action.text().startswith("a.npz  –  clip, today ") and action.toolTip() == str(tmp_path / "a.npz")
    (tmp_path / "a.npz").unlink()
    assert window.recent.files() == []


def test_without_opengl_one_sentence_says_so_and_the_rest_works(qtbot, settings, monkeypatch):
    from app.window.main_window import MainWindow

    monkeypatch.setenv("MPM_VIEWER_NO_GL", "1")
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window, before_close_func=close_unasked)
    window.show()
    window.opener.open_demo()
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    assert window.scene_view is None and window.scene_area.reason.text().count(".") == 1
    view = window.image_view
    qtbot.mouseClick(view, LEFT, pos=place(view, WRIST))
    assert window.session.mask[0, WRIST]
    wait_for_lift(qtbot, window)
    window.actions_by_name["view_top"].trigger()


@pytest.mark.parametrize("choice", ["Discard", "Cancel", "Save"])
def test_unsaved_work_is_not_lost_without_a_question(qtbot, demo_window, monkeypatch, tmp_path, demo, choice):
    session, old = demo_window.session, demo_window.session.clip
    write(demo.cut(0, 99), tmp_path / "other.npz")
    monkeypatch.setattr("app.window.project_handlers.ask_to_save", lambda *_: QMessageBox.StandardButton[choice])
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "work.mpmproj")
    demo_window.editor.apply_preset("left leg")
    demo_window.file_handlers.open_path(tmp_path / "other.npz")
    if choice == "Cancel":
        qtbot.wait(300)
        assert session.clip is old and session.mask.any() and not demo_window.close()
        return
    qtbot.waitUntil(lambda: len(session) == 100, timeout=WAIT_MS)
    assert (tmp_path / "work.mpmproj").exists() == (choice == "Save")


def test_people_of_whom_only_the_face_is_seen_are_not_offered(qtbot, window, tmp_path, demo):
    body = body25_from_mpm16(demo.keypoints[:10])
    face = np.zeros_like(body)
    for joint, x, y in (("Nose", 50, 40), ("LEye", 58, 30), ("REye", 42, 30)):
        face[:, BODY25.index(joint)] = (x, y, 0.9)
    folder = write_openpose(tmp_path / "three", body, others=[face, body25_from_mpm16(demo.keypoints[:10] * 0.5)])
    dialog = OpenDialog(folder, inspect_file(folder), DARK, window)
    qtbot.addWidget(dialog)
    assert dialog._people.count() == 2 and dialog.options().person == 0


def test_the_floor_is_under_the_feet_without_ground_truth(qtbot, window, tmp_path, demo):
    write(Clip.from_arrays(demo.keypoints, demo.image_size, 50), tmp_path / "flat.npz")
    window.file_handlers.open_path(tmp_path / "flat.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    session, ankles = window.session, list(MPM16.indices(("LAnkle", "RAnkle")))
    lowest = [predicted_in_scene(session, f)[ankles, 2].min() + root_in_scene(session, f)[2] for f in range(0, 700, 10)]
    assert -0.5 < np.median(lowest) - window.scene_view._floor < 0.5


def test_one_joint_of_a_chosen_limb_can_be_given_up(qtbot, demo_window):
    panel, session = demo_window.joints_panel, demo_window.session
    arm = frozenset(MPM16.limb("left arm"))
    session.set_selection(arm)
    row = next(item for item, joints in panel._rows if joints == (WRIST,))
    row.setSelected(False)
    assert session.selection == arm - {WRIST}
    session.set_selection(arm)
    next(item for item, joints in panel._rows if set(joints) == arm).setSelected(False)
    assert not session.selection
