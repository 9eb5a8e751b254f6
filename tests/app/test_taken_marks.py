"""What the timeline shows of alternatives that were taken."""

import numpy as np
import pytest

from app.document.commands import EditKeypoints
from app.views import timeline_layers, timeline_parts
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, stop_answers

WRIST = MPM16.index("LWrist")


@pytest.fixture
def looks(monkeypatch):
    """What is drawn: the legends' words, and the frames of lines of what was taken."""
    legends, lines = [], []
    draw_legend, draw_taken = timeline_parts.draw_legend, timeline_layers.draw_taken

    def note_legend(painter, scale, rows, theme, entries):
        legends.append([entry[0] for entry in entries])
        draw_legend(painter, scale, rows, theme, entries)

    def note_taken(painter, session, *others):
        lines.append(np.flatnonzero(session.clip.chosen[:, WRIST, 3] > 0))
        draw_taken(painter, session, *others)

    monkeypatch.setattr(timeline_parts, "draw_legend", note_legend)
    monkeypatch.setattr(timeline_layers, "draw_taken", note_taken)
    return legends, lines


def test_the_legend_says_at_once_that_one_was_taken_and_lines_are_drawn_once(qtbot, window, monkeypatch, looks):
    stop_answers(monkeypatch)
    window.opener.open_demo()
    session, timeline, (legends, lines) = window.session, window.timeline, looks
    qtbot.waitUntil(lambda: session.clip is not None, timeout=WAIT_MS)
    window.editor.set_hidden((WRIST,), 100, 130, True)
    timeline.grab()
    assert "alternative taken" not in legends[-1] and not lines
    rows = np.zeros((20, 16, 4), np.float32)
    rows[:, WRIST] = (0, 0.3, 0, 1)
    session.undo_stack.push(EditKeypoints(session, 105, {"chosen": rows}, "Take an alternative"))
    timeline.grab()  # no curves have come, nor any answer
    assert legends[-1][0] == "alternative taken" and lines[-1].tolist() == list(range(105, 125))
    count = len(lines)
    for frame in (110, 111, 112):
        session.set_frame(frame)
        timeline.grab()
    assert len(lines) == count
    window.editor.set_hidden((WRIST,), 110, 112, False)
    timeline.grab()
    assert len(lines) == count + 1  # paler where it rests
    session.undo_stack.undo()
    session.undo_stack.undo()
    timeline.grab()
    assert "alternative taken" not in legends[-1]
