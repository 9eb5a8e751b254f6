"""The workers: an answer reaches the window even while a person goes on, and never the wrong clip."""

import os
import sys
from dataclasses import replace
from threading import Event, get_native_id
from time import perf_counter

import numpy as np
import pytest

from app.document.session import Session
from app.workers.figures import FiguresJob
from app.workers.lifting import LiftJob, NewestWins
from app.workers.suspicions import SuspicionsJob
from mpm_core import Clip
from mpm_core.comparison import joints_of
from mpm_core.errors import UserError
from mpm_core.metrics import summarise
from mpm_core.suspicions import Check
from tests.app.conftest import WAIT_MS


def clip_of(demo, frames, with_truth=True):
    truth = demo.ground_truth[:frames] if with_truth else None
    return Clip.from_arrays(demo.keypoints[:frames], demo.image_size, 50, ground_truth=truth)


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def figures_job(session):
    job = FiguresJob(session)
    yield job
    job.stop()


def test_an_answer_is_shown_although_the_mouse_has_moved_on_and_settles_when_it_rests(session, demo, monkeypatch, qtbot):
    monkeypatch.setattr(NewestWins, "is_outdated", lambda self: True)
    job = LiftJob(session)
    try:
        session.open_clip(clip_of(demo, 60))
        qtbot.waitUntil(lambda: session.prediction is not None, timeout=WAIT_MS)
        assert np.isfinite(session.prediction.positions).all()
        assert session.state.is_busy and session.prediction.moved is None
        monkeypatch.undo()
        session.set_mask(0, np.ones((5, 16), bool))
        qtbot.waitUntil(lambda: not session.state.is_busy, timeout=WAIT_MS)
        assert session.prediction.hidden[:5].all() and session.prediction.moved is not None
    finally:
        job.stop()


def test_the_time_of_an_answer_leaves_out_the_loading_of_the_network(session, demo, lifter, monkeypatch, qtbot):
    may_load = Event()

    def load(*_):
        may_load.wait(WAIT_MS / 1000)
        return lifter

    monkeypatch.setattr("app.workers.lifting.load_lifter", load)
    job = LiftJob(session)
    try:
        session.open_clip(clip_of(demo, 60))
        qtbot.wait(20)
        session.set_mask(0, np.ones((5, 16), bool))  # asked while the first question waits for the network
        qtbot.wait(50)
        loaded = perf_counter()
        may_load.set()
        qtbot.waitUntil(lambda: session.prediction is not None and not session.state.is_busy, timeout=WAIT_MS)
    finally:
        may_load.set()
        job.stop()
    assert session.prediction.hidden[0].all()
    assert 0 < session.state.elapsed_ms < (perf_counter() - loaded) * 1000


def test_a_failure_of_an_older_question_concerns_nobody(session, demo, lifter, monkeypatch, qtbot):
    may_fail = Event()

    def load(name, _):
        if name == "tcn":
            may_fail.wait(WAIT_MS / 1000)
            raise UserError("its weights are gone")
        return lifter

    monkeypatch.setattr("app.workers.lifting.load_lifter", load)
    messages = []
    session.failure.connect(messages.append)
    job = LiftJob(session)
    try:
        session.set_options(replace(session.options, lifter="tcn"))
        session.open_clip(clip_of(demo, 60))
        qtbot.wait(20)
        session.set_options(replace(session.options, lifter="mpm"))
        may_fail.set()
        qtbot.waitUntil(lambda: session.prediction is not None and not session.state.is_busy, timeout=WAIT_MS)
        assert not messages and not session.state.error
        monkeypatch.setattr("app.workers.lifting.load_lifter", lambda *_: load("tcn", None))
        session.set_options(replace(session.options, lifter="stmo"))
        qtbot.waitUntil(lambda: bool(messages), timeout=WAIT_MS)
    finally:
        may_fail.set()
        job.stop()
    assert "gone" in session.state.error and not session.state.is_busy


