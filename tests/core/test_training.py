import time
from dataclasses import replace
from functools import partialmethod

import numpy as np
import pytest
import torch

from mpm_core import load_lifter
from mpm_core.cli import main
from mpm_core.errors import UserError
from mpm_core.masking import MaskRatios
from mpm_core.networks import build_network
from mpm_core.networks.denoiser import DenoiserConfig
from mpm_core.networks.mpm import MPM, MPM_BEFORE_GROUND, MPMConfig
from mpm_core.networks.stmo import STMOConfig
from mpm_core.networks.tcn import TCNConfig
from mpm_core.synthesis import demo_clip
from mpm_core.training.checkpoint import load_tensors, load_weights, save_tensors, save_weights
from mpm_core.training.config import RateConfig, StageOneConfig, StageTwoConfig, TrainConfig, with_changes
from mpm_core.training.draws import Request, draw_length
from mpm_core.training.loop import Trainer, learning_rate
from mpm_core.training.losses import Tasks, mean_distance
from tests.core.test_data import small_pack, write_small_pack

CPU = torch.device("cpu")
CONFIG = TrainConfig(model=MPMConfig(frames=27, width=64, encoder_width=64, feed_forward=64, blocks=2, heads=4))
STAGE_ONE = StageOneConfig(windows=12 * 60, batch=12, rate=RateConfig(2e-3, warm_up_steps=5))
STAGE_TWO = StageTwoConfig(windows=12 * 60, batch=12, rate=RateConfig(2e-3, warm_up_steps=5))


TCN_CONFIG = replace(CONFIG, model=TCNConfig(frames=27, width=64))
DENOISER_CONFIG = replace(CONFIG, model=DenoiserConfig(**vars(CONFIG.model) | {"has_ground": False}))
STMO_CONFIG = replace(CONFIG, model=STMOConfig(**vars(CONFIG.model)))


@pytest.mark.parametrize(
    ("config", "stage", "expected"),
    [
        (CONFIG, STAGE_ONE, {"lift", "2d", "3d"}),
        (CONFIG, replace(STAGE_ONE, tasks=("2d", "3d")), {"2d", "3d"}),
        (CONFIG, STAGE_TWO, {"lift", "2d", "3d", "sequence", "middle", "up", "standing", "height"}),
        (STMO_CONFIG, STAGE_ONE, {"2d"}),
        (STMO_CONFIG, STAGE_TWO, {"lift", "middle"}),
        (TCN_CONFIG, STAGE_TWO, {"lift"}),
        (DENOISER_CONFIG, STAGE_TWO, {"lift", "3d", "squares", "velocities"}),
    ],
    ids=["stage one", "two tasks", "stage two", "stmo, stage one", "stmo, stage two", "tcn", "denoiser"],
)
def test_every_loss_falls(config, stage, expected):
    trainer = Trainer(config, stage, small_pack(), CPU)
    reports = list(trainer.run(report_every=15))
    first, last = reports[0].losses, reports[-1].losses
    assert set(first) == expected
    for name in expected:
        # Which feet stand is learnt slower than all else.
        assert last[name] < (0.9 if name == "standing" else 0.8) * first[name], name
    assert reports[-1].done == 720


def test_compiled_blocks_learn_the_same(monkeypatch):
    """As torch reads them; the code that it would make of that takes minutes, and a compiler."""
    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend="eager"))
    still = replace(CONFIG, precision="float32", model=replace(CONFIG.model, dropout=0.0))
    stage = replace(STAGE_TWO, windows=12 * 6, lengths={9: 0.5, 27: 0.5})
    told = []
    for config in (still, replace(still, compiled=True)):
        trainer = Trainer(config, stage, small_pack(), CPU)
        told.append([report.losses["lift"] for report in trainer.run(report_every=2)])
        names = set(trainer.model.state_dict())
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert names == set(build_network(CONFIG.model).state_dict())
    assert np.allclose(*told, rtol=1e-3)


@pytest.mark.parametrize(
    ("config", "stage"),
    [
        (CONFIG, STAGE_ONE),
        (CONFIG, STAGE_TWO),
        (CONFIG, replace(STAGE_TWO, lengths={9: 0.5, 27: 0.5})),
        (STMO_CONFIG, STAGE_TWO),
        (TCN_CONFIG, STAGE_TWO),
        (DENOISER_CONFIG, STAGE_TWO),
    ],
    ids=["stage one", "stage two", "mixed lengths", "stmo", "tcn", "denoiser"],
)
def test_a_resumed_run_is_exactly_the_run_that_was_not_interrupted(tmp_path, config, stage):
    stage = replace(stage, windows=12 * 6)
    whole = Trainer(config, stage, small_pack(), CPU)
    steps = whole.run(report_every=3)
    next(steps)
    whole.save(tmp_path / "half.checkpoint")
    for _ in steps:
        pass
    resumed = Trainer(replace(config, seed=99), stage, small_pack(), CPU)
    resumed.resume(tmp_path / "half.checkpoint")
    assert resumed.step == 3
    for _ in resumed.run(report_every=3):
        pass
    for part in ("model", "averaged"):
        one, other = getattr(whole, part).state_dict(), getattr(resumed, part).state_dict()
        assert all(torch.equal(one[name], other[name]) for name in one), part


