"""Hypotheses of clips, from lifters to files. What only a trained denoiser can do is tested where its weights are there."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from mpm_core import Clip, UserError, load_lifter, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.camera import Intrinsics
from mpm_core.cli import main
from mpm_core.corrections import patched
from mpm_core.diffusion.options import USUAL_SAMPLES, Sampling
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.hypotheses import read_hypotheses
from mpm_core.lifters import denoisers, sampled
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.alternatives import Alternatives
from mpm_core.lifters.denoisers import load_denoiser
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.placing import laid_on
from mpm_core.lifters.several_cameras import CameraPlace, lift_together
from mpm_core.networks.denoiser import Denoiser, DenoiserConfig
from mpm_core.skeleton import MPM16
from mpm_core.stature import stature
from mpm_core.training.checkpoint import save_weights
from mpm_core.training.views import Viewpoint

ARM = list(MPM16.limb("left arm"))
FRAMES = 120


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small denoiser that has learnt nothing: its hypotheses are of no use, but hypotheses."""
    torch.manual_seed(0)
    model = Denoiser(DenoiserConfig(frames=27, width=32, heads=2, feed_forward=32, encoder_width=32, blocks=1))
    path = tmp_path_factory.mktemp("denoiser") / "small.safetensors"
    save_weights(path, model, {"made": "here"})
    return path


@pytest.fixture(scope="module")
def trained():
    try:
        return load_denoiser("cpu")
    except UserError:
        pytest.skip("needs the weights of the denoiser, which are not there")


@pytest.fixture(scope="module")
def clip(demo):
    return demo.cut(200, 200 + FRAMES - 1)


def hide_arm():
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, ARM] = True
    return mask


@pytest.mark.parametrize("name", ["d3dp", "platypose"])
def test_lifters_answer_by_hypotheses(clip, weights, name):
    lifter = load_lifter(name, "cpu", weights)
    answer = lifter.lift(clip, hide_arm(), samples=3, steps=2)
    assert answer.hypotheses.shape == (3, FRAMES, 16, 3) and answer.hypotheses.dtype == np.float32
    assert answer.uncertainty.shape == (FRAMES, 16) and (answer.uncertainty[:, ARM] > 0).all()
    assert np.isfinite(answer.absolute()).all() and not answer.hypotheses[:, :, MPM16.root].any()
    assert answer.lifter == name and any("3 hypotheses in 2 steps" in step.text for step in answer.history)
    assert len(lifter.lift(clip, steps=1).hypotheses) == USUAL_SAMPLES


@pytest.mark.parametrize("name", ["d3dp", "platypose"])
def test_what_is_visible_of_3d_comes_back_as_it_was(clip, weights, name):
    truth, mask = clip.to_mpm16().ground_truth, hide_arm()
    mask[30:60, MPM16.root] = True
    answer = load_lifter(name, "cpu", weights).complete(truth, mask, samples=3, steps=2)
    assert np.abs(answer.absolute() - truth)[~mask].max() < 1e-5
    for number in range(3):
        chosen = answer.choose(number)
        assert np.abs(chosen.absolute() - truth)[~mask].max() < 1e-5
        assert np.array_equal(chosen.positions[:30], answer.hypotheses[number][:30])
    assert answer.uncertainty[:30][~mask[:30]].max() < 1e-6 < answer.uncertainty[:, ARM].min()


def test_without_samples_everything_stays_as_it_is(clip, lifter, weights, monkeypatch):
    monkeypatch.setattr(denoisers, "find_asset", lambda name: weights)
    plain = lifter.lift(clip, hide_arm())
    none, some = lifter.lift(clip, hide_arm(), samples=0), lifter.lift(clip, hide_arm(), samples=4, steps=2, seed=3)
    for name in ("positions", "root", "hypotheses", "uncertainty"):
        assert np.array_equal(getattr(none, name), getattr(plain, name)), name
    assert np.array_equal(some.positions, plain.positions) and some.hypotheses.shape == (4, FRAMES, 16, 3)
    monkeypatch.setattr(lifter, "_denoiser", None)