def test_figures_of_another_clip_come_too_late(session, demo, lifter, figures_job, monkeypatch, qtbot):
    has_begun, may_go_on = Event(), Event()

    def slowly(*what):
        has_begun.set()
        may_go_on.wait(WAIT_MS / 1000)
        return joints_of(*what)

    monkeypatch.setattr("mpm_core.figures.joints_of", slowly)  # the last of them
    shown = []
    figures_job.changed.connect(shown.append)
    session.open_clip(clip_of(demo, 200))
    session.set_prediction(lifter.lift(session.clip))
    qtbot.waitUntil(has_begun.is_set, timeout=WAIT_MS)
    session.open_clip(clip_of(demo, 200, with_truth=False))
    with qtbot.waitSignal(figures_job._computed, timeout=WAIT_MS):
        may_go_on.set()
    qtbot.wait(50)
    assert shown and shown[-1] is None


def test_figures_that_have_become_old_are_not_computed_to_the_end(session, demo, lifter, figures_job, monkeypatch, qtbot):
    has_begun, may_go_on, told, shown = Event(), Event(), [], []

    def slowly(*what):
        has_begun.set()
        may_go_on.wait(WAIT_MS / 1000)
        return summarise(*what)

    monkeypatch.setattr("mpm_core.figures.summarise", slowly)
    monkeypatch.setattr("mpm_core.figures.joints_of", lambda *what: told.append(what[2]) or joints_of(*what))
    figures_job.changed.connect(shown.append)
    session.open_clip(clip_of(demo, 200))
    session.set_prediction(lifter.lift(session.clip))
    qtbot.waitUntil(has_begun.is_set, timeout=WAIT_MS)
    session.set_range(10, 19)
    may_go_on.set()
    qtbot.waitUntil(lambda: bool(shown) and shown[-1] is not None, timeout=WAIT_MS)
    assert told == [slice(10, 20)] and (shown[-1].first, shown[-1].last) == (10, 19)


def test_suspicions_of_what_has_changed_are_not_looked_for_to_the_end(session, demo, monkeypatch, qtbot):
    has_begun, may_go_on, looked = Event(), Event(), []

    def look_slowly(evidence):
        has_begun.set()
        may_go_on.wait(WAIT_MS / 1000)
        return np.zeros((len(evidence.clip), 16))

    def look(evidence):
        looked.append(evidence.masked[3, 5])
        return np.zeros((len(evidence.clip), 16))

    checks = {"jump": Check("a", "b", True, look_slowly), "bone": Check("c", "d", True, look)}
    monkeypatch.setattr("app.workers.suspicions.CHECKS", checks)
    job = SuspicionsJob(session)
    try:
        session.open_clip(clip_of(demo, 60))
        qtbot.waitUntil(has_begun.is_set, timeout=WAIT_MS)
        session.set_mask(3, np.ones((1, 16), bool))
        may_go_on.set()
        qtbot.waitUntil(lambda: session.suspicions.items is not None, timeout=WAIT_MS)
        assert looked == [True]
    finally:
        may_go_on.set()
        job.stop()


def test_figures_wait_for_the_whole_answer(session, demo, lifter, figures_job, qtbot):
    session.open_clip(clip_of(demo, 200))
    with qtbot.waitSignal(figures_job.changed, timeout=WAIT_MS) as signal:
        session.set_prediction(lifter.lift(session.clip))
    assert signal.args[0].summary.mpjpe < 100 and (signal.args[0].first, signal.args[0].last) == (0, 199)


def test_figures_of_a_long_clip_wait_until_nothing_has_changed_for_a_while(
    session, demo, lifter, figures_job, monkeypatch, qtbot
):
    asked = []
    monkeypatch.setattr("app.workers.figures._WAIT_MS_A_FRAME", 300 / 60)
    monkeypatch.setattr(figures_job._thread, "ask", lambda *what: asked.append(what))
    session.open_clip(clip_of(demo, 60))
    answers = [lifter.lift(session.clip) for _ in range(3)]
    for answer in answers:
        session.set_prediction(answer)
    assert not asked
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    assert len(asked) == 1 and asked[0][1] is answers[-1]


