"""Our TRC and MOT in OpenSim, which is too large to be a dependency: make test-all installs it in an environment of its own."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mpm_core import write
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import world_of
from mpm_core.skeleton import MPM16

SCRIPT = Path(__file__).parents[1] / "opensim_kinematics.py"


def run_opensim(*arguments):
    opensim = os.environ.get("MPM_OPENSIM_PYTHON")
    if not opensim:
        pytest.skip("needs an interpreter with OpenSim (opensim), which MPM_OPENSIM_PYTHON names: make test-all")
    command = [opensim, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, cwd=arguments[-1].parent)
    assert done.returncode == 0, done.stderr[-2000:]


def read_mot(path):
    lines = path.read_text().splitlines()
    end = lines.index("endheader")
    rows = np.array([line.split() for line in lines[end + 2 :]], float)
    return dict(zip(lines[end + 1].split(), rows.T, strict=True))


@pytest.mark.slow
def test_inverse_kinematics_follows_our_markers(tmp_path, demo, lifter):
    short = demo.cut(0, 149)
    prediction, options = lifter.lift(short), WriteOptions(clip=short)
    for name in ("walk.trc", "walk.mot"):
        write(prediction, tmp_path / name, options)
    (tmp_path / "out").mkdir()
    run_opensim(tmp_path / "walk.trc", tmp_path / "walk.mot", tmp_path / "out")
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    print({name: value for name, value in figures.items() if name != "mot_columns"})
    assert (figures["frames"], figures["solved_frames"], figures["markers"]) == (150, 150, 16) and figures["rate"] == 50
    world = world_of(prediction, options)
    with np.load(tmp_path / "out" / "markers.npz") as seen:
        places = np.stack([seen[name] for name in MPM16.joints], axis=1)
    assert np.abs(places - world.positions).max() < 1e-6
    # OpenSim's own advice is an RMS under 20 mm and no marker off by more than 40.
    assert figures["rms_mm"] < 15 and figures["worst_mm"] < 40
    # The MOT is loaded, and the angles that it has are near those that OpenSim finds with its own body.
    ours, theirs = read_mot(tmp_path / "walk.mot"), read_mot(tmp_path / "out" / "ik.mot")
    assert figures["mot_rows"] == 150 and figures["mot_in_degrees"] == "yes" and figures["mot_columns"] == list(ours)[1:]
    for side in "LR":
        for hinge, sign, name in (("tibia", 1, "knee_angle"), ("radius", -1, "elbow_flex")):
            off = sign * theirs[f"{hinge}_{side}_joint_coord_0"] - ours[f"{name}_{side.lower()}"]
            assert np.sqrt(np.mean(off**2)) < 6, (side, name)


@pytest.mark.slow
def test_what_is_unknown_is_unknown_to_opensim(tmp_path, demo):
    """Also at the beginning and at the end of a row, and in the last marker."""
    truth = demo.ground_truth[:60].copy()
    truth[:5, :3], truth[20:30, 12], truth[40:, 15] = np.nan, np.nan, np.nan
    clip = replace(demo.cut(0, 59), ground_truth=truth)
    write(clip, tmp_path / "gap.trc")
    run_opensim(tmp_path / "gap.trc", tmp_path / "gap.npz")
    world = world_of(clip, WriteOptions())
    with np.load(tmp_path / "gap.npz") as seen:
        assert seen["rate"] == 50
        places = np.stack([seen[name] for name in MPM16.joints], axis=1)
    assert (np.isfinite(places) == np.isfinite(world.positions)).all()
    assert np.nanmax(np.abs(places - world.positions)) < 1e-6
