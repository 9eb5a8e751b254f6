"""What comes first after a click, and that what waits for its turn is never shown as it was."""

import time
from types import SimpleNamespace

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest

from app.document.session import Session
from app.workers.lifting import LiftJob
from mpm_core import Clip
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from tests.app.conftest import LEFT, WAIT_MS, stop_answers, wait_for_lift
from tests.app.fan import WRIST, switch_on

ANKLE = MPM16.index("RAnkle")
STEPS = 1000


class Paints(QObject):
    """Notes the names of widgets as they are painted."""

    def __init__(self, notes, **widgets):
        super().__init__()
        self.notes, self.names = notes, {widget: name for name, widget in widgets.items()}
        for widget in self.names:
            widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.notes.append(self.names[watched])
        return False


def click(window, joint):
    x, y = window.image_view.joint_places()[joint]
    QTest.mouseClick(window.image_view, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y)))


def test_a_click_is_painted_before_the_scene_is_drawn_and_the_lift_begins(qtbot, demo_window, monkeypatch):
    scene, thread, notes = demo_window.scene_view, demo_window.lift_job._thread, []
    paints = Paints(notes, picture=demo_window.image_view, timeline=demo_window.timeline)
    bring_up, ask = scene.bring_up, thread.ask
    monkeypatch.setattr(scene, "bring_up", lambda: (notes.append("scene"), bring_up()))
    monkeypatch.setattr(thread, "ask", lambda *asked: (notes.append("lift"), ask(*asked)))
    click(demo_window, WRIST)
    assert demo_window.session.mask[0, WRIST] and demo_window.session.state.is_waiting
    qtbot.waitUntil(lambda: {"scene", "lift"} <= set(notes), timeout=WAIT_MS)
    for first in paints.names.values():
        assert notes.index(first) < min(notes.index("scene"), notes.index("lift"))
    assert notes[: notes.index("scene") + 1].count("scene") == notes.count("lift") == 1
    wait_for_lift(qtbot, demo_window)
    qtbot.waitUntil(lambda: not scene._is_behind, timeout=WAIT_MS)


def test_a_picture_of_the_scene_shows_what_was_just_hidden(qtbot, demo_window, monkeypatch):
    scene = demo_window.scene_view
    stop_answers(monkeypatch)
    before = scene.picture()
    click(demo_window, WRIST)
    at_once = scene.picture()
    scene.refresh()
    qtbot.waitUntil(lambda: scene._drawn is not None, timeout=WAIT_MS)
    assert at_once != before and scene.picture() == at_once


def test_a_lift_that_a_change_has_made_pointless_ends_before_the_next_begins(qtbot, qapp, demo, lifter, monkeypatch):
    session, steps, ended = Session(), [], []
    clip = Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50)
    answer = lifter.lift(clip)

    class Task:
        def update(self, mask, cursor):
            try:
                for done in range(1, STEPS + 1):
                    steps.append(done)
                    time.sleep(0.001)
                    yield Progress(done, STEPS)
            finally:
                ended.append(len(steps))

        def prediction(self):
            return answer

    monkeypatch.setattr(LiftJob, "_task_for", lambda job, asked: Task())
    job = LiftJob(session)
    job._lifter = SimpleNamespace(device="cpu")
    try:
        session.open_clip(clip)
        qtbot.waitUntil(lambda: len(steps) > 3, timeout=WAIT_MS)
        session.set_mask(0, np.ones((5, 16), bool))
        job._soon.stop()  # as long as the change is not painted
        qtbot.waitUntil(lambda: bool(ended), timeout=WAIT_MS)
        assert ended[0] < STEPS and job._thread._waiting is None and session.state.is_waiting
        job._hand_over()
        qtbot.waitUntil(lambda: len(steps) > ended[0], timeout=WAIT_MS)
    finally:
        job.stop()


def test_a_clip_that_is_closed_right_after_a_click_is_not_lifted(qtbot, demo_window, monkeypatch):
    asked = []
    monkeypatch.setattr(demo_window.lift_job._thread, "ask", lambda *request: asked.append(request))
    click(demo_window, WRIST)
    demo_window.session.close()
    qtbot.wait(20)
    assert not asked


def test_marks_turn_old_on_a_timeline_whose_legend_is_not_written_anew(qtbot, demo_window, monkeypatch):
    timeline, session, written = demo_window.timeline, demo_window.session, []
    stop_answers(monkeypatch)
    session.set_flags(np.arange(len(session)) % 40 < 3)
    session.suspicions.set_items((), len(session))
    before = timeline.grab().toImage()
    draw = timeline._layers._draw_ground
    monkeypatch.setattr(timeline._layers, "_draw_ground", lambda frame: (written.append(frame), draw(frame))[1])
    click(demo_window, WRIST)
    after = timeline.grab().toImage()
    assert session.suspicions.is_outdated and after != before and not written
    timeline._layers.forget_all()
    assert timeline.grab().toImage() == after and written


def test_the_legend_leaves_out_alternatives_as_soon_as_they_are_of_another_mask(qtbot, arm_window):
    switch_on(qtbot, arm_window)
    timeline, session = arm_window.timeline, arm_window.session
    assert session.alternatives.cloud_of(session) is not None
    timeline.grab()
    arm_window.edit_handlers.toggle_joints((ANKLE,))
    assert session.alternatives.cloud_of(session) is None
    at_once = timeline.grab().toImage()
    timeline._layers.forget_all()
    assert timeline.grab().toImage() == at_once
