"""What is saved, what counts as unsaved, what is kept aside; without a window."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from app.document.commands import EditKeypoints, SetHeight
from app.document.document import Document
from app.document.editor import Editor
from app.document.project import Unpacked
from app.document.session import Session
from app.document.video_link import VideoLink
from app.workers.autosave import Autosave, find_leftovers
from app.workers.saving import SaveJob
from mpm_core.corrections import FIELDS
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.keeper import fingerprint_of
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.formats.project import Part, is_same, read_project, write_project
from mpm_core.lifters.aids import Aids
from mpm_core.skeleton import COCO17, MPM16
from mpm_core.video import VideoInfo
from tests.app.conftest import WAIT_MS

WRIST = MPM16.index("LWrist")


@pytest.fixture
def recording(tmp_path, demo):
    """Two people in a video, side by side, seen in each of 60 frames."""
    points = np.zeros((60, len(COCO17), 2), np.float32)
    for number, name in enumerate(COCO17.joints):
        points[:, number] = demo.keypoints[100:160, MPM16.index(name) if name in MPM16.joints else MPM16.index("Head")]
    scores = np.full(len(COCO17), 0.9, np.float32)
    seen = [((pose, scores), (pose + np.float32(400), scores)) for pose in points]
    (tmp_path / "walk.mp4").write_bytes(b"a video" * 1000)
    info = VideoInfo(tmp_path / "walk.mp4", (1920, 1080), 50.0, 60, replace(demo.camera, is_assumed=True))
    return Recording(info, DetectOptions("squares", 2), COCO17, np.arange(60) / 50, seen, True)


def save(document, path):
    project = document.project()
    write_project(project, path)
    document.mark_saved(path, project)


def reopened(path):
    """A new document, opened from there."""
    session = Session()
    document = Document(session)
    document.open(Unpacked(read_project(path), path), path)
    return session, document


def test_what_was_read_is_not_unsaved_and_an_edit_is(session, document, editor):
    assert not document.is_unsaved()
    editor.click_joints((WRIST,), 5)
    assert document.is_unsaved()
    session.undo_stack.undo()
    assert not document.is_unsaved()


def test_what_was_touched_and_is_as_before_is_not_unsaved(session, document, editor):
    editor.click_joints((WRIST,), 5)
    editor.click_joints((WRIST,), 5)
    assert session.undo_stack.count() == 2 and not document.is_unsaved()
    editor.move_joint(WRIST, 7, 1.0, 2.0, editor.begin_gesture())
    assert document.is_unsaved()
    before = {name: getattr(session.opened, name)[7:8] for name in FIELDS}
    session.undo_stack.push(EditKeypoints(session, 7, before, "back"))
    assert not document.is_unsaved()


def test_undo_beyond_what_was_saved_is_unsaved_and_redo_is_saved_again(session, document, editor, tmp_path):
    editor.apply_preset("left leg")
    save(document, tmp_path / "walk.mpmproj")
    assert not document.is_unsaved()
    session.undo_stack.undo()
    assert document.is_unsaved()
    session.undo_stack.redo()
    assert not document.is_unsaved()


def test_looking_around_is_no_work(session, document, tmp_path):
    for path in (None, tmp_path / "walk.mpmproj"):
        if path is not None:
            save(document, path)
        session.set_frame(session.frame + 7)
        session.set_range(3, 9)
        session.set_selection(frozenset({2}))
        assert not document.is_unsaved()


def test_how_it_is_lifted_counts_where_a_project_keeps_it(session, document, tmp_path):
    session.set_options(replace(session.options, aids=Aids(ground=False)))
    assert not document.is_unsaved()
    save(document, tmp_path / "walk.mpmproj")
    session.set_options(replace(session.options, aids=Aids()))
    assert document.is_unsaved()
    session.set_options(replace(session.options, aids=Aids(ground=False), device="cpu"))  # the device is the computer's
    assert not document.is_unsaved()


def test_what_is_changed_while_it_is_written_is_unsaved(session, document, editor, tmp_path):
    project = document.project()
    editor.apply_preset("left leg")
    document.mark_saved(tmp_path / "walk.mpmproj", project)
    assert document.is_unsaved()
    session.undo_stack.undo()
    assert not document.is_unsaved()


def test_what_is_nowhere_else_is_unsaved(document):
    document.mark_unsaved()
    assert document.is_unsaved()


def test_a_project_keeps_the_work(session, document, editor, tmp_path):
    editor.apply_preset("left leg")
    editor.move_joint(WRIST, 7, 10.0, 20.0, editor.begin_gesture())
    session.undo_stack.push(SetHeight(session, 1.8, "tall"))
    session.set_flags(np.arange(100) % 9 == 0)
    session.set_threshold(0.3)
    session.set_options(replace(session.options, mode="per-frame", lifter="stmo", aids=Aids(mirror=False, ground=False)))
    session.set_range(10, 20)
    session.set_selection(frozenset({1, 4}))
    session.set_frame(42)
    save(document, tmp_path / "walk.mpmproj")
    again, opened = reopened(tmp_path / "walk.mpmproj")
    assert is_same(again.mask, session.mask) and is_same(again.flags, session.flags) and again.threshold == 0.3
    assert is_same(again.clip.keypoints, session.clip.keypoints) and is_same(again.clip.edited, session.clip.edited)
    assert again.clip.height_m == 1.8 and again.clip.source == "walk.json"
    assert (again.frame, again.range, again.selection) == (42, (10, 20), {1, 4})
    assert again.options == session.options
    assert opened.path == tmp_path / "walk.mpmproj" and not opened.is_unsaved()


class KeptAnswers:
    def __init__(self, parts):
        self.kept, self.restored = parts, None

    def owns(self, name):
        return name.startswith("predictions/")

    def parts(self):
        return self.kept

    def restore(self, parts):
        self.restored = {name: part for name, part in parts.items() if name.startswith("predictions/")}


def test_others_keep_parts_of_their_own(session, document, tmp_path):
    answers = KeptAnswers({"predictions/masked: 50 %": Part({"lifter": "mpm"}, {"positions": np.ones((2, 16, 3))})})
    document.keep(answers)
    assert document.is_unsaved()  # an answer was kept
    save(document, tmp_path / "walk.mpmproj")
    assert not document.is_unsaved()
    other = KeptAnswers({})
    session_again = Session()
    again = Document(session_again)
    again.keep(other)
    again.open(Unpacked(read_project(tmp_path / "walk.mpmproj"), tmp_path / "walk.mpmproj"), tmp_path / "walk.mpmproj")
    assert other.restored["predictions/masked: 50 %"].equals(answers.kept["predictions/masked: 50 %"])
    answers.kept = {}
    assert document.is_unsaved()


def test_parts_that_nobody_knows_are_written_back(session, document, tmp_path):
    later = Part({"made_by": "a later version"}, {"values": np.arange(5)})
    project = document.project()
    write_project(replace(project, parts={**project.parts, "later/thing": later}), tmp_path / "walk.mpmproj")
    again, opened = reopened(tmp_path / "walk.mpmproj")
    assert not opened.is_unsaved()
    Editor(again).apply_preset("left leg")
    save(opened, tmp_path / "walk.mpmproj")
    assert read_project(tmp_path / "walk.mpmproj").parts["later/thing"].equals(later)
    again.open_clip(again.clip)
    assert "later/thing" not in opened.project().parts


def test_people_of_a_video_are_found_again_without_the_cache(session, document, recording, tmp_path):
    clip = recording.clip(1)
    session.open_clip(clip, recording=recording, person=1, threshold=0.2)
    session.set_video(VideoLink(recording.info.path, True))
    save(document, tmp_path / "walk.mpmproj")
    again, _ = reopened(tmp_path / "walk.mpmproj")
    assert again.person == 1 and len(again.recording.people) == 2 and again.recording.options == recording.options
    assert again.recording.info == recording.info and again.video == VideoLink(recording.info.path, True)
    assert is_same(again.recording.clip(0).keypoints, recording.clip(0).keypoints)
    numbers, poses = again.recording.others_at(5, again.clip.keypoints[5])
    assert len(numbers) == 1 and np.isfinite(poses).any()


def test_a_video_that_moved_takes_clip_and_recording_with_it(session, document, recording, tmp_path):
    session.open_clip(recording.clip(0), recording=recording)
    session.set_video(VideoLink(recording.info.path, True))
    save(document, tmp_path / "walk.mpmproj")
    opened = Unpacked(read_project(tmp_path / "walk.mpmproj"), tmp_path / "walk.mpmproj").with_video(tmp_path / "b" / "new.mp4")
    document.open(opened, None)
    assert session.clip.source == str(tmp_path / "b" / "new.mp4") == str(session.recording.info.path)
    assert session.video.path == tmp_path / "b" / "new.mp4" and session.clip.name == "new.mp4"


def test_a_damaged_recording_is_one_sentence(session, document, recording, tmp_path):
    session.open_clip(recording.clip(0), recording=recording)
    session.set_video(VideoLink(recording.info.path, True))
    project = document.project()
    note = {**project.parts["recording"].note, "skeleton": "nosuch"}
    write_project(replace(project, parts={**project.parts, "recording": Part(note, project.parts["recording"].arrays)}),
                  tmp_path / "walk.mpmproj")  # fmt: skip
    with pytest.raises(UserError, match="what was seen in its video cannot be read"):
        Unpacked(read_project(tmp_path / "walk.mpmproj"), tmp_path / "walk.mpmproj")


def test_notes_that_make_no_sense_are_left_out(session, document, tmp_path):
    path = tmp_path / "walk.mpmproj"
    bad = {
        "lifting": Part({"mode": 7, "lifter": None, "aids": "x", "task": "fly"}),
        "place": Part({"frame": "a", "range": [1], "selection": [99, 3]}), "video": Part({"is_source": 3}),
    }  # fmt: skip
    project = document.project()
    write_project(replace(project, parts={**project.parts, **bad}), path)
    again, _ = reopened(path)
    assert again.options == Session().options and (again.frame, again.range, again.selection) == (0, None, {3})


# Writing in the background


def test_a_project_is_written_in_the_background(qtbot, document, recording, session, tmp_path):
    session.open_clip(recording.clip(0), recording=recording)
    session.set_video(VideoLink(recording.info.path, True))
    job = SaveJob()
    with qtbot.waitSignal(job.saved, timeout=WAIT_MS):
        job.ask(document.project(), tmp_path / "walk.mpmproj")
    note = read_project(tmp_path / "walk.mpmproj").parts["video"].note
    assert note["fingerprint"] == fingerprint_of(recording.info.path)
    with qtbot.waitSignal(job.failed, timeout=WAIT_MS) as failed:
        job.ask(document.project(), tmp_path / "nowhere" / "walk.mpmproj")
    assert "cannot be written" in failed.args[0]
    job.stop()


@pytest.fixture
def autosave(qtbot, document, monkeypatch):
    monkeypatch.setenv("MPM_AUTOSAVE_SECONDS", "0.05")
    autosave = Autosave(document)
    yield autosave
    autosave.stop()


def test_unsaved_work_is_kept_aside_and_saved_work_is_not(qtbot, document, editor, autosave, state_folder, tmp_path):
    with qtbot.waitSignal(autosave.kept, timeout=WAIT_MS):
        editor.apply_preset("left leg")
    (path,) = state_folder.glob("*.mpmproj")
    assert is_same(read_project(path).mask, document.project().mask)
    assert find_leftovers() == []  # it is not left: its window lives
    save(document, tmp_path / "walk.mpmproj")
    qtbot.waitUntil(lambda: not path.exists(), timeout=WAIT_MS)


def test_nothing_is_kept_aside_where_nothing_changed(qtbot, session, document, autosave, state_folder):
    with qtbot.assertNotEmitted(autosave.kept, wait=300):
        session.set_frame(7)
        document.look_again()
    assert not state_folder.exists()


def test_a_window_that_ends_well_leaves_nothing(qtbot, document, editor, autosave, state_folder):
    with qtbot.waitSignal(autosave.kept, timeout=WAIT_MS):
        editor.apply_preset("left leg")
    autosave.stop()
    assert list(state_folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_once(qtbot, document, editor, autosave, state_folder):
    state_folder.parent.write_text("in the way")
    with qtbot.waitSignal(autosave.failed, timeout=WAIT_MS) as failed:
        editor.apply_preset("left leg")
    assert failed.args[0].startswith("Unsaved work cannot be kept aside")
    with qtbot.assertNotEmitted(autosave.failed, wait=300):
        editor.apply_preset("right leg")


_CRASHER = """
import os, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.document.document import Document
from app.document.editor import Editor
from app.document.session import Session
from app.workers.autosave import Autosave
from mpm_core import read_clip
from mpm_core.assets import find_asset