def test_no_figures_compare_a_changed_clip_with_the_answer_before(session, demo, lifter, figures_job, monkeypatch, qtbot):
    may_answer = Event()
    may_answer.set()
    work = LiftJob._work

    def on_permission(job, asked):
        may_answer.wait(WAIT_MS / 1000)
        work(job, asked)

    monkeypatch.setattr(LiftJob, "_work", on_permission)
    job = LiftJob(session)
    try:
        figures = []
        figures_job.changed.connect(figures.append)
        session.open_clip(clip_of(demo, 60, with_truth=False))
        qtbot.waitUntil(lambda: bool(figures) and figures[-1] is not None, timeout=WAIT_MS)
        expected, count = figures[-1].reprojection.px, len(figures)

        # The person jumps to the side; until the 3D has followed, a new range asks for no figures.
        may_answer.clear()
        session.patch_keypoints(0, {"keypoints": session.clip.keypoints + np.float32(150)})
        assert session.state.is_busy
        session.set_range(10, 50)
        qtbot.wait(100)
        assert len(figures) == count
        may_answer.set()
        qtbot.waitUntil(lambda: len(figures) > count, timeout=WAIT_MS)
    finally:
        may_answer.set()
        job.stop()
    assert not session.state.is_busy and figures[-1].first == 10
    assert figures[-1].reprojection.px < 2 * expected


def test_frames_without_an_answer_keep_the_one_before_but_never_another_clips(session, demo, qtbot):
    job = LiftJob(session)
    try:
        session.open_clip(clip_of(demo, 150))
        qtbot.waitUntil(lambda: session.prediction is not None and not session.state.is_busy, timeout=WAIT_MS)
        answers = []
        session.prediction_changed.connect(lambda: answers.append(session.prediction))
        session.set_options(replace(session.options, mode="per-frame"))
        qtbot.waitUntil(lambda: len(answers) > 1 and not session.state.is_busy, timeout=WAIT_MS)
        assert all(np.isfinite(answer.positions).all() for answer in answers)
        answers.clear()
        session.open_clip(clip_of(demo, 150))
        qtbot.waitUntil(lambda: len(answers) > 2 and not session.state.is_busy, timeout=WAIT_MS)
        assert answers[0] is None and np.isnan(answers[1].positions).any()
    finally:
        job.stop()


def test_a_lift_goes_where_the_cursor_is_next(session, demo, monkeypatch, qtbot):
    frames = 6000
    points = np.tile(demo.keypoints, (9, 1, 1))[:frames] + np.random.default_rng(0).normal(0, 1, (frames, 16, 2))
    job = LiftJob(session)
    try:
        session.open_clip(Clip.from_arrays(points, demo.image_size, 50))
        qtbot.waitUntil(lambda: session.prediction is not None, timeout=WAIT_MS)
        assert session.state.is_streaming and session.prediction.is_pending[4000]
        session.set_frame(4000)
        qtbot.waitUntil(lambda: not np.isnan(session.prediction.positions[4000]).any(), timeout=WAIT_MS)
        is_there = np.isfinite(session.prediction.positions[:, 0, 0])
        assert session.state.is_streaming and is_there[4000] and not is_there[2000:3500].any()
        qtbot.waitUntil(lambda: not session.state.is_busy, timeout=WAIT_MS)
    finally:
        job.stop()
    assert np.isfinite(session.prediction.positions).all()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own elsewhere")
def test_the_window_goes_first_where_a_worker_wants_the_processor_too(qapp, qtbot):
    found = []
    thread = NewestWins(lambda: found.append(os.getpriority(os.PRIO_PROCESS, get_native_id())))
    thread.start()
    try:
        thread.ask()
        qtbot.waitUntil(lambda: bool(found), timeout=WAIT_MS)
    finally:
        thread.stop()
    assert os.getpriority(os.PRIO_PROCESS, 0) == os.getpriority(os.PRIO_PROCESS, get_native_id())
    assert found[0] == min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)
