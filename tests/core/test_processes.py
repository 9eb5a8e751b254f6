import csv
import subprocess
import sys

import pytest
import torch

from mpm_core.training.checkpoint import load_tensors
from mpm_core.training.processes import ProcessGroup
from tests.core.test_data import write_small_pack

SETTINGS = [
    "model.frames=27", "model.width=32", "model.heads=4", "model.encoder_width=32", "model.feed_forward=32", "model.blocks=1",
    "model.dropout=0", "precision=float32", "stage_one.windows=30", "stage_two.windows=30", "stage_one.batch=10",
    "stage_two.batch=10", "stage_one.rate.warm_up_steps=1", "stage_two.rate.warm_up_steps=1", "clip_norm=1000",
    'stage_two.lengths={"9": 0.5, "27": 0.5}',
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
    folder = tmp_path_factory.mktemp("processes")
    pack = write_small_pack(folder / "pack.npz")
    for processes in (1, 2):
        run_training(folder / str(processes), pack, processes)
    return folder


def test_two_processes_learn_what_one_learns(runs):
    for stage in ("I", "II"):
        one, two = (load_tensors(runs / n / f"stage-{stage}.checkpoint", torch.device("cpu"))[0] for n in "12")
        # Adam's mean gradients: its steps alone would forgive gradients of another size.
        gradients = [name for name in one if name.endswith(".exp_avg")]
        assert len(gradients) > 20
        for name in gradients:
            # What batch norm or the softmax takes away again has no gradient but rounding.
            assert (one[name] - two[name]).norm() <= 0.05 * one[name].norm() + 1e-6, (stage, name)
        assert one.keys() - two.keys() == set() and all(torch.equal(one[n], two[n]) for n in one if n.endswith(".step"))


def test_two_processes_report_the_losses_of_one(runs):
    one, two = (list(csv.reader((runs / n / "stage-II.csv").open())) for n in "12")
    assert one[0] == two[0]
    assert one[0][:8] == ["step", "windows", "seconds", "lift", "sequence", "middle", "3d", "2d"]
    assert {"up", "standing", "height"} < set(one[0])
    assert len(one) == len(two) == 2 and one[1][:2] == two[1][:2] == ["3", "30"]
    assert [x == "" for x in one[1]] == [x == "" for x in two[1]]
    first, second = ([float(x) for x in row[1][3:] if x] for row in (one, two))
    assert first == pytest.approx(second, rel=1e-3)


def test_the_first_process_logs_for_tensorboard(runs):
    pytest.importorskip("tensorboard", reason="needs the extra 'train'")
    for processes in "12":
        assert len(list((runs / processes / "tensorboard" / "II").iterdir())) == 1


def test_the_states_of_both_processes_are_saved(runs):
    tensors, _ = load_tensors(runs / "2" / "stage-II.checkpoint", torch.device("cpu"))
    assert not torch.equal(tensors["random.torch.0"], tensors["random.torch.1"])


def test_shares_are_every_window_once():
    rows = torch.arange(11)
    groups = [ProcessGroup(rank, 3) for rank in range(3)]
    assert sorted(torch.cat([processes.share(rows) for processes in groups]).tolist()) == list(range(11))
    assert [processes.count(11) for processes in groups] == [len(processes.share(rows)) for processes in groups]
    assert all((processes.share(rows)[: processes.count(5)] < 5).all() for processes in groups)


def test_what_two_processes_have_no_rows_or_gradients_for_stays_as_it_is(tmp_path):
    """Under torchrun: batch norm's statistics where no window does 3D, and gradients of what no window goes through."""
    script = tmp_path / "empty.py"
    script.write_text(
        "import torch\n"
        "from mpm_core.networks.batch_norm import SyncedBatchNorm\n"
        "from mpm_core.training.processes import ProcessGroup\n"
        "group, _ = ProcessGroup.join(torch.device('cpu'))\n"
        "norm = SyncedBatchNorm(3).train()\n"
        "norm(torch.randn(0, 3))\n"
        "assert torch.isfinite(norm.running_mean).all() and norm.num_batches_tracked == 0\n"
        "rows = torch.arange(12.0).view(4, 3)\n"
        "answer, plain = norm(group.share(rows)), torch.nn.BatchNorm1d(3).train()\n"
        "assert torch.allclose(answer, group.share(plain(rows)), atol=1e-5)\n"
        "assert torch.allclose(norm.running_var, plain.running_var) and torch.allclose(norm.running_mean, plain.running_mean)\n"
        "layer = torch.nn.Linear(2, 2)\n"
        "layer.weight.sum().backward()\n"
        "group.add_gradients(layer)\n"
        "assert (layer.weight.grad == 2).all() and layer.bias.grad is None\n"
        "group.leave()\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
