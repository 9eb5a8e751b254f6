"""Curves and tables of answers: numbers that can be worked out by hand, and nothing where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip
from mpm_core.comparison import FIGURES, answer_rows, figures_of, joint_rows, joints_of, table_text
from mpm_core.curves import CURVES
from mpm_core.figures import all_figures
from mpm_core.metrics import joint_errors
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

WRIST, ELBOW, SHOULDER = MPM16.indices(("LWrist", "LElbow", "LShoulder"))
FRAMES = 40


@pytest.fixture(scope="module")
def clip(demo):
    return demo.to_mpm16().cut(0, FRAMES - 1)


def answer_of(clip, positions, hidden=None, uncertainty=None):
    nothing = np.zeros((len(clip), 16), bool)
    root = clip.ground_truth[:, MPM16.root] if clip.ground_truth is not None else np.tile([0.0, 0.0, 4.0], (len(clip), 1))
    return Prediction(
        positions.astype(np.float32), root.astype(np.float32), nothing if hidden is None else hidden, nothing[:, 0],
        clip.times, clip.fps, "mpm", "lift", "fast", uncertainty=uncertainty,
    )  # fmt: skip


@pytest.fixture
def right(clip):
    """The truth as an answer."""
    return answer_of(clip, clip.ground_truth - clip.ground_truth[:, :1])


def test_curves_of_motion_that_is_known(clip):
    positions = np.tile(np.array([0.0, 0.0, 1.0]) * np.arange(16)[:, None] * 0.1, (FRAMES, 1, 1))
    seconds = clip.times - clip.times[0]
    positions[:, WRIST] = positions[:, ELBOW] + np.array([0.25, 0, 0])
    positions[:, SHOULDER] = positions[:, ELBOW] + np.array([0, 0.3, 0])
    positions[:, ELBOW - 1] = positions[:, SHOULDER]
    positions[:, 0] = 0
    positions[:, 9, 1] = 0.5 * 3.0 * seconds**2  # Head accelerates by 3 m/s2
    values = {name: kind.of(clip, answer_of(clip, positions)) for name, kind in CURVES.items()}
    assert values["angle"][:, ELBOW] == pytest.approx(90) and np.isnan(values["angle"][:, [0, WRIST]]).all()
    assert values["bone"][:, WRIST] == pytest.approx(25) and np.isnan(values["bone"][:, 0]).all()
    assert values["x"][:, WRIST] - values["x"][:, ELBOW] == pytest.approx(0.25)
    head = MPM16.index("Head")
    assert values["acceleration"][1:-1, head] == pytest.approx(3, rel=0.01)
    assert values["speed"][1:-1, head] == pytest.approx(3 * seconds[1:-1], rel=0.01)
    assert np.isnan(values["speed"][[0, -1]]).all()


def test_curves_of_the_truth_itself_and_of_what_has_none(clip, right):
    assert CURVES["error"].of(clip, right) == pytest.approx(0, abs=1e-3)
    for name, kind in CURVES.items():
        values = kind.of(clip, None)
        assert values.shape == (FRAMES, 16)
        assert np.isfinite(values).any() == (kind.can_be_true or name == "confidence")
    flat = replace(clip, ground_truth=None)
    assert np.isnan(CURVES["error"].of(flat, right)).all() and np.isnan(CURVES["speed"].of(flat, None)).all()
    assert np.isnan(CURVES["uncertainty"].of(clip, right)).all()


def test_figures_of_an_answer_that_is_off_by_so_much(clip, right):
    positions, hidden = right.positions.copy(), np.zeros((FRAMES, 16), bool)
    positions[:, WRIST] += (0.16, 0, 0)
    hidden[:, WRIST] = True
    figures = figures_of(replace(right, positions=positions, hidden=hidden), clip)
    assert figures.mpjpe == pytest.approx(10, rel=1e-3) and figures.hidden == pytest.approx(160, rel=1e-3)
    assert figures.visible == pytest.approx(0, abs=1e-2) and 10 < figures.p_mpjpe < 30
    assert figures.acceleration == pytest.approx(0, abs=1e-2) and figures.jumps == 0
    other = figures_of(replace(right, positions=positions), clip, hidden=hidden)
    assert other.hidden == pytest.approx(160, rel=1e-3)
    assert other.reprojection > 1.5 * figures.reprojection  # where what was hidden does not count


def test_without_truth_only_what_can_be_told_is(clip, right):
    flat = replace(clip, ground_truth=None)
    figures = figures_of(right, flat, slice(3, 9))
    known = {name for name in FIGURES if np.isfinite(getattr(figures, name))}
    assert known == {"reprojection"}
    one_frame = figures_of(right, clip, slice(0, 1))
    assert np.isnan(one_frame.acceleration) and np.isfinite(one_frame.mpjpe)


def test_each_joint_counts_apart_where_it_is_hidden(clip, right):
    positions, hidden = right.positions.copy(), np.zeros((FRAMES, 16), bool)
    positions[:10, WRIST] += (0.1, 0, 0)
    hidden[:10, WRIST] = True
    answer = replace(right, positions=positions, hidden=hidden)
    (errors,) = joints_of(answer, clip)
    assert (errors.what, errors.unit) == ("error", "mm")
    assert errors.hidden[WRIST] == pytest.approx(100, rel=1e-3) and errors.visible[WRIST] == pytest.approx(0, abs=1e-2)
    assert errors.all[WRIST] == pytest.approx(25, rel=1e-3) and np.isnan(errors.hidden[ELBOW])
    assert errors.frames_hidden[WRIST] == 10
    (part,) = joints_of(answer, clip, slice(20, 30))
    assert np.isnan(part.hidden[WRIST]) and part.frames_hidden[WRIST] == 0
    assert np.nanmean(errors.all) == pytest.approx(joint_errors(positions, clip.ground_truth).mean(), rel=1e-6)


def test_without_truth_each_joint_has_reprojection_confidence_and_uncertainty(clip, right):
    flat = replace(clip, ground_truth=None)
    unsure = replace(right, uncertainty=np.full((FRAMES, 16), 0.02, np.float32))
    assert [one.what for one in joints_of(unsure, flat)] == ["reprojection", "confidence", "uncertainty"]
    assert joints_of(unsure, flat)[2].all == pytest.approx(20)
    assert [one.what for one in joints_of(right, flat)] == ["reprojection", "confidence"]
    solid = Clip.from_arrays(None, (1, 1), 50, ground_truth=clip.ground_truth)
    assert [one.what for one in joints_of(replace(right, task="complete"), solid)] == ["error"]


def test_tables_hold_what_is_known_and_can_be_read_again(clip, right):
    rows = answer_rows([("mine, again", ("mpm",), figures_of(right, clip)), ("none", ("tcn",), None)], ("lifter",))
    assert rows[0][:3] == ["answer", "lifter", "MPJPE (mm)"] and rows[2][2:] == [""] * len(FIGURES)
    text = table_text(rows)
    assert text.splitlines()[1].startswith('"mine, again",mpm,0.00,,')
    assert table_text(rows, "\t").splitlines()[1].startswith("mine, again\tmpm\t0.00\t\t")
    joints = joint_rows(joints_of(right, clip))
    assert len(joints) == 17 and joints[0][2:] == ["error (mm)", "error, hidden (mm)", "error, visible (mm)"]
    assert joint_rows(())[1][:2] == ["Hip", ""]


def test_nothing_is_measured_against_what_a_lifter_filled_in(demo, lifter):
    wrist = MPM16.index("LWrist")
    filled = np.zeros((len(demo), 16), bool)
    answer = lifter.lift(demo, ~filled & (np.arange(16) == MPM16.index("RWrist")))
    filled[:, wrist] = True
    wrong = demo.ground_truth.copy()
    wrong[:, wrist] += 5.0  # metres: any figure would tell
    guessed = replace(demo, ground_truth=wrong, completed=filled)
    without = replace(demo, ground_truth=np.where(filled[..., None], np.nan, demo.ground_truth).astype(np.float32))
    before, now = (all_figures(clip, answer, 0, len(demo) - 1) for clip in (without, guessed))
    assert now.summary == before.summary and now.motion == before.motion
    assert np.isnan(guessed.measured_truth[:, wrist]).all() and np.isfinite(guessed.ground_truth).all()
