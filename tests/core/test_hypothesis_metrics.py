import numpy as np
import pytest

from mpm_core.hypothesis_metrics import (
    CONFIDENCES,
    best_errors,
    best_p_mpjpe,
    calibration_error,
    held_shares,
    noise_around,
)
from mpm_core.metrics import joint_errors, p_mpjpe
from mpm_core.skeleton import MPM16

FRAMES = 300
EVERY = np.ones((FRAMES, 16), bool)


@pytest.fixture
def draws():
    """Draws from one distribution: a mean pose of each frame, and a spread of each joint in it."""
    rng = np.random.default_rng(0)
    mean, spread = rng.normal(0, 0.3, (FRAMES, 16, 3)), rng.uniform(0.02, 0.2, (FRAMES, 16, 1))

    def draw(count, times=1.0):
        drawn = mean + times * spread * rng.standard_normal((count, FRAMES, 16, 3))
        drawn[:, :, MPM16.root] = 0
        return drawn

    return draw


def calibration(hypotheses, truth, joints=EVERY):
    return calibration_error(*held_shares(hypotheses, truth, joints))


def test_draws_of_the_truths_own_distribution_are_calibrated(draws):
    truth = draws(1)[0]
    assert calibration(draws(100), truth) < 0.02
    assert calibration(draws(20), truth) < 0.05, "few hypotheses have a median that lies nearer to them than to the truth"


def test_too_narrow_and_too_wide_are_not(draws):
    truth = draws(1)[0]
    narrow, wide = draws(50, 0.3), draws(50, 3.0)
    assert calibration(narrow, truth) > 0.3 and calibration(wide, truth) > 0.3
    (few, cases), (many, _) = held_shares(narrow, truth, EVERY), held_shares(wide, truth, EVERY)
    middle = len(CONFIDENCES) // 2
    assert few[middle] < 0.2 * cases and many[middle] > 0.8 * cases
    assert cases == FRAMES * 15, "of Hip nothing can be told"


def test_a_point_without_spread_gets_a_half(draws):
    truth, point = draws(1)[0], draws(1)
    assert calibration(point, truth) == pytest.approx(0.5)
    assert calibration(np.repeat(point, 20, axis=0), truth) == pytest.approx(0.5)


def test_only_chosen_joints_with_a_known_truth_count(draws):
    truth, several = draws(1)[0], draws(20)
    chosen = np.zeros((FRAMES, 16), bool)
    chosen[:100, 3] = True
    truth[:40, 3] = np.nan
    assert held_shares(several, truth, chosen)[1] == 60
    assert np.isnan(calibration(several, truth, np.zeros_like(chosen)))


def test_best_poses_and_joints(draws):
    truth = draws(1)[0]
    several = np.stack([truth, truth]).copy()
    several[0, :, 1] += 0.10  # each is right but for a joint of its own
    several[1, :, 2] += 0.02
    errors = best_errors(several, truth, EVERY)
    far = 1000 * np.sqrt(3)
    assert errors.best_joint == pytest.approx(0, abs=1e-6)
    assert errors.best_pose == pytest.approx(0.02 * far / 16)
    assert errors.mean == pytest.approx(0.06 * far / 16)
    only = np.zeros((FRAMES, 16), bool)
    only[:, 2] = True
    assert best_errors(several, truth, only).best_pose == pytest.approx(0, abs=1e-6), "chosen by the joints in question"


def test_the_best_limb_is_chosen_limb_by_limb(draws):
    truth = draws(1)[0]
    arms = [list(MPM16.limb(f"{side} arm")) for side in ("left", "right")]
    several = np.stack([truth, truth]).copy()
    several[0, :, arms[0]] += 0.10  # each has one arm right
    several[1, :, arms[1]] += 0.10
    errors = best_errors(several, truth, EVERY)
    assert errors.best_limb == pytest.approx(0, abs=1e-6) and errors.best_pose > 1
    several[:, :, arms[0][0]] += 0.02
    assert best_errors(several, truth, EVERY).best_limb > best_errors(several, truth, EVERY).best_joint - 1e-9 > 0


def test_alone_a_hypothesis_is_an_answer(draws):
    truth, one = draws(1)[0], draws(1)
    errors = best_errors(one, truth, EVERY)
    assert errors.mean == errors.best_pose == errors.best_joint == errors.best_limb
    assert errors.mean == pytest.approx(joint_errors(one[0], truth).mean())
    assert best_p_mpjpe(one, truth) == pytest.approx((p_mpjpe(one[0], truth),) * 2)
    more = draws(10)
    assert best_p_mpjpe(more, truth)[1] < min(p_mpjpe(each, truth) for each in more)


def test_noise_around_is_as_wide_as_asked_and_smooth(draws):
    answer, spread = draws(1)[0], np.full((FRAMES, 16), 0.05)
    spread[:, 4:] = 0
    noise = noise_around(answer, spread, 50, 50.0, np.random.default_rng(1)) - answer
    length = np.sqrt(np.square(noise).sum(-1).mean((0, 1)))
    assert length[1:4] == pytest.approx(0.05, rel=0.1) and max(length[MPM16.root], *length[4:]) < 1e-6
    steps = np.diff(noise[:, :, 1:4], axis=1)
    assert np.sqrt(np.square(steps).sum(-1).mean()) < 0.2 * 0.05