def test_a_run_goes_on_elsewhere_from_its_weights_alone(tmp_path):
    trainer = Trainer(CONFIG, replace(STAGE_ONE, windows=24), small_pack(), CPU)
    for _ in trainer.run():
        pass
    trainer.export(tmp_path / "one.safetensors", {"hours": 1})
    model, card = load_weights(tmp_path / "one.safetensors", CPU)
    assert card == {"hours": 1} and not model.training
    second = Trainer(CONFIG, STAGE_TWO, small_pack(), CPU)
    second.start_from(model)
    weight = second.model.temporal.blocks[0].expand.weight
    assert torch.allclose(weight, trainer.averaged.temporal.blocks[0].expand.weight, atol=1e-3)


@pytest.mark.parametrize("config", [CONFIG, STMO_CONFIG, TCN_CONFIG], ids=["mpm", "stmo", "tcn"])
def test_weights_say_which_network_they_are_of(tmp_path, config):
    network = build_network(config.model)
    save_weights(tmp_path / "w.safetensors", network, {})
    loaded = load_weights(tmp_path / "w.safetensors", CPU)[0]
    assert type(loaded) is type(network) and loaded.config == config.model
    assert load_lifter(weights=tmp_path / "w.safetensors").name == network.name


def test_weights_of_version_0_1_0_are_read_as_what_they_are(tmp_path):
    """They do not say how positions are told, and have neither convolutions nor heads for the ground."""
    sizes = {"frames": 27, "width": 32, "heads": 4, "feed_forward": 32, "encoder_width": 32, "blocks": 1}
    model = MPM(MPMConfig(**sizes, **MPM_BEFORE_GROUND)).eval()
    save_weights(tmp_path / "new.safetensors", model, {"hours": 2})
    tensors, header = load_tensors(tmp_path / "new.safetensors", CPU)
    old = {name: value for name, value in header["model"].items() if name not in MPM_BEFORE_GROUND}
    save_tensors(tmp_path / "old.safetensors", tensors, header | {"format": "mpm-weights-1", "model": old})
    loaded, card = load_weights(tmp_path / "old.safetensors", CPU)
    assert loaded.config == model.config and card == {"hours": 2}
    prediction = load_lifter(weights=tmp_path / "old.safetensors").lift(demo_clip().cut(0, 40))
    assert prediction.up is None and prediction.contact is None and np.isfinite(prediction.positions).all()
    save_tensors(tmp_path / "later.safetensors", tensors, header | {"format": "mpm-weights-3"})
    with pytest.raises(UserError, match="of a later version"):
        load_weights(tmp_path / "later.safetensors", CPU)


def test_a_run_ends_in_time_with_weights(tmp_path):
    """However many windows are left; the learning rate comes down before."""
    pack = write_small_pack(tmp_path / "pack.npz")
    sizes = ("model.frames=27", "model.width=32", "model.heads=4", "model.blocks=1", "model.feed_forward=32")
    settings = (*sizes, "stage_one.batch=8", "stage_two.batch=8", "stage_two.windows=100000000")
    arguments = ["train", str(pack), "-o", str(tmp_path / "run"), "--minutes", "0.08"]
    began = time.monotonic()
    assert main([*arguments, *(part for setting in settings for part in ("--set", setting))]) == 0
    assert time.monotonic() - began < 240
    for stage in ("I", "II"):
        card = load_weights(tmp_path / "run" / f"stage-{stage}.safetensors", CPU)[1]
        assert card["stage"] == stage and card["steps"] > 0


def test_windows_may_be_longer_than_the_networks_where_positions_are_relative():
    lengths = {9: 1.0, 81: 1.0}
    drawn = [draw_length(lengths, 27, True, (0, step)) for step in range(40)]
    assert {frames for frames, _ in drawn} == {9, 81}
    assert all(0 <= first <= max(27 - frames, 0) for frames, first in drawn)
    assert {draw_length(lengths, 27, False, (0, step))[0] for step in range(40)} == {9, 27}
    assert draw_length({}, 27, True, (0, 3)) == (27, 0)
    stage = replace(STAGE_TWO, lengths=lengths, windows=12 * 4)
    assert [report.done for report in Trainer(CONFIG, stage, small_pack(), CPU).run(report_every=2)] == [24, 48]


def test_what_is_hidden_follows_from_the_step_alone():
    parts = [(6, {"limbs": 1.0}), (4, {"joints": 1.0})]
    first, again, later = (Request(27, 0, parts, MaskRatios(), (0, step)).draw() for step in (5, 5, 6))
    assert first.shape == (10, 27, 16) and np.array_equal(first, again) and not np.array_equal(first, later)


def test_shipped_size_fits_the_limit(tmp_path):
    save_weights(tmp_path / "w.safetensors", MPM(MPMConfig(frames=243)), {})
    assert (tmp_path / "w.safetensors").stat().st_size < 16 * 2**20


