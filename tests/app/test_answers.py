"""Answers to compare: kept under names, drawn beside each other, with figures, and never an old one that looks new."""

import csv
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit

from app.document.answer_commands import keep_answers, remove_answers, rename_answer
from app.document.predictions import KeptAnswer, keep, usual_name, weights_of
from app.document.session import Session
from app.workers.comparing import CompareJob
from app.workers.lifting import LiftJob
from mpm_core import Clip
from mpm_core.comparison import FIGURES
from mpm_core.lifters import LIFTERS
from mpm_core.lifters.aids import Aids
from mpm_core.metrics import joint_errors
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, show_panel, wait_for_lift

LEFT = Qt.MouseButton.LeftButton
ARM = MPM16.limb("left arm")


@pytest.fixture
def session(qapp, demo):
    session = Session()
    session.open_clip(demo)
    return session


def names(session):
    return [answer.name for answer in session.kept.answers]


def kept(lifter, demo, name="one"):
    return keep(name, lifter.lift(demo.cut(0, 59), aids=Aids(mirror=False)), Aids(mirror=False), demo.cut(0, 59))


def test_keeping_renaming_and_removing_are_undone_and_redone(session, demo, lifter):
    for text in ("Keep one", "Keep it again"):
        assert keep_answers(session, [kept(lifter, demo)], text)
    assert names(session) == ["one", "one (2)"]
    rename_answer(session, session.kept.answers[0].number, "  another ")
    remove_answers(session, [session.kept.answers[1].number])
    assert names(session) == ["another"] and not session.undo_stack.isClean()
    steps = (["another", "one (2)"], ["one", "one (2)"], ["one"], [])
    for expected in steps:
        session.undo_stack.undo()
        assert names(session) == expected
    for _ in steps:
        session.undo_stack.redo()
    assert names(session) == ["another"]
    session.open_clip(demo)
    assert names(session) == []


def test_a_name_that_another_answer_has_is_refused(session, demo, lifter):
    said = []
    session.warning.connect(said.append)
    keep_answers(session, [kept(lifter, demo), kept(lifter, demo, "two")], "Keep")
    rename_answer(session, session.kept.answers[0].number, "two")
    rename_answer(session, session.kept.answers[0].number, "   ")
    assert names(session) == ["one", "two"] and len(said) == 2 and session.undo_stack.count() == 1


def test_what_made_an_answer_is_noted_and_what_takes_memory_is_not_kept(demo, lifter):
    clip = demo.cut(0, 59)
    mask = np.zeros((60, 16), bool)
    mask[:30, list(ARM)] = True
    answer = keep("masked", lifter.lift(clip, mask=mask), Aids(), clip)
    assert answer.prediction.hypotheses is None and answer.prediction.hidden.sum() == 90
    note = answer.note
    assert (note["lifter"], note["task"], note["mode"]) == ("mpm", "lift", "fast")
    assert note["hidden"] == "9.4 % (3 joints, 30 frames)" and "feet still" in note["aids"]
    assert note["weights"].startswith("mpm.safetensors ") and len(note["weights"].split()[1]) == 12
    assert all(isinstance(value, str) for value in note.values())


def test_an_answer_that_is_made_of_hypotheses_is_kept_with_all_its_weights(tmp_path, demo, lifter, monkeypatch):
    (tmp_path / "weights").mkdir()
    for name in ("mpm", "denoiser"):
        (tmp_path / f"weights/{name}.safetensors").write_text(name)
    monkeypatch.setattr("mpm_core.assets._FOLDERS", (tmp_path,))
    weights_of.cache_clear()
    answer = keep("several", replace(lifter.lift(demo.cut(0, 59)), lifter="d3dp"), Aids(), demo.cut(0, 59))
    weights_of.cache_clear()
    assert [words.split()[0] for words in answer.note["weights"].split(", ")] == ["mpm.safetensors", "denoiser.safetensors"]
    assert answer.note["aids"] == "fitted to the keypoints, feet still"  # the first answer's mirror has no say in it


