import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from mpm_core.errors import CancelledError
from mpm_core.metrics import (
    acceleration_error,
    angle_deg,
    auc,
    f1_score,
    joint_errors,
    jumps,
    n_mpjpe,
    p_mpjpe,
    pck,
    procrustes_aligned,
    summarise,
    velocity_error,
)
from mpm_core.skeleton import MPM16

RNG = np.random.default_rng(0)


def pose(frames=5):
    return RNG.normal(size=(frames, 16, 3))


def test_mpjpe_by_hand():
    truth = np.zeros((1, 16, 3))
    predicted = truth.copy()
    predicted[0, MPM16.index("LWrist")] = (0.003, 0, 0.004)  # 5 mm
    assert joint_errors(predicted, truth).mean() == pytest.approx(5 / 16)


def test_moving_the_whole_pose_is_no_error():
    truth = pose()
    assert joint_errors(truth + [3, 1, 2], truth).max() == pytest.approx(0, abs=1e-9)


def test_errors_of_unknown_truth_are_unknown():
    truth = pose()
    truth[2, 5] = np.nan
    errors = joint_errors(pose(), truth)
    assert np.isnan(errors[2, 5]) and np.isfinite(errors).sum() == errors.size - 1


def test_p_mpjpe_forgives_turning_scaling_and_moving():
    truth = pose()
    turned = truth @ Rotation.random(random_state=1).as_matrix() * 0.7 + 4
    assert p_mpjpe(turned, truth) == pytest.approx(0, abs=1e-6)


def test_p_mpjpe_does_not_forgive_mirroring():
    truth = pose()
    assert p_mpjpe(truth * [-1, 1, 1], truth) > 100


def test_procrustes_agrees_with_scipy():
    """SciPy normalises both shapes and allows mirroring, so the comparison is made where no mirror image fits better."""
    truth = pose(20)
    predicted = truth + 0.2 * RNG.normal(size=truth.shape)
    aligned = procrustes_aligned(predicted, truth)
    for p, t, a in zip(predicted, truth, aligned, strict=True):
        size = np.linalg.norm(t - t.mean(0))
        _, _, disparity = procrustes(t, p)
        assert np.square((a - t) / size).sum() == pytest.approx(disparity, rel=1e-6)


def test_n_mpjpe_forgives_scale_alone():
    truth = pose()
    truth -= truth[:, :1]
    assert n_mpjpe(truth * 1.3, truth) == pytest.approx(0, abs=1e-9)
    assert n_mpjpe(truth @ Rotation.from_euler("x", 30, degrees=True).as_matrix(), truth) > 10


def test_velocity_error_by_hand():
    truth = np.zeros((3, 16, 3))
    predicted = truth.copy()
    predicted[:, MPM16.index("Head"), 0] = [0, 0.01, 0.02]  # 0.01 m in 0.02 s = 500 mm/s for one joint of 16
    assert velocity_error(predicted, truth, np.array([0, 0.02, 0.04])) == pytest.approx(500 / 16)
    assert np.isnan(velocity_error(predicted[:1], truth[:1], np.array([0.0])))


def test_summary_splits_hidden_and_visible():
    truth = np.zeros((2, 16, 3))
    predicted = truth.copy()
    wrist = MPM16.index("RWrist")
    predicted[:, wrist, 1] = 0.1
    hidden = np.zeros((2, 16), bool)
    hidden[:, wrist] = True
    summary = summarise(predicted, truth, hidden, np.array([0, 0.02]))
    assert summary.hidden == pytest.approx(100) and summary.visible == pytest.approx(0)
    assert np.isnan(summarise(predicted, truth, hidden & False, np.array([0, 0.02])).hidden)


def test_a_long_clip_is_measured_in_parts_between_which_one_can_leave(monkeypatch):
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(50, 16, 3))
    predicted = truth + rng.normal(scale=0.1, size=truth.shape)
    truth[7, 3] = np.nan
    at_once, asked = (p_mpjpe(predicted, truth), n_mpjpe(predicted, truth)), []
    monkeypatch.setattr("mpm_core.metrics._FRAMES_AT_ONCE", 20)
    in_parts = (p_mpjpe(predicted, truth, lambda: asked.append("p")), n_mpjpe(predicted, truth, lambda: asked.append("n")))
    assert in_parts == pytest.approx(at_once, rel=1e-12) and asked == ["p"] * 3 + ["n"] * 3

    def leave():
        raise CancelledError

    with pytest.raises(CancelledError):
        p_mpjpe(predicted, truth, leave)


def test_pck_and_auc_by_hand():
    errors = np.array([[0.0, 149.9, 150.0, np.nan], [10.0, 10.0, 400.0, 74.0]])
    assert pck(errors) == pytest.approx(100 * 5 / 7)  # NaN is left out, 150 itself is no longer within
    assert pck(errors, 50) == pytest.approx(100 * 3 / 7)
    # Of the 31 limits 0, 5, ... 150, the errors 0, 10, 10, 74, 149.9 are below 30, 28, 28, 16 and 1.
    assert auc(errors) == pytest.approx(100 * (30 + 28 + 28 + 16 + 1) / 31 / 7)
    assert np.isnan(pck(np.array([np.nan]))) and np.isnan(auc(np.array([])))


def test_a_jump_is_a_step_that_the_truth_does_not_take():
    truth = np.zeros((10, 16, 3))
    predicted = truth.copy()
    predicted[4, 12] += 0.2  # there and back
    predicted[7:, 3, 0] += 0.1  # too short
    assert jumps(predicted, truth) == 2
    truth[4, 12] += 0.2
    assert jumps(predicted, truth) == 0


def test_acceleration_errors_are_of_joints_from_the_hip():
    times = np.arange(50) / 50.0
    truth = np.zeros((50, 16, 3))
    predicted = truth.copy()
    predicted[:, 1:, 0] = 0.5 * 3.0 * times[:, None] ** 2
    assert acceleration_error(predicted, truth, 50.0) == pytest.approx(3.0 * 15 / 16)
    assert acceleration_error(predicted + times[:, None, None] ** 2, truth, 50.0) == pytest.approx(3.0 * 15 / 16)
    assert np.isnan(acceleration_error(predicted[:2], truth[:2], 50.0))


def test_angles_and_scores():
    assert angle_deg(np.array([0.0, 2.0, 0.0]), np.array([0.0, 1.0, 1.0])) == pytest.approx(45)
    assert f1_score(8, 2, 2) == pytest.approx(0.8) and f1_score(0, 1, 1) == 0 and np.isnan(f1_score(0, 1, 0))
