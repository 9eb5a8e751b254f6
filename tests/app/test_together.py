"""Another calibrated camera's clip, brought in by hand: looked at, refused or lifted with the one that is open, and kept."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.panels.export_dialog import ExportDialog
from app.panels.history import HistoryDialog
from app.panels.open_dialog import OpenDialog
from mpm_core import Clip, read_clip, write
from mpm_core.cli import main
from mpm_core.formats import FORMATS
from mpm_core.formats.base import WriteOptions
from mpm_core.lifters.denoisers import has_denoiser
from mpm_core.skeleton import MPM16
from tests.app.conftest import VIEW_FRAMES, WAIT_MS, save_and_reopen, wait_for_lift
from tests.app.together import LEFT, held_back, lift_both, off_mm, until_fits, until_said
from tests.cameras import as_toml, camera_at

pytestmark = pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")

WRIST = MPM16.index("LWrist")


def test_two_cameras_are_lifted_together_better_than_one_alone(qtbot, first_window, folder, motion, ask, monkeypatch):
    window, session = first_window, first_window.session
    seen = []
    window.answers.together_job.progressed.connect(seen.append)
    assumed = session.clip.camera
    said = lift_both(qtbot, folder, ask, monkeypatch)
    assert "cam02.npz begins at the same moment, as how both move tells" in said and "m tall" in said
    assert window.answers.predictions.isVisible() and window.answers.predictions.cancel_button.isVisible()
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    kept = session.kept.answers[0]
    together, alone = off_mm(kept.prediction, motion), off_mm(session.prediction, motion)
    assert together < 0.25 * alone and together < 10, (together, alone)
    assert np.linalg.norm(kept.prediction.root - motion[:, MPM16.root], axis=-1).mean() < 0.02
    assert kept in session.kept.shown and kept.name == "2 cameras: cam01, cam02"
    assert kept.note["cameras"] == "cam01: cam01.npz; cam02: cam02.npz" and kept.note["calibration"] == "calib.toml"
    assert kept.note["aids"] == "mirrored answer, fitted to the keypoints, feet still"
    assert kept.note["lifter"] == "mpm" and "denoiser" not in kept.note["weights"]
    assert len({step.done for step in seen if step}) > 2 and seen[-1] is None
    # One edit, camera and all: undone and done again as one.
    assert assumed.is_assumed and session.clip.camera.focal == (1000.0, 1000.0) and not session.clip.camera.is_assumed
    window.actions_by_name["undo"].trigger()
    assert not session.kept.answers and session.clip.camera == assumed and not window.document.is_unsaved()
    window.actions_by_name["redo"].trigger()
    assert session.kept.answers == (kept,) and session.clip.camera.focal == (1000.0, 1000.0)
    assert "Kept as '2 cameras: cam01, cam02'" in window.status_line.message()


def test_it_is_saved_told_and_exported_like_others(qtbot, first_window, folder, ask, monkeypatch, tmp_path):
    window, session = first_window, first_window.session
    lift_both(qtbot, folder, ask, monkeypatch)
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    before = session.kept.answers[0]
    save_and_reopen(qtbot, window, monkeypatch, tmp_path / "both.mpmproj")
    wait_for_lift(qtbot, window)
    kept = session.kept.answers[0]
    assert np.array_equal(kept.prediction.positions, before.prediction.positions) and dict(kept.note) == dict(before.note)
    told = []

    def look():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, HistoryDialog)
        dialog.answers.setCurrentIndex(dialog.answers.findText(kept.name))
        told.extend(dialog.table.item(row, 1).text() for row in range(dialog.table.rowCount()))
        dialog.reject()

    QTimer.singleShot(0, look)
    window.actions_by_name["history"].trigger()
    assert f"Seen by 'cam02': {folder}/cam02.npz" in told and any("Lifted by mpm with 2 cameras" in text for text in told)
    assert any("as how both move tells" in text for text in told)

    def export(dialog):
        dialog._answer.setCurrentIndex(dialog._answer.findText(kept.name))
        return 1

    monkeypatch.setattr(ExportDialog, "exec", export)
    monkeypatch.setattr(ExportDialog, "format", lambda _: next(one for one in FORMATS.values() if one.name == "npz"))
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "out.npz")
    window.actions_by_name["export"].trigger()
    qtbot.waitUntil(lambda: "Wrote" in window.status_line.message(), timeout=WAIT_MS)
    with np.load(tmp_path / "out.npz") as written:
        assert np.array_equal(written["positions"], kept.prediction.positions)
        steps = [text for _, text in written["history"].tolist()]
    assert sum(text.startswith("Lift with cam01") for text in steps) == 1 and f"seen by 'cam02': {folder}/cam02.npz" in steps


@pytest.mark.parametrize(("off", "typed"), [((), ()), (("ground",), ("--no-grounding",)), (("fit",), ("--no-fit",))])
def test_window_and_command_give_the_same_answer(qtbot, first_window, folder, ask, monkeypatch, off, typed):
    """The boxes of the panel Lifting count, as the command's options do."""
    window, session = first_window, first_window.session
    session.set_options(replace(session.options, aids=replace(session.options.aids, **dict.fromkeys(off, False))))
    wait_for_lift(qtbot, window)
    lift_both(qtbot, folder, ask, monkeypatch)
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    kept, files = session.kept.answers[0], [str(folder / f"cam0{n}.npz") for n in (1, 2)]
    assert main(["together", *files, "--cameras", str(folder / "calib.toml"), "-o", str(folder / "out.npz"), *typed]) == 0
    with np.load(folder / "out.npz") as written:
        assert np.allclose(written["positions"], kept.prediction.positions, atol=1e-4)
        assert np.allclose(written["root"], kept.prediction.root, atol=1e-4)
        said = [text.split(" (")[0] for _, text in written["history"].tolist()]
    assert ("feet still" in kept.note["aids"]) == ("ground" not in off) == any(text.startswith("grounded") for text in said)
    assert f"lifted by {'platypose' if 'fit' in off else 'mpm'} with 2 cameras" in said
    assert (kept.prediction.uncertainty is not None) == ("fit" in off)