app = QCoreApplication([])
session = Session()
document, editor = Document(session), Editor(session)
session.open_clip(read_clip(find_asset("demo/demo.npz")).cut(0, 40))
if len(sys.argv) > 1:
    document.mark_saved(Path(sys.argv[1]), document.project())
autosave = Autosave(document)
autosave.kept.connect(lambda: (print("kept", flush=True), os.kill(os.getpid(), 9)))
editor.apply_preset("left leg")
app.exec()
"""


def crash(*arguments):
    environment = {**os.environ, "MPM_AUTOSAVE_SECONDS": "0.01"}
    command = [sys.executable, "-c", _CRASHER, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -9 and b"kept" in ended.stdout, ended.stderr


def test_what_a_crash_left_is_found_once(qtbot, document, state_folder, tmp_path):
    crash(str(tmp_path / "walk.mpmproj"))
    (state_folder / "junk.mpmproj").write_bytes(b"no project")
    (leftover,) = find_leftovers()
    assert leftover.name == "demo.npz" and leftover.of == tmp_path / "walk.mpmproj"
    assert abs(leftover.when - datetime.now().astimezone()) < timedelta(minutes=2)
    assert leftover.project.mask.any() and "autosave" not in leftover.project.parts
    assert find_leftovers() == []  # whoever took it has it
    assert (state_folder / "junk.damaged").exists() and not (tmp_path / "walk.mpmproj").exists()
    # Recovered work stays where it is until it is saved, also without another change.
    autosave = Autosave(document)
    document.open(Unpacked(leftover.project, leftover.slot.path), None)
    document.mark_unsaved(leftover.of)
    autosave.adopt(leftover.slot)
    assert document.is_unsaved() and document.path == tmp_path / "walk.mpmproj" and leftover.slot.path.exists()
    autosave.stop()
    assert not leftover.slot.path.exists()


def test_a_project_holds_json_and_plain_arrays_alone(document, recording, session, tmp_path):
    session.open_clip(recording.clip(0), recording=recording)
    session.set_video(VideoLink(recording.info.path, True))
    save(document, tmp_path / "walk.mpmproj")
    with zipfile.ZipFile(tmp_path / "walk.mpmproj") as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                assert isinstance(json.loads(archive.read(name)), dict)
            else:
                with archive.open(name) as file, np.load(file, allow_pickle=False) as arrays:
                    assert all(arrays[array].dtype != object for array in arrays.files)
