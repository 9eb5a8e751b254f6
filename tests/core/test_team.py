import csv
import subprocess
import sys

import pytest
import torch

from mpm_core.training.checkpoint import load_tensors
from mpm_core.training.team import Team
from tests.core.test_data import write_small_pack

SETTINGS = [
    "model.frames=27", "model.width=32", "model.heads=4", "model.encoder_width=32", "model.feed_forward=32", "model.blocks=1",
    "model.dropout=0", "precision=float32", "stage_one.windows=30", "stage_two.windows=30", "stage_one.batch=10",
    "stage_two.batch=10",
]  # fmt: skip


def run_training(folder, pack, processes):
    train = ["train", str(pack), "-o", str(folder), "--device", "cpu", *(x for s in SETTINGS for x in ("--set", s))]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m", "mpm_core.cli"]
    alone = ["-m", "mpm_core.cli"]
    command = [sys.executable, *(torchrun if processes > 1 else alone), *train]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    pack = write_small_pack(folder / "pack.npz")
    for processes in (1, 2):
        run_training(folder / str(processes), pack, processes)
    return folder


def test_two_processes_learn_what_one_learns(runs):
    for stage in ("I", "II"):
        one, two = (load_tensors(runs / n / f"stage-{stage}.checkpoint", torch.device("cpu"))[0] for n in "12")
        names = [name for name in one if name.startswith("model.") and one[name].is_floating_point()]
        assert names
        for name in names:
            assert torch.allclose(one[name], two[name], atol=2e-4), (stage, name)


def test_two_processes_report_the_losses_of_one(runs):
    one, two = (list(csv.reader((runs / n / "stage-II.csv").open())) for n in "12")
    assert one[0] == two[0] == ["step", "windows", "seconds", "lift", "sequence", "3d", "2d", "middle"]
    assert len(one) == len(two) == 2 and one[1][:2] == two[1][:2] == ["3", "30"]
    assert [float(x) for x in one[1][3:]] == pytest.approx([float(x) for x in two[1][3:]], rel=1e-3)


def test_the_first_process_logs_for_tensorboard(runs):
    pytest.importorskip("tensorboard", reason="needs the extra 'train'")
    for processes in "12":
        assert len(list((runs / processes / "tensorboard" / "II").iterdir())) == 1


def test_the_states_of_both_processes_are_saved(runs):
    tensors, _ = load_tensors(runs / "2" / "stage-II.checkpoint", torch.device("cpu"))
    assert not torch.equal(tensors["random.torch.0"], tensors["random.torch.1"])


def test_shares_are_every_window_once():
    rows = torch.arange(11)
    teams = [Team(rank, 3) for rank in range(3)]
    assert sorted(torch.cat([team.share(rows) for team in teams]).tolist()) == list(range(11))
    assert [team.count(11) for team in teams] == [len(team.share(rows)) for team in teams]
    assert all((team.share(rows)[: team.count(5)] < 5).all() for team in teams)
