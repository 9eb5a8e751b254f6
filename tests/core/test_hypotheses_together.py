"""Hypotheses beside sizes, hidden hips and answers that are still on their way; which weights they are of."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mpm_core import UserError, load_lifter
from mpm_core.assets import SAMPLING_LIFTERS, shipped_weights
from mpm_core.bulk.records import Asked
from mpm_core.cli import build_parser
from mpm_core.lifters.alternatives import Alternatives
from mpm_core.lifters.denoisers import LoadedDenoiser
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.placing import laid_on
from mpm_core.lifters.several_cameras import CameraPlace, lift_together
from mpm_core.networks.denoiser import Denoiser, DenoiserConfig
from mpm_core.skeleton import MPM16
from mpm_core.training.checkpoint import save_weights

FRAMES = 60


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Denoiser(DenoiserConfig(frames=27, width=32, heads=2, feed_forward=32, encoder_width=32, blocks=1)).eval()


@pytest.fixture(scope="module")
def clip(demo):
    return demo.cut(200, 200 + FRAMES - 1)


def hide_arm():
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, list(MPM16.limb("left arm"))] = True
    return mask


def test_visible_joints_are_where_the_answer_has_them_though_hip_is_hidden():
    generator = np.random.default_rng(0)
    positions = generator.normal(size=(8, 16, 3))
    drawn = positions + 0.1 + 0.05 * generator.normal(size=(6, 8, 16, 3))
    positions -= positions[:, :1]
    drawn -= drawn[:, :, :1]
    hidden = np.zeros((8, 16), bool)
    hidden[:, MPM16.root] = True
    laid = laid_on(drawn, positions, hidden)
    assert np.allclose(laid.mean(0), positions, atol=1e-5) and not laid[:, :, MPM16.root].any()
    assert hidden[:, MPM16.root].all()  # as it was given


def test_alternatives_start_from_how_unsure_an_answer_is_before_it_was_sized(clip, lifter, model, monkeypatch):
    seen, draw = [], Drawer.draw
    monkeypatch.setattr(Drawer, "draw", lambda self, *given: seen.append(given[-1]) or draw(self, *given))
    drawn = Alternatives(model)
    for height in (None, 1.0):
        sized = replace(clip, height_m=height)
        answer = lifter.lift(sized, hide_arm())
        list(drawn.draw(sized, hide_arm(), answer, slice(10, 50), samples=2, steps=1, start="uncertain"))
    plain, small = seen
    assert answer.scale < 0.8 and plain.apart.max() > 0.01
    assert np.allclose(small.apart, plain.apart, atol=1e-5)


def test_the_first_answer_that_stands_in_for_hypotheses_is_pending(clip, model, tmp_path):
    save_weights(tmp_path / "small.safetensors", model, {})
    task = load_lifter("d3dp", "cpu", tmp_path / "small.safetensors").start(clip)
    list(task.update(None))
    assert task.prediction().is_pending is None
    drawn = task.prediction().positions
    list(task.update(hide_arm()))
    assert task.prediction().is_pending is None
    steps = task.update(None)
    next(steps)
    steps.close()  # the network has answered, and nothing is drawn yet
    assert task.prediction().is_pending.any() and not np.allclose(task.prediction().positions, drawn, atol=1e-3)
    list(task.update(None))
    assert task.prediction().is_pending is None and np.allclose(task.prediction().positions, drawn, atol=1e-5)


def test_a_mask_of_another_shape_is_refused_for_several_cameras(clip, model):
    places = [CameraPlace(np.eye(3), np.zeros(3))]
    with pytest.raises(UserError, match="mask must be a bool array"):
        lift_together([clip], places, np.zeros(16, bool), denoiser=LoadedDenoiser(model, {}, ""))


def test_which_weights_an_answer_is_of(tmp_path, monkeypatch):
    assert shipped_weights("mpm") == ("weights/mpm.safetensors",)
    assert shipped_weights("mpm", 5) == ("weights/mpm.safetensors", "weights/denoiser.safetensors")
    (tmp_path / "weights").mkdir()
    for name in ("mpm", "denoiser"):
        (tmp_path / f"weights/{name}.safetensors").write_text(name)
    monkeypatch.setattr("mpm_core.assets._FOLDERS", (tmp_path,))
    source = tmp_path / "in.npz"
    source.write_text("")

    def asked(*words):
        options = build_parser().parse_args(["lift", str(source), "-o", "out", *words])
        return Asked("lift", options, [".npz"], []).of(source)

    plain, *several = (), *(("--lifter", name) for name in SAMPLING_LIFTERS), ("--samples", "5")
    before = [asked(*words) for words in (plain, *several)]
    (tmp_path / "weights/denoiser.safetensors").write_text("of another training")
    after = [asked(*words) for words in (plain, *several)]
    assert after[0] == before[0] and not set(after[1:]) & set(before)
    (tmp_path / "weights/denoiser.safetensors").unlink()
    assert asked("--lifter", "d3dp") not in after  # that it is missing is said when it is loaded
