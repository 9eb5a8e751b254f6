from dataclasses import replace

import numpy as np
import pytest

from app.document.commands import AttachTruth
from app.document.session import Session
from app.views.joint_text import describe_joint
from mpm_core import Clip
from mpm_core.masking import MaskRatios
from mpm_core.metrics import joint_errors
from mpm_core.skeleton import MPM16
from tests.app.conftest import every_error

WRIST = MPM16.index("LWrist")


@pytest.fixture
def session(qapp, demo):
    session = Session()
    points = demo.keypoints.copy()
    points[20:30, WRIST] = np.nan
    session.open_clip(Clip.from_arrays(points, demo.image_size, 50, ground_truth=demo.ground_truth, source="walk.json"))
    return session


def undo_and_redo(session, read):
    """What `read` gives before an undo, after it, and after the redo."""
    after = read()
    session.undo_stack.undo()
    before = read()
    session.undo_stack.redo()
    assert np.array_equal(read(), after)
    return before, after


def test_a_click_hides_one_joint_in_one_frame(session, editor, qtbot):
    session.set_frame(5)
    with qtbot.waitSignal(session.mask_changed) as signal:
        editor.click_joints((3,), 5)
    assert signal.args == [5, 5]
    assert session.mask.sum() == 1 and session.mask[5, 3]
    before, _ = undo_and_redo(session, lambda: session.mask)
    assert not before.any()


def test_a_second_click_shows_it_again(session, editor):
    editor.click_joints((3,), 5)
    editor.click_joints((3,), 5)
    assert not session.mask.any()


def test_with_a_range_the_click_counts_for_all_of_it(session, editor):
    session.set_range(40, 10)
    editor.click_joints(MPM16.limb("left leg"), 5)
    assert session.mask[10:41, WRIST].sum() == 0 and session.mask[10:41, MPM16.index("LAnkle")].all()
    assert session.mask.sum() == 31 * 3
    editor.click_joints(MPM16.limb("left leg"), 5)
    assert not session.mask.any()


def test_shift_goes_on_from_the_last_click(session, editor):
    editor.click_joints((3,), 50)
    editor.click_joints((7,), 60, extend=True)
    assert session.mask[50:61, 3].all() and session.mask.sum() == 11
    editor.click_joints((3,), 55)  # shows one
    editor.click_joints((3,), 52, extend=True)
    assert not session.mask[52:56, 3].any() and session.mask[50:52, 3].all()


def test_a_joint_that_was_never_measured_stays_hidden_and_says_why(session, editor, qtbot):
    with qtbot.waitSignal(session.warning) as signal:
        assert editor.click_joints((WRIST,), 25) is None
    said = signal.args[0]
    assert all(words in said for words in ("Left wrist", "frame 26", "walk.json", "stays hidden"))
    assert session.hidden[25, WRIST] and session.undo_stack.count() == 0


def test_showing_a_range_with_unmeasured_joints_shows_the_others(session, editor):
    session.set_range(15, 35)
    editor.click_joints((WRIST,), 16)
    editor.click_joints((WRIST,), 16)
    assert not session.mask.any() and session.hidden[20:30, WRIST].all()


def test_one_gesture_is_one_undo(session, editor):
    gesture = editor.begin_gesture()
    for frame in (10, 11, 14, 9):
        editor.set_hidden((2,), frame, frame, True, gesture)
    assert session.mask.sum() == 4
    editor.set_hidden((5,), 3, 3, True, editor.begin_gesture())
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert not session.mask.any()
    session.undo_stack.redo()
    assert set(np.flatnonzero(session.mask[:, 2])) == {9, 10, 11, 14}


def test_a_drag_that_outlasts_its_clip_brings_nothing_to_the_next(session, editor, demo):
    gesture = editor.begin_gesture()
    editor.move_joint(WRIST, 60, 500.0, 400.0, gesture)
    session.open_clip(Clip.from_arrays(demo.keypoints[300:391] + 7, demo.image_size, 50, source="other.json"))
    opened = session.clip
    editor.move_joint(WRIST, 60, 520.0, 410.0, gesture)
    assert session.clip is opened and session.undo_stack.count() == 0
    editor.move_joint(WRIST, 60, 520.0, 410.0, editor.begin_gesture())
    assert np.allclose(session.clip.keypoints[60, WRIST], (520, 410)) and not session.clip.edited[:60].any()


@pytest.mark.parametrize(("preset", "joints"), [("2 legs", 6), ("left arm", 3), ("1 random joint", 1), ("2 random joints", 2)])
def test_presets_add_to_what_is_hidden_or_replace_it(session, editor, preset, joints):
    editor.set_hidden(range(16), 5, 5, True)
    editor.apply_preset(preset)
    assert (np.delete(session.mask, 5, axis=0).sum(1) == joints).all() and session.mask[5].all()
    before, _ = undo_and_redo(session, lambda: session.mask)
    assert before.sum() == 16
    editor.apply_preset(preset, replaces=True)
    assert (session.mask.sum(1) == joints).all()


def test_presets_keep_to_the_range(session, editor):
    session.set_range(100, 199)
    editor.apply_preset("2 arms")
    assert session.mask.any(1).sum() == 100 and session.mask[100:200].any(1).all()


def test_random_masks_follow_both_ratios(session, editor):
    editor.apply_random("spatio-temporal", MaskRatios(3, 0.5))
    whole = session.mask.all(1)
    assert abs(whole.mean() - 0.5) < 0.01 and (session.mask[~whole].sum(1) == 3).all()


