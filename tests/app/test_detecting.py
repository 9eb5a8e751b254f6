"""Detecting in a video: what is in view before and after, what becomes of the work that there was, and of cancelling."""

import time
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from app.views.picture_place import PicturePlace
from mpm_core.skeleton import MPM16
from tests.app.conftest import FRAMES, LEFT, WAIT_MS, save_and_reopen, wait_for_lift
from tests.squares import SquareFinder

BUTTONS = QMessageBox.StandardButton


def answer_with(button, asked):
    """Click a button of the question that comes next; `asked` gets its words."""

    def click():
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(50, click)
            return
        asked.append(f"{box.text()} {box.informativeText()}")
        box.button(button).click()

    QTimer.singleShot(50, click)


def detect_again(qtbot, window, button=None):
    """Press Detect, answer the question if there is to be one, and return what it said."""
    asked = []
    if button is not None:
        answer_with(button, asked)
    qtbot.mouseClick(window.video_panel.detect_button, LEFT)
    return "".join(asked)


def test_a_line_points_at_detect_and_then_the_whole_clip_is_in_view(qtbot, chosen, video):
    timeline, curves = chosen.timeline, chosen.answers.curves
    chosen.opener.open_demo()
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    chosen.file_handlers.open_path(video)  # the curves have no frames then, and once took the timeline along
    qtbot.waitUntil(lambda: chosen.session.clip is None, timeout=WAIT_MS)
    assert curves.plot.getViewBox().viewRange()[0][1] <= 1
    assert "Press Detect" in timeline.next_step and "squares.mp4" in timeline.next_step
    blank = timeline.grab().toImage()
    timeline.say_next_step("")
    assert timeline.grab().toImage() != blank
    qtbot.mouseClick(chosen.video_panel.detect_button, LEFT)
    assert "Looking for people" in timeline.next_step
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, chosen)
    assert timeline.scale().in_view == (0, FRAMES)


def test_a_saved_project_is_asked_about_before_and_stays_as_it_was(qtbot, detected, monkeypatch, tmp_path):
    detected.editor.set_hidden((3, 4), 5, 14, True)
    wait_for_lift(qtbot, detected)
    save_and_reopen(qtbot, detected, monkeypatch, tmp_path / "work.mpmproj")
    session, before = detected.session, (tmp_path / "work.mpmproj").read_bytes()
    clip, looks = session.clip, SquareFinder.looks
    said = detect_again(qtbot, detected, BUTTONS.Cancel)
    assert "hidden in 10 frames" in said and "work.mpmproj stays as it is" in said
    assert not detected.detect_job.state.is_running and SquareFinder.looks == looks
    assert session.clip is clip and session.mask.any() and detected.document.path is not None
    detect_again(qtbot, detected, BUTTONS.Ok)
    qtbot.waitUntil(lambda: session.clip is not clip, timeout=WAIT_MS)
    assert not session.mask.any() and detected.document.path is None
    assert "work.mpmproj stays as it was saved" in detected.status_line.message()
    assert (tmp_path / "work.mpmproj").read_bytes() == before
    wait_for_lift(qtbot, detected)


def test_unsaved_work_is_asked_about_once_and_before(qtbot, detected):
    session, clip = detected.session, detected.session.clip
    detected.editor.set_hidden((3,), 5, 5, True)
    said = detect_again(qtbot, detected, BUTTONS.Ok)
    assert "hidden in 1 frame" in said and "saved nowhere" in said
    qtbot.waitUntil(lambda: session.clip is not clip, timeout=WAIT_MS)  # a second question would hold it up for ever
    assert not session.mask.any()
    wait_for_lift(qtbot, detected)


def test_cancelling_a_fresh_look_leaves_clip_work_and_cache(qtbot, detected, monkeypatch):
    session, clip, panel = detected.session, detected.session.clip, detected.video_panel
    detected.editor.set_hidden((3,), 5, 5, True)
    find, is_cancelled, looks = SquareFinder.find, Event(), SquareFinder.looks

    def slowly(self, picture, time_s):
        time.sleep(0.03)
        if SquareFinder.looks > looks + 20:  # however late the button is pressed
            is_cancelled.wait(WAIT_MS / 1000)
        return find(self, picture, time_s)

    monkeypatch.setattr(SquareFinder, "find", slowly)
    panel._afresh.setChecked(True)
    detect_again(qtbot, detected, BUTTONS.Ok)
    qtbot.waitUntil(lambda: detected.detect_job.state.done > 5, timeout=WAIT_MS)
    qtbot.mouseClick(panel.cancel_button, LEFT)
    is_cancelled.set()
    qtbot.waitUntil(lambda: not detected.detect_job.state.is_running, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "stays" in detected.status_line.message(), timeout=WAIT_MS)
    assert session.clip is clip and session.mask[5, 3] and session.recording.is_whole
    monkeypatch.setattr(SquareFinder, "find", find)
    panel._afresh.setChecked(False)
    looks = SquareFinder.looks
    detect_again(qtbot, detected, BUTTONS.Ok)
    qtbot.waitUntil(lambda: session.clip is not clip, timeout=WAIT_MS)
    assert SquareFinder.looks == looks and len(session) == FRAMES and session.recording.is_whole
    wait_for_lift(qtbot, detected)


