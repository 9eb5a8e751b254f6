"""The height of the person: shown as lifted, said, undone, saved and found again."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.document.scene_positions import predicted_in_scene, root_in_scene
from mpm_core.stature import stature
from tests.app.conftest import WAIT_MS, save_and_reopen, wait_for_lift


def tall(window):
    prediction = window.session.prediction
    return stature(prediction.positions, prediction.hidden)


@pytest.fixture
def box(demo_window):
    demo_window.panels.setCurrentIndex(demo_window.panels.count() - 1)
    return demo_window.video_panel.body_box


def test_the_height_is_shown_as_lifted_and_said_by_hand(qtbot, demo_window, box):
    session, as_lifted = demo_window.session, tall(demo_window)
    assert box._height.value() == pytest.approx(as_lifted, abs=0.006) and session.clip.height_m is None
    assert box._note.text() == f"about {as_lifted:.2f} m, as lifted" and not box._leave.isEnabled()
    before = predicted_in_scene(session, 100)
    places = session.clip.camera.project(session.prediction.absolute()[100])
    area = demo_window.panels.currentWidget()
    area.ensureWidgetVisible(box)
    box._height.setFocus()
    box._height.selectAll()
    qtbot.keyClicks(box._height, "1.45")
    qtbot.keyClick(box._height, Qt.Key.Key_Return)
    assert session.clip.height_m == pytest.approx(1.45)
    qtbot.waitUntil(lambda: tall(demo_window) == pytest.approx(1.45, abs=1e-3), timeout=WAIT_MS)
    assert np.allclose(predicted_in_scene(session, 100), before * (1.45 / as_lifted), atol=5e-3)  # not all is lifted yet
    wait_for_lift(qtbot, demo_window)
    assert np.allclose(predicted_in_scene(session, 100), before * (1.45 / as_lifted), atol=1e-3)
    assert np.abs(session.clip.camera.project(session.prediction.absolute()[100]) - places).max() < 2
    assert "known or given" in box._note.text() and f"{as_lifted:.2f} m, as lifted" in box._note.text()
    session.undo_stack.undo()
    assert session.clip.height_m is None
    qtbot.waitUntil(lambda: tall(demo_window) == pytest.approx(as_lifted, abs=1e-3), timeout=WAIT_MS)
    session.undo_stack.redo()
    assert session.clip.height_m == pytest.approx(1.45)
    qtbot.mouseClick(box._leave, Qt.MouseButton.LeftButton)
    assert session.clip.height_m is None and not box._leave.isEnabled()
    wait_for_lift(qtbot, demo_window)


def test_a_height_that_is_typed_as_it_was_lifted_is_said(qtbot, demo_window, box):
    session, steps = demo_window.session, demo_window.session.undo_stack.count()
    demo_window.panels.currentWidget().ensureWidgetVisible(box)
    shown = box._height.value()
    box._height.setFocus()
    qtbot.keyClick(box._height, Qt.Key.Key_Tab)
    assert session.clip.height_m is None, "nothing was typed"
    box._height.setFocus()
    box._height.selectAll()
    qtbot.keyClicks(box._height, f"{shown:.2f}")
    qtbot.keyClick(box._height, Qt.Key.Key_Return)
    assert session.clip.height_m == pytest.approx(shown) and session.undo_stack.count() == steps + 1
    wait_for_lift(qtbot, demo_window)


def test_no_height_stands_there_until_one_is_known(qtbot, demo_window, box):
    session, clip = demo_window.session, demo_window.session.clip
    assert "m" in box._height.text()
    session.open_clip(clip)
    box.refresh()
    assert session.prediction is None and box._height.text() == "…" and not box._height.isEnabled()
    wait_for_lift(qtbot, demo_window)
    qtbot.waitUntil(lambda: box._height.text() == f"{tall(demo_window):.2f} m", timeout=WAIT_MS)


def test_steps_of_the_height_are_one_step_of_undo(qtbot, demo_window, box):
    session = demo_window.session
    steps = session.undo_stack.count()
    for _ in range(3):
        box._height.stepUp()
    assert session.undo_stack.count() == steps + 1
    session.undo_stack.undo()
    assert session.clip.height_m is None
    wait_for_lift(qtbot, demo_window)


def test_the_height_is_saved_with_the_clip(qtbot, demo_window, box, tmp_path, monkeypatch):
    box._height.setValue(1.51)
    save_and_reopen(qtbot, demo_window, monkeypatch, tmp_path / "work.mpmproj")
    assert demo_window.session.clip.height_m == pytest.approx(1.51)
    wait_for_lift(qtbot, demo_window)
    assert tall(demo_window) == pytest.approx(1.51, abs=1e-3) and box._height.value() == pytest.approx(1.51)


def test_the_floor_stays_under_the_feet(qtbot, demo_window, box):
    session, scene = demo_window.session, demo_window.scene_view
    if scene is None:
        pytest.skip("no OpenGL here")
    session.attach_truth(None)
    wait_for_lift(qtbot, demo_window)
    for height in (1.3, 2.1):
        box._height.setValue(height)
        qtbot.waitUntil(lambda wanted=height: tall(demo_window) == pytest.approx(wanted, abs=1e-3), timeout=WAIT_MS)
        wait_for_lift(qtbot, demo_window)
        lowest = min(
            (predicted_in_scene(session, f) + root_in_scene(session, f))[:, 2].min() for f in range(0, len(session), 20)
        )
        assert scene._floor == pytest.approx(lowest - 0.08, abs=0.12)


def test_3d_that_is_completed_says_that_it_keeps_its_size(qtbot, demo_window, box):
    demo_window.actions_by_name["complete"].trigger()
    assert not box._height.isEnabled() and "keeps its own size" in box._note.text()
    wait_for_lift(qtbot, demo_window)
