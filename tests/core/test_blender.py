"""Our BVH in Blender, which is too large to be a dependency: make test-all installs it beside the project's environment."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mpm_core import write
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import motion_of

IMPORTER = Path(__file__).parents[1] / "blender_import.py"


@pytest.mark.slow
def test_the_person_stands_upright_on_the_floor_in_blender(tmp_path, demo, lifter):
    blender = os.environ.get("MPM_BLENDER_PYTHON")
    if not blender:
        pytest.skip("needs an interpreter with Blender (bpy), which MPM_BLENDER_PYTHON names: make test-all")
    short = demo.cut(0, 149)
    prediction, options = lifter.lift(short), WriteOptions(clip=short, unit="m")
    write(prediction, tmp_path / "walk.bvh", options)
    command = [blender, str(IMPORTER), str(tmp_path / "walk.bvh"), str(tmp_path / "walk.npz")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with np.load(tmp_path / "walk.npz") as seen:
        names, heads, tails, lengths = (seen[name] for name in ("names", "heads", "tails", "lengths"))
    motion, _ = motion_of(prediction, options)
    order = [list(names).index(joint.name) for joint in motion.joints]
    x, y, z = np.moveaxis(motion.joint_positions(), -1, 0)
    assert np.abs(heads[:, order] - np.stack((x, -z, y), axis=-1)).max() < 1e-4  # Blender's Z is up
    place = {name: heads[:, n] for n, name in enumerate(names)}
    assert (place["Head"][:, 2] - place["Hips"][:, 2] > 0.4).all()
    lowest = np.minimum(tails[:, list(names).index("LeftToeBase"), 2], tails[:, list(names).index("RightToeBase"), 2])
    assert lowest.min() > -0.01 and np.median(lowest) < 0.05
    assert lengths.min() > 0.02