def test_no_more_is_kept_than_there_is_room_for(session, demo, lifter, monkeypatch):
    one = kept(lifter, demo)
    monkeypatch.setattr("app.document.predictions.MOST_BYTES", int(2.5 * one.nbytes))
    said = []
    session.warning.connect(said.append)
    for number in range(3):
        keep_answers(session, [KeptAnswer(str(number), replace(one.prediction), one.note)], "Keep")
    assert names(session) == ["0", "1"] and "MB is the most" in said[0]
    rename_answer(session, session.kept.answers[0].number, "renamed")  # shares its memory with what undo brings back
    assert session.kept.nbytes == 2 * one.nbytes
    remove_answers(session, [session.kept.answers[0].number])
    assert session.kept.nbytes == 2 * one.nbytes  # undo can bring it back


def test_answers_are_kept_shown_and_listed_with_figures(qtbot, demo_window):
    window, session = demo_window, demo_window.session
    panel, handlers = window.answers.predictions, window.answers.handlers
    show_panel(window, "Answers")
    qtbot.keyClick(window, Qt.Key.Key_K)
    window.editor.set_hidden(ARM, 100, 200, True)
    wait_for_lift(qtbot, window)
    qtbot.mouseClick(panel.keep_button, LEFT)
    assert names(session) == ["MPM", "MPM, 3 % hidden"]
    session.set_range(100, 200)
    qtbot.waitUntil(lambda: panel.table.item(0, 1).text() not in ("", "…"), timeout=WAIT_MS)

    def figure(row, name):
        return float(panel.table.item(row, 1 + list(FIGURES).index(name)).text())

    part, truth = slice(100, 201), session.clip.ground_truth[100:201]
    for row, answer in enumerate(session.kept.answers, 1):
        errors = joint_errors(answer.prediction.positions[part], truth)
        assert figure(row, "mpjpe") == pytest.approx(errors.mean(), abs=0.06)
        assert figure(row, "hidden") == pytest.approx(errors[:, list(ARM)].mean(), abs=0.06)  # the same joints for both
    assert figure(0, "mpjpe") == figure(2, "mpjpe") and figure(2, "hidden") > figure(1, "hidden")

    panel.table.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("answer\tlifter") and lines[1].startswith("current\tmpm\tlift\tfast")

    scene = window.scene_view
    session.set_frame(150)
    scene.drawn()
    meshes = [mesh for mesh, _ in scene._kept._items]
    assert [mesh.visible() for mesh in meshes] == [True, True] and meshes[0].outline != meshes[1].outline
    assert scene._key._kept == ((0, names(session)[0]), (1, names(session)[1]))
    together = [mesh._vertices[:, 0].mean() for mesh in meshes]
    window.actions_by_name["beside"].trigger()
    scene.drawn()
    apart = [mesh._vertices[:, :2].mean(0) for mesh in meshes]
    assert abs(together[0] - together[1]) < 0.1 and np.linalg.norm(apart[0] - apart[1]) > 0.9
    before = scene.drawn()
    panel.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert [answer.name for answer in session.kept.shown] == names(session)[1:]
    scene.repaint()
    assert [mesh in scene.items for mesh in meshes] == [True, False] and scene.drawn() != before

    panel.table.editItem(panel.table.item(1, 0))
    editor = panel.table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "unmasked")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(session)[0] == "unmasked", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: panel.table.item(1, 0).text() == "unmasked", timeout=WAIT_MS)
    panel.table.selectRow(2)
    qtbot.mouseClick(panel.remove_button, LEFT)
    assert names(session) == ["unmasked"]
    handlers._session.undo_stack.undo()
    assert len(names(session)) == 2


def test_the_table_is_saved_as_csv(qtbot, demo_window, monkeypatch, tmp_path):
    window, panel = demo_window, demo_window.answers.predictions
    monkeypatch.setattr("app.window.answer_handlers.ask_where", lambda *_: tmp_path / "answers.csv")
    show_panel(window, "Answers")
    window.actions_by_name["keep_answer"].trigger()
    qtbot.waitUntil(lambda: panel.table.item(1, 1).text() not in ("", "…"), timeout=WAIT_MS)
    window.actions_by_name["save_answers"].trigger()
    current, kept = csv.DictReader((tmp_path / "answers.csv").open())
    assert (kept["answer"], kept["lifter"], kept["task"], kept["mode"]) == ("MPM", "mpm", "lift", "fast")
    told = {name: value for name, value in kept.items() if name not in ("answer", "kept")}
    assert told == {name: current[name] for name in told} and current["answer"] == "current"  # the same answer, as fully told
    assert current["aids"] and current["weights"] and current["hidden"] == "nothing" and current["alternatives taken"] == "none"
    assert (current["first frame (from 0)"], current["last frame (from 0)"], current["keys"]) == ("0", "729", "0")
    window.editor.move_joint(ARM[-1], 105, 900.0, 500.0, window.editor.begin_gesture())
    window.session.set_range(100, 149)
    wait_for_lift(qtbot, window)
    qtbot.waitUntil(lambda: panel.has_figures and len(panel.rows()) == 3, timeout=WAIT_MS)
    window.actions_by_name["save_answers"].trigger()
    current, kept = csv.DictReader((tmp_path / "answers.csv").open())
    assert (current["first frame (from 0)"], current["last frame (from 0)"], current["keys"]) == ("100", "149", "1")
    assert kept["keys"] == "0" and kept["last frame (from 0)"] == "149" and kept["MPJPE (mm)"] != told["MPJPE (mm)"]


