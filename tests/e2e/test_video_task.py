"""A person's task from start to end: a phone video, detected, cancelled, resumed, the person picked, lifted, exported."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from mpm_core import read_clip
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, save_and_reopen, show_panel, wait_for_lift
from tests.e2e.test_openpose_task import drag, export

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
ARM = list(MPM16.limb("left arm"))
PERSON_WAIT_MS = 600_000


def click(qtbot, view, place):
    qtbot.mouseClick(view, LEFT, pos=QPoint(*(round(float(v)) for v in place)))


def test_the_whole_task(qtbot, window, monkeypatch, tmp_path, shared, cache, pose_model):
    session, panel, job, view = window.session, window.video_panel, window.detect_job, window.image_view

    # Open the video: its first frame and the panel show.
    window.file_handlers.open_path(shared / "video" / "person_outdoor.mp4")
    qtbot.waitUntil(lambda: job.video is not None, timeout=WAIT_MS)
    assert window.panels.tabText(window.panels.currentIndex()) == "Video" and "1768 × 994" in panel._video.text()
    qtbot.waitUntil(lambda: view._preview is not None, timeout=WAIT_MS)

    # Detect, with progress and a preview; cancel half-way.
    previews = []
    job.previewed.connect(previews.append)
    qtbot.mouseClick(panel.detect_button, LEFT)
    assert not panel.detect_button.isEnabled()
    qtbot.waitUntil(lambda: job.state.done > 90, timeout=PERSON_WAIT_MS)
    assert job.state.total == 230 and "frames/s" in panel._speed.text() and 0 < panel._bar.value() <= 230
    assert any(len(preview.poses) for preview in previews)
    qtbot.mouseClick(panel.cancel_button, LEFT)
    qtbot.waitUntil(lambda: session.clip is not None and not job.state.is_running, timeout=WAIT_MS)
    seen_first = len(session)
    assert 90 < seen_first < 230 and "goes on from here" in window.status_line.message()

    # Resume: only the rest is looked at.
    done = []
    job.state_changed.connect(lambda: done.append(job.state.done))
    qtbot.mouseClick(panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: len(session) == 230 and not job.state.is_running, timeout=PERSON_WAIT_MS)
    assert min(d for d in done if d) >= seen_first
    wait_for_lift(qtbot, window)

    # Somebody walks by below: a click on her, and her keypoints take the place of his from this frame on.
    keypoints = session.clip.keypoints
    frame = next(f for f in range(100, 200) if session.recording.others_at(f, keypoints[f])[0])
    session.set_frame(frame)
    man = keypoints[frame].copy()
    (number, *_), (woman, *_) = session.recording.others_at(frame, man)
    chosen = []
    view.person_clicked.disconnect()
    view.person_clicked.connect(chosen.append)
    click(qtbot, view, view._to_widget(woman[MPM16.index("Spine")]))
    assert chosen == [number]
    menu = window.video_handlers.person_menu(number)
    next(action for action in menu.actions() if action.text().endswith("from this frame on")).trigger()
    qtbot.waitUntil(lambda: session.undo_stack.undoText().startswith("Take person"), timeout=WAIT_MS)
    assert np.nanmax(np.abs(session.clip.keypoints[frame] - woman)) < 0.01
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(session.clip.keypoints[frame], man)
    wait_for_lift(qtbot, window)

    # Hide an arm over a range on the timeline; the 3D answers.
    figures = []
    window.figures_job.changed.connect(figures.append)
    before = session.prediction.positions.copy()
    timeline = window.timeline
    drag(qtbot, timeline, *(QPoint(round(timeline.x_of(f + 0.5)), 8) for f in (70, 110)), SHIFT)
    lane = next(lane for lane in timeline.lanes() if lane.label == "Left arm")
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(round(timeline.x_of(90.5)), int(lane.top + 9)))
    assert session.mask[70:111, ARM].all()
    wait_for_lift(qtbot, window)
    assert np.linalg.norm(session.prediction.positions - before, axis=-1)[70:111, ARM].mean() > 0.003

    # There is no ground truth, so the panel tells how far 3D and 2D are apart.
    show_panel(window, "Metrics")
    qtbot.waitUntil(lambda: bool(figures) and figures[-1] is not None and figures[-1].first == 70, timeout=WAIT_MS)
    assert max(of.reprojection.px for of in figures if of is not None) < 25
    shown = window.metrics_panel._values["reprojection"]
    assert shown.isVisible() and 0 < float(shown.text().split()[0]) < 25

    # Export, and save the work: it is found again with its times, camera and threshold.
    export(qtbot, window, monkeypatch, tmp_path / "roof.csv", "CSV")
    assert len(read_clip(tmp_path / "roof.csv")) == 41
    times, threshold = session.clip.times, session.threshold
    save_and_reopen(qtbot, window, monkeypatch, tmp_path / "work.mpmproj")
    assert np.array_equal(session.clip.times, times) and session.threshold == threshold
    assert session.clip.camera.field_of_view_deg(session.clip.image_size) == pytest.approx(55)


def test_a_video_that_is_none_says_so_and_keeps_what_is_open(qtbot, demo_window, tmp_path):
    clip = demo_window.session.clip
    (tmp_path / "notes.mp4").write_text("no video")
    demo_window.file_handlers.open_path(tmp_path / "notes.mp4")
    qtbot.waitUntil(lambda: "cannot be read as a video" in demo_window.status_line.message(), timeout=WAIT_MS)
    assert demo_window.session.clip is clip and demo_window.session.prediction is not None
