"""What the dialog that brings cameras together leaves as it was, waits for and says, and what is said of the answer."""

from dataclasses import replace
from threading import Event

import pytest

from mpm_core import read_clip, write
from mpm_core.lifters.denoisers import has_denoiser
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS
from tests.app.together import held_back, lift_both, off_mm, until_fits, until_said

pytestmark = pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")


def test_another_frame_rate_said_meanwhile_is_told(qtbot, first_window, folder, ask, monkeypatch):
    window, session = first_window, first_window.session
    with held_back(monkeypatch):
        lift_both(qtbot, folder, ask, monkeypatch)
        rate = session.clip.fps
        window.video_handlers.set_rate(4 * rate)
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    told = [message.text for message in window.messages.log]
    assert any(f"at {rate:g} frames/s, as it was then" in text for text in told)


def test_options_that_do_not_count_for_several_cameras_are_named(qtbot, first_window, folder, ask, monkeypatch):
    session = first_window.session
    assert "lifted by MPM" not in lift_both(qtbot, folder, ask, monkeypatch)
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    session.set_options(session.options.with_lifter("tcn"))
    session.set_options(replace(session.options, aids=replace(session.options.aids, refine=True)))
    assert "Each camera is lifted by MPM, not by TCN and without refining." in lift_both(qtbot, folder, ask, monkeypatch)


def test_sides_exchanged_in_the_other_camera_are_told(qtbot, first_window, folder, motion, ask, monkeypatch):
    other = read_clip(folder / "cam02.npz")
    points = other.keypoints.copy()
    points[10:25] = points[10:25][:, list(MPM16.mirror)]
    write(replace(other, keypoints=points), folder / "cam02.npz")
    lift_both(qtbot, folder, ask, monkeypatch)
    session = first_window.session
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    assert off_mm(session.kept.answers[0].prediction, motion) < 12
    assert "left and right were exchanged in 15 frames (11–25)" in first_window.status_line.message()


def test_a_calibration_that_cannot_be_read_leaves_the_cameras_that_were_chosen(qtbot, first_window, folder, motion, ask):
    (folder / "broken.toml").write_text("this is no TOML")
    write(read_clip(folder / "cam02.npz"), folder / "other.npz")

    def person(dialog):
        dialog.add_clip(folder / "other.npz")
        qtbot.waitUntil(lambda: len(dialog._rows) == 2, timeout=WAIT_MS)
        dialog.use_calibration(folder / "calib.toml")
        camera = dialog._rows[1].camera
        assert camera.currentText() == ""
        camera.setCurrentText("cam02")
        camera.activated.emit(camera.currentIndex())
        until_fits(qtbot, dialog)
        dialog.use_calibration(folder / "broken.toml")
        until_said(qtbot, dialog, "is no calibration in TOML")
        assert not dialog.lift_button.isEnabled()
        dialog.use_calibration(folder / "calib.toml")
        assert camera.currentText() == "cam02"
        until_fits(qtbot, dialog)

    ask(person)


def test_nothing_is_lifted_while_another_file_is_being_read(qtbot, first_window, folder, ask, monkeypatch):
    may_read, read = Event(), read_clip

    def read_slowly(path, **options):
        may_read.wait(WAIT_MS / 1000)
        return read(path, **options)

    def person(dialog):
        dialog.use_calibration(folder / "calib.toml")
        dialog.add_clip(folder / "cam02.npz")
        until_fits(qtbot, dialog)
        assert dialog.lift_button.isEnabled()
        monkeypatch.setattr("app.workers.opening.read_clip", read_slowly)
        dialog.add_clip(folder / "cam02.npz")
        assert not dialog.lift_button.isEnabled()
        may_read.set()
        until_said(qtbot, dialog, "is chosen for two clips")
        dialog._remove(dialog._rows[2])
        until_fits(qtbot, dialog)
        assert dialog.lift_button.isEnabled()

    ask(person)
