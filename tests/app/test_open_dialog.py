"""What is asked when a file leaves its meaning open, with real events in the real dialog."""

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QLabel, QListWidget, QPushButton

from app.document.words import name_in_words
from app.look.theme import DARK
from app.panels.joint_names import JointNames
from app.panels.open_dialog import OpenDialog
from app.panels.rate import RateBox
from app.window.messages import DONE
from mpm_core import UserError, formats, write
from mpm_core.formats import inspect_file
from mpm_core.skeleton import BODY25, BODY25B, COCO17, MPM16
from tests.app.conftest import WAIT_MS
from tests.bodies import FRAMES, body_in, flat, write_folder, write_json

NAMES = {"Schulter li": "LShoulder", "Schulter re": "RShoulder", "Hand li": "LWrist", "Knie re": "RKnee", "Huefte li": "LHip",
         "Huefte re": "RHip", "Ell li": "LElbow", "Fuss re": "RAnkle"}  # fmt: skip


def german_file(path, demo):
    points = body_in(demo, COCO17)[:, COCO17.indices(NAMES.values())]
    images = [{"id": n, "file_name": f"{n}.png", "width": 1080, "height": 1080} for n in range(FRAMES)]
    annotations = [{"image_id": n, "category_id": 1, "keypoints": flat(p)} for n, p in enumerate(points)]
    return write_json(path, {"images": images, "annotations": annotations, "categories": [{"id": 1, "keypoints": list(NAMES)}]})


def answer(qtbot, fill):
    """Fill in the open dialog when it comes up, and press its first button."""

    def attempt():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, OpenDialog):
            QTimer.singleShot(50, attempt)
            return
        fill(dialog)
        qtbot.mouseClick(dialog.findChild(QDialogButtonBox).buttons()[0], Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, attempt)


def joint_choices(dialog):
    return dialog.findChild(JointNames).findChildren(QComboBox)


def test_unknown_joints_are_asked_for_and_remembered(qtbot, window, tmp_path, demo):
    path, seen = german_file(tmp_path / "c.json", demo), []

    def choose(dialog):
        for choice, joint in zip(joint_choices(dialog), NAMES.values(), strict=True):
            choice.setFocus()
            choice.setCurrentIndex(choice.findText(name_in_words(joint)) - 1)
            qtbot.keyClick(choice, Qt.Key.Key_Down)  # as a person goes through a list

    answer(qtbot, choose)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    here = window.session.clip.keypoints[:, MPM16.index("LWrist")]
    assert np.abs(here - demo.keypoints[250 : 250 + FRAMES, MPM16.index("LWrist")]).max() < 0.02

    first = window.session.clip
    answer(qtbot, lambda dialog: seen.extend(choice.currentText() for choice in joint_choices(dialog)))
    window.file_handlers.open_path(german_file(tmp_path / "again.json", demo))
    qtbot.waitUntil(lambda: window.session.clip is not first, timeout=WAIT_MS)
    assert seen == [name_in_words(joint) for joint in NAMES.values()]


def test_unknown_joints_are_guessed_by_their_place(qtbot, tmp_path, demo):
    contents = inspect_file(german_file(tmp_path / "c.json", demo))
    dialog = OpenDialog(tmp_path / "c.json", contents, DARK)
    qtbot.addWidget(dialog)
    guesses = dialog.options().joint_map
    assert set(guesses) == set(NAMES)
    kinds = {name: joint[1:] for name, joint in NAMES.items()}
    right = [name for name, joint in guesses.items() if joint and joint[1:] == kinds[name]]
    assert len(right) >= 3  # a start for a person who corrects it
    assert len({joint for joint in guesses.values() if joint}) == len([joint for joint in guesses.values() if joint])


def test_one_joint_for_two_names_is_refused_in_words(qtbot, window, tmp_path, demo):
    path = german_file(tmp_path / "c.json", demo)
    answer(qtbot, lambda dialog: [choice.setCurrentText("Left knee") for choice in joint_choices(dialog)])
    with qtbot.waitSignal(window.opener.failed, timeout=WAIT_MS) as signal:
        window.file_handlers.open_path(path)
    assert "would both be the joint LKnee" in signal.args[0]


def test_skeletons_that_could_both_be_meant_are_asked_about(qtbot, window, tmp_path, demo):
    points = body_in(demo, BODY25)
    points[:, :2], points[:, 6:] = 0, 0
    frames = {f"{n}.json": {"people": [{"pose_keypoints_2d": flat(p)}]} for n, p in enumerate(points)}
    answer(qtbot, lambda dialog: dialog._skeletons.setCurrentIndex(dialog._skeletons.findText(BODY25B.label)))
    window.file_handlers.open_path(write_folder(tmp_path / "f", frames))
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert window.session.clip.to_mpm16().visible[0].nonzero()[0].tolist() == [MPM16.index("LShoulder")]


