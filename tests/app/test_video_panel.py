"""The video panel with a detector that sees squares: choosing, regions, people, cleaning up, the camera, and the webcam."""

import socket
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app.document.scene_positions import predicted_in_scene
from app.views.horizon import horizon_pixels
from mpm_core.camera import Intrinsics
from mpm_core.detectors import DETECTORS, base, model_files, model_store
from mpm_core.detectors.model_sources import Source
from mpm_core.grounding.up import Up, up_of_camera
from mpm_core.sides import RepairedSides
from mpm_core.skeleton import COCO17, MPM16
from tests.app.conftest import FRAMES, LEFT, WAIT_MS, wait_for_lift
from tests.squares import SquareFinder


def test_what_was_found_is_open_over_its_video(qtbot, detected):
    session = detected.session
    assert len(session) == FRAMES and session.recording.is_whole and session.threshold == pytest.approx(0.3)
    qtbot.waitUntil(lambda: detected.image_view._picture is not None, timeout=WAIT_MS)
    session.set_frame(20)
    qtbot.waitUntil(lambda: detected.backdrop.shown_frame == 20, timeout=WAIT_MS)
    picture, clip = detected.image_view._picture, session.clip
    x, y = clip.keypoints[20, MPM16.index("LHip")].round().astype(int)
    assert picture.pixelColor(int(x), int(y)).lightness() > 180  # the keypoints lie on the square of this very frame


def test_the_threshold_hides_joints_that_are_less_sure(qtbot, detected):
    session, slider = detected.session, detected.video_panel._threshold
    confidence = session.clip.confidence[10]
    slider.setValue(60)
    assert session.threshold == 0.6 and np.array_equal(session.missing[10], confidence < 0.6) and session.missing[10].any()
    wait_for_lift(qtbot, detected)
    assert not session.mask.any()  # what a person hides is another thing
    slider.setValue(50)
    session.undo_stack.undo()  # the slider's way is one step
    assert session.threshold == pytest.approx(0.3) and slider.value() == 30
    slider.setValue(0)
    assert not session.missing.any() and "0 %" in detected.video_panel._threshold_note.text()
    wait_for_lift(qtbot, detected)


def test_a_region_is_drawn_on_the_picture(qtbot, chosen):
    panel, view = chosen.video_panel, chosen.image_view
    qtbot.waitUntil(lambda: view._preview is not None, timeout=WAIT_MS)
    qtbot.mouseClick(panel._region_button, LEFT)
    corners = view._to_widget(np.array([[20.0, 10.0], [140.0, 110.0]]))
    start, end = (QPoint(*(round(float(v)) for v in corner)) for corner in corners)
    qtbot.mousePress(view, LEFT, pos=start)
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, LEFT, pos=end)
    assert np.abs(np.subtract(panel.options().part.region, (20, 10, 120, 100))).max() <= 2
    qtbot.mouseClick(panel._region_button, LEFT)
    assert panel.options().part.region is None and view._region.corners is None
    qtbot.mouseClick(panel._region_button, LEFT)
    qtbot.mouseClick(view, LEFT, pos=start)
    assert panel.options().part.region is None and "Too small" in panel._region_button.text()


def test_a_region_can_be_drawn_after_a_detection_too(qtbot, detected):
    panel, view = detected.video_panel, detected.image_view
    assert view._preview is None
    qtbot.mouseClick(panel._region_button, LEFT)
    qtbot.waitUntil(lambda: view._preview is not None, timeout=WAIT_MS)
    corners = view._to_widget(np.array([[30.0, 10.0], [100.0, 90.0]]))
    start, end = (QPoint(*(round(float(v)) for v in corner)) for corner in corners)
    qtbot.mousePress(view, LEFT, pos=start)
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, LEFT, pos=end)
    assert np.abs(np.subtract(panel.options().part.region, (30, 10, 70, 80))).max() <= 2
    detected.session.set_frame(5)  # back to the clip, where a click hides joints again
    assert view._preview is None and not view._region.is_on


