"""What was asked for in one moment is not lost, nor done to something else, in the next."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QTimer

from app.document.words import with_times
from app.workers.newest_wins import NewestWins
from mpm_core.formats import read_clip
from tests.app.conftest import stop_answers

TIMES = np.arange(100) / 50


def test_a_worker_that_finishes_does_what_was_handed_over_in_the_last_moment(qapp):
    done, may_go = [], threading.Event()

    def work(name):
        may_go.wait(10)
        done.append(name)

    for finishes, expected in ((True, ["first", "last"]), (False, ["first"])):
        done.clear()
        may_go.clear()
        worker = NewestWins(work)
        worker.start()
        worker.ask("first")
        while worker._waiting is not None:
            pass
        worker.ask("last")
        threading.Timer(0.05, may_go.set).start()
        worker.stop(finishes)
        assert done == expected and worker.isFinished()


def test_an_export_handed_over_while_the_window_closes_is_written(qtbot, window, demo, monkeypatch, tmp_path):
    """The writer is still at the one before."""
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    handlers, begun, may_go = window.file_handlers, threading.Event(), threading.Event()
    work = handlers._writer._work

    def slow(*request):
        begun.set()
        may_go.wait(10)
        work(*request)

    monkeypatch.setattr(handlers._writer, "_work", slow)
    path = tmp_path / "walk.npz"
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: tmp_path / "one.npz")
    handlers.export_clip()
    assert begun.wait(10)
    monkeypatch.setattr("app.window.file_handlers.ask_where", lambda *_: path)
    handlers.export_clip()
    threading.Timer(0.05, may_go.set).start()
    window.may_close_unasked = True
    window.close()
    assert len(read_clip(path)) == len(demo) and len(read_clip(tmp_path / "one.npz")) == len(demo)


def test_from_where_one_looked_is_kept_before_the_scene_is_built_and_is_of_its_clip_alone(window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    views = next(kept for kept in window.document._kept if kept.owns("view"))
    window.scene_view.opts["distance"] = 7.5
    parts = views.parts()
    built = window.scene_area._later
    waiting = []
    monkeypatch.setattr(type(window.scene_area), "is_built", property(lambda _: False))
    monkeypatch.setattr(window.scene_area, "then", waiting.append)
    window.scene_view.opts["distance"] = 3.0
    views.restore(parts)
    assert views.parts()["view"].note["scene"]["distance"] == 7.5  # saved again before it is there
    window.session.open_clip(replace(demo))
    assert views.parts()["view"].note["scene"] == {}
    distance = window.scene_view.opts["distance"]
    for do in waiting:
        do(built.now())
    assert window.scene_view.opts["distance"] == distance


@pytest.mark.parametrize(("text", "timed"), [
    ("Right wrist moved by 50 px, frame 51, 20 frames around it follow",
     "Right wrist moved by 50 px, frame 51 (1.00 s), 20 frames around it follow"),
    ("Hidden: Right hip, frames 51–76. The lifter", "Hidden: Right hip, frames 51–76 (1.00–1.50 s). The lifter"),
    ("the clip has frames 1 to 100", "the clip has frames 1 to 100"),
    ("frame 1 of 100", "frame 1 of 100"),
    ("frame 12 counted from 0", "frame 12 counted from 0"),
    ("frame 101", "frame 101"), ("frames 99–101", "frames 99–101"),
])  # fmt: skip
def test_times_stand_beside_frames(text, timed):
    assert with_times(text, TIMES) == timed


def test_what_is_said_of_frames_is_said_as_the_ruler_counts(window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    window.session.message.emit("Worst of the clip: frame 51")
    assert window.messages.text() == "Worst of the clip: frame 51"
    window.actions_by_name["seconds"].setChecked(True)
    window.session.warning.emit("not measured in frame 51")
    assert window.messages.text() == f"not measured in frame 51 ({demo.times[50]:.2f} s)"
    assert window.messages.log[-1].text == window.messages.text()
    window.messages.fail("other.npz: a confidence of 7 in frame 51 cannot be right")  # of another clip, and counted from 0
    assert window.messages.text().endswith("in frame 51 cannot be right")


def test_all_who_wait_for_a_project_to_be_saved_go_on(qtbot, window, demo, monkeypatch, tmp_path):
    """While it is saved for one who wants to leave it, another file comes in, for which it would be left too."""
    stop_answers(monkeypatch)
    window.session.open_clip(demo)
    handlers, may_go, left = window.project_handlers, threading.Event(), []
    work = handlers._save_job._thread._work

    def slow(*request):
        may_go.wait(30)
        work(*request)

    monkeypatch.setattr(handlers._save_job._thread, "_work", slow)
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "walk.mpmproj")

    def leave():
        threading.Timer(0.05, may_go.set).start()
        left.append(handlers.may_leave())

    QTimer.singleShot(0, leave)
    left.append(handlers.save_and_wait())
    assert left == [True, True] and (tmp_path / "walk.mpmproj").exists()
