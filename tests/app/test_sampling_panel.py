"""The four ways to several answers, as a person asks for them in the panel."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.panels.sampling import SamplingControls
from mpm_core.lifters.denoisers import has_denoiser
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, wait_for_lift
from tests.app.test_lifting_panel import choose

pytestmark = pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")


@pytest.fixture
def short(qtbot, window, demo):
    window.session.open_clip(demo.cut(250, 309))
    wait_for_lift(qtbot, window)
    window.editor.apply_preset("left arm")
    wait_for_lift(qtbot, window)
    return window


def controls(window):
    return window.lifting_panel.findChild(SamplingControls)


def type_number(qtbot, box, number):
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, str(number))
    qtbot.keyClick(box, Qt.Key.Key_Return)


def wait_for(qtbot, window, *words):
    """Until the answer's history has the words."""
    qtbot.waitUntil(lambda: all(word in str(window.session.prediction.history) for word in words), timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    return window.session.prediction


def test_a_person_chooses_how_many_in_which_steps_from_where_and_how_they_become_one(qtbot, short):
    panel, asked = short.lifting_panel, controls(short)
    assert not asked._samples.isVisibleTo(panel) and asked._steps.isVisibleTo(panel)
    choose(qtbot, panel._lifter, "d3dp")
    assert asked._samples.isVisibleTo(panel)
    plain = wait_for(qtbot, short, "5 hypotheses in 5 steps from noise", "JPMA with weights")
    type_number(qtbot, asked._samples, 3)
    type_number(qtbot, asked._steps, 2)
    fewer = wait_for(qtbot, short, "3 hypotheses in 2 steps from noise")
    assert fewer.hypotheses.shape == (3, 60, 16, 3)
    choose_with_keys(qtbot, asked._aggregate, "mean")
    wait_for(qtbot, short, "their mean")
    choose_with_keys(qtbot, asked._start, "uncertain")
    from_answer = wait_for(qtbot, short, "from the first answer and how unsure it is")
    arm = list(MPM16.limb("left arm"))
    assert np.abs(from_answer.positions - fewer.positions)[:, arm].max() > 0.01
    assert np.abs(fewer.positions - plain.positions)[:, arm].max() > 0.01
    choose(qtbot, panel._lifter, "platypose")
    assert wait_for(qtbot, short, "platypose").lifter == "platypose"


def choose_with_keys(qtbot, box, value):
    """A combo box that acts on what a person picked."""
    box.showPopup()
    view = box.view()
    qtbot.waitUntil(view.isVisible, timeout=WAIT_MS)
    row = box.model().index(box.findData(value), 0)
    view.setCurrentIndex(row)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: box.currentData() == value, timeout=WAIT_MS)


def test_one_step_from_noise_says_that_all_are_the_same(qtbot, short):
    panel, asked = short.lifting_panel, controls(short)
    assert not asked._alike.isVisibleTo(panel)
    type_number(qtbot, asked._steps, 1)
    assert asked._alike.isVisibleTo(panel) and "the same" in asked._alike.text()
    choose_with_keys(qtbot, asked._start, "uncertain")
    assert not asked._alike.isVisibleTo(panel)


def test_steps_renew_the_alternatives_and_leave_the_answer_alone(qtbot, short):
    session = short.session
    session.alternatives.set_wanted(samples=5)
    qtbot.waitUntil(lambda: session.alternatives.cloud_here(session) is not None, timeout=WAIT_MS)
    before, answer = session.alternatives.cloud_here(session), session.prediction
    type_number(qtbot, controls(short)._steps, 2)
    qtbot.waitUntil(
        lambda: (now := session.alternatives.cloud_here(session)) is not None and now is not before, timeout=WAIT_MS
    )
    now = session.alternatives.cloud_here(session)
    assert np.abs(now.hypotheses - before.hypotheses).max() > 0.01
    assert np.array_equal(session.prediction.positions, answer.positions)


def test_completion_has_no_camera_to_weigh_by(qtbot, short):
    panel, asked = short.lifting_panel, controls(short)
    choose(qtbot, panel._lifter, "d3dp")
    assert asked._aggregate.isEnabled()
    qtbot.mouseClick(panel._task_buttons["complete"], Qt.MouseButton.LeftButton)
    assert not asked._aggregate.isEnabled() and "always the mean" in asked._aggregate.toolTip()


def test_projects_keep_what_was_asked(qtbot, short, tmp_path):
    from dataclasses import asdict

    from app.document.lift_options import LiftOptions
    from app.document.project import _options_from, parts_of
    from mpm_core.diffusion.options import Sampling

    panel, asked = short.lifting_panel, controls(short)
    choose(qtbot, panel._lifter, "d3dp")
    type_number(qtbot, asked._samples, 7)
    note = parts_of(short.session)["lifting"].note
    assert _options_from(note, LiftOptions()).sampling == Sampling(7)
    for broken in ({"samples": -1}, {"samples": "many"}, {"colour": 1}, 5):
        assert _options_from({**note, "sampling": broken}, LiftOptions()).sampling == LiftOptions().sampling
    assert asdict(short.session.options)["sampling"]["samples"] == 7
