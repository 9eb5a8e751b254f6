"""Views and panels where there is nothing to draw or pick, and rows given up in the joints panel."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QVector3D

from mpm_core.skeleton import MPM16

WRIST, HEAD = MPM16.index("LWrist"), MPM16.index("Head")
ARM = frozenset(MPM16.limb("left arm"))
CTRL, PLAIN = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_frames_without_an_answer_are_drawn_without_one(demo_window):
    session = demo_window.session
    positions, root = session.prediction.positions.copy(), session.prediction.root.copy()
    positions[300], root[300] = np.nan, np.nan
    prediction = replace(session.prediction, positions=positions, root=root)
    session.set_prediction(None)
    session.set_prediction(prediction)
    demo_window.editor.set_hidden((WRIST,), 300, 300, True)
    session.set_frame(300)
    demo_window.grab()
    assert not demo_window.scene_view._prediction.visible() and demo_window.scene_view._truth.visible()
    assert np.isnan(demo_window.scene_view.joint_places()).all()
    assert np.isnan(demo_window.image_view._state().completed).all()
    assert demo_window.status_line._errors.text() == ""
    session.set_frame(301)
    assert demo_window.scene_view._prediction.visible()


def test_joints_behind_the_eye_are_nowhere(demo_window):
    view, session = demo_window.scene_view, demo_window.session
    assert np.isfinite(view.joint_places()).all()
    ahead = session.scene_root(session.frame) + (0.0, 30.0, 0.0)
    view.setCameraPosition(pos=QVector3D(*(float(v) for v in ahead)), distance=4, elevation=0, azimuth=-90)
    assert np.isnan(view.joint_places()).all()


@pytest.mark.parametrize(("before", "row", "keys", "after"), [
    (ARM, (WRIST,), CTRL, ARM - {WRIST}),
    (ARM, (WRIST,), PLAIN, {WRIST}),
    (ARM, tuple(sorted(ARM)), PLAIN, ARM),
    (ARM, tuple(sorted(ARM)), CTRL, set()),
    (ARM - {WRIST}, (WRIST,), CTRL, ARM),
    (ARM - {WRIST}, tuple(sorted(ARM)), CTRL, ARM),
    ({WRIST}, (HEAD,), PLAIN, {HEAD}),
    (ARM | {HEAD}, (HEAD,), CTRL, ARM),
])  # fmt: skip
def test_rows_of_the_joints_panel_are_chosen_and_given_up(qtbot, demo_window, before, row, keys, after):
    panel, session = demo_window.joints_panel, demo_window.session
    demo_window.panels.setCurrentIndex(1)
    for item in [item for item, joints in panel._rows if tuple(sorted(joints)) == row]:  # 'Head' is a limb and a joint
        session.set_selection(frozenset(before))
        panel.scrollToItem(item)
        # On the name: the box before it hides.
        qtbot.mouseClick(panel.viewport(), Qt.MouseButton.LeftButton, keys, panel.visualItemRect(item).center())
        assert session.selection == after and not session.mask.any()
