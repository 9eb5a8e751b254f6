"""Many files on a Dask cluster of two workers on this machine, one of which is killed on the way."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from mpm_core import write
from mpm_core.cli import main

CLIPS = 10


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers; each in a process of its own, without the nanny that would revive it."""
    if not os.environ.get("MPM_CLUSTER"):
        pytest.skip("starts a cluster, which MPM_CLUSTER=1 asks for: make test-all")
    pytest.importorskip("distributed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    log = tmp_path / "scheduler.log"
    running = [subprocess.Popen(run, stdout=log.open("w"), stderr=subprocess.STDOUT, cwd=tmp_path, env=environment)]
    address = wait_for(lambda: re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text()))[0]
    (tmp_path / "elsewhere").mkdir()
    for number in range(2):
        run = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        output = (tmp_path / f"worker{number}.log").open("w")
        running.append(
            subprocess.Popen(run, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path / "elsewhere", env=environment)
        )
    yield address, running[1:]
    for process in reversed(running):
        process.kill()
        process.wait()


def wait_for(found, seconds=120):
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)
    return result


@pytest.mark.slow
def test_a_cluster_makes_what_one_process_makes_though_a_worker_is_lost(tmp_path, demo, cluster, monkeypatch, capsys):
    address, workers = cluster
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for number in range(CLIPS):
        write(demo.cut(30 * number, 30 * number + 150), tmp_path / "in" / ("sub" * (number % 2)) / f"{number}.npz")
    (tmp_path / "in" / "broken.npz").write_bytes(b"no archive")
    (tmp_path / "list.txt").write_text("\n".join(map(str, sorted((tmp_path / "in").rglob("*.npz")))))
    asked = ["lift", "@list.txt", "--to", "bvh,csv,trc", "--device", "cpu", "--base", "in"]
    assert main([*asked, "-o", "one"]) == 2
    one = {p.relative_to(tmp_path / "one"): p.read_bytes() for p in (tmp_path / "one").rglob("*.*v*")}

    command = [sys.executable, "-m", "mpm_core.cli", *asked, "-o", "out", "--dask", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        wait_for(lambda: list((tmp_path / "out").rglob("*.trc")) or run.poll() is not None)
        workers[0].send_signal(signal.SIGKILL)
        table, said = run.communicate(timeout=300)
    assert run.returncode == 2 and f"{CLIPS} done" in table and "1 failed" in table and "broken.npz" in table, said
    assert "Traceback" not in said
    assert {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*.*v*")} == one
    assert not list((tmp_path / "out").rglob(".*.partial"))
    capsys.readouterr()
    assert main([*asked, "-o", "out", "--resume", "--dask", address, "--json"]) == 2
    assert f'"skipped": {CLIPS}' in capsys.readouterr().out