def test_weights_of_another_network_are_refused_in_one_sentence(tmp_path):
    model = MPM(replace(MPMConfig(), frames=27, width=32, heads=4, encoder_width=32))
    save_weights(tmp_path / "w.safetensors", model, {})
    tensors, header = load_tensors(tmp_path / "w.safetensors", CPU)
    odd = {"model": header["model"] | {"width": 64}}, {"model": header["model"] | {"nosuch": 1}}, {"model": {"heads": 5}}
    for changes in odd:
        save_tensors(tmp_path / "odd.safetensors", tensors, header | changes)
        with pytest.raises(UserError, match=r"odd\.safetensors: holds the weights of another network") as error:
            load_weights(tmp_path / "odd.safetensors", CPU)
        assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_stage_or_size_is_refused(tmp_path):
    trainer = Trainer(CONFIG, STAGE_ONE, small_pack(), CPU)
    trainer.save(tmp_path / "one.checkpoint")
    with pytest.raises(UserError, match="stage II"):
        Trainer(CONFIG, STAGE_TWO, small_pack(), CPU).resume(tmp_path / "one.checkpoint")
    wider = with_changes(CONFIG, {"model.width": 32})
    with pytest.raises(UserError, match="another size"):
        Trainer(wider, STAGE_ONE, small_pack(), CPU).resume(tmp_path / "one.checkpoint")
    (tmp_path / "bad.checkpoint").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"bad\.checkpoint"):
        trainer.resume(tmp_path / "bad.checkpoint")


@pytest.mark.parametrize("change", ["step", "mask_seed", "seconds", "draw", "adam", "model", "cut"])
def test_a_damaged_checkpoint_is_refused_in_one_sentence(tmp_path, change):
    path = tmp_path / "one.checkpoint"
    trainer = Trainer(CONFIG, STAGE_ONE, small_pack(), CPU)
    trainer.save(path)
    tensors, header = load_tensors(path, CPU)
    if change in header:
        header[change] = "x" if change == "seconds" else None
    elif change == "draw":
        tensors["random.draw"] = torch.zeros(3)
    elif change == "adam":
        tensors["adam.x.step"] = torch.zeros(1)
    else:
        tensors = {name: value for name, value in tensors.items() if not name.startswith(change)}
    save_tensors(path, tensors, header)
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"one\.checkpoint: ") as error:
        trainer.resume(path)
    assert "\n" not in str(error.value) and "'" not in str(error.value)


def test_learning_rate_warms_up_decays_and_cools_down():
    rate = RateConfig(1.0, decay=0.5, windows_per_epoch=100, warm_up_steps=10, cool_down_share=0.2)
    assert learning_rate(rate, 0, 0.0, 10) == pytest.approx(0.1)
    assert learning_rate(rate, 9, 0.09, 10) == pytest.approx(1.0)
    assert learning_rate(rate, 10, 0.1, 10) == pytest.approx(0.5)
    assert learning_rate(rate, 99, 0.99, 10) < learning_rate(rate, 80, 0.8, 10) / 10


def test_the_default_settings_are_the_papers():
    config = TrainConfig()
    assert (config.stage_one.rate.peak, config.stage_two.rate.peak) == (1e-3, 7e-4)
    assert config.stage_one.batch == config.stage_two.batch == 1024
    assert (config.stage_one.weight_2d, config.stage_one.weight_3d, config.stage_one.weight_lift) == (5.0, 2.0, 1.0)
    assert (config.stage_two.weight_middle, config.stage_two.weight_sequence) == (2.0, 1.0)
    assert config.stage_one.rate.decay == 0.98


def test_stage_one_tasks_split_the_batch_evenly():
    assert Tasks.of_stage_one(32, STAGE_ONE) == Tasks(12, 10, 10)
    assert Tasks.of_stage_one(33, replace(STAGE_ONE, tasks=("3d", "2d"))) == Tasks(0, 17, 16)
    for wrong in ((), ("2d", "4d"), ("2d", "2d")):
        with pytest.raises(UserError, match=r"stage_one\.tasks must name"):
            Tasks.of_stage_one(32, replace(STAGE_ONE, tasks=wrong))


def test_settings_are_changed_by_name_and_wrong_ones_refused():
    assert with_changes(TrainConfig(), {"stage_two.batch": 64, "model.frames": 27}).stage_two.batch == 64
    for name, value in (("nosuch", 1), ("stage_one.nosuch", 1), ("stage_one.batch.x", 1), ("model.frames", "many")):
        with pytest.raises(UserError, match=name.split(".")[0]):
            with_changes(TrainConfig(), {name: value})


def test_mean_distance_by_hand():
    target = torch.zeros(1, 2, 2, 3)
    answer = target.clone()
    answer[0, 0, 0] = torch.tensor([3.0, 0.0, 4.0])
    answer[0, 1] = 100
    frames = torch.tensor([[True, False]])
    assert mean_distance(answer, target, frames) == pytest.approx(2.5)
    weights = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    assert mean_distance(answer, target, frames, weights) == pytest.approx(5.0)
