from dataclasses import replace

import numpy as np
import pytest
import torch

from mpm_core.clip import Clip
from mpm_core.data.augment import body_axes
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.calibration import CalibratedTask
from mpm_core.lifters.living import Living
from mpm_core.lifters.task import NetworkTask
from mpm_core.masking import limb_mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.runs import runs_of
from mpm_core.skeleton import MPM16

LEFT_ARM, RIGHT_ARM = MPM16.limb("left arm"), MPM16.limb("right arm")


class FixedError:
    """A LiftingTask that is wrong by the same vector, mirrored for the other side, wherever an arm is hidden."""

    def __init__(self, clip, error, share=1.0):
        """share: a number, or one for each frame and side (frames, 2), left first, that the error is multiplied by."""
        self._clip, self._hidden = clip, limb_mask(len(clip), ())
        truth = clip.ground_truth - clip.ground_truth[:, :1]
        chest = torch.stack(
            body_axes(torch.from_numpy(truth[None].copy()), ("LShoulder", "RShoulder"), ("Spine", "Thorax")), -1
        )
        self._truth, self._axes, self._error = truth, chest[0].numpy(), error
        self._share = np.broadcast_to(share, (len(clip), 2))
        self.updates = 0

    def update(self, mask, cursor=0, frames=None):
        self._hidden = mask.copy()
        self.updates += 1
        yield Progress(1, 1)

    def replace_clip(self, clip):
        self._clip = clip

    def prediction(self):
        positions = self._truth.copy()
        for side, (joints, flip) in enumerate(((LEFT_ARM[1:], [1, 1, 1]), (RIGHT_ARM[1:], [-1, 1, 1]))):
            for joint in joints:  # the shoulders, which span the chest, stay right
                wrong = self._axes @ (np.array(self._error) * flip) * self._share[:, side, None]
                positions[:, joint] += np.where(self._hidden[:, joint, None], wrong, 0)
        clip = self._clip
        return Prediction(
            positions.astype(np.float32),
            clip.ground_truth[:, MPM16.root],
            self._hidden,
            np.zeros(len(clip), bool),
            clip.times,
            clip.fps,
            "fixed",
            "complete",
            "fast",
        )

    def living(self):
        return Living(self.prediction(), np.ones(len(self._clip), bool))


def run(task, mask):
    steps = list(task.update(mask))
    assert all(step.done < step.total for step in steps[:-1])
    return task.prediction()


def error_of(prediction, clip, mask):
    truth = clip.ground_truth - clip.ground_truth[:, :1]
    return np.linalg.norm(prediction.positions - truth, axis=-1)[mask].mean()


def test_a_lasting_error_that_the_other_side_shows_is_mostly_taken_away(demo):
    mask = limb_mask(len(demo), ["left arm"])
    plain = FixedError(demo, (0.1, 0.05, -0.2))
    before = run(plain, mask)
    after = run(CalibratedTask(lambda: FixedError(demo, (0.1, 0.05, -0.2)), demo), mask)
    assert error_of(before, demo, mask) == pytest.approx(0.229 * 2 / 3, rel=0.01)  # elbow and wrist of three joints
    assert error_of(after, demo, mask) < 0.2 * error_of(before, demo, mask)
    assert np.array_equal(after.positions[~mask], before.positions[~mask])


def test_a_short_clip_is_trusted_less(demo):
    def left_over(clip):
        mask = limb_mask(len(clip), ["right arm"])
        before, after = FixedError(clip, (0.0, 0.1, 0.0)), CalibratedTask(lambda: FixedError(clip, (0.0, 0.1, 0.0)), clip)
        return error_of(run(after, mask), clip, mask) / error_of(run(before, mask), clip, mask)

    still = replace(demo, ground_truth=np.repeat(demo.ground_truth[:1], len(demo), 0))
    whole, one_second = left_over(still), left_over(still.cut(0, 49))
    assert whole + 0.2 < one_second < 1


def test_an_error_that_comes_with_a_movement_is_learnt_from_the_movement_on_the_other_side(demo):
    knees = demo.ground_truth[:, [MPM16.index("LKnee"), MPM16.index("RKnee")], 1]
    raised = knees.max(0) - knees  # y is down: an arm is answered wrongly by as much as the knee of its side is raised
    share = raised / raised.max()
    mask = limb_mask(len(demo), ["left arm"])
    before = run(FixedError(demo, (0.0, 0.3, 0.1), share), mask)
    after = run(CalibratedTask(lambda: FixedError(demo, (0.0, 0.3, 0.1), share), demo), mask)
    assert error_of(before, demo, mask) > 0.02
    assert error_of(after, demo, mask) < 0.5 * error_of(before, demo, mask)


