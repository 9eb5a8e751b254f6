"""The head start: the first answer is there before the window's own lifter, is the same, and never the only one to come."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from app.document.session import Session
from app.head_start import HEAD_START
from app.workers.lifting import LiftJob
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_clip
from tests.app.conftest import WAIT_MS


@pytest.fixture
def may_load(lifter, monkeypatch):
    """The window's own lifter is loaded when this is set."""
    event = Event()

    def load(*_):
        event.wait(WAIT_MS / 1000)
        return lifter

    monkeypatch.setattr("app.workers.lifting.load_lifter", load)
    return event


@pytest.fixture
def process(monkeypatch):
    """The head start's, which has begun as if the machine had two cores."""
    monkeypatch.setattr("app.head_start._cores", lambda: 2)
    HEAD_START.begin()
    process = HEAD_START._process
    yield process
    HEAD_START.end()


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def job(session, process, may_load):
    job = LiftJob(session)
    yield job
    may_load.set()
    job.stop()


def is_answered(session):
    return session.prediction is not None and not session.state.is_busy


@pytest.mark.parametrize("task", ["lift", "complete"])
def test_the_first_answer_comes_before_the_lifter_and_is_as_that_says(
    session, job, process, may_load, demo, lifter, task, qtbot
):  # fmt: skip
    session.set_options(session.options.with_task(task))
    session.open_clip(demo.cut(0, 99))
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)
    assert not may_load.is_set() and process.poll() is not None and not HEAD_START.is_on
    first, state = session.prediction, session.state
    own = lifter.start(session.clip, task, hypotheses=False)
    list(own.update(session.mask))
    own = own.prediction()
    np.testing.assert_allclose(first.positions, own.positions, atol=1e-4)
    np.testing.assert_allclose(first.root, own.root, atol=1e-3)
    assert [step.text for step in first.history] == [step.text for step in own.history]
    assert (first.lifter, first.is_pending) == (own.lifter, None)
    assert state.device == lifter.device and state.elapsed_ms > 0
    may_load.set()
    qtbot.waitUntil(lambda: job._task is not None, timeout=WAIT_MS)
    session.set_mask(50, np.ones((1, 16), bool))
    qtbot.waitUntil(lambda: is_answered(session) and session.prediction.hidden[50].all(), timeout=WAIT_MS)
    assert np.isfinite(session.prediction.positions).all()


def test_it_has_the_alternatives_that_were_taken_and_leaves_out_what_nobody_saw(session, job, demo, lifter, qtbot):
    """As a project may be that is opened first."""
    clip, wrist = demo.cut(0, 99), MPM16.index("LWrist")
    chosen, visible, mask = np.zeros((100, 16, 4), np.float32), clip.visible.copy(), np.zeros((100, 16), bool)
    chosen[20:40, wrist], mask[20:40, wrist] = (0.0, -1.0, 0.0, 1.0), True  # upwards
    visible[60:80, MPM16.root] = False
    session.open_clip(replace(clip, chosen=chosen, visible=visible), mask)
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)
    own = lifter.lift(session.clip, mask)
    assert session.prediction.hidden[60:80, MPM16.root].all()
    np.testing.assert_array_equal(session.prediction.hidden, own.hidden)
    np.testing.assert_allclose(session.prediction.positions, own.positions, atol=1e-4)


def test_what_is_hidden_while_the_lifter_loads_is_answered_too(session, job, may_load, demo, qtbot):
    session.open_clip(demo.cut(0, 99))
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)
    session.set_mask(7, np.ones((1, 16), bool))
    assert session.state.is_waiting
    may_load.set()
    qtbot.waitUntil(lambda: is_answered(session) and session.prediction.hidden[7].all(), timeout=WAIT_MS)


@pytest.mark.parametrize("what", ["another clip", "another task"])
def test_what_is_asked_while_it_lifts_is_answered_and_nothing_else(session, job, process, may_load, demo, lifter, what, qtbot):
    answers = []
    session.prediction_changed.connect(lambda: answers.append(session.prediction))
    session.open_clip(demo.cut(0, 99))
    qtbot.wait(50)
    assert process.poll() is None  # it has been asked, and still imports
    if what == "another clip":
        session.open_clip(demo.cut(100, 159))
    else:
        session.set_options(session.options.with_task("complete"))
    may_load.set()
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)
    own = lifter.start(session.clip, session.options.task, hypotheses=False)
    list(own.update(session.mask))
    np.testing.assert_allclose(session.prediction.positions, own.prediction().positions, atol=1e-4)
    lengths_and_tasks = {(len(answer), answer.task) for answer in answers if answer is not None}
    assert lengths_and_tasks == {(len(session), session.options.task)}


def test_one_that_dies_is_nobodys_loss(session, job, process, may_load, demo, qtbot):
    process.kill()
    may_load.set()
    session.open_clip(demo.cut(0, 99))
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)
    assert session.state.error == "" and not HEAD_START.is_on


@pytest.mark.parametrize("what", ["a long clip", "another lifter"])
def test_some_questions_are_for_the_lifter_alone(session, job, process, may_load, demo, what, qtbot):
    if what == "another lifter":
        session.set_options(session.options.with_lifter("tcn"))
    session.open_clip(demo.cut(0, 99) if what == "another lifter" else demo_clip(250.0))
    qtbot.waitUntil(lambda: not HEAD_START.is_on and process.poll() is not None, timeout=WAIT_MS)
    assert session.prediction is None
    may_load.set()
    qtbot.waitUntil(lambda: is_answered(session), timeout=WAIT_MS)


def test_a_window_that_closes_does_not_wait_for_it(session, job, process, demo, qtbot):
    session.open_clip(demo.cut(0, 99))
    qtbot.wait(50)
    assert process.poll() is None  # it still imports
    job.stop()
    assert process.poll() is not None and session.prediction is None


def test_without_a_second_core_there_is_none(monkeypatch):
    monkeypatch.setattr("app.head_start._cores", lambda: 1)
    HEAD_START.begin()
    assert not HEAD_START.is_on
