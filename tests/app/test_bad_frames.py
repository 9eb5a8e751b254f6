"""Finding bad frames in the window: listed, gone through, hidden with one click, marked on the timeline."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor

from app.document.suspicions import Suspicions, joints_text, sentence_of
from app.look import theme as look
from app.panels.suspicions import _SORT_ROLE
from app.views.timeline_parts import RULER_TIP
from mpm_core.skeleton import MPM16
from mpm_core.suspicions import Suspicion
from tests.app.conftest import WAIT_MS, every_error, show_panel, stop_answers, wait_for_lift

LEFT = Qt.MouseButton.LeftButton
ALT = Qt.KeyboardModifier.AltModifier
WRIST, HEAD = MPM16.indices(("RWrist", "Head"))


@pytest.fixture
def planted_window(qtbot, window, demo):
    """The demo with a jump of the right wrist in frame 200 and a doubtful head in frames 450 to 459; both were found."""
    points, scores = demo.keypoints.copy(), demo.confidence.copy()
    points[200, WRIST] += (90, 0)
    scores[450:460, HEAD] = 0.2
    window.session.open_clip(replace(demo, keypoints=points, confidence=scores))
    show_panel(window, "Bad frames")
    wait_for_lift(qtbot, window)
    wait_until_looked(qtbot, window)
    return window


def wait_until_looked(qtbot, window):
    def has_looked():
        suspicions = window.session.suspicions
        assert suspicions.items is not None and not suspicions.is_outdated

    qtbot.waitUntil(has_looked, timeout=WAIT_MS)


def kinds(window):
    return {item.kind for item in window.session.suspicions.items}


def test_alt_and_arrows_go_through_them_and_say_what_it_is(qtbot, planted_window):
    session = planted_window.session
    assert {"jump", "confidence"} <= kinds(planted_window)
    session.set_frame(100)
    qtbot.keyClick(planted_window, Qt.Key.Key_Right, ALT)
    assert session.frame == 200 and session.selection == {WRIST}
    assert planted_window.status_line.message().startswith(("Jump: Right wrist, frame", "Reprojection: Right wrist"))
    assert planted_window.answers.suspicions.selected()[0].worst == 200
    qtbot.keyClick(planted_window, Qt.Key.Key_Right, ALT)
    assert session.frame == 450 and session.selection == {HEAD}
    qtbot.keyClick(planted_window, Qt.Key.Key_Right, ALT)
    assert session.frame == 450 and "No bad frame further on" in planted_window.status_line.message()
    qtbot.keyClick(planted_window, Qt.Key.Key_Left, ALT)
    assert session.frame == 200


def test_a_click_on_a_row_goes_there_and_one_kind_can_be_shown(qtbot, planted_window):
    session, panel = planted_window.session, planted_window.answers.suspicions
    panel.kinds.setCurrentIndex(panel.kinds.findData("confidence"))
    panel.kinds.activated.emit(panel.kinds.currentIndex())
    assert panel._sorted.rowCount() == 1 and panel.kinds.currentText() == "Low confidence (1)"
    table = panel.table
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualRect(panel._sorted.index(0, 0)).center())
    assert session.frame == 450
    session.set_frame(0)
    qtbot.keyClick(planted_window, Qt.Key.Key_Right, ALT)
    assert session.frame == 450  # what is not on show is passed over


def test_their_joints_are_hidden_with_one_click_and_shown_by_undo(qtbot, planted_window):
    session, panel = planted_window.session, planted_window.answers.suspicions
    assert not panel.hide_button.isEnabled()
    panel.table.selectAll()
    chosen = panel.hideable()
    qtbot.mouseClick(panel.hide_button, LEFT)
    expected = np.zeros(session.mask.shape, bool)
    for item in chosen:
        expected[item.first : item.last + 1, list(item.joints)] = True
    assert np.array_equal(session.mask, expected) and expected[200, WRIST] and expected[455, HEAD]
    assert session.undo_stack.count() == 1
    wait_for_lift(qtbot, planted_window)
    wait_until_looked(qtbot, planted_window)
    assert session.suspicions.items == ()  # nothing looks wrong any more
    assert panel._words.text() == "Nothing looks wrong."
    session.undo_stack.undo()
    assert not session.mask.any()
    wait_for_lift(qtbot, planted_window)
    wait_until_looked(qtbot, planted_window)
    assert {"jump", "confidence"} <= kinds(planted_window)


def test_they_are_marked_on_the_timeline_and_explained_there(qtbot, planted_window):
    timeline = planted_window.timeline
    middle = sum(timeline.rows().flags) / 2
    warning, muted = QColor(timeline.theme.warning), QColor(timeline.theme.muted)

    def is_marked(frame, wanted):  # as far as the display's colours go
        picture = timeline.grab().toImage()
        ratio = picture.devicePixelRatio()
        place = QPoint(round(timeline.x_of(frame + 0.5) * ratio), round(middle * ratio))
        return np.abs(look.rgb(picture.pixelColor(place)) - look.rgb(wanted)).max() < 0.04

    assert is_marked(455, warning) and not is_marked(600, warning)
    assert timeline._explain(timeline.x_of(455.5), middle).startswith("Low confidence: Head, frames 451–460")
    planted_window.session.suspicions.set_outdated()
    assert is_marked(455, muted)


def test_the_ruler_says_what_it_is_for_where_nothing_is_flagged(planted_window):
    timeline = planted_window.timeline
    assert timeline._explain(timeline.x_of(600.5), 5) == RULER_TIP


def test_while_somebody_looks_again_the_list_is_grey(qtbot, planted_window, monkeypatch):
    session, panel = planted_window.session, planted_window.answers.suspicions
    stop_answers(monkeypatch)
    panel.table.selectAll()
    planted_window.editor.set_hidden((0,), 0, 3, True)
    assert session.suspicions.is_outdated and not panel.table.isEnabled() and not panel.hide_button.isEnabled()
    assert "Grey are those from before" in panel._words.text()
    qtbot.keyClick(planted_window, Qt.Key.Key_Right, ALT)
    assert planted_window.status_line.message().endswith("found before the last change")


def test_before_the_first_answer_the_keypoints_alone_are_looked_at(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    points = demo.keypoints.copy()
    points[200, WRIST] += (90, 0)
    window.session.open_clip(replace(demo, keypoints=points))
    window.actions_by_name["next_bad"].trigger()
    assert "Still looking" in window.status_line.message()
    wait_until_looked(qtbot, window)
    assert kinds(window) == {"jump"}


def test_the_list_is_sorted_by_time_or_by_how_bad_they_are(qtbot, planted_window):
    panel, session = planted_window.answers.suspicions, planted_window.session
    items = [Suspicion("jump", n, n, (WRIST,), badness, n) for n, badness in ((10, 1.5), (20, 4.0), (30, 2.5))]
    session.suspicions.set_items(tuple(items), len(session))

    def column(number):
        return [panel._sorted.index(row, number).data(_SORT_ROLE) for row in range(panel._sorted.rowCount())]

    assert panel.order.currentText() == "In order of time" and column(2) == sorted(column(2))
    panel.order.setFocus()
    qtbot.keyClick(panel.order, Qt.Key.Key_Down)
    panel.order.textActivated.emit(panel.order.currentText())
    assert panel.order.currentText() == "Worst first" and column(3) == sorted(column(3), reverse=True) and len(column(3)) > 1
    assert column(2) == [20, 30, 10]
    panel.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)  # as a click on the heading does
    assert panel.order.currentText() == "In order of time"


def test_the_worst_frame_is_gone_to_by_error_or_by_suspicion(qtbot, planted_window):
    session = planted_window.session
    errors = every_error(session).mean(1)
    qtbot.keyClick(planted_window, Qt.Key.Key_W)
    assert session.frame == errors.argmax()
    said = planted_window.status_line.message()
    assert said.startswith(f"Worst of the clip: frame {errors.argmax() + 1}, MPJPE {errors.max():.0f} mm; ")
    session.set_range(500, 560)
    show_panel(planted_window, "Metrics")
    qtbot.mouseClick(planted_window.metrics_panel.worst_button, LEFT)
    assert session.frame == 500 + errors[500:561].argmax() and "frames 501–561" in planted_window.status_line.message()


def test_the_most_suspicious_is_gone_to_where_errors_are_known_too(qtbot, planted_window):
    session = planted_window.session
    wait_until_looked(qtbot, planted_window)
    show_panel(planted_window, "Bad frames")
    panel = planted_window.answers.suspicions
    worst = max(session.suspicions.shown, key=lambda item: (item.kind != "gap", item.badness))
    assert worst.worst != every_error(session).mean(1).argmax()
    qtbot.mouseClick(panel.worst_button, LEFT)
    assert session.frame == worst.worst and session.selection == frozenset(worst.joints)
    assert planted_window.status_line.message().startswith("Most suspicious of the clip: ")
    session.set_range(600, 605)
    qtbot.mouseClick(panel.worst_button, LEFT)
    assert planted_window.status_line.message() == "Nothing looks wrong in frames 601–606."


def test_without_ground_truth_the_worst_is_the_most_suspicious(qtbot, window, demo):
    points, scores = demo.keypoints.copy(), demo.confidence.copy()
    points[200, WRIST] += (200, 0)
    scores[450:460, HEAD] = 0.3
    window.session.open_clip(replace(demo, keypoints=points, confidence=scores, ground_truth=None))
    wait_for_lift(qtbot, window)
    wait_until_looked(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_W)
    assert window.session.frame == 200 and window.session.selection == {WRIST}
    assert window.status_line.message().startswith("Most suspicious of the clip: ")
    window.session.set_range(440, 500)
    show_panel(window, "Bad frames")
    qtbot.mouseClick(window.answers.suspicions.worst_button, LEFT)
    assert 450 <= window.session.frame < 460 and window.session.selection == {HEAD}
    window.session.set_range(600, 640)
    window.actions_by_name["worst"].trigger()
    assert 450 <= window.session.frame < 460 and "Nothing looks wrong in frames 601–641" in window.status_line.message()


def test_the_ends_of_a_persons_own_fix_are_called_that(qtbot, window, demo):
    points = demo.keypoints.copy()
    points[200:240, WRIST] += (90, 0)  # wrong for 40 frames, of which a person puts the middle right
    window.session.open_clip(replace(demo, keypoints=points))
    wait_for_lift(qtbot, window)
    corrections = window.editor.corrections
    for frame in (210, 229):
        window.session.set_frame(frame)
        corrections.begin()
        x, y = demo.keypoints[frame, WRIST]
        corrections.move_to((), WRIST, frame, float(x), float(y))
    wait_for_lift(qtbot, window)
    wait_until_looked(qtbot, window)
    found = [(item.kind, item.first, item.last) for item in window.session.suspicions.items if WRIST in item.joints]
    others = [one for one in found if one[0] in ("jump", "bone", "reprojection")]
    reach = 8  # frames in which the answer goes over from the fix to what was measured
    assert not [one for one in others if one[1] < 230 + reach and one[2] >= 210 - reach + 1]
    ends = [one for one in found if one[0] == "correction"]
    assert [one[1] <= 210 <= one[2] + 1 for one in ends] == [True, False] and ends[1][1] <= 230 <= ends[1][2]
    assert any(one[0] == "jump" and one[1] in (199, 200) for one in found)  # what is still wrong is told as before


def test_going_on_starts_from_where_each_is_worst(qapp):
    suspicions = Suspicions(None)
    items = (Suspicion("bone", 10, 50, (1,), 2.0, 40), Suspicion("jump", 20, 21, (2,), 3.0, 20))
    suspicions.set_items(items, 100)
    assert suspicions.beyond(0, 1) is items[1] and suspicions.beyond(20, 1) is items[0]
    assert suspicions.beyond(40, 1) is None and suspicions.beyond(40, -1) is items[1]
    assert suspicions.marks.sum() == 41 and suspicions.at(45) == (items[0],)
    suspicions.set_only("jump")
    assert suspicions.beyond(20, 1) is None and suspicions.at(45) == ()


def test_joints_are_named_by_limbs_where_they_are_whole():
    legs = MPM16.limb("left leg") + MPM16.limb("right leg")
    assert joints_text(legs) == "right leg, left leg" and joints_text(tuple(range(16))) == "all joints"
    assert joints_text((WRIST, HEAD)) == "Head, Right wrist"
    one = Suspicion("jump", 3, 3, (WRIST,), 2.04, 3)
    assert sentence_of(one) == "Jump: Right wrist, frame 4, 2.0 times what counts as usual"