def test_formats_that_could_both_be_meant_are_asked_about(qtbot, window, tmp_path, demo, monkeypatch):
    path = write_json(tmp_path / "r.json", [{"image_id": n, "keypoints": flat(p)} for n, p in enumerate(body_in(demo, COCO17))])
    twin = formats.FORMATS["alphapose"]
    both = {**formats.FORMATS, "twin": type(twin)("twin", "Twin", (), twin.recognise, twin.inspect, twin.read)}
    monkeypatch.setattr(formats, "FORMATS", both)
    monkeypatch.setattr("app.panels.open_dialog.FORMATS", both)
    assert inspect_file(path).formats == ("alphapose", "twin")
    answer(qtbot, lambda dialog: dialog._formats.setCurrentIndex(1))
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)


def test_reading_a_folder_can_be_cancelled(qtbot, demo_window, tmp_path, demo):
    points = body_in(demo, BODY25, 1)[0]
    frames = {f"{n}.json": {"people": [{"pose_keypoints_2d": flat(points)}]} for n in range(1200)}
    folder, clip, dialog, told = write_folder(tmp_path / "f", frames), demo_window.session.clip, demo_window.reading_dialog, []
    demo_window.opener.asked.connect(lambda *_: told.append("asked"))

    def cancel_at_once(name, done, total):
        if done < total and "cancelled" not in told:
            told.append("cancelled")
            dialog.show()
            qtbot.mouseClick(dialog.findChild(QPushButton), Qt.MouseButton.LeftButton)

    # In the worker's thread there is time to press the button before the next files are read.
    demo_window.opener.progress.connect(cancel_at_once, Qt.ConnectionType.BlockingQueuedConnection)
    with qtbot.waitSignal(demo_window.opener.progress, timeout=WAIT_MS, check_params_cb=lambda _, done, total: done == total):
        demo_window.file_handlers.open_path(folder)
    qtbot.wait(200)
    assert told == ["cancelled"] and demo_window.session.clip is clip and not dialog.isVisible()


def test_why_it_asks_and_what_was_assumed_is_said(qtbot, window, tmp_path, demo):
    points = body_in(demo, COCO17)
    images = [{"id": n, "file_name": f"{n}.png", "width": 1080, "height": 1080} for n in range(FRAMES)]
    annotations = [{"image_id": n, "category_id": 1, "keypoints": flat(p)} for n, p in enumerate(points)]
    names = ["tail", *(name for name in COCO17.joints[1:])]
    path = write_json(
        tmp_path / "c.json", {"images": images, "annotations": annotations, "categories": [{"id": 1, "keypoints": names}]}
    )
    asked = []
    answer(qtbot, lambda dialog: asked.extend(label.text() for label in dialog.findChildren(QLabel)))
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert any("does not say its frame rate:" in text for text in asked)
    (told,) = (said.text for said in window.messages.log if said.text.startswith("Opened c.json; "))
    assert "tail" in told and "field of view: 47.2° along the longer side assumed" in told


def test_which_of_two_people_is_which_is_told_where_it_is_asked(qtbot, window, tmp_path, demo):
    body, told = body_in(demo, COCO17), []
    people = [(0, "anna", range(FRAMES)), (500, "ben", range(4, 14))]
    entries = [
        {"image_id": n, "track_id": name, "keypoints": flat(body[n] + [shift, 0, 0])}
        for n in range(FRAMES)
        for shift, name, frames in people
        if n in frames
    ]
    path = write_json(tmp_path / "two.json", entries)

    def choose(dialog):
        rows = dialog.findChild(QListWidget)
        told.extend(rows.item(n).text().splitlines()[:4] for n in range(rows.count()))
        rows.setCurrentRow(1)

    answer(qtbot, choose)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert told == [["Person 0", "'anna'", "left", "frames 0 to 23"], ["Person 1", "'ben'", "right", "frames 4 to 13"]]
    seen = window.session.clip.visible[:, MPM16.index("LWrist")]
    assert seen.nonzero()[0].tolist() == list(range(4, 14))