def test_where_the_joint_is_visible_nearby_little_is_added(demo):
    mask = limb_mask(len(demo), ())
    mask[100:400, LEFT_ARM] = True
    plain, calibrated = FixedError(demo, (0.1, 0.0, -0.1)), CalibratedTask(lambda: FixedError(demo, (0.1, 0.0, -0.1)), demo)
    moved = np.linalg.norm(run(calibrated, mask).positions - run(plain, mask).positions, axis=-1)[:, LEFT_ARM[2]]
    assert moved[100] < 0.25 * moved[250] and moved[399] < 0.25 * moved[250]
    assert not moved[:100].any() and not moved[400:].any()


def test_sides_are_mirrored_and_headings_make_no_difference(demo):
    def added(clip, limb):
        mask = limb_mask(len(clip), [limb])
        plain = FixedError(clip, (0.1, 0.05, -0.2))
        calibrated = CalibratedTask(lambda: FixedError(clip, (0.1, 0.05, -0.2)), clip)
        return run(calibrated, mask).positions - run(plain, mask).positions

    def seen(truth, up):
        return replace(demo, ground_truth=np.ascontiguousarray(truth, np.float32), up=up)

    left = added(seen(demo.ground_truth, (0.0, -1.0, 0.0)), "left arm")
    image = demo.ground_truth[:, MPM16.mirror] * np.array([-1, 1, 1])
    assert np.abs(added(seen(image, (0.0, -1.0, 0.0)), "right arm")[:, MPM16.mirror] * [-1, 1, 1] - left).max() < 1e-4
    turn = np.array([[0.0, 0.6, 0.8], [0.0, 0.8, -0.6], [-1.0, 0.0, 0.0]])  # and up with it
    turned = added(seen(demo.ground_truth @ turn.T, tuple(turn @ [0.0, -1.0, 0.0])), "left arm")
    assert np.abs(turned @ turn - left).max() < 1e-4 and np.abs(left).max() > 0.05


def test_without_a_visible_other_side_nothing_changes(demo):
    mask = limb_mask(len(demo), ["left arm", "right arm"])
    tasks = []

    def make():
        tasks.append(FixedError(demo, (0.1, 0, 0)))
        return tasks[-1]

    after = run(CalibratedTask(make, demo), mask)
    assert np.array_equal(after.positions, run(FixedError(demo, (0.1, 0, 0)), mask).positions)
    assert sum(task.updates for task in tasks) == 1  # nothing to learn, so nothing is computed


def test_offsets_follow_the_mask(demo):
    task = CalibratedTask(lambda: FixedError(demo, (0.1, 0, 0)), demo)
    run(task, limb_mask(len(demo), ["left arm"]))
    nothing = limb_mask(len(demo), ())
    assert np.array_equal(run(task, nothing).positions, run(FixedError(demo, (0.1, 0, 0)), nothing).positions)


def test_completing_bit_by_bit_gives_the_same_as_at_once(lifter, demo):
    rng = np.random.default_rng(0)
    task = lifter.start(demo, "complete")
    mask = limb_mask(len(demo), ["left arm"])
    for _ in range(4):
        first = int(rng.integers(0, len(demo) - 200))
        mask[first : first + int(rng.integers(1, 200)), rng.choice(16, 4, replace=False)] ^= True
        steps = task.update(mask, first)
        next(steps)
        steps.close()  # as when a newer mask comes
        renewed = run(task, mask)
        whole = run(lifter.start(demo, "complete"), mask)
        assert np.abs(renewed.positions - whole.positions).max() < 1e-5


def test_calibration_can_be_left_out(lifter, demo):
    mask = limb_mask(len(demo), ["left leg"])
    with_it, without = (lifter.complete(demo.ground_truth, mask, aids=Aids(calibrate=c)) for c in (True, False))
    assert np.array_equal(with_it.positions[~mask], without.positions[~mask])
    assert 0.001 < np.linalg.norm(with_it.positions - without.positions, axis=-1)[mask].mean() < 0.1


def test_a_replaced_clip_reaches_every_part(lifter, demo):
    task = lifter.start(demo, "complete")
    mask = limb_mask(len(demo), ["left arm"])
    run(task, mask)
    truth = demo.ground_truth.copy()
    truth[:, MPM16.index("RWrist")] += 0.1
    edited = replace(demo, ground_truth=truth)
    task.replace_clip(edited)
    assert np.abs(run(task, mask).positions - run(lifter.start(edited, "complete"), mask).positions).max() < 1e-5