def test_a_clip_that_began_later_is_found_and_can_be_said(qtbot, first_window, folder, motion, ask):
    write(read_clip(folder / "cam02.npz").cut(15, VIEW_FRAMES - 1), folder / "late.npz")

    def person(dialog):
        dialog.use_calibration(folder / "calib.toml")
        dialog.add_clip(folder / "late.npz")
        until_said(qtbot, dialog, "late.npz: choose the camera that saw it")
        row = dialog._rows[1]
        row.camera.setCurrentIndex(row.camera.findText("cam02"))
        row.camera.activated.emit(row.camera.currentIndex())
        until_fits(qtbot, dialog)
        assert row.shift.value() == 15 and "15.0 frames (0.30 s) later, as how both move tells" in dialog.said.text()
        assert "has nothing for 15 of 80 frames" in dialog.said.text()
        row.shift.setValue(16)
        until_fits(qtbot, dialog)
        assert "16.0 frames (0.32 s) later, as was said" in dialog.said.text() and row.shift.value() == 16
        qtbot.mouseClick(row.others[0], LEFT)
        until_fits(qtbot, dialog)
        assert row.shift.value() == 15
        qtbot.mouseClick(row.others[1], LEFT)
        until_said(qtbot, dialog, "Add what another camera saw")

    ask(person)
    assert not first_window.session.kept.answers and not first_window.answers.together_job.is_running