def forget_decoded(qtbot, backdrop):
    """Clear the cache once all is in it, so that no picture that is being decoded comes into it afterwards."""
    qtbot.waitUntil(lambda: all(backdrop.cache.get(frame) is not None for frame in range(FRAMES)), timeout=WAIT_MS)
    backdrop.cache.clear()


def test_an_old_picture_is_dimmed_until_the_right_one_is_there(qtbot, detected, monkeypatch):
    view, backdrop, session = detected.image_view, detected.backdrop, detected.session
    qtbot.waitUntil(lambda: backdrop.shown_frame == session.frame, timeout=WAIT_MS)
    view.show_person(False)
    decode, may_go_on = backdrop._decode, []

    def wait(wanted, frame):
        while not may_go_on:
            time.sleep(0.005)
        return decode(wanted, frame)

    forget_decoded(qtbot, backdrop)
    monkeypatch.setattr(backdrop, "_decode", wait)
    bright = view.grab().toImage()
    session.set_frame((session.frame + 20) % FRAMES)
    try:
        qtbot.waitUntil(lambda: view._is_picture_old, timeout=WAIT_MS)
        dim = view.grab().toImage()
    finally:
        may_go_on.append(True)
    corner = view._image_rect().center().toPoint()
    assert dim.pixelColor(corner) != bright.pixelColor(corner)
    qtbot.waitUntil(lambda: backdrop.shown_frame == session.frame, timeout=WAIT_MS)
    assert not view._is_picture_old
    # Whoever comes back to the frame whose picture is still on show need not wait until it is decoded again.
    here = session.frame
    forget_decoded(qtbot, backdrop)
    may_go_on.clear()
    session.set_frame((here + 30) % FRAMES)
    try:
        qtbot.waitUntil(lambda: view._is_picture_old, timeout=WAIT_MS)
        session.set_frame(here)
        assert backdrop.shown_frame == here and not view._is_picture_old
    finally:
        may_go_on.append(True)
    qtbot.waitUntil(lambda: backdrop.cache.get(here) is not None, timeout=WAIT_MS)
    x, y = session.clip.keypoints[session.frame, MPM16.index("LHip")].round().astype(int)
    assert view._picture.pixelColor(int(x), int(y)).lightness() > 180


def test_a_picture_is_shown_once(qtbot, detected):
    """To the views it is work, which a video that plays has no time to do twice."""
    backdrop, session = detected.backdrop, detected.session
    qtbot.waitUntil(lambda: all(backdrop.cache.get(frame) is not None for frame in range(10)), timeout=WAIT_MS)
    session.set_frame(0)
    qtbot.waitUntil(lambda: backdrop.shown_frame == 0, timeout=WAIT_MS)
    shown, decoded = [], []
    backdrop.picture_changed.connect(shown.append)
    backdrop._decoded.connect(lambda _, frame, __: decoded.append(frame))
    for frame in range(1, 6):
        session.set_frame(frame)
        qtbot.waitUntil(lambda frame=frame: frame in decoded, timeout=WAIT_MS)
        QApplication.processEvents()
    assert len(shown) == 5


@pytest.mark.parametrize("person", [np.array([[900.0, 300.0], [1010.0, 700.0]]), np.array([[-20.0, 10.0], [80.0, 400.0]])])
def test_a_person_at_the_pictures_edge_is_in_the_middle(person):
    place = PicturePlace()
    rect = place.rect((1000, 1000), QSize(390, 430), person)
    scale = rect.width() / 1000
    corners = person * scale + (rect.x(), rect.y())
    assert (corners >= 0).all() and (corners <= (390, 430)).all()
    assert corners.mean(0) == pytest.approx((195, (28 + 430) / 2), abs=1)  # under the picture's name
