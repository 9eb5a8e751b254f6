"""What was done to a clip, as it is listed: follows undo, has the last value alone, and goes on after a save."""

from app.document.commands import SetHeight, SetRate, SetThreshold
from app.document.editor import Editor
from mpm_core.skeleton import MPM16
from tests.app.test_document import reopened, save

WRIST = MPM16.index("LWrist")


def test_what_was_done_follows_edits_and_undo(session, document, editor):
    for frame in range(6):
        editor.move_joint(WRIST, frame, 1.0, 2.0, editor.begin_gesture())
    editor.apply_preset("left leg")
    editor.swap_sides()
    said = [step.text for step in document.edits]
    assert said[-2:] == ["Move Left wrist, frame 6, and 5 edits like it before", "Swap left and right, frame 1"]
    dated = document.edits[-1].when
    session.undo_stack.undo()
    assert "Swap left and right, frame 1" not in [step.text for step in document.edits]
    session.undo_stack.redo()
    assert document.edits[-1].text == "Swap left and right, frame 1" and document.edits[-1].when >= dated


def test_of_a_value_that_was_changed_again_the_last_one_alone_was_done(session, document, editor):
    stack = session.undo_stack
    for edit in (SetRate(session, 30), SetHeight(session, 1.7, "The person is 1.70 m tall")):
        stack.push(edit)
    editor.swap_sides()
    for edit in (SetRate(session, 60), SetThreshold(session, 0.4)):
        stack.push(edit)
    rate = "Frame rate 60 frames/s instead of 50"
    done = ["The person is 1.70 m tall", "Swap left and right, frame 1", rate, "Hide below a confidence of 0.40"]
    assert [step.text for step in document.edits][-4:] == done
    assert not any("30 frames/s" in step.text for step in document.edits)
    stack.undo()
    stack.undo()
    assert [step.text for step in document.edits][-3:] == ["Frame rate 30 frames/s instead of 50", *done[:2]]


def test_what_was_done_is_kept_and_goes_on(session, document, editor, tmp_path):
    editor.swap_sides()
    save(document, tmp_path / "walk.mpmproj")
    again, opened = reopened(tmp_path / "walk.mpmproj")
    Editor(again).move_joint(WRIST, 3, 1.0, 2.0, 1)
    assert [step.text for step in opened.edits] == ["Swap left and right, frame 1", "Move Left wrist, frame 4"]
    assert opened.edits[0] == document.edits[0]