def test_the_same_seed_gives_the_same_answer(clip, weights):
    lifter = load_lifter("d3dp", "cpu", weights)
    once, again, other = (lifter.lift(clip, samples=2, steps=2, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(once.hypotheses, again.hypotheses) and np.array_equal(once.positions, again.positions)
    assert np.abs(once.hypotheses - other.hypotheses).max() > 1e-3
    uncertain = lifter.lift(clip, samples=2, steps=2, seed=1, start="uncertain")
    assert np.abs(once.hypotheses - uncertain.hypotheses).max() > 1e-3
    mean = lifter.lift(clip, samples=2, steps=2, seed=1, aggregate="mean", fit=False, ground=False)
    assert np.allclose(mean.positions, mean.hypotheses.mean(0), atol=1e-5)


def test_the_mirror_changes_nothing_of_hypotheses(clip, weights):
    lifter = load_lifter("d3dp", "cpu", weights)
    for start in ("noise", "uncertain"):
        once, again = (lifter.lift(clip, samples=2, steps=2, start=start, mirror=mirror) for mirror in (True, False))
        assert np.array_equal(once.absolute(), again.absolute()), start


def test_a_mask_that_changes_gives_what_the_new_mask_gives_alone(clip, weights):
    lifter = load_lifter("d3dp", "cpu", weights)
    task = lifter.start(clip)
    for mask in (None, hide_arm()):
        list(task.update(mask))
    alone = lifter.lift(clip, hide_arm())
    assert np.array_equal(task.prediction().hypotheses, alone.hypotheses)
    assert np.allclose(task.prediction().positions, alone.positions, atol=1e-5)
    steps = task.update(None)
    list(islice(steps, 2))
    steps.close()  # given up on the way
    list(task.update(None))
    assert np.array_equal(task.prediction().hypotheses, lifter.lift(clip).hypotheses)


def test_alternatives_are_drawn_for_a_range_and_lie_about_the_answer(clip, lifter, weights):
    tall = replace(clip, height_m=1.0)
    mask = hide_arm()
    answer = lifter.lift(tall, mask)
    assert answer.scale < 0.8
    drawn = Alternatives.load("cpu", weights)
    steps = list(drawn.draw(tall, mask, answer, slice(40, 90), samples=4, steps=2))
    assert steps[-1].done == steps[-1].total == len(steps)
    assert drawn.hypotheses.shape == (4, 50, 16, 3) and drawn.hypotheses.dtype == np.float32
    visible = ~mask[40:90]
    assert np.abs(drawn.hypotheses.mean(0) - answer.positions[40:90])[visible].max() < 1e-4
    before = drawn.hypotheses
    given_up = drawn.draw(tall, mask, answer, slice(0, 120), samples=4, steps=20)
    next(given_up)
    given_up.close()
    assert drawn.hypotheses is before
    with pytest.raises(UserError, match="range of frames"):
        list(drawn.draw(tall, mask, answer, slice(90, 40)))
    truth = clip.to_mpm16().ground_truth
    completed = lifter.complete(truth, mask)
    list(drawn.draw(clip, mask, completed, slice(40, 90), task="complete"))
    assert np.abs(drawn.hypotheses - completed.positions[40:90])[:, visible].max() < 1e-5


def test_clips_of_another_rate_get_hypotheses_at_their_own_frames(demo, weights):
    slow = demo.cut(0, 119)
    slow = replace(slow, times=slow.times * 1.7, fps=slow.fps / 1.7)
    whole = load_lifter("d3dp", "cpu", weights).lift(slow, samples=2, steps=1)
    assert whole.hypotheses.shape == (2, 120, 16, 3) and np.isfinite(whole.hypotheses).all()
    drawn = Alternatives.load("cpu", weights)
    list(drawn.draw(slow, None, whole, slice(50, 80), samples=2, steps=1))
    assert drawn.hypotheses.shape == (2, 30, 16, 3)


def test_hypotheses_are_laid_on_an_answer_at_its_visible_joints_and_hidden_ones_follow():
    generator = np.random.default_rng(0)
    positions = generator.normal(size=(8, 16, 3))
    positions -= positions[:, :1]
    drawn = positions + 0.1 + 0.05 * generator.normal(size=(6, 8, 16, 3))
    drawn -= drawn[:, :, :1]
    hidden = np.zeros((8, 16), bool)
    wrist, elbow = MPM16.index("LWrist"), MPM16.index("LElbow")
    hidden[:, [wrist]] = True
    hidden[4:, 0] = True
    laid = laid_on(drawn, positions, hidden)
    assert np.allclose(laid.mean(0)[~hidden], positions[~hidden], atol=1e-5)
    moved = laid - drawn
    assert np.allclose(moved[:, :, wrist], moved[:, :, elbow], atol=1e-5)
    assert np.allclose(laid.std(0), drawn.std(0), atol=1e-5)


def with_a_key(clip):
    """The right wrist was put elsewhere in a frame."""
    keypoints, edited = clip.to_mpm16().keypoints[60:61].copy(), np.zeros((1, 16), bool)
    keypoints[:, MPM16.index("RWrist")] += 40
    edited[:, MPM16.index("RWrist")] = True
    return patched(clip.to_mpm16(), 60, {"keypoints": keypoints, "edited": edited})


@pytest.mark.parametrize(
    ("name", "has_key", "aids"),
    [
        ("mpm", False, {"fit": False}),
        ("d3dp", False, {"fit": False}),
        ("mpm", False, {"fit": False, "ground": False}),
        ("d3dp", True, {"fit": False, "ground": False}),
    ],
)
def test_hypotheses_lie_where_the_answer_is_also_without_the_fit(clip, lifter, weights, monkeypatch, name, has_key, aids):
    monkeypatch.setattr(lifter, "_denoiser", load_denoiser("cpu", weights))
    used = lifter if name == "mpm" else load_lifter(name, "cpu", weights)
    answer = used.lift(with_a_key(clip) if has_key else clip, hide_arm(), samples=3, steps=2, **aids)
    assert np.abs(answer.hypotheses.mean(0) - answer.positions)[~answer.hidden].max() < 1e-4


def test_hypotheses_are_laid_once_where_nothing_has_changed(clip, weights, monkeypatch):
    laid = []
    monkeypatch.setattr(
        sampled, "laid_on", lambda drawn, positions, hidden: laid.append(len(positions)) or laid_on(drawn, positions, hidden)
    )
    lifter = load_lifter("d3dp", "cpu", weights)
    edited = with_a_key(clip)
    task = lifter.start(clip, sampling=Sampling(2, 2))
    list(task.update(None))
    before = task.prediction()
    kept = before.hypotheses.copy()
    again = task.prediction()
    assert laid == [FRAMES] and np.array_equal(again.hypotheses, kept)
    task.replace_clip(edited)
    list(islice(task.update(None), 2))  # hypotheses are still those of before, and lie where the answer is by now
    between = task.prediction()
    visible = ~between.hidden
    assert np.abs(between.hypotheses.mean(0) - between.positions)[visible].max() < 1e-4
    assert np.array_equal(before.hypotheses, kept)
    list(task.update(None))
    assert np.array_equal(task.prediction().hypotheses, lifter.lift(edited, samples=2, steps=2).hypotheses)


def test_completing_draws_nothing_again_where_nothing_has_changed(clip, lifter, weights, monkeypatch):
    monkeypatch.setattr(lifter, "_denoiser", load_denoiser("cpu", weights))
    drawn = []
    draw = Drawer.draw
    monkeypatch.setattr(Drawer, "draw", lambda self, *others: drawn.append(1) or draw(self, *others))
    task = lifter.start(clip, "complete", sampling=Sampling(2, 2))
    for _ in range(2):
        list(task.update(hide_arm()))
        task.prediction()
    assert len(drawn) == 1


def test_choosing_keeps_what_is_seen_where_it_is_seen(clip, lifter):
    answer = lifter.lift(clip, fit=False)
    turned = answer.positions * np.float32(1.25)
    several = replace(answer, hypotheses=np.stack((answer.positions, turned)))
    assert np.abs(several.choose(0).root - answer.root).max() < 0.02
    chosen = several.choose(1)
    assert len(chosen.hypotheses) == 2 and np.array_equal(chosen.positions, turned)
    assert np.allclose(chosen.root[10:-10], 1.25 * answer.root[10:-10], rtol=0.03, atol=0.03)
    for wrong in (-1, 2):
        with pytest.raises(UserError, match=f"no hypothesis {wrong}: this prediction has 2"):
            several.choose(wrong)
    with pytest.raises(UserError, match="has 0"):
        replace(answer, hypotheses=None).choose(0)


def two_cameras(frames=60):
    """A motion seen by two cameras at right angles, their places, and the motion in the first one's axes."""
    motion = read_clip(find_asset("demo/demo.npz")).to_mpm16().ground_truth[:frames]
    hip = motion[:, MPM16.root].mean(0)
    clips, places, camera = [], [], Intrinsics((1000.0, 1000.0), (500.0, 500.0))
    for angle in (0.0, 90.0):
        turn = Viewpoint(angle, 0.0).rotation() @ Viewpoint(0.0, 0.0).rotation().T
        offset = hip - turn @ hip
        seen = motion @ turn.T + offset
        pixels = camera.project(seen)
        clips.append(Clip.from_arrays(pixels, (1000, 1000), 50.0, camera=camera))
        places.append(CameraPlace(turn, offset))
    return clips, places, motion


def test_several_cameras_agree_on_one_motion(trained):
    clips, places, motion = two_cameras()
    relative = motion - motion[:, :1]
    errors = []
    for count in (1, 2):
        answer = lift_together(
            clips[:count], places[:count], samples=3, steps=5, denoiser=trained, aids=Aids(fit=False, ground=False)
        )
        errors.append(float(np.linalg.norm(answer.positions - relative, axis=-1).mean()))
    assert errors[1] < 0.6 * errors[0] and answer.lifter == "platypose"
    assert np.abs(answer.root - motion[:, 0]).mean() < 0.1 and "2 cameras" in answer.history[-1].text


def test_people_of_platypose_are_as_large_as_the_first_answer_has_them(clip, weights, lifter):
    answer = load_lifter("platypose", "cpu", weights).lift(clip, samples=2, steps=2, fit=False, ground=False, aggregate="mean")
    wanted = stature(lifter.lift(clip, fit=False, ground=False).positions)
    for hypothesis in answer.hypotheses:
        assert abs(stature(hypothesis) / wanted - 1) < 0.1


def test_cameras_that_do_not_go_together_are_refused(weights):
    clips, places, _ = two_cameras()
    loaded = load_denoiser("cpu", weights)
    with pytest.raises(UserError, match="one place for each"):
        lift_together(clips, places[:1], denoiser=loaded)
    with pytest.raises(UserError, match="other frames"):
        lift_together([clips[0], clips[1].cut(0, 9)], places, denoiser=loaded)
    with pytest.raises(UserError, match="must be a rotation"):
        lift_together(clips, [places[0], CameraPlace(np.ones((3, 3)), np.zeros(3))], denoiser=loaded)


def test_hypotheses_and_uncertainty_go_to_files_and_come_back(tmp_path, clip, weights):
    write(clip, tmp_path / "in.npz")
    asked = ["--lifter", "d3dp", "--samples", "3", "--steps", "2", "--start", "uncertain", "--weights", str(weights)]
    outputs = ["-o", str(tmp_path / "made"), "--to", "npz,csv"]
    assert main(["lift", str(tmp_path / "in.npz"), *outputs, *asked, "--aggregate", "jpma", "--uncertainty"]) == 0
    made, table_file = tmp_path / "made" / "in.npz", tmp_path / "made" / "in.csv"
    read = read_hypotheses(made)
    assert read.hypotheses.shape == (3, FRAMES, 16, 3) and (read.uncertainty[:, 1:] > 0).all()
    of_table = read_hypotheses(table_file)
    assert of_table.hypotheses is None and np.allclose(of_table.uncertainty, read.uncertainty, atol=1e-6)
    table, arrays = read_clip(table_file), read_clip(made)
    assert np.allclose(table.ground_truth, arrays.ground_truth, atol=1e-5)
    assert main(["complete", str(tmp_path / "in.npz"), "-o", str(tmp_path / "done.npz"), *asked, "--hide", "left arm"]) == 0
    assert len(read_hypotheses(tmp_path / "done.npz").hypotheses) == 3
    with pytest.raises(UserError, match="says nothing of uncertainty"):
        read_hypotheses(tmp_path / "in.npz")
    np.savez(tmp_path / "odd.npz", uncertainty=np.zeros((4, 5)))
    with pytest.raises(UserError, match="'uncertainty' must be numbers"):
        read_hypotheses(tmp_path / "odd.npz")


def test_a_table_with_a_row_per_joint_has_uncertainty_too(tmp_path, clip, lifter):
    answer = lifter.lift(clip)
    write(answer, tmp_path / "long.csv", WriteOptions(long=True, uncertainty=True))
    assert np.allclose(read_hypotheses(tmp_path / "long.csv").uncertainty, answer.uncertainty, atol=1e-6)
    with pytest.raises(UserError, match="nothing is known of it"):
        write(replace(answer, uncertainty=None), tmp_path / "no.csv", WriteOptions(uncertainty=True))
    with pytest.raises(UserError, match="nothing is known of it"):
        write(clip, tmp_path / "no.npz", WriteOptions(uncertainty=True))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--steps", "5"], "--steps says something about hypotheses, but no --samples"),
        (["--samples", "-3"], "samples must be a whole number from 0"),
        (["--samples", "2", "--steps", "0"], "steps must be a whole number from 1"),
        (["--samples", "2", "--lifter", "tcn"], "the lifter 'tcn' gives one answer"),
        (["--lifter", "d3dp", "--weights", str(find_asset("weights/mpm.safetensors"))], "not of a denoiser"),
        (["--samples", "2", "--aggregate", "mean"], "--aggregate makes the answer of d3dp and platypose"),
        (["--samples", "1", "--uncertainty"], "--uncertainty needs hypotheses that differ"),
        (["--samples", "3", "--steps", "1", "--uncertainty"], "--uncertainty needs hypotheses that differ"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(tmp_path, clip, caplog, asked, said):
    write(clip.cut(0, 9), tmp_path / "in.npz")
    assert main(["lift", str(tmp_path / "in.npz"), "-o", str(tmp_path / "out.npz"), *asked]) == 2
    assert said in caplog.records[-1].message and "\n" not in caplog.records[-1].message
    assert not (tmp_path / "out.npz").exists()


def test_a_denoiser_is_no_lifter_of_one_answer(weights):
    with pytest.raises(UserError, match="holds a denoiser, which answers by hypotheses"):
        load_lifter("mpm", "cpu", weights)


@pytest.mark.parametrize("asked", [{"samples": 1}, {"samples": 3, "steps": 1}])
def test_hypotheses_that_cannot_differ_tell_no_uncertainty(clip, weights, asked):
    answer = load_lifter("d3dp", "cpu", weights).lift(clip, hide_arm(), **asked)
    assert np.isfinite(answer.hypotheses).all() and np.isnan(answer.uncertainty).all()


def test_missing_weights_are_told_in_a_sentence(clip, lifter, monkeypatch):
    def missing(name):
        raise UserError("gone")

    monkeypatch.setattr(denoisers, "find_asset", missing)
    monkeypatch.setattr(lifter, "_denoiser", None)
    for ask in (lambda: load_lifter("d3dp", "cpu"), lambda: lifter.lift(clip, samples=2), lambda: Alternatives.load("cpu")):
        with pytest.raises(UserError, match="hypotheses need the weights of the denoiser"):
            ask()


def test_hypotheses_differ_where_joints_are_hidden_and_agree_where_they_are_seen(clip, trained):
    drawn, mask = Alternatives(trained.model), hide_arm()
    answer = load_lifter("mpm", "cpu").lift(clip, mask)
    list(drawn.draw(clip, mask, answer, slice(0, FRAMES), samples=12))
    spread = np.sqrt(np.square(drawn.hypotheses - drawn.hypotheses.mean(0)).sum(-1).mean(0))
    other = list(MPM16.limb("right arm"))
    assert spread[:, ARM[-1]].mean() > 0.05 and spread[:, ARM].mean() > 1.4 * spread[:, other].mean()
    truth = clip.to_mpm16().ground_truth
    error = np.linalg.norm(drawn.hypotheses - (truth - truth[:, :1]), axis=-1)[..., ARM]
    assert error.min(0).mean() < 0.85 * np.linalg.norm(answer.positions - (truth - truth[:, :1]), axis=-1)[:, ARM].mean()


def test_hypotheses_are_motions(clip, trained):
    drawn, mask = Alternatives(trained.model), hide_arm()
    answer = load_lifter("mpm", "cpu").lift(clip, mask)
    list(drawn.draw(clip, mask, answer, slice(0, FRAMES), samples=4))
    shake = np.linalg.norm(np.diff(drawn.hypotheses, n=2, axis=1), axis=-1)
    truth = clip.to_mpm16().ground_truth
    assert shake[:, :, ARM].mean() < 5 * np.linalg.norm(np.diff(truth, n=2, axis=0), axis=-1)[:, ARM].mean()
