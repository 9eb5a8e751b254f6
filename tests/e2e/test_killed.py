"""Whenever the program is killed, the project on disk opens and no more than the last moments of work are lost."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from app.workers.autosave import find_leftovers
from mpm_core.formats.project import read_project
from tests.e2e.conftest import busyness
from tests.soak.killed import PROJECT, digest_of

KILLS = int(os.environ.get("MPM_KILLS", "3"))
INTERVAL_S = 0.5
# Writing takes a while; what the person does meanwhile is measured.
SLACK_S = 3.0


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_session_loses_only_the_last_moments(tmp_path, state_folder, seed):
    lasting = random.Random(seed).uniform(1.0, 8.0)
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "offscreen", "MPM_AUTOSAVE_SECONDS": str(INTERVAL_S), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.soak.killed", str(tmp_path), str(seed)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as session:
        assert session.stdout.readline() == b"ready\n"
        time.sleep(lasting)
        session.send_signal(signal.SIGKILL)
    assert session.returncode == -signal.SIGKILL
    states = [line.split() for line in (tmp_path / "state.log").read_text().splitlines() if line.count(" ") == 2]
    states = [(float(when), digest, is_unsaved == "1") for when, digest, is_unsaved in states]
    read_project(tmp_path / PROJECT)
    found = find_leftovers()
    assert len(found) <= 1
    kept = digest_of(found[0].project) if found else ""
    end = states[-1][0]
    ends = [*(state[0] for state in states[1:]), end]
    # What is found was the work lately, or, where nothing is, all of the work was on disk lately.
    lately = [until for (_, digest, is_unsaved), until in zip(states, ends, strict=True)
              if (digest == kept if found else not is_unsaved)]  # fmt: skip
    lost = end - max(lately, default=states[0][0])
    longest_step = max(until - when for (when, *_), until in zip(states, ends, strict=True))
    print(f"{len(states)} steps in {lasting:.1f} s, {lost:.2f} s lost, longest step {longest_step:.2f} s")
    assert lost <= INTERVAL_S + SLACK_S * busyness() + 2 * longest_step
