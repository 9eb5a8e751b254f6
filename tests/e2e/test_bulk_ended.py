"""Runs over many clips that somebody ends: no worker goes on, nothing is half-written, and --resume makes the rest."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mpm_core import read_clip, write
from mpm_core.cli import main
from tests.conftest import COMMAND_LINE
from tests.e2e.conftest import busyness

CLIPS = int(os.environ.get("MPM_CLIPS", "12"))
KILLS = int(os.environ.get("MPM_KILLS", "3"))
ENDS_WITHIN_S = 1.0
# A worker that goes on does so for far longer.
SLACK_S = 2.0


@pytest.fixture
def clips(tmp_path, demo):
    """A folder of small clips, three of them broken, with a hidden file and a folder inside."""
    folder = tmp_path / "in"
    (folder / "inside").mkdir(parents=True)
    for number in range(CLIPS - 3):
        write(demo.cut(3 * number % 600, 3 * number % 600 + 24), folder / ("inside" * (number % 4 == 3)) / f"{number:03d}.npz")
    (folder / "broken1.npz").write_bytes(b"no archive")
    (folder / "broken2.json").write_text("{")
    (folder / "inside" / "broken3.csv").write_text("a,b\n1,x\n")
    (folder / ".hidden.npz").write_bytes(b"")
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("[!.]*") if p.is_file() and p.suffix != ".log"}


def alive(pid):
    """Whether a process is there and works; one that has ended and waits to be noted does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def started(arguments, folder):
    return subprocess.Popen([*COMMAND_LINE, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")
def test_a_run_that_is_ended_goes_on_with_the_same_files(tmp_path, clips, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    asked = ["lift", "in", "--to", "bvh,csv,trc", "--device", "cpu"]
    assert main([*asked, "-o", "whole"]) == 2
    table = capsys.readouterr().out
    assert all(name in table for name in ("broken1.npz", "broken2.json", "inside/broken3.csv"))
    assert f"{CLIPS - 3} done" in table and "3 failed" in table and ".hidden.npz (hidden)" in caplog.text
    whole = contents(tmp_path / "whole")
    assert len(whole) == 3 * (CLIPS - 3) and sum("inside" in name for name in whole) == 3 * ((CLIPS - 3) // 4)

    out = tmp_path / "out"
    with started([*asked, "-o", "out", "--jobs", "2"], tmp_path) as run:
        wait_until(lambda: len(list(out.rglob("*.trc"))) >= CLIPS // 3)
        workers = children(run.pid)
        run.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, said = run.communicate()
        assert time.monotonic() - began < ENDS_WITHIN_S + SLACK_S * busyness()
    assert run.returncode == 128 + signal.SIGTERM and "Traceback" not in said
    wait_until(lambda: not any(map(alive, workers)), SLACK_S * busyness())
    assert not list(out.rglob(".*.partial"))
    part = contents(out)
    assert 0 < len(part) < len(whole) and part.items() <= whole.items()

    assert main([*asked, "-o", "out", "--jobs", "1", "--resume"]) == 2
    assert "were done before" in capsys.readouterr().out
    assert contents(out) == whole


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")
@pytest.mark.parametrize(
    ("command", "number", "status"),
    [("convert", signal.SIGINT, 130), ("convert", signal.SIGTERM, 143), ("lift", signal.SIGKILL, -9)],
)
def test_no_worker_outlives_the_run(tmp_path, clips, demo, command, number, status):
    """Large clips are converted, which needs no network, so that much happens in little time. Where the run is killed they are
    lifted: torch keeps Python, and so whatever looks after the run there, waiting for seconds."""
    for path in clips.rglob("*.npz"):
        write(demo, path)
    with started([command, "in", "-o", "out", "--to", "csv,bvh,trc", "--jobs", "2"], tmp_path) as run:
        wait_until(lambda: list((tmp_path / "out").rglob("*.csv")))
        workers = children(run.pid)
        assert sum(map(alive, workers)) >= 2
        run.send_signal(number)
        began = time.monotonic()
        _, said = run.communicate()
        wait_until(lambda: not any(map(alive, workers)), ENDS_WITHIN_S + SLACK_S * busyness())
    print(f"ended after {time.monotonic() - began:.2f} s")
    assert run.returncode == status and "Traceback" not in said
    if number != signal.SIGKILL:
        assert not list((tmp_path / "out").rglob(".*.partial"))


EXPORTS = ("bvh", "csv", "trc", "c3d", "glb", "json", "npz", "mot")

WRITER = """
import itertools, sys
from pathlib import Path
from mpm_core import read_clip, write
clips = [read_clip(path) for path in sys.argv[2:]]
print("ready", flush=True)
for clip in itertools.cycle(clips):
    for ending in {endings!r}:
        write(clip, Path(sys.argv[1]) / f"out.{{ending}}")
"""


@pytest.fixture(scope="module")
def two_clips(tmp_path_factory, demo):
    """Files of two clips, and what each export of them holds."""
    folder, files, expected = tmp_path_factory.mktemp("two"), [], {ending: set() for ending in EXPORTS}
    for name, first in (("one", 0), ("two", 200)):
        write(demo.cut(first, first + 150), folder / f"{name}.npz")
        files.append(folder / f"{name}.npz")
        for ending in EXPORTS:
            write(read_clip(files[-1]), folder / f"expected.{ending}")
            expected[ending].add(digest(folder / f"expected.{ending}"))
    return files, expected


def digest(path):
    """What a file holds; of an NPZ its arrays but for the history, which says when it was read."""
    if path.suffix != ".npz":
        return path.read_bytes()
    with np.load(path) as arrays:
        return tuple((name, arrays[name].tobytes()) for name in sorted(arrays.files) if name != "history")


@pytest.mark.parametrize("seed", range(KILLS))
def test_an_export_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path, two_clips, seed):
    files, expected = two_clips
    command = [sys.executable, "-c", WRITER.format(endings=EXPORTS), str(tmp_path), *map(str, files)]
    for ending in EXPORTS:
        write(read_clip(files[0]), tmp_path / f"out.{ending}")
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(random.Random(seed).uniform(0, 2.5))
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    for ending in EXPORTS:
        assert digest(tmp_path / f"out.{ending}") in expected[ending], ending
        write(read_clip(files[1]), tmp_path / f"out.{ending}")  # what was begun does not hinder the next one
    assert not list(tmp_path.glob(".*"))