def test_what_does_not_fit_is_refused_in_a_sentence(qtbot, first_window, folder, motion, ask):
    one, other = camera_at(motion, 0, "cam01"), camera_at(motion, 80, "cam02")
    crooked = replace(other, rotation=camera_at(motion, 80).rotation @ camera_at(motion, 20).rotation)
    in_mm = [replace(camera, translation=1000 * camera.translation) for camera in (one, other)]
    calibrations = {
        "crooked": as_toml(one, crooked),
        "exchanged": as_toml(replace(other, name="cam01"), replace(one, name="cam02")),
        "size": as_toml(one, replace(other, size=(640, 480))),
        "broken": "this is no TOML",
        "mm": as_toml(*in_mm),
    }
    for name, text in calibrations.items():
        (folder / f"{name}.toml").write_text(text)

    def person(dialog):
        dialog.add_clip(folder / "cam02.npz")
        qtbot.waitUntil(lambda: len(dialog._rows) == 2, timeout=WAIT_MS)
        for name, said in (
            ("crooked", "does not fit cam01.npz"), ("exchanged", "are the cameras exchanged?"),
            ("size", "was calibrated for 640 x 480"), ("broken", "is no calibration in TOML"), ("mm", "in which unit"),
        ):  # fmt: skip
            dialog.use_calibration(folder / f"{name}.toml")
            until_said(qtbot, dialog, said)
        dialog._unit.setCurrentIndex(dialog._unit.findData("mm"))
        dialog._unit.activated.emit(dialog._unit.currentIndex())
        until_fits(qtbot, dialog)
        dialog._unit.setCurrentIndex(dialog._unit.findData("m"))
        dialog.use_calibration(folder / "calib.toml")
        until_fits(qtbot, dialog)
        dialog.add_clip(folder / "cam01.mp4")
        qtbot.waitUntil(lambda: "cam01.mp4 is a video" in dialog.said.text(), timeout=WAIT_MS)
        dialog.add_clip(folder / "nowhere.npz")
        qtbot.waitUntil(lambda: "nowhere.npz" in dialog.said.text() and "Reading" not in dialog.said.text(), timeout=WAIT_MS)
        dialog._rows[1].camera.setCurrentIndex(0)
        dialog._look()
        until_said(qtbot, dialog, "'cam01' is chosen for two clips")

    ask(person)


def test_what_is_hidden_here_is_seen_by_the_other_camera(qtbot, first_window, folder, motion, ask, monkeypatch):
    window, session = first_window, first_window.session
    window.editor.set_hidden((WRIST,), 0, VIEW_FRAMES - 1, True)
    wait_for_lift(qtbot, window)
    other = read_clip(folder / "cam02.npz")
    pixels = other.keypoints
    write(
        other, folder / "cam02.npz",
        WriteOptions(mask=np.arange(VIEW_FRAMES)[:, None] + np.zeros((1, 16)) < 5),
    )  # fmt: skip
    said = lift_both(qtbot, folder, ask, monkeypatch)
    assert "What is hidden in a clip is hidden in its camera alone" in said
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    answer = session.kept.answers[0].prediction
    assert answer.hidden[:5, WRIST].all() and answer.hidden.sum() == 5
    camera = camera_at(motion, 80)
    seen, guessed = (
        np.linalg.norm(
            (camera.camera.project(one.absolute() @ camera.rotation.T + camera.translation) - pixels)[10:, WRIST], axis=-1
        ).mean()
        for one in (answer, session.prediction)
    )
    assert seen < 15 and seen < 0.3 * guessed, (seen, guessed)


def test_what_the_other_file_lacks_is_asked_for(qtbot, first_window, folder, ask, monkeypatch):
    points = read_clip(folder / "cam02.npz").keypoints
    np.save(folder / "cam02.npy", points)
    asked = []

    def answer(dialog):
        asked.append(dialog)
        dialog._width.setValue(1000)
        dialog._height.setValue(1000)
        dialog._fps.setValue(50)
        return 1

    monkeypatch.setattr(OpenDialog, "exec", answer)

    def person(dialog):
        dialog.use_calibration(folder / "calib.toml")
        dialog.add_clip(folder / "cam02.npy")
        until_fits(qtbot, dialog)

    ask(person)
    assert len(asked) == 1 and first_window.session.clip.name == "cam01.npz"


