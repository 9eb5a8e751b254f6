"""What people read: one name for a joint wherever it stands, a legend with everything, warnings that look like warnings."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor

from app.document.words import joint_in_words, name_in_words
from app.look import theme as look
from app.panels.export_dialog import ExportDialog
from app.views.joint_text import describe_joint
from mpm_core.skeleton import LIMBS, MPM16, NAMED
from tests.app.conftest import WAIT_MS, show_panel

WRIST = MPM16.index("LWrist")


def test_names_in_words_are_unique_and_say_the_side():
    words = [name_in_words(name) for name in NAMED.joints]
    assert len(set(words)) == len(words) and name_in_words("LBigToe") == "Left big toe" and name_in_words("Hip") == "Hip"
    assert joint_in_words(WRIST) == "Left wrist"


def test_a_joint_has_one_name_everywhere(qtbot, demo_window):
    window, words = demo_window, {joint_in_words(joint) for joint in range(len(MPM16))}
    for limb in LIMBS:
        window.timeline.toggle_limb(limb)
    assert {lane.label for lane in window.timeline.lanes() if lane.is_joint} == words
    show_panel(window, "Joints")
    items = [item for item, joints in window.joints_panel._rows if len(joints) == 1 and item.parent() is not None]
    assert {item.text(0) for item in items} == words
    table = window.metrics_panel.joints.table
    qtbot.waitUntil(lambda: table.rowCount() > 0, timeout=WAIT_MS)  # figures follow the answer
    assert {table.item(row, 0).text() for row in range(table.rowCount())} == words
    window.answers.curves._fill_joints()
    assert words <= {action.text() for action in window.answers.curves._joints.menu().actions()}
    assert describe_joint(window.session, WRIST).startswith("Left wrist")
    assert window.metrics_panel.joints.rows()[1 + WRIST][0] == "LWrist"  # files and copies keep the short name


def test_the_legend_shows_what_a_key_looks_like(demo_window):
    timeline = demo_window.timeline
    picture = timeline.grab().toImage()
    top, bottom = (round(edge * picture.devicePixelRatio()) for edge in timeline.rows().legend)
    wanted = look.rgb(QColor(timeline.theme.key_mark))
    found = [
        (x, y)
        for y in range(top, min(bottom, picture.height()))
        for x in range(picture.width())
        if np.abs(look.rgb(picture.pixelColor(x, y)) - wanted).max() < 0.04
    ]
    assert len(found) >= 9 and np.ptp([x for x, _ in found]) <= 12  # one diamond


def test_a_range_drawn_with_the_mouse_takes_the_frame_along(qtbot, demo_window):
    timeline, session = demo_window.timeline, demo_window.session
    y = round(sum(timeline.rows().ruler) / 2)
    first, last = (QPoint(round(timeline.x_of(frame + 0.5)), y) for frame in (100, 200))
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, first)
    qtbot.mouseMove(timeline, last)
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, last)
    assert session.range is not None and abs(session.range[0] - 100) <= 1 and session.frame in session.range


@pytest.mark.parametrize(
    ("action", "words"),
    [("clear_key", "There is no key"), ("hide_suspicious", "Choose bad")],
)
def test_what_could_not_be_done_is_a_warning(qtbot, demo_window, action, words):
    said = []
    demo_window.session.message.connect(said.append)
    with qtbot.waitSignal(demo_window.session.warning, timeout=WAIT_MS) as warned:
        demo_window.actions_by_name[action].trigger()
    assert warned.args[0].startswith(words) and not said


def test_what_is_exported_in_which_unit_is_said_plainly(qtbot, demo_window):
    dialog = ExportDialog(demo_window.session, demo_window)
    qtbot.addWidget(dialog)
    assert dialog._unit.currentText() == dialog._up.currentText() == "The format's own"
    assert dialog.options().unit is None
