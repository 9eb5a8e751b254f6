"""The shipped weights on a part of the benchmark: far worse than what the model card says, and something broke."""

import numpy as np
import pytest

from mpm_core import load_lifter
from mpm_core.assets import find_asset
from mpm_core.formats.h36m_npz import read_all
from mpm_core.lifters import COMPLETING_LIFTERS, LIFTERS
from mpm_core.masking import COMPLETION_PRESETS, OCCLUSION_PRESETS, limb_mask
from mpm_core.metrics import joint_errors
from mpm_core.networks import NETWORKS

EVERY = 24


@pytest.fixture(scope="module")
def views(shared):
    return [c for n, c in enumerate(read_all(shared / "bench" / "open_val" / "data_2d_open_gt.npz")) if n % EVERY == 5]


def mean_error(views, answer):
    errors = [joint_errors(answer(clip), clip.ground_truth).ravel() for clip in views]
    return float(np.nanmean(np.concatenate(errors)))


def test_lifting(lifter, views):
    assert mean_error(views, lambda clip: lifter.lift(clip).positions) < 50


@pytest.mark.parametrize("limbs", OCCLUSION_PRESETS.values(), ids=OCCLUSION_PRESETS)
def test_lifting_with_hidden_limbs(lifter, views, limbs):
    assert mean_error(views, lambda clip: lifter.lift(clip, limb_mask(len(clip), limbs)).positions) < 110


@pytest.mark.parametrize("limbs", COMPLETION_PRESETS.values(), ids=COMPLETION_PRESETS)
def test_completion(lifter, views, limbs):
    def complete(clip):
        return lifter.complete(clip.ground_truth, limb_mask(len(clip), limbs)).positions

    assert mean_error(views, complete) < 30


@pytest.mark.parametrize("name", [name for name in LIFTERS if name not in COMPLETING_LIFTERS])
def test_peers(name, views):
    peer = load_lifter(name, "cpu")
    assert peer.name == name and peer.tasks == ("lift",)
    plain = mean_error(views, lambda clip: peer.lift(clip).positions)
    hidden = mean_error(views, lambda clip: peer.lift(clip, limb_mask(len(clip), ["left arm"])).positions)
    assert 40 < plain < 110 and plain < hidden < 160


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_small_enough_for_the_repository(name):
    assert find_asset(f"weights/{name}.safetensors").stat().st_size < 16 * 2**20
