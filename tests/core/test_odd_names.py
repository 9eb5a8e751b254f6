"""Exports whose names or prefixes are odd: written whole, read back as they were, or refused in a sentence."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.cli import main
from mpm_core.formats.base import WriteOptions
from mpm_core.skeleton import MPM16
from tests.motion_files import pose_error_mm

PART = slice(250, 262)


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "Rig_"])
def test_our_bvh_comes_back_with_any_prefix(tmp_path, demo, prefix):
    """With one it was read as another program's: the head was 110 mm away, the spine 70."""
    write(demo.cut(PART.start, PART.stop - 1), tmp_path / "a.bvh", WriteOptions(prefix=prefix))
    clip = read_clip(tmp_path / "a.bvh")
    assert clip.skeleton is MPM16 and np.median(pose_error_mm(clip, demo, PART), axis=0).max() < 2


@pytest.mark.parametrize("prefix", ["a b:", "Ü:", "x\ty", "rig\n"])
def test_a_prefix_that_bvh_cannot_have(tmp_path, demo, prefix):
    with pytest.raises(UserError, match="--prefix"):
        write(demo.cut(0, 9), tmp_path / "a.bvh", WriteOptions(prefix=prefix))
    assert not (tmp_path / "a.bvh").exists()


@pytest.mark.parametrize("name", ["Tänzer 舞\tb\n", "'x' #1 %d [1] {y}"])
@pytest.mark.parametrize("ending", ["csv", "trc", "c3d", "json", "mot"])
def test_files_of_any_name(tmp_path, demo, name, ending):
    """TRC knows no letters but ASCII's, and ended in a traceback."""
    folder = tmp_path / "ein Ordner é"
    folder.mkdir()
    write(demo.cut(PART.start, PART.stop - 1), folder / f"{name}.npz")
    out = folder / f"{name}-aus.{ending}"
    assert main(["convert", str(folder / f"{name}.npz"), "-o", str(out)]) == 0 and out.stat().st_size > 0
    if ending in ("trc", "c3d", "json"):
        assert len(read_clip(out)) == PART.stop - PART.start
