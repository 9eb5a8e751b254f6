"""Ground truth from recordings, and recordings opened by themselves, through the window."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QInputDialog

from mpm_core import Clip, write
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, show_panel
from tests.motion_files import world_of, write_trc

FIRST, LAST = 100, 259


@pytest.fixture
def flat_window(qtbot, window, tmp_path, demo):
    """A window with frames 100 to 259 of the demo, without 3D."""
    part = slice(FIRST, LAST + 1)
    write(Clip.from_arrays(demo.keypoints[part], demo.image_size, 50, camera=demo.camera), tmp_path / "flat.npz")
    window.file_handlers.open_path(tmp_path / "flat.npz")
    qtbot.waitUntil(lambda: len(window.session) == LAST - FIRST + 1, timeout=WAIT_MS)
    return window


def off_mm(session, demo):
    truth = session.clip.ground_truth
    true = demo.ground_truth[FIRST : FIRST + len(truth)]
    return float(np.nanmedian(np.linalg.norm((truth - truth[:, :1]) - (true - true[:, :1]), axis=-1))) * 1000


def test_a_recording_becomes_ground_truth_and_is_shifted(qtbot, flat_window, monkeypatch, tmp_path, demo):
    window, session = flat_window, flat_window.session
    path = write_trc(tmp_path / "walk.trc", world_of(demo, "z", units_per_metre=1000.0), 50.0, "mm")
    monkeypatch.setattr("app.panels.questions.QFileDialog.getOpenFileName", lambda *_: (str(path), ""))
    window.actions_by_name["truth_file"].trigger()
    qtbot.waitUntil(lambda: session.clip.ground_truth is not None, timeout=WAIT_MS)
    assert off_mm(session, demo) < 3
    box = window.metrics_panel.truth_box
    spin = box.findChild(QDoubleSpinBox)
    assert not box.isHidden() and spin.value() == pytest.approx(-FIRST, abs=0.3)
    assert "before the clip" in window.status_line.message()
    assert any(note.startswith("ground truth: ") and "unit: mm" in note for note in session.clip.notes)
    show_panel(window, "Metrics")
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "-90")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.truth_origin.timing.is_given, timeout=WAIT_MS)
    assert off_mm(session, demo) > 20 and spin.value() == -90
    window.actions_by_name["undo"].trigger()
    assert off_mm(session, demo) < 3 and spin.value() == pytest.approx(-FIRST, abs=0.3)
    window.actions_by_name["redo"].trigger()
    assert spin.value() == -90
    window.actions_by_name["undo"].trigger()
    window.actions_by_name["undo"].trigger()
    assert session.clip.ground_truth is None and box.isHidden() and not session.clip.notes


def test_a_doubtful_recording_is_asked_about(qtbot, flat_window, monkeypatch, tmp_path, demo):
    window, session = flat_window, flat_window.session
    other = {name: places[::-1][:150] for name, places in world_of(demo).items()}
    path = write_trc(tmp_path / "other.trc", other)
    asked = []
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *a: asked.append(a[2]) or (0.0, False))
    window.opener.open_truth(path)
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    assert "other.trc" in asked[0] and session.clip.ground_truth is None
    qtbot.waitUntil(lambda: "No ground truth added" in window.status_line.message(), timeout=WAIT_MS)
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *a: (5.0, True))
    window.opener.open_truth(path)
    qtbot.waitUntil(lambda: session.clip.ground_truth is not None, timeout=WAIT_MS)
    assert session.truth_origin.timing.shift_s == pytest.approx(0.1)
    assert "that is far" in " ".join(session.clip.notes)


def test_a_recording_opens_by_itself_and_is_lifted(qtbot, window, tmp_path, demo):
    markers = {name: places for name, places in world_of(demo, "z", slice(0, 120)).items() if name != "Head"}
    markers["LWrist"][30:50] = np.nan
    window.file_handlers.open_path(write_trc(tmp_path / "walk.trc", markers))
    session = window.session
    qtbot.waitUntil(lambda: len(session) == 120, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: session.prediction is not None and not session.state.is_busy, timeout=WAIT_MS)
    assert session.clip.is_virtual and session.missing[30:50, MPM16.index("LWrist")].all()
    assert session.missing[:, MPM16.index("Head")].all()
    assert window.metrics_panel.truth_box.isHidden()
    qtbot.waitUntil(lambda: "mm" in window.metrics_panel._values["mpjpe"].text(), timeout=WAIT_MS)
    assert "mm" in window.metrics_panel._values["p_mpjpe"].text()
    window.actions_by_name["complete"].trigger()
    qtbot.waitUntil(lambda: session.prediction is not None and session.prediction.task == "complete", timeout=WAIT_MS)
