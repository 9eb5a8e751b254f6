import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QProgressBar, QPushButton

from app.panels.refining import RefineControls
from tests.app.conftest import WAIT_MS, show_panel, wait_for_lift

LEFT = Qt.MouseButton.LeftButton


def controls(window):
    show_panel(window, "Lifting")
    part = window.lifting_panel.findChild(RefineControls)
    return part, part.findChild(QCheckBox), part.findChild(QPushButton), part.findChild(QProgressBar), part.findChild(QLabel)


def test_ticking_refines_and_unticking_takes_it_back(qtbot, demo_window):
    session, (_, box, cancel, bar, said) = demo_window.session, controls(demo_window)
    before, below = session.prediction.positions, demo_window.lifting_panel._fit
    place = below.mapTo(demo_window, QPoint())
    assert not box.isChecked() and not bar.isVisible() and not cancel.isVisible() and not said.isVisible()
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert session.options.aids.refine
    qtbot.waitUntil(bar.isVisible, timeout=WAIT_MS)
    assert cancel.isVisible()
    qtbot.waitUntil(lambda: session.prediction.refinement is not None, timeout=2 * WAIT_MS)
    wait_for_lift(qtbot, demo_window)
    assert not bar.isVisible() and not cancel.isVisible()
    assert said.isVisible() and "px from the 2D, was" in said.text()
    assert said.toolTip().startswith("Joints lie") and "instead of" in said.toolTip()
    assert below.mapTo(demo_window, QPoint()) == place
    assert any(step.text.startswith("refined (UAO)") for step in session.prediction.history)
    assert np.abs(session.prediction.positions - before).max() > 0.005
    box.click()
    qtbot.waitUntil(lambda: session.prediction.refinement is None and not session.state.is_busy, timeout=WAIT_MS)
    assert np.allclose(session.prediction.positions, before, atol=1e-6) and not said.isVisible()


def test_cancelling_leaves_the_answer_as_it_was(qtbot, demo_window):
    session, (_, box, cancel, bar, _) = demo_window.session, controls(demo_window)
    before = session.prediction.positions
    box.click()
    qtbot.waitUntil(bar.isVisible, timeout=WAIT_MS)
    qtbot.mouseClick(cancel, LEFT)
    assert not session.options.aids.refine and not box.isChecked()
    qtbot.waitUntil(lambda: not session.state.is_busy and not bar.isVisible(), timeout=WAIT_MS)
    assert session.prediction.refinement is None and np.allclose(session.prediction.positions, before, atol=1e-6)


def test_completing_has_nothing_to_refine(qtbot, demo_window):
    _, box, *_ = controls(demo_window)
    assert box.isEnabled()
    qtbot.mouseClick(demo_window.lifting_panel._task_buttons["complete"], LEFT)
    wait_for_lift(qtbot, demo_window)
    assert not box.isEnabled()
