"""Our BVH and GLB in Blender, which is too large to be a dependency: make test-all installs it beside the project's own."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mpm_core import write
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.bvh import motion_of

IMPORTER = Path(__file__).parents[1] / "blender_import.py"


def in_blender(path, rate=50):
    blender = os.environ.get("MPM_BLENDER_PYTHON")
    if not blender:
        pytest.skip("needs an interpreter with Blender (bpy), which MPM_BLENDER_PYTHON names: make test-all")
    command = [blender, str(IMPORTER), str(path), str(path.with_suffix(".npz")), str(rate)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(path.with_suffix(".npz")) as seen:
        return dict(seen)


def in_order(seen, motion, prefix=""):
    return [list(seen["names"]).index(prefix + joint.name) for joint in motion.joints]


def with_z_up(motion):
    x, y, z = np.moveaxis(motion.joint_positions(), -1, 0)
    return np.stack((x, -z, y), axis=-1)  # Blender's Z is up


@pytest.fixture(scope="module")
def short(demo):
    return demo.cut(0, 149)


@pytest.fixture(scope="module")
def prediction(short, lifter):
    return lifter.lift(short)


@pytest.mark.slow
@pytest.mark.parametrize(("prefix", "rate"), [("", None), ("mixamorig:", 30)])
def test_the_person_of_a_bvh_stands_upright_on_the_floor_in_blender(tmp_path, prediction, short, prefix, rate):
    options = WriteOptions(clip=short, unit="m", prefix=prefix, fps=rate)
    write(prediction, tmp_path / "walk.bvh", options)
    seen = in_blender(tmp_path / "walk.bvh", rate or 50)
    names, heads, tails = list(seen["names"]), seen["heads"], seen["tails"]
    motion, _ = motion_of(prediction, options)
    assert np.abs(heads[:, in_order(seen, motion, prefix)] - with_z_up(motion)).max() < 1e-4
    assert (heads[:, names.index(f"{prefix}Head"), 2] - heads[:, names.index(f"{prefix}Hips"), 2] > 0.4).all()
    lowest = np.minimum(*(tails[:, names.index(f"{prefix}{side}ToeBase"), 2] for side in ("Left", "Right")))
    assert lowest.min() > -0.01 and np.median(lowest) < 0.05
    assert seen["lengths"].min() > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "mixamorig:"])
def test_the_person_of_a_glb_stands_upright_on_the_floor_in_blender(tmp_path, prediction, short, prefix):
    options = WriteOptions(clip=short, prefix=prefix)
    write(prediction, tmp_path / "walk.glb", options)
    seen = in_blender(tmp_path / "walk.glb")
    motion, _ = motion_of(prediction, options)
    assert seen["heads"].shape[0] == len(prediction)
    assert np.abs(seen["heads"][:, in_order(seen, motion, prefix)] - with_z_up(motion)).max() < 1e-3
    # The body of capsules goes with the bones: soles near the floor, the crown where a person has it.
    assert len(seen["lowest"]) == len(prediction) and seen["lowest"].min() > -0.06 and np.median(seen["lowest"]) < 0.05
    assert 1.4 < np.median(seen["highest"]) < 2.0