def test_it_is_given_up_by_a_click_and_does_not_run_twice(qtbot, first_window, folder, ask, monkeypatch):
    window, session = first_window, first_window.session
    job, said = window.answers.together_job, []
    session.warning.connect(said.append)
    with held_back(monkeypatch) as has_begun:
        lift_both(qtbot, folder, ask, monkeypatch)
        assert job.is_running
        window.actions_by_name["together"].trigger()
        window.actions_by_name["compare_lifters"].trigger()
        assert len(said) == 2 and "at work already" in said[0] and not window.answers.compare_job.is_running
        qtbot.mouseClick(window.answers.predictions.cancel_button, LEFT)
        assert not job.is_running
    qtbot.waitUntil(has_begun.is_set, timeout=WAIT_MS)
    qtbot.wait(300)
    assert not session.kept.answers and not window.document.is_unsaved() and session.clip.camera.focal != (1000.0, 1000.0)
    assert window.answers.predictions.compare_button.isEnabled()


def test_corrections_made_meanwhile_are_said_to_be_left_out(qtbot, first_window, folder, ask, monkeypatch):
    window, session = first_window, first_window.session
    with held_back(monkeypatch):
        lift_both(qtbot, folder, ask, monkeypatch)
        window.editor.move_joint(WRIST, 3, 100.0, 200.0, window.editor.begin_gesture())
    qtbot.waitUntil(lambda: len(session.kept.answers) == 1, timeout=WAIT_MS)
    told = [message.text for message in window.messages.log]
    assert any("by the 2D as it was before your last corrections" in text for text in told)


def test_of_3d_alone_there_is_nothing_to_lift(qtbot, window, folder, motion):
    window.session.open_clip(Clip.from_arrays(None, (1, 1), 50, ground_truth=motion))
    assert not window.lifting_panel.together_button.isEnabled()
    said = []
    window.session.warning.connect(said.append)
    window.actions_by_name["together"].trigger()
    assert "no 2D keypoints" in said[0]


def test_what_workers_change_while_cameras_are_chosen(qtbot, first_window, folder, motion, ask):
    """Ground truth that is there by then changes nothing; of another clip nothing is lifted, and a sentence says so."""
    session, job, said, begun = first_window.session, first_window.answers.together_job, [], []
    session.warning.connect(said.append)
    session.clip_changed.connect(lambda: said.append("another clip"))
    job.progressed.connect(begun.append)

    def choose(dialog, meanwhile):
        meanwhile()
        dialog.use_calibration(folder / "calib.toml")
        dialog.add_clip(folder / "cam02.npz")
        until_fits(qtbot, dialog)
        qtbot.mouseClick(dialog.lift_button, LEFT)

    ask(lambda dialog: choose(dialog, lambda: session.attach_truth(motion.astype(np.float32))))
    assert job.is_running and not said
    job.cancel()
    begun.clear()
    ask(lambda dialog: choose(dialog, lambda: session.open_clip(session.clip.cut(0, 39))))
    assert said[0] == "another clip" and said[1].startswith("Nothing was lifted: another clip was opened")
    assert not job.is_running and not begun


def test_a_file_that_comes_after_its_dialog_was_closed_is_left_out(qtbot, first_window, folder, ask, monkeypatch):
    may_read, opener, read = Event(), first_window.opener, []

    def slowly(path, options):
        may_read.wait(WAIT_MS / 1000)
        return read_clip(path, options=options)

    monkeypatch.setattr("app.workers.opening.read_clip", slowly)
    opener.view_read.connect(lambda *_: read.append(True))

    def again(dialog):
        may_read.set()
        qtbot.waitUntil(lambda: bool(read), timeout=WAIT_MS)
        assert len(dialog._rows) == 1

    try:
        ask(lambda dialog: dialog.add_clip(folder / "cam02.npz"))
        ask(again)
    finally:
        may_read.set()
