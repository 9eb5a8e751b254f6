"""Ten broken inputs: each gives one clear sentence in the command line and in the window, and nothing is lost."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from mpm_core import write
from mpm_core.cli import main
from tests.app.conftest import WAIT_MS
from tests.core.test_formats import Bomb


def truncated_json(folder, demo):
    (folder / "cut.json").write_text('[{"image_id": "0.jpg", "keypoints": [1, 2')
    return folder / "cut.json"


def wrong_joint_count(folder, demo):
    (folder / "five.json").write_text(json.dumps([{"image_id": "0.jpg", "keypoints": [1.0, 2.0, 0.9] * 5}]))
    return folder / "five.json"


def nan_everywhere(folder, demo):
    np.savez(folder / "nan.npz", keypoints=np.full((20, 16, 2), np.nan), fps=30, image_size=(640, 480))
    return folder / "nan.npz"


def empty_folder(folder, demo):
    (folder / "empty").mkdir()
    return folder / "empty"


def pickle_that_runs_code(folder, demo):
    np.savez(folder / "data_2d_evil_gt.npz", positions_2d=np.array({"S1": {"A": [Bomb()]}}, dtype=object))
    return folder / "data_2d_evil_gt.npz"


def no_frames(folder, demo):
    np.savez(folder / "none.npz", keypoints=np.zeros((0, 16, 2)), fps=30, image_size=(640, 480))
    return folder / "none.npz"


def unreadable(folder, demo):
    """A name that cannot be opened as a file: on a machine where tests run as root, permissions would not stop them."""
    (folder / "locked.json").symlink_to("/proc/self/mem")
    return folder / "locked.json"


def text_named_npz(folder, demo):
    (folder / "text.npz").write_text("these are no arrays")
    return folder / "text.npz"


def unrelated_files(folder, demo):
    (folder / "holiday").mkdir()
    (folder / "holiday" / "list.txt").write_text("sun cream")
    (folder / "holiday" / "prices.json").write_text('{"hat": 12}')
    return folder / "holiday"


def huge_numbers(folder, demo):
    np.savez(folder / "huge.npz", keypoints=np.full((20, 16, 2), 1e30), fps=30, image_size=(640, 480))
    return folder / "huge.npz"


BROKEN = {
    truncated_json: "line 1, column",
    wrong_joint_count: "5 joints",
    nan_everywhere: "no joint is measured",
    empty_folder: "no keypoint files",
    pickle_that_runs_code: "refused",
    no_frames: "no frames",
    unreadable: "cannot be read",
    text_named_npz: "not an npz archive",
    unrelated_files: "no keypoint files",
    huge_numbers: "beyond all range",
}


def check_sentence(text, path, words):
    assert str(path) in text and words in text and "\n" not in text and "Traceback" not in text


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_in_the_command_line(tmp_path, demo, caplog, make):
    path = make(tmp_path, demo)
    target = tmp_path / "out.bvh"
    target.write_text("kept")
    assert main(["lift", str(path), "-o", str(target)]) == 2
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(errors) == 1
    check_sentence(errors[0], path, BROKEN[make])
    assert target.read_text() == "kept" and not Path("/tmp/mpm-bomb").exists()


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_in_the_window(qtbot, demo_window, tmp_path, demo, make):
    session = demo_window.session
    demo_window.editor.apply_preset("left leg")
    clip, mask = session.clip, session.mask.copy()
    path = make(tmp_path, demo)
    with qtbot.waitSignal(demo_window.opener.failed, timeout=WAIT_MS) as signal:
        demo_window.file_handlers.open_path(path)
    check_sentence(signal.args[0], path, BROKEN[make])
    assert demo_window.status_line.message() == signal.args[0]
    assert session.clip is clip and (session.mask == mask).all() and session.undo_stack.canUndo()
    assert not Path("/tmp/mpm-bomb").exists()


def test_a_good_file_opens_after_a_broken_one(qtbot, demo_window, tmp_path, demo):
    with qtbot.waitSignal(demo_window.opener.failed, timeout=WAIT_MS):
        demo_window.file_handlers.open_path(truncated_json(tmp_path, demo))
    write(demo.cut(0, 99), tmp_path / "good.npz")
    demo_window.file_handlers.open_path(tmp_path / "good.npz")
    qtbot.waitUntil(lambda: len(demo_window.session) == 100, timeout=WAIT_MS)


def test_a_broken_video_leaves_the_clip_alone(qtbot, demo_window, tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"no film")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "film.mp4"), ""))
    with qtbot.waitSignal(demo_window.backdrop.failed, timeout=WAIT_MS) as signal:
        demo_window.actions_by_name["backdrop"].trigger()
    check_sentence(signal.args[0], tmp_path / "film.mp4", "video")
