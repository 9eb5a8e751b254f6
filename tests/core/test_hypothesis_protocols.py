"""The protocols refine, hypotheses and calibration, on a small benchmark."""

import json

import numpy as np
import pytest
import torch

from mpm_core import UserError
from mpm_core.cli import main
from mpm_core.lifters.sights import Sight
from mpm_core.networks.denoiser import Denoiser, DenoiserConfig
from mpm_core.training.benchmarks import find_benchmark
from mpm_core.training.drawn import (
    D3DP,
    LAID,
    MIRROR,
    NOISE,
    NOISE_LIKE,
    ONE,
    PLATYPOSE,
    TWO_CAMERAS,
    UNCERTAIN,
    Drawing,
    Drawn,
)
from mpm_core.training.hypotheses import HypothesisResult, _Sums, as_markdown, calibration_as_markdown, run_hypotheses
from mpm_core.training.picking import Stretch, camera_beside, pick
from mpm_core.training.protocols import GROUPS
from mpm_core.training.refining_eval import RefineResult, run_refine
from tests.core.test_evaluation import folder  # noqa: F401

FEW = Drawing(samples=3, steps=(1, 2))


@pytest.fixture(scope="module")
def stretch(demo):
    return Stretch(demo.cut(0, 59), None)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Denoiser(DenoiserConfig(frames=27, width=32, heads=2, feed_forward=32, encoder_width=32, blocks=1)).eval()


def run(steps, kind):
    return [step for step in steps if isinstance(step, kind)]


def test_views_are_spread_and_frames_are_the_middle_ones(folder):  # noqa: F811
    benchmark = find_benchmark(folder)
    path = benchmark.files["ground-truth 2D"]
    picked = pick(benchmark, path, 2, 60)
    assert [len(each.clip) for each in picked] == [60, 60]
    assert "Walk" in picked[0].clip.source and "Wave" in picked[1].clip.source
    assert picked[0].other is not None and picked[0].other.source != picked[0].clip.source
    assert [each.number for each in picked] == [0, 3], "one view of each motion is not of the same camera each time"
    assert [each.number for each in pick(benchmark, path, 3, 60)] == [0, 1, 2]
    with pytest.raises(UserError, match="--views 9: .* has 4"):
        pick(benchmark, path, 9, 60)


def test_the_camera_beside_is_found(demo):
    here = demo.ground_truth[:50].astype(np.float64)
    angle = 0.7
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    there = here @ rotation.T + [1.0, 0.2, 3.0]
    found, offset = camera_beside(here, there)
    assert found == pytest.approx(rotation, abs=1e-6) and offset == pytest.approx([1.0, 0.2, 3.0], abs=1e-5)
    assert Sight(demo, np.zeros((50, 16), bool), found, offset).rotation.shape == (3, 3)


def test_the_truth_among_hypotheses_is_the_best_pose(stretch):
    mask = np.zeros((60, 16), bool)
    mask[:, [4, 5]] = True
    rng = np.random.default_rng(0)
    off = rng.normal(0, 0.1, (4, 60, 16, 3))
    off[2] = 0
    sums = _Sums()
    several = stretch.truth - stretch.truth[:, :1] + off
    sums.add(stretch, mask, Drawn(D3DP, several, 5), 4)
    found = sums.result("ground-truth 2D", "2 joints", D3DP, 4, 5)
    assert found.best_pose == pytest.approx(0, abs=1e-3) and found.hidden_best_pose == pytest.approx(0, abs=1e-3)
    assert found.jpma < 0.5 * found.mean, "of visible joints the hypothesis on the keypoint is the true one"
    without = _Sums()
    without.add(stretch, mask, Drawn(D3DP, several, 5), 2)  # the first two alone
    assert without.result("", "", D3DP, 2, 5).best_pose > 50


def test_without_a_denoiser_the_baselines_are_compared(lifter, folder):  # noqa: F811
    results = run(run_hypotheses(lifter, None, folder, 1, 40, FEW), HypothesisResult)
    assert {r.way for r in results} == {ONE, MIRROR, NOISE}
    of = {(r.source, r.preset, r.way): r for r in results}
    one, noise = of["ground-truth 2D", "2 arms", ONE], of["ground-truth 2D", "2 arms", NOISE]
    assert one.calibration == pytest.approx(0.5) and one.hidden_mean > one.mean
    assert noise.samples == 3 and noise.best_joint < noise.best_pose < noise.mean
    assert np.isnan(of["ground-truth 2D", "nothing", ONE].hidden_mean)
    assert "| ground-truth 2D | 2 arms | mirrored pair | 2 | – |" in as_markdown(results)
    assert "| 0.500 | 0 % | 0 % | 0 % | 0 % | 0 % |" in calibration_as_markdown(results)


