"""Frames, times and ranges that are typed: in the dialog Go to, and in the status line."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.document.typed_times import frame_typed, range_typed
from app.document.words import with_times
from mpm_core.errors import UserError
from tests.app.conftest import LEFT, WAIT_MS

TIMES = np.arange(250) / 20 + 0.5


@pytest.mark.parametrize(("text", "frame"), [
    ("1", 0), (" 250 ", 249), ("2 s", 30), ("2.5s", 40), ("2,5 sec", 40), ("0:02", 30), ("0:02.5", 40), ("12.95 s", 249),
])  # fmt: skip
def test_frames_and_times_are_told_apart_by_their_unit(text, frame):
    assert frame_typed(text, TIMES) == frame


@pytest.mark.parametrize("text", ["", "x", "0", "251", "2.5", "0.2 s", "14 s", "1:99:2", "-3", "9" * 400, f"{'9' * 400}:1"])
def test_what_is_no_frame_is_refused_in_a_sentence(text):
    with pytest.raises(UserError):
        frame_typed(text, TIMES)


def test_a_number_with_a_fraction_is_told_how_to_be_a_time():
    with pytest.raises(UserError, match=r"'2\.5' is no whole frame: type 2\.5 s where a time is meant"):
        frame_typed("2.5", TIMES)
    assert with_times("there is no frame 2.5, nor frame 2.", TIMES) == "there is no frame 2.5, nor frame 2 (0.55 s)."


@pytest.mark.parametrize(("text", "span"), [
    ("10-60", (9, 59)), ("10 – 60", (9, 59)), ("1–2.5 s", (10, 40)), ("1 s to 2.5 s", (10, 40)), ("1..3", (0, 2)),
    ("0:01-2", (10, 30)), ("1 s-2", (10, 30)), ("1-0:02.5", (10, 40)),
])  # fmt: skip
def test_a_unit_at_either_end_holds_for_both(text, span):
    assert range_typed(text, TIMES) == span


@pytest.mark.parametrize("text", ["10", "60-10", "1-2-3", "1-999", "a-b"])
def test_what_is_no_range_is_refused_in_a_sentence(text):
    with pytest.raises(UserError):
        range_typed(text, TIMES)


def test_a_range_is_typed_in_the_status_line(qtbot, demo_window):
    session, field = demo_window.session, demo_window.status_line.range_field
    times = session.clip.times

    def type_in(text, key=Qt.Key.Key_Return):
        qtbot.mouseClick(field, LEFT)
        qtbot.waitUntil(field.hasFocus, timeout=WAIT_MS)
        field.selectAll()
        qtbot.keyClicks(field, text)
        qtbot.keyClick(field, key)

    assert field.placeholderText() == "no range" and not field.text()
    type_in("20-40")
    assert session.range == (19, 39) and not field.hasFocus()
    shown = f"range 20–40 ({times[19]:.2f}–{times[39]:.2f} s)"
    qtbot.waitUntil(lambda: field.text() == shown, timeout=WAIT_MS)  # once it is as wide
    session.set_frame(5)
    type_in("9", Qt.Key.Key_Escape)  # leaves the field, not the range
    assert session.range == (19, 39) and session.frame == 5 and field.text().startswith("range 20–40")
    type_in("1-2 s")
    assert session.range == tuple(int(np.abs(times - t).argmin()) for t in (1, 2))
    before = session.range
    type_in("5-x")
    assert session.range == before and "neither a frame nor a time" in demo_window.status_line.message() and field.hasFocus()
    type_in("")
    field.clear()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert session.range is None


def test_go_to_takes_seconds_and_begins_as_the_ruler_counts(demo_window, monkeypatch):
    session, asked = demo_window.session, []
    answers = iter(["2 s", "99999", "7"])

    def ask(*words, text):
        asked.append(text)
        return next(answers), True

    monkeypatch.setattr("app.window.view_handlers.QInputDialog.getText", ask)
    demo_window.actions_by_name["goto"].trigger()
    assert abs(session.clip.times[session.frame] - 2) < 0.02
    demo_window.actions_by_name["seconds"].trigger()
    here = session.frame
    demo_window.actions_by_name["goto"].trigger()
    assert session.frame == here and "there is no frame 99999" in demo_window.status_line.message().lower()
    demo_window.actions_by_name["goto"].trigger()
    assert session.frame == 6 and asked == ["1", f"{session.clip.times[here]:.2f} s", f"{session.clip.times[here]:.2f} s"]