def test_another_person_takes_the_place_of_the_first(qtbot, detected):
    session, view = detected.session, detected.image_view
    session.set_frame(12)
    (number,), (other,) = session.recording.others_at(12, session.clip.keypoints[12])
    clicked = []
    view.person_clicked.disconnect()
    view.person_clicked.connect(clicked.append)
    place = view._to_widget(other[MPM16.index("LKnee")])
    qtbot.mouseClick(view, LEFT, pos=QPoint(*(round(float(v)) for v in place)))
    assert clicked == [number]
    before = session.clip.keypoints.copy()
    session.set_range(10, 20)
    menu = detected.video_handlers.person_menu(number)
    menu.actions()[0].trigger()
    qtbot.waitUntil(session.undo_stack.canUndo, timeout=WAIT_MS)
    assert np.allclose(session.clip.keypoints[12], other, atol=1e-3)
    assert np.array_equal(session.clip.keypoints[[9, 21]], before[[9, 21]])
    session.undo_stack.undo()
    assert np.array_equal(session.clip.keypoints, before)
    menu.actions()[-1].trigger()
    qtbot.waitUntil(lambda: session.person == number, timeout=WAIT_MS)
    assert np.allclose(session.clip.keypoints[12], other, atol=1e-3) and not session.undo_stack.canUndo()
    assert detected.video_panel._persons.currentData() == number


def test_other_people_are_in_the_scene_when_they_are_wanted(qtbot, detected):
    session, scene = detected.session, detected.scene_view
    (mesh, *_), wanted = scene.bystanders.items, detected.actions_by_name["bystanders"]
    session.set_frame(12)
    wanted.trigger()
    qtbot.waitUntil(mesh.visible, timeout=WAIT_MS)
    other = mesh._vertices
    before = predicted_in_scene(session, 12)
    (number,), _ = session.recording.others_at(12, session.clip.keypoints[12])
    assert number != session.person and sum(item.visible() for item in scene.bystanders.items) == 1
    detected.detect_job.open_person(session.recording, number)
    qtbot.waitUntil(lambda: session.person == number, timeout=WAIT_MS)
    session.set_frame(12)
    wait_for_lift(qtbot, detected)
    qtbot.waitUntil(mesh.visible, timeout=WAIT_MS)  # now the first one is the other
    assert not np.allclose(mesh._vertices, other) and not np.allclose(predicted_in_scene(session, 12), before)
    wanted.trigger()
    scene.drawn()
    assert not mesh.visible()
    detected.opener.open_demo()
    qtbot.waitUntil(lambda: session.recording is None, timeout=WAIT_MS)
    wanted.trigger()
    assert "Nobody else is known" in detected.status_line.message()


def test_cleaning_up_can_be_undone(qtbot, detected):
    session = detected.session
    joint = MPM16.index("RKnee")
    gesture = detected.editor.begin_gesture()
    detected.editor.move_joint(joint, 25, 500.0, 400.0, gesture)
    shaken = session.clip.keypoints + np.random.default_rng(0).normal(0, 1.0, session.clip.keypoints.shape).astype(np.float32)
    session.patch_keypoints(0, {"keypoints": shaken})
    before = session.clip.keypoints.copy()
    steps = session.undo_stack.count()
    detected.video_panel.refiner_chosen.emit("savgol")
    qtbot.waitUntil(lambda: session.undo_stack.count() == steps + 1, timeout=WAIT_MS)
    assert np.median(np.abs(np.diff(session.clip.keypoints, axis=0))) < 0.9 * np.median(np.abs(np.diff(before, axis=0)))
    assert np.array_equal(session.clip.keypoints[25, joint], before[25, joint])  # a person's correction stays
    session.undo_stack.undo()
    assert np.array_equal(session.clip.keypoints, before)
    wait_for_lift(qtbot, detected)