def test_all_ways_of_a_denoiser_are_compared(lifter, model, folder):  # noqa: F811
    results = run(run_hypotheses(lifter, model, folder, 1, 30, FEW), HypothesisResult)
    ways = {r.way for r in results}
    assert {D3DP, LAID, UNCERTAIN, PLATYPOSE, TWO_CAMERAS} <= ways
    drawn = [r for r in results if r.way == D3DP and r.preset == "2 arms" and r.source == "noisy 2D"]
    assert {(r.samples, r.steps) for r in drawn} == {(1, 1), (1, 2), (3, 2)}
    assert all(r.ms > 0 for r in drawn)
    assert {r.preset for r in results if r.source == "ground-truth 3D"} == {"left arm", "right arm", "left leg", "right leg"}


def test_in_one_step_from_noise_there_is_no_best_of_several(lifter, model, folder):  # noqa: F811
    results = run(run_hypotheses(lifter, model, folder, 1, 30, Drawing(samples=5, steps=(1,))), HypothesisResult)
    for way in (D3DP, LAID, PLATYPOSE, TWO_CAMERAS):
        assert {r.samples for r in results if r.way == way} == {1}
    (one,) = [r for r in results if r.way == D3DP and r.preset == "2 arms" and r.source == "noisy 2D"]
    assert one.best_pose == one.mean and one.hidden_best_joint == one.hidden_mean and one.calibration == pytest.approx(0.5)
    assert NOISE_LIKE not in {r.way for r in results}, "as wide as the spread of nothing"
    assert {r.samples for r in results if r.way == UNCERTAIN} == {1, 5}, "these can differ: their starts do"
    for text in (as_markdown(results), calibration_as_markdown(results)):
        assert "H is 1 there" in text and "| noisy 2D | 2 arms | D3DP | 1 | 1 |" in text


def test_only_the_ways_that_are_asked_for_are_run(lifter, model, folder):  # noqa: F811
    drawing = Drawing(samples=2, steps=(1, 2), ways=("uncertain",))
    results = run(run_hypotheses(lifter, model, folder, 1, 30, drawing), HypothesisResult)
    assert {r.way for r in results} == {ONE, MIRROR, NOISE, UNCERTAIN}
    assert {r.source for r in results} == {"ground-truth 2D", "noisy 2D"} and "H is 1 there" not in as_markdown(results)


def test_the_protocol_of_refining(lifter, folder):  # noqa: F811
    results = run(run_refine(lifter, folder, 1, 40, GROUPS["lifting"]), RefineResult)
    of = {(r.source, r.preset, r.way): r for r in results}
    before, after = of["ground-truth 2D", "nothing", "alone"], of["ground-truth 2D", "nothing", "refined"]
    assert after.off_px < before.off_px and after.mpjpe < before.mpjpe and after.ms > before.ms
    assert len(results) == 2 * 4


def test_the_command_prints_and_writes_them(folder, capsys, tmp_path, caplog):  # noqa: F811
    few = ["--views", "1", "--frames", "20"]
    target = tmp_path / "figures.json"
    assert main(["eval", str(folder), "--protocol", "calibration", *few, "--samples", "2", "--json", str(target)]) == 0
    assert "calibration error" in capsys.readouterr().out
    rows = json.loads(target.read_text())
    assert {row["protocol"] for row in rows} == {"calibration"} and len(rows[0]["held"]) == 19
    assert main(["eval", str(folder), "--protocol", "refine", "--views", "0"]) == 2
    assert "--views must be 1 or more, not 0" in caplog.text
    assert main(["eval", str(folder), "--protocol", "hypotheses", "--samples", "0", *few]) == 2
    assert "--samples must be 1 or more, not 0" in caplog.text
    assert main(["eval", str(folder), "--protocol", "hypotheses", *few, "--samples", "-1"]) == 2
    assert "samples must be a whole number from" in caplog.text
    assert main(["eval", str(folder), "--protocol", "hypotheses", *few, "--ways", "d3pd"]) == 2
    assert "--ways: unknown way 'd3pd' (known: d3dp, uncertain, platypose)" in caplog.text
    assert main(["eval", str(folder), "--protocol", "hypotheses", *few, "--denoiser", str(tmp_path / "none")]) == 2