def test_moving_a_joint_measures_it(session, editor):
    editor.move_joint(WRIST, 25, 12.0, 34.0, editor.begin_gesture())
    clip = session.clip
    assert clip.visible[25, WRIST] and clip.edited[25, WRIST] and clip.keypoints[25, WRIST].tolist() == [12.0, 34.0]
    before, _ = undo_and_redo(session, lambda: session.clip.visible)
    assert not before[25, WRIST]


def test_a_drag_is_one_undo_and_keeps_only_its_rows(session, editor):
    first = session.clip.keypoints.copy()
    gesture = editor.begin_gesture()
    for x in range(5):
        editor.move_joint(WRIST, 7, 100 + x, 50, gesture)
    assert session.clip.keypoints[7, WRIST].tolist() == [104, 50] and session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert np.array_equal(session.clip.keypoints, first, equal_nan=True)
    session.undo_stack.redo()
    assert session.clip.keypoints[7, WRIST, 0] == 104


def test_errors_follow_an_answer_that_streams_in(session, lifter):
    session.set_prediction(lifter.lift(session.clip))
    before = every_error(session)
    streaming = lifter.start(session.clip, mode="per-frame")
    for _ in zip(range(3), streaming.update(None, 300), strict=False):
        session.set_prediction(streaming.prediction())
        expected = joint_errors(session.prediction.positions, session.clip.ground_truth)
        assert np.array_equal(every_error(session), expected, equal_nan=True)
    assert (every_error(session) != before).any() and not (every_error(session) != before).all()
    session.attach_truth(session.clip.ground_truth * np.float32(1.1))
    expected = joint_errors(session.prediction.positions, session.clip.ground_truth)
    assert np.array_equal(every_error(session), expected, equal_nan=True)


def test_swapping_sides_is_undone(session, editor):
    session.set_range(50, 60)
    left, right = MPM16.index("LKnee"), MPM16.index("RKnee")
    old = session.clip.keypoints[:, [left, right]].copy()
    editor.swap_sides()
    new = session.clip.keypoints[:, [left, right]]
    assert (new[50:61, 0] == old[50:61, 1]).all() and (new[61:] == old[61:]).all()
    before, _ = undo_and_redo(session, lambda: session.clip.keypoints[:, [left, right]])
    assert (before == old).all()


def test_ground_truth_can_be_added_and_taken_back(session, demo):
    session.open_clip(Clip.from_arrays(demo.keypoints, demo.image_size, 50))
    session.undo_stack.push(AttachTruth(session, demo.ground_truth))
    assert session.clip.ground_truth is not None
    session.undo_stack.undo()
    assert session.clip.ground_truth is None
    session.undo_stack.redo()
    assert (session.clip.ground_truth == demo.ground_truth).all()


def test_what_a_file_says_was_filled_in_is_shown_and_comes_back_with_its_ground_truth(session, demo):
    completed = np.zeros((len(demo), 16), bool)
    completed[:, MPM16.index("LWrist")] = True
    session.open_clip(replace(demo, completed=completed))
    assert "filled in by a lifter" in describe_joint(session, MPM16.index("LWrist"))
    assert "filled in" not in describe_joint(session, MPM16.index("RWrist"))
    session.undo_stack.push(AttachTruth(session, demo.ground_truth))
    assert session.clip.completed is None
    session.undo_stack.undo()
    assert (session.clip.completed == completed).all()


def test_setters_emit_only_on_change(session, qtbot):
    with qtbot.assertNotEmitted(session.frame_changed):
        session.set_frame(session.frame)
    with qtbot.assertNotEmitted(session.range_changed):
        session.set_range(None, None)
    with qtbot.assertNotEmitted(session.options_changed):
        session.set_options(session.options)


def test_frames_stay_within_the_clip(session):
    session.set_frame(10**6)
    assert session.frame == len(session) - 1
    session.set_frame(-5)
    assert session.frame == 0


def test_tasks_follow_what_the_clip_holds(session, demo):
    session.open_clip(Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth))
    assert session.options.task == "complete"
    session.open_clip(Clip.from_arrays(demo.keypoints, demo.image_size, 50))
    assert session.options.task == "lift"


def test_without_ground_truth_there_are_no_errors(session, demo):
    session.open_clip(Clip.from_arrays(demo.keypoints, demo.image_size, 50))
    assert not session.has_errors and session.errors_at(0) is None


def test_3d_alone_is_completed_whatever_lifter_was_chosen(session, demo, qtbot):
    session.set_options(session.options.with_lifter("tcn"))
    session.open_clip(Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth))
    assert (session.options.task, session.options.lifter) == ("complete", "mpm")
    with qtbot.waitSignal(session.warning) as said:
        session.set_options(session.options.with_lifter("tcn"))
    assert "no 2D to lift" in said.args[0] and session.options.lifter == "mpm"


def test_what_is_hidden_follows_an_edit_of_some_frames_as_if_all_were_looked_at_anew(session, editor):
    session.set_threshold(0.5)
    before = session.hidden.sum()
    confidence, visible = session.clip.confidence[40:42].copy(), session.clip.visible[40:42].copy()
    confidence[0, WRIST], visible[1, 3] = 0.2, False
    session.patch_keypoints(40, {"confidence": confidence, "visible": visible})
    edited = session.unsure, session.missing, session.hidden
    session._forget_hidden()
    for kept, anew in zip(edited, (session.unsure, session.missing, session.hidden), strict=True):
        assert np.array_equal(kept, anew)
    assert session.unsure[40, WRIST] and session.missing[41, 3] and session.hidden.sum() == before + 2