def test_a_clip_that_says_where_up_is_is_completed_with_it(lifter, demo):
    mask = limb_mask(len(demo), ["left leg"])
    task = lifter.start(replace(demo, up=None), "complete")
    as_in_the_image = run(task, mask).positions
    task.replace_clip(replace(demo, up=(0.0, -0.8, -0.6)))
    told = run(task, mask).positions
    assert np.abs(told - run(lifter.start(replace(demo, up=(0.0, -0.8, -0.6)), "complete"), mask).positions).max() < 1e-5
    assert np.abs(told - as_in_the_image).max() > 1e-3


def test_how_long_up_is_makes_no_difference(lifter, demo):
    mask = limb_mask(len(demo), ["left leg"])
    answers = [run(lifter.start(replace(demo, up=(0.0, y, 0.0)), "complete"), mask).positions for y in (-1.0, -2.0)]
    assert np.array_equal(*answers)


@pytest.mark.parametrize("before", [(), ("left leg",)])
def test_some_frames_alone_are_completed_from_what_they_show(lifter, demo, before):
    task = lifter.start(demo, "complete")
    if before:
        run(task, limb_mask(len(demo), before))
    mask, some = limb_mask(len(demo), ["left arm"]), np.zeros(len(demo), bool)
    some[200:320] = True
    list(task.update(mask, frames=some))
    truth = demo.ground_truth - demo.ground_truth[:, :1]

    def error(prediction):
        return np.linalg.norm(prediction.positions - truth, axis=-1)[some][:, LEFT_ARM].mean()

    fresh = lifter.start(demo, "complete")
    list(fresh.update(mask, frames=some))
    plain = lifter.complete(demo.ground_truth, mask, fps=demo.fps, aids=Aids(calibrate=False))
    assert error(task.prediction()) == pytest.approx(error(fresh.prediction()), abs=1e-5)
    assert error(fresh.prediction()) < 1.02 * error(plain)


def test_frames_in_which_the_whole_body_has_moved_are_new(lifter, demo):
    long = Clip.from_arrays(None, (1, 1), demo.fps, ground_truth=np.tile(demo.ground_truth, (4, 1, 1)))
    height = -long.ground_truth[:, 0, 1]
    above = runs_of(height > np.median(height))
    first = next(part.start for part in above if part.start > 1700 and part.stop - part.start >= 10)
    mask = limb_mask(len(long), ())
    mask[100:400, LEFT_ARM] = True
    mask[first - 60 : first + 70, LEFT_ARM + RIGHT_ARM] = True  # far from there, and nothing is learnt here
    task = lifter.start(long, "complete")
    run(task, mask)
    raised = long.ground_truth.copy()
    raised[first : first + 10, :, 1] -= 0.3
    edited = replace(long, ground_truth=raised)
    task.replace_clip(edited)
    for _ in task.update(mask):
        task.prediction()  # as the window does, which is told what is new once
    assert np.abs(task.prediction().positions - run(lifter.start(edited, "complete"), mask).positions).max() < 1e-5


def test_joints_that_are_hidden_alone_are_learnt_alone(demo):
    mask = limb_mask(len(demo), ())
    mask[:, MPM16.index("LWrist")] = True
    mask[200:500, MPM16.index("LElbow")] = True
    before = run(FixedError(demo, (0.1, 0.05, -0.2)), mask)
    after = run(CalibratedTask(lambda: FixedError(demo, (0.1, 0.05, -0.2)), demo), mask)
    assert error_of(after, demo, mask) < 0.4 * error_of(before, demo, mask)
    assert np.array_equal(after.positions[~mask], before.positions[~mask])


def test_what_has_not_changed_is_not_new(lifter, demo):
    clip = demo.cut(0, 299)
    task = CalibratedTask(lambda: NetworkTask(lifter.model, "mpm", clip, "complete", "fast", True), clip)
    mask = limb_mask(len(clip), ())
    mask[100:200, LEFT_ARM] = True
    for _ in range(2):
        list(task.update(mask))
        found = task.living()
    whole = run(lifter.start(clip, "complete"), mask)
    assert not found.renewed.any() and np.array_equal(found.answer.positions, whole.positions)
    mask[240:250, LEFT_ARM] = True  # what is learnt of the arm changes wherever it is hidden
    list(task.update(mask))
    assert task.living().renewed[100:200].all()
