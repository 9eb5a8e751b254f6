"""What a captured step needs of the code, as far as that shows without a GPU; and what was written anew for it."""

import traceback
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.utils._python_dispatch import TorchDispatchMode

from mpm_core.data.procedural import _rows_with
from mpm_core.diffusion.noise import _root_of_covariance
from mpm_core.errors import UserError
from mpm_core.networks.turning import best_turn
from mpm_core.training.loop import Trainer
from tests.core.test_data import small_pack
from tests.core.test_training import CONFIG, CPU, DENOISER_CONFIG, STAGE_ONE, STAGE_TWO, STMO_CONFIG, TCN_CONFIG

# What has a GPU wait for the CPU, or reads numbers that lie in the CPU's memory.
_WAITING = {
    "lift_fresh", "local_scalar_dense", "nonzero", "multinomial", "linalg_svd", "linalg_det", "masked_select", "is_nonzero",
    "randperm",
}  # fmt: skip
# Asked on a CPU alone, and masks, which are copied before the step.
_ALLOWED = ("encoders.py", "inputs.py:_carry_on", "loop.py:_to_device")


class _Waits(TorchDispatchMode):
    """Notes where something would wait."""

    def __init__(self):
        super().__init__()
        self.places = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if str(function).split(".")[1].lstrip("_") in _WAITING:
            last = [frame for frame in traceback.extract_stack() if "mpm_core" in frame.filename][-1]
            place = f"{last.filename.rpartition('/')[2]}:{last.name}"
            if not place.startswith(_ALLOWED):
                self.places.add((str(function), place))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("config", "stage"),
    [(CONFIG, STAGE_ONE), (CONFIG, STAGE_TWO), (STMO_CONFIG, STAGE_TWO), (TCN_CONFIG, STAGE_TWO), (DENOISER_CONFIG, STAGE_TWO)],
    ids=["stage one", "stage two", "stmo", "tcn", "denoiser"],
)
def test_a_step_asks_the_device_for_nothing(config, stage):
    if stage is STAGE_TWO:
        stage = replace(stage, weight_directions=0.1, weight_accelerations=0.1)
    trainer = Trainer(config, stage, small_pack(), CPU)
    trainer._take_step(trainer._request(), 0.0)
    with _Waits() as waits:
        trainer._take_step(trainer._request(), 0.0)
    assert not waits.places


def test_the_check_for_waiting_can_fail():
    with _Waits() as waits:
        Trainer(CONFIG, STAGE_TWO, small_pack(), CPU)
    assert waits.places


def test_who_has_no_gpu_is_told_so():
    with pytest.raises(UserError, match="one GPU"):
        Trainer(replace(CONFIG, captured=True), STAGE_TWO, small_pack(), CPU)


def test_the_best_turn_is_that_of_a_decomposition():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(200, 9, 3))
    turns = np.stack([Rotation.random(random_state=seed).as_matrix() for seed in range(200)])
    turned = np.einsum("nij,npj->npi", turns, points) + rng.normal(scale=0.3, size=points.shape)
    products = np.einsum("npa,npc->nac", points, turned)
    found = best_turn(torch.from_numpy(products).float()).numpy()
    for answer, mine, theirs in zip(found, points, turned, strict=True):
        expected, _ = Rotation.align_vectors(theirs, mine)
        assert np.allclose(answer, expected.as_matrix(), atol=1e-4)


def test_the_best_turn_of_a_mirror_image_is_still_a_rotation():
    points = torch.from_numpy(np.random.default_rng(5).normal(size=(50, 9, 3))).float()
    mirrored = points * torch.tensor([-1.0, 1.0, 1.0])
    turns = best_turn(torch.einsum("npa,npc->nac", points, mirrored))
    assert torch.allclose(torch.linalg.det(turns), torch.ones(50), atol=1e-4)
    assert torch.allclose(turns @ turns.transpose(-1, -2), torch.eye(3).expand(50, 3, 3), atol=1e-4)


def test_rows_of_a_fixed_number_hold_all_that_are_chosen():
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        chosen = torch.rand(400, generator=generator) < 0.1
        rows = _rows_with(chosen, 0.1)
        assert len(rows) == 66
        assert len(rows.unique()) == len(rows)
        assert set(chosen.nonzero()[:, 0].tolist()) <= set(rows.tolist())
    assert not len(_rows_with(torch.zeros(5, dtype=torch.bool), 0.0))


def test_what_captured_steps_read_stays_where_it_lies_however_many_lengths_there_are():
    lengths = range(9, 49)
    first = [_root_of_covariance(frames, CPU).data_ptr() for frames in lengths]
    assert [_root_of_covariance(frames, CPU).data_ptr() for frames in lengths] == first
