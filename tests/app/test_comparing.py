"""Lifters are compared by their own answers; what a person took among alternatives is said wherever it counts."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.workers.lifters import load_lifter
from mpm_core.errors import UserError
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, show_panel, wait_for_lift
from tests.app.fan import WRIST, pixel_on, settle, switch_on
from tests.app.test_lifting_panel import choose

LEFT = Qt.MouseButton.LeftButton
PART = slice(280, 331)
SAID = "51 frames follow an alternative that was taken"


@pytest.fixture
def taken(qtbot, arm_window, fan):
    """The second alternative of the left arm is taken, by a click."""
    switch_on(qtbot, arm_window)
    QTest.mouseClick(arm_window.scene_view, LEFT, Qt.KeyboardModifier.NoModifier, pixel_on(arm_window, 1))
    settle(qtbot, arm_window)
    assert arm_window.session.clip.chosen is not None
    return arm_window


def compare(qtbot, window, count):
    """Compare by a click on the button, and return the answers that came of it."""
    kept = len(window.session.kept.answers)
    show_panel(window, "Answers")
    qtbot.mouseClick(window.answers.predictions.compare_button, LEFT)
    qtbot.waitUntil(lambda: len(window.session.kept.answers) == kept + count, timeout=WAIT_MS)
    return window.session.kept.answers[kept:]


def test_lifters_are_compared_without_what_was_taken(qtbot, taken, monkeypatch, tmp_path):
    monkeypatch.setattr("app.workers.comparing.LIFTERS", ("mpm", "tcn"))
    session, panel, said = taken.session, taken.answers.predictions, []
    session.message.connect(said.append)
    taken.actions_by_name["keep_answer"].trigger()
    mine = session.kept.answers[0]
    assert mine.name == "MPM, alternative taken, 1 % hidden" and mine.note["alternatives taken"] == "in 51 frames (left arm)"
    found = compare(qtbot, taken, 2)
    assert [answer.prediction.lifter for answer in found] == ["mpm", "tcn"]
    assert "Alternatives that were taken are left out of these answers" in said[-1]
    bones = [
        answer.prediction.positions[PART, WRIST] - answer.prediction.positions[PART, WRIST - 1] for answer in (mine, *found)
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(bones[one] - bones[other], axis=-1).max() > 0.02
    own = load_lifter("mpm", "cpu").lift(taken.session.opened, mask=session.mask).positions
    assert np.allclose(found[0].prediction.positions, own, atol=1e-3)
    assert not any("follows an alternative" in step.text for answer in found for step in answer.prediction.history)

    qtbot.waitUntil(lambda: panel.has_figures and len(panel.rows()) == 5, timeout=WAIT_MS)
    assert panel._scope.text().endswith("the current answer and A follow an alternative that was taken")
    assert panel.table.item(0, 0).text() == "Current answer, alternative taken" and SAID in panel.table.item(0, 0).toolTip()
    assert "alternatives taken: in 51 frames (left arm)" in panel.table.item(1, 0).toolTip()
    monkeypatch.setattr("app.window.answer_handlers.ask_where", lambda *_: tmp_path / "answers.csv")
    taken.actions_by_name["save_answers"].trigger()
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    arm = "in 51 frames (left arm)"
    assert [row["alternatives taken"] for row in rows] == [arm, arm, "none", "none"]
    hidden = [row["hidden (mm)"] for row in rows]
    assert hidden[0] == hidden[1] and len(set(hidden)) == 3


def test_what_rests_leaves_the_answer_on_show_as_it_is(qtbot, taken, monkeypatch):
    monkeypatch.setattr("app.workers.comparing.LIFTERS", ("mpm",))
    session, said = taken.session, []
    taken.editor.set_hidden(MPM16.limb("left arm"), 280, 330, False)
    wait_for_lift(qtbot, taken)
    session.message.connect(said.append)
    (answer,) = compare(qtbot, taken, 1)
    assert answer.prediction.positions is session.prediction.positions and answer.name == "MPM"
    assert said[-1] == "1 lifter has answered: the tab Answers has the figures."


def test_what_was_taken_stays_with_another_lifter_and_that_is_said(qtbot, taken):
    session, panel = taken.session, taken.lifting_panel
    show_panel(taken, "Lifting")
    choose(qtbot, panel._lifter, "tcn")
    qtbot.waitUntil(lambda: session.prediction.lifter == "tcn", timeout=WAIT_MS)
    settle(qtbot, taken)
    assert panel._followed.isVisible() and panel._followed.text() == SAID and "lifter" in panel._followed.toolTip()
    assert taken.scene_view.key._taken == "Left arm: an alternative taken"
    bone = session.prediction.positions[300, WRIST] - session.prediction.positions[300, WRIST - 1]
    assert np.allclose(bone, session.clip.chosen[300, WRIST, :3] * session.prediction.scale, atol=1e-4)
    session.set_frame(100)
    taken.scene_view.drawn()
    assert taken.scene_view.key._taken == ""
    show_panel(taken, "Metrics")
    scope = taken.metrics_panel._scope
    qtbot.waitUntil(lambda: scope.text() == f"Whole clip. {SAID}.", timeout=WAIT_MS)
    session.set_range(320, 400)
    qtbot.waitUntil(lambda: scope.text() == "Frames 321–401. 11 frames follow an alternative that was taken.", timeout=WAIT_MS)
    session.set_range(None, None)
    session.undo_stack.undo()
    settle(qtbot, taken)
    qtbot.waitUntil(lambda: scope.text() == "Whole clip", timeout=WAIT_MS)
    assert panel._followed.text() == "" and taken.scene_view.key._taken == ""


def test_a_lifter_that_cannot_answer_leaves_the_others(qtbot, arm_window, monkeypatch):
    def load(name, device):
        if name == "tcn":
            raise UserError("the file 'tcn' is missing")
        return load_lifter(name, device)

    monkeypatch.setattr("app.workers.comparing.LIFTERS", ("tcn", "stmo"))
    monkeypatch.setattr("app.workers.comparing.load_lifter", load)
    warned, failed = [], []
    arm_window.session.warning.connect(warned.append)
    arm_window.session.failure.connect(failed.append)
    (answer,) = compare(qtbot, arm_window, 1)
    assert answer.prediction.lifter == "stmo" and warned == ["Not compared: the file 'tcn' is missing"]
    monkeypatch.setattr("app.workers.comparing.LIFTERS", ("tcn",))
    qtbot.mouseClick(arm_window.answers.predictions.compare_button, LEFT)
    qtbot.waitUntil(lambda: failed == ["the file 'tcn' is missing"], timeout=WAIT_MS)
    assert not arm_window.answers.compare_job.is_running and len(arm_window.session.kept.answers) == 1