def test_a_table_without_figures_is_not_saved(qtbot, demo_window, monkeypatch):
    said = []
    demo_window.session.warning.connect(said.append)
    monkeypatch.setattr("app.window.answer_handlers.ask_where", lambda *_: pytest.fail("nothing is there to be saved"))
    show_panel(demo_window, "Video")  # nobody looks at the table
    demo_window.session.set_range(10, 20)
    demo_window.actions_by_name["save_answers"].trigger()
    assert said == ["There are no figures to save yet: the tab Answers computes them while it is open."]


def test_all_lifters_are_compared_on_the_mask_with_one_click(qtbot, demo_window):
    window, session, panel = demo_window, demo_window.session, demo_window.answers.predictions
    show_panel(window, "Answers")
    window.editor.apply_preset("left leg")
    wait_for_lift(qtbot, window)
    seen = []
    window.answers.compare_job.progressed.connect(seen.append)
    qtbot.mouseClick(panel.compare_button, LEFT)
    assert panel.cancel_button.isVisible() and not panel.compare_button.isEnabled()
    qtbot.waitUntil(lambda: len(session.kept.answers) == len(LIFTERS), timeout=WAIT_MS)
    assert [answer.prediction.lifter for answer in session.kept.answers] == list(LIFTERS)
    assert all(name.upper() in panel.compare_button.toolTip() for name in LIFTERS)
    hidden = session.kept.answers[0].prediction.hidden
    assert hidden.any() and all((answer.prediction.hidden == hidden).all() for answer in session.kept.answers)
    assert seen[-1] is None and len({step.note for step in seen if step}) > 2 and panel.compare_button.isEnabled()
    qtbot.waitUntil(lambda: panel.table.item(len(LIFTERS), 1).text() not in ("", "…"), timeout=WAIT_MS)
    session.undo_stack.undo()  # all in one step
    assert not session.kept.answers and session.mask.any()


def test_a_comparison_is_given_up_by_a_click_or_another_clip(qtbot, session, demo, lifter, monkeypatch):
    may_load = Event()

    def load(*_):
        may_load.wait(WAIT_MS / 1000)
        return lifter

    monkeypatch.setattr("app.workers.comparing.load_lifter", load)
    job = CompareJob(session)
    ended = []
    job.progressed.connect(ended.append)
    try:
        job.start()
        job.cancel()
        assert ended[-1] is None and not job.is_running
        job.start()
        session.open_clip(demo.cut(0, 99))
        assert not job.is_running
        may_load.set()
        qtbot.wait(300)
    finally:
        may_load.set()
        job.stop()
    assert not session.kept.answers
    said = []
    session.warning.connect(said.append)
    session.open_clip(Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth[:50]))
    job.start()
    assert "nothing to compare" in said[-1]


def test_names_tell_mode_task_and_mask(session, lifter, demo):
    answer = lifter.lift(demo.cut(0, 29))
    assert usual_name(answer, session.options, demo) == "MPM"
    assert usual_name(answer, replace(session.options, mode="per-frame"), demo) == "MPM per-frame"
    assert usual_name(replace(answer, task="complete"), session.options, demo) == "MPM, completed"


# Nothing old looks new


@pytest.fixture
def slow_lifting(monkeypatch):
    """Lifting waits for permission, which is given at first."""
    may_answer = Event()
    may_answer.set()
    work = LiftJob._work

    def on_permission(job, asked):
        may_answer.wait(WAIT_MS / 1000)
        work(job, asked)

    monkeypatch.setattr(LiftJob, "_work", on_permission)
    yield may_answer
    may_answer.set()