def test_exchanged_sides_are_repaired_and_flagged(qtbot, demo_window):
    session = demo_window.session
    clean = session.clip.keypoints.copy()
    session.set_range(200, 230)
    demo_window.actions_by_name["swap"].trigger()
    assert not np.array_equal(session.clip.keypoints, clean)
    demo_window.video_panel.repair_chosen.emit()
    qtbot.waitUntil(lambda: bool(session.flags.any()), timeout=WAIT_MS)
    assert np.array_equal(session.clip.keypoints, clean)
    assert session.flags.sum() == 31 and session.flags[200:231].all()
    session.set_frame(0)
    wait_for_lift(qtbot, demo_window)
    qtbot.waitUntil(lambda: not session.suspicions.is_outdated, timeout=WAIT_MS)
    demo_window.actions_by_name["next_bad"].trigger()
    assert session.frame == 200
    session.undo_stack.undo()
    assert not session.flags.any()
    wait_for_lift(qtbot, demo_window)


def test_sides_that_are_unsure_are_flagged_and_stay(qtbot, demo_window, monkeypatch):
    session = demo_window.session
    clean, unsure = session.clip.keypoints.copy(), np.zeros(len(session), bool)
    unsure[300:310] = True
    monkeypatch.setattr(
        "app.window.video_handlers.repair_sides", lambda clip: RepairedSides(clip, np.zeros_like(unsure), unsure)
    )
    said = []
    session.message.connect(said.append)
    demo_window.video_panel.repair_chosen.emit()
    qtbot.waitUntil(lambda: bool(session.flags.any()), timeout=WAIT_MS)
    assert np.array_equal(session.flags, unsure) and np.array_equal(session.clip.keypoints, clean)
    assert any("unsure in 10 frames" in text for text in said)
    demo_window.video_panel.repair_chosen.emit()  # once more: nothing new
    qtbot.waitUntil(lambda: any("nothing to change" in text for text in said), timeout=WAIT_MS)


def test_the_field_of_view_moves_the_person(qtbot, detected):
    session, angle = detected.session, detected.video_panel.camera_box._angle
    assert angle.value() == pytest.approx(55, abs=0.1) and session.clip.camera.is_assumed
    before = session.prediction.root[20, 2]
    angle.setValue(25)
    assert not session.clip.camera.is_assumed
    wait_for_lift(qtbot, detected)
    qtbot.waitUntil(lambda: session.prediction.root[20, 2] > 1.5 * before, timeout=WAIT_MS)  # a longer lens: farther away
    session.undo_stack.undo()
    assert angle.value() == pytest.approx(55, abs=0.1)
    wait_for_lift(qtbot, detected)


def test_up_is_told_by_the_lifter_and_put_right_by_hand(qtbot, detected):
    session, box = detected.session, detected.video_panel.camera_box
    assert session.up.source == "lifter" and "told by the lifter" in box._up_note.text()
    told = session.up.direction
    assert box._pitch.value() == pytest.approx(session.up.pitch_deg, abs=0.06) and not box._leave.isEnabled()
    before = predicted_in_scene(session, 20)
    box._pitch.setValue(40)
    assert session.up.source == "clip" and session.up.pitch_deg == pytest.approx(40)
    assert "known or given" in box._up_note.text()
    assert not np.allclose(predicted_in_scene(session, 20), before, atol=0.02)
    box._roll.setValue(5)
    assert (session.up.pitch_deg, session.up.roll_deg) == pytest.approx((40, 5), abs=0.01)
    box._leave.click()
    assert session.up.source == "lifter" and session.up.direction == told
    session.undo_stack.undo()
    assert session.up.roll_deg == pytest.approx(5)
    session.undo_stack.undo()
    assert session.up.source == "lifter" and session.up.direction == told
    session.undo_stack.redo()
    assert session.clip.up is not None


def test_the_horizon_lies_where_the_camera_looks_level(detected):
    camera = Intrinsics((1000.0, 1000.0), (500.0, 400.0))
    level = horizon_pixels(camera, Up())
    assert level[:, 1] == pytest.approx([400, 400])
    down = horizon_pixels(camera, Up(up_of_camera(20.0), "clip"))
    assert down[:, 1] == pytest.approx([400 - 1000 * np.tan(np.radians(20))] * 2)  # above the middle
    (x0, y0), (x1, y1) = horizon_pixels(camera, Up(up_of_camera(0.0, 10.0), "clip"))
    assert abs((y1 - y0) / (x1 - x0)) == pytest.approx(np.tan(np.radians(10)))
    assert horizon_pixels(camera, Up(up_of_camera(90.0), "clip")) is None


