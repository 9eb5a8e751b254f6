from dataclasses import replace

import numpy as np
import pytest
import torch

from mpm_core.data.augment import body_axes
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.calibration import CalibratedTask
from mpm_core.lifters.living import Living
from mpm_core.lifters.task import NetworkTask
from mpm_core.masking import limb_mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16

LEFT_ARM, RIGHT_ARM = MPM16.limb("left arm"), MPM16.limb("right arm")


class FixedError:
    """A LiftingTask that is wrong by the same vector, mirrored for the other side, wherever an arm is hidden."""

    def __init__(self, clip, error, scale=1.0):
        self._clip, self._hidden = clip, limb_mask(len(clip), ())
        truth = clip.ground_truth - clip.ground_truth[:, :1]
        chest = torch.stack(
            body_axes(torch.from_numpy(truth[None].copy()), ("LShoulder", "RShoulder"), ("Spine", "Thorax")), -1
        )
        self._truth, self._axes, self._error, self._scale = truth, chest[0].numpy(), error, scale
        self.updates = 0

    def update(self, mask, cursor=0, frames=None):
        self._hidden = mask.copy()
        self.updates += 1
        yield Progress(1, 1)

    def replace_clip(self, clip):
        self._clip = clip

    def prediction(self):
        positions = self._truth.copy()
        for joints, flip in ((LEFT_ARM[1:], [1, 1, 1]), (RIGHT_ARM[1:], [-1, 1, 1])):
            for joint in joints:  # the shoulders, which span the chest, stay right
                wrong = self._axes @ (np.array(self._error) * flip)
                positions[:, joint] += np.where(self._hidden[:, joint, None], wrong, 0)
        clip = self._clip
        return Prediction(
            positions.astype(np.float32),
            np.zeros((len(clip), 3), np.float32),
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
    after = run(CalibratedTask(lambda: FixedError(demo, (0.1, 0.05, -0.2))), mask)
    assert error_of(before, demo, mask) == pytest.approx(0.229 * 2 / 3, rel=0.01)  # elbow and wrist of three joints
    seconds = len(demo) / demo.fps
    left_over = 1 - 0.65 * seconds / (seconds + 4)
    assert error_of(after, demo, mask) == pytest.approx(left_over * error_of(before, demo, mask), rel=0.01)
    assert np.array_equal(after.positions[~mask], before.positions[~mask])


def test_a_short_clip_is_trusted_less(demo):
    def left_over(clip):
        mask = limb_mask(len(clip), ["right arm"])
        before, after = FixedError(clip, (0.0, 0.1, 0.0)), CalibratedTask(lambda: FixedError(clip, (0.0, 0.1, 0.0)))
        return error_of(run(after, mask), clip, mask) / error_of(run(before, mask), clip, mask)

    whole, one_second = left_over(demo), left_over(demo.cut(0, 49))
    assert whole + 0.2 < one_second < 1


def test_without_a_visible_other_side_nothing_changes(demo):
    mask = limb_mask(len(demo), ["left arm", "right arm"])
    tasks = []

    def make():
        tasks.append(FixedError(demo, (0.1, 0, 0)))
        return tasks[-1]

    after = run(CalibratedTask(make), mask)
    assert np.array_equal(after.positions, run(FixedError(demo, (0.1, 0, 0)), mask).positions)
    assert sum(task.updates for task in tasks) == 1  # nothing to learn, so nothing is computed


def test_offsets_follow_the_mask(demo):
    task = CalibratedTask(lambda: FixedError(demo, (0.1, 0, 0)))
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
        whole = lifter.complete(demo.ground_truth, mask, fps=demo.fps)
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
    assert np.abs(run(task, mask).positions - lifter.complete(truth, mask, fps=demo.fps).positions).max() < 1e-5


def test_what_has_not_changed_is_not_new(lifter, demo):
    clip = demo.cut(0, 299)
    task = CalibratedTask(lambda: NetworkTask(lifter.model, "mpm", clip, "complete", "fast", True))
    mask = limb_mask(len(clip), ())
    mask[100:200, LEFT_ARM] = True
    for _ in range(2):
        list(task.update(mask))
        found = task.living()
    whole = lifter.complete(clip.ground_truth, mask)
    assert not found.renewed.any() and np.array_equal(found.answer.positions, whole.positions)
    mask[240:250, LEFT_ARM] = True  # what is learnt of the arm changes wherever it is hidden
    list(task.update(mask))
    assert task.living().renewed[100:200].all()