def test_what_is_not_renewed_is_drawn_grey_and_says_no_number(qtbot, slow_lifting, demo_window):
    window, session = demo_window, demo_window.session
    show_panel(window, "Metrics")
    panel = window.metrics_panel
    qtbot.waitUntil(lambda: panel._values["mpjpe"].text() != "", timeout=WAIT_MS)
    session.set_frame(300)
    wrist = ARM[-1]

    def colours():
        window.scene_view.drawn()
        return window.scene_view._prediction._vertices[:, 6:9].copy()

    own = colours()
    assert window.status_line._errors.text() != "MPJPE here …" and panel._table.isEnabled()
    slow_lifting.clear()
    window.editor.set_hidden((wrist,), 300, 310, True)
    assert session.renewal.is_outdated(300) and not session.renewal.is_outdated(500)
    assert len(np.unique(colours(), axis=0)) == 1 and not np.array_equal(colours(), own)
    assert window.image_view._state().is_old
    assert window.status_line._errors.text() == "MPJPE here …" and "…" in window.status_line._device.text()
    assert not panel._table.isEnabled() and "Lifting again" in panel._scope.text() and not panel.joints.isEnabled()
    show_panel(window, "Joints")
    row = next(item for item, joints in window.joints_panel._rows if joints == (wrist,))
    assert row.text(2) == "…"
    session.set_frame(500)  # where nothing has changed
    assert np.array_equal(np.unique(colours(), axis=0), np.unique(own, axis=0)) and "…" not in window.status_line._errors.text()
    slow_lifting.set()
    wait_for_lift(qtbot, window)
    session.set_frame(300)
    assert session.renewal.marks is None and np.array_equal(np.unique(colours(), axis=0), np.unique(own, axis=0))
    qtbot.waitUntil(lambda: panel._table.isEnabled() and "Being" not in panel._scope.text(), timeout=WAIT_MS)


def test_an_answer_that_never_comes_stays_grey(qtbot, demo_window, monkeypatch):
    session = demo_window.session

    def fail(*_):
        raise RuntimeError("no weights")

    monkeypatch.setattr(LiftJob, "_task_for", fail)
    demo_window.editor.hide_frame()
    qtbot.waitUntil(lambda: bool(session.state.error), timeout=WAIT_MS)
    assert session.renewal.is_outdated(session.frame) and demo_window.status_line._errors.text() == "MPJPE here …"
    monkeypatch.undo()
    session.undo_stack.undo()
    wait_for_lift(qtbot, demo_window)
    assert session.renewal.marks is None


def test_an_answer_to_an_older_question_renews_only_what_that_touched(session):
    renewal, frames = session.renewal, len(session)
    first = renewal.ask(10, 20, frames)
    second = renewal.ask(100, 110, frames)
    assert renewal.is_outdated(15) and renewal.is_outdated(105) and not renewal.is_outdated(50)
    pending = np.zeros(frames, bool)
    pending[18:30] = True
    renewal.answer(first, pending, frames)
    assert not renewal.is_outdated(15) and renewal.is_outdated(25) and renewal.is_outdated(105)
    renewal.answer(second, None, frames)
    assert renewal.marks is None


def test_the_table_of_joints_tells_hidden_and_visible_apart(qtbot, demo_window):
    window, session = demo_window, demo_window.session
    show_panel(window, "Metrics")
    table = window.metrics_panel.joints.table
    window.editor.set_hidden(ARM, 100, 149, True)
    wait_for_lift(qtbot, window)
    session.set_range(100, 199)
    qtbot.waitUntil(lambda: table.columnCount() == 4, timeout=WAIT_MS)
    errors = joint_errors(session.prediction.positions[100:200], session.clip.ground_truth[100:200])[:, ARM[1]]

    def shown():
        return [table.item(ARM[1], column).text() for column in range(4)]

    expected = ["Left elbow", *(f"{part.mean():.0f}" for part in (errors, errors[:50], errors[50:]))]
    qtbot.waitUntil(lambda: shown() == expected, timeout=WAIT_MS)
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "joint\tframes hidden\terror (mm)\terror, hidden (mm)\terror, visible (mm)" and len(lines) == 17
    assert lines[1 + ARM[1]].split("\t")[1] == "50"