def test_without_the_detector_the_panel_says_how_to_install_it(qtbot, chosen, monkeypatch):
    entry = base.Detector("absent", "Absent Pose", COCO17, (), "no_such_package", "video", SquareFinder)
    monkeypatch.setitem(DETECTORS, "absent", entry)
    panel = chosen.video_panel
    panel._detector.addItem("Absent", "absent")
    panel._detector.setCurrentIndex(panel._detector.findData("absent"))
    panel._show_detector()
    assert "pip install 'mpm-viewer[video]'" in panel._missing.text() and not panel.detect_button.isEnabled()
    chosen.opener.open_demo()  # everything else works
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, chosen)


def test_a_model_file_that_is_unknown_is_said(qtbot, chosen, squares, monkeypatch, tmp_path):
    monkeypatch.setenv("MPM_MODEL_DIR", str(tmp_path))
    own = model_files.ModelFile("own", "own.onnx", "Own", "MIT", 1, 9, ("0" * 64,), (), "download it")
    monkeypatch.setitem(model_store.MODELS, "own", own)
    monkeypatch.setitem(DETECTORS, "squares", replace(squares, models=("own",)))
    (tmp_path / "own.onnx").write_bytes(b"mine")
    qtbot.mouseClick(chosen.video_panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    assert f"{tmp_path / 'own.onnx'}: unknown, not a file that was published as Own" in chosen.status_line.message()
    wait_for_lift(qtbot, chosen)


def test_a_model_that_does_not_come_is_given_up_within_a_second(qtbot, chosen, squares, monkeypatch, tmp_path):
    panel, job = chosen.video_panel, chosen.detect_job
    folder = tmp_path / "models"
    monkeypatch.setattr(model_store, "model_folder", lambda: folder)
    monkeypatch.setitem(DETECTORS, "squares", replace(squares, models=("slow",)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = Source(f"http://127.0.0.1:{silent.getsockname()[1]}/slow.onnx", "0" * 64)
        slow = model_files.ModelFile("slow", "slow.onnx", "Slow", "MIT", 1, 9, ("0" * 64,), (source,), "download it")
        monkeypatch.setitem(model_store.MODELS, "slow", slow)
        qtbot.mouseClick(panel.detect_button, LEFT)
        qtbot.waitUntil(lambda: "connecting to 127.0.0.1" in panel._speed.text(), timeout=WAIT_MS)
        begun = time.monotonic()
        qtbot.mouseClick(panel.cancel_button, LEFT)
        qtbot.waitUntil(lambda: not job.state.is_running, timeout=WAIT_MS)
        assert time.monotonic() - begun < 5  # a busy machine adds to the second; the server would be waited for twice as long
    assert "Cancelled" in panel._problem.text() and [path.suffix for path in folder.iterdir()] == [".lock"]


def test_unsaved_work_is_not_lost_to_a_detection(qtbot, chosen, monkeypatch):
    video = chosen.detect_job.video
    chosen.opener.open_demo()
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    demo = chosen.session.clip
    chosen.editor.click_joints((3,), 5)
    monkeypatch.setattr(chosen.video_handlers, "_may_leave", lambda: False)
    chosen.detect_job.adopt(video)  # as when the demo was opened while the detection was under way
    chosen.detect_job.start(chosen.video_panel.options())
    qtbot.waitUntil(lambda: "kept" in chosen.status_line.message(), timeout=WAIT_MS)
    assert chosen.session.clip is demo and chosen.session.mask[5, 3]


def test_slow_motion_gets_its_own_rate_and_keeps_its_pictures(qtbot, detected):
    session, panel = detected.session, detected.video_panel
    box, own = panel.rate_box, session.clip.times.copy()
    assert (box._rate.text(), box._note.text()) == ("25 frames/s", "from the file") and not box._leave.isEnabled()
    detected.panels.setCurrentIndex([detected.panels.tabText(n) for n in range(detected.panels.count())].index("Video"))
    box._rate.selectAll()
    qtbot.keyClicks(box._rate, "100")
    qtbot.keyClick(box._rate, Qt.Key.Key_Return)
    assert session.clip.fps == 100 and np.allclose(session.clip.times, own / 4)
    assert box._note.text() == "overrides 25 (from the file)" and box._leave.isEnabled()
    assert any("100 frames/s taken, as the Video panel says" in note for note in session.clip.notes)
    wait_for_lift(qtbot, detected)
    assert session.prediction.fps == 100 and np.allclose(session.prediction.times, own / 4)
    session.set_frame(40)
    assert f"{40 / 100:.2f} s" in detected.status_line._place.text()
    x, y = session.clip.keypoints[40, MPM16.index("LHip")].round().astype(int)
    qtbot.waitUntil(lambda: detected.image_view._picture.pixelColor(int(x), int(y)).lightness() > 180, timeout=WAIT_MS)
    session.undo_stack.undo()
    assert session.clip.fps == 25 and np.array_equal(session.clip.times, own) and box._rate.text() == "25 frames/s"
    assert not any("taken" in note for note in session.clip.notes)
    session.undo_stack.redo()
    (number,) = {track.person.number for track in session.recording.people} - {session.person}
    session.undo_stack.setClean()
    detected.video_handlers.open_person(number)
    qtbot.waitUntil(lambda: session.person == number, timeout=WAIT_MS)
    assert session.clip.fps == 100, "what was said of the video holds for its other people"
    qtbot.mouseClick(box._leave, LEFT)
    assert session.clip.fps == 25 and np.allclose(session.clip.times, own)
    wait_for_lift(qtbot, detected)


def test_a_camera_is_watched_and_becomes_a_clip(qtbot, window, squares, monkeypatch, video):
    monkeypatch.setitem(DETECTORS, "mediapipe", squares)
    qtbot.mouseClick(window.video_panel._live, LEFT)
    dialog = window.video_handlers.live
    dialog.source.setCurrentText(str(video))
    qtbot.mouseClick(dialog.start_button, LEFT)
    qtbot.waitUntil(lambda: "ms behind" in dialog.note() and dialog.keep_button.isEnabled(), timeout=WAIT_MS)
    qtbot.mouseClick(dialog.keep_button, LEFT)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert window.session.clip.source.startswith("camera") and window.session.clip.times[0] == 0
    assert not window.session.undo_stack.isClean()  # it is nowhere else
    assert window.status_line.message().startswith("Opened what the camera saw")
    wait_for_lift(qtbot, window)


def test_a_camera_that_is_not_there_says_so(qtbot, window, squares, monkeypatch):
    monkeypatch.setitem(DETECTORS, "mediapipe", squares)
    window.video_handlers.open_live()
    dialog = window.video_handlers.live
    dialog.source.setCurrentText("77")
    qtbot.mouseClick(dialog.start_button, LEFT)
    qtbot.waitUntil(lambda: "cannot be opened" in dialog.note(), timeout=WAIT_MS)
    assert dialog.start_button.text() == "Start"


def test_escape_gives_the_camera_back(qtbot, window, squares, monkeypatch, video):
    monkeypatch.setitem(DETECTORS, "mediapipe", squares)
    window.video_handlers.open_live()
    dialog = window.video_handlers.live
    dialog.source.setCurrentText(str(video))
    qtbot.mouseClick(dialog.start_button, LEFT)
    qtbot.waitUntil(lambda: "ms behind" in dialog.note(), timeout=WAIT_MS)
    thread = dialog._job._thread
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT_MS)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert thread.isFinished()
    qtbot.waitUntil(lambda: window.video_handlers.live is None, timeout=WAIT_MS)


def test_the_focus_stays_at_the_buttons_of_a_detection(qtbot, chosen):
    """Qt would give it to the first tab, which then looks chosen beside the one that is."""
    panel = chosen.video_panel
    panel.detect_button.setFocus()
    qtbot.mouseClick(panel.detect_button, Qt.MouseButton.LeftButton)
    assert chosen.focusWidget() is panel.cancel_button
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    assert chosen.focusWidget() is panel.detect_button