def test_what_is_typed_at_once_replaces_the_rate_that_stands_there(qtbot, window, tmp_path, demo):
    names = [f"{name}_{axis}" for name in MPM16.joints for axis in "xy"]
    rows = np.round(demo.keypoints[:FRAMES], 2).reshape(FRAMES, -1)
    path = tmp_path / "walk.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in (names, *rows.tolist())), encoding="utf-8")

    def type_in(dialog):
        dialog.activateWindow()  # a tab selects what stands in a field, but only in the active window
        qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT_MS)
        qtbot.keyClicks(dialog.focusWidget(), "50")
        for size in ("1000", "800"):
            qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
            qtbot.keyClicks(dialog.focusWidget(), size)

    answer(qtbot, type_in)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    assert (window.session.clip.fps, window.session.clip.image_size) == (50, (1000, 800))
    (rate,) = window.findChildren(RateBox)
    texts = [label.text() for label in rate.findChildren(QLabel)]
    assert "as was said when it was opened" in texts and "from the file" not in texts


@pytest.fixture
def bare(tmp_path, demo):
    """A table that says neither its rate nor the size of its images."""
    path = tmp_path / "walk.csv"
    write(demo.cut(0, 19), path)
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("# fps", "# image_size"))]
    place = next(line for line in lines if line[0] != "#").split(",").index("time_s")
    path.write_text(
        "\n".join(",".join(v for n, v in enumerate(line.split(",")) if line[0] == "#" or n != place) for line in lines)
    )
    return path


def open_and_say(qtbot, window, path, rate):
    """Open a file, and answer with a rate; returns what the dialog said and had in its fields."""
    seen, before = [], window.session.clip

    def fill(dialog):
        seen.extend((" ".join(label.text() for label in dialog.findChildren(QLabel)), dialog._fps.value()))
        dialog._fps.setValue(rate)

    answer(qtbot, fill)
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not before, timeout=WAIT_MS)
    return seen


def test_what_was_answered_of_a_file_is_not_asked_again_but_said(qtbot, window, bare):
    text, _ = open_and_say(qtbot, window, bare, 25)
    assert "please correct" in text and window.session.clip.fps == 25
    said, first = [], window.session.clip
    window.session.message.connect(said.append)
    window.file_handlers.open_path(bare)
    qtbot.waitUntil(lambda: window.session.clip is not first, timeout=WAIT_MS)
    assert window.session.clip.fps == 25 and "as you said the last time: 25 frames/s; images of 1280 x 720 px" in said[0]
    answer(qtbot, lambda dialog: dialog._fps.setValue(60))
    second = window.session.clip
    window.actions_by_name["ask_again"].trigger()
    qtbot.waitUntil(lambda: window.session.clip is not second, timeout=WAIT_MS)
    assert window.session.clip.fps == 60


def test_a_file_that_has_changed_asks_again_with_the_last_answers_in_its_fields(qtbot, window, bare):
    open_and_say(qtbot, window, bare, 25)
    bare.write_text(bare.read_text() + "\n")
    text, rate = open_and_say(qtbot, window, bare, 30)
    assert rate == 25 and "was said the last time" in text and window.session.clip.fps == 30


def test_a_file_that_leaves_nothing_open_has_nothing_to_ask(qtbot, window, tmp_path, demo):
    write(demo, tmp_path / "walk.npz")
    window.file_handlers.open_path(tmp_path / "walk.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    said, clip = [], window.session.clip
    window.session.message.connect(said.append)
    window.actions_by_name["ask_again"].trigger()
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT_MS)
    assert "nothing to ask" in said[0] and window.session.clip is clip
    assert window.messages.log[-1].kind is DONE


def test_a_rate_that_is_said_later_is_the_answer_for_the_next_time(qtbot, window, bare):
    open_and_say(qtbot, window, bare, 25)
    window.opener.may_leave = lambda: True  # nobody is there to answer a question
    window.video_panel.rate_box._rate.setValue(240)
    first = window.session.clip
    assert first.fps == 240
    window.file_handlers.open_path(bare)
    qtbot.waitUntil(lambda: window.session.clip is not first, timeout=WAIT_MS)
    assert window.session.clip.fps == 240 and window.session.opened.fps == 240


def test_a_rate_that_is_taken_back_is_so_for_the_next_time(qtbot, window, bare):
    open_and_say(qtbot, window, bare, 25)
    window.video_panel.rate_box._rate.setValue(240)
    window.session.undo_stack.undo()
    first = window.session.clip
    window.file_handlers.open_path(bare)
    qtbot.waitUntil(lambda: window.session.clip is not first, timeout=WAIT_MS)
    assert window.session.clip.fps == 25


def test_answers_with_which_a_file_cannot_be_read_are_not_remembered(qtbot, window, bare, monkeypatch):
    said = []
    window.opener.failed.connect(said.append)

    def refuse(*_, **__):
        raise UserError("not so")

    monkeypatch.setattr("app.workers.opening.read_clip", refuse)
    answer(qtbot, lambda dialog: None)
    window.file_handlers.open_path(bare)
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT_MS)
    assert not window.opener.was_answered(bare)
