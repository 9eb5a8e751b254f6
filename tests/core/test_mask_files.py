import numpy as np
import pytest

from mpm_core import UserError, write
from mpm_core.formats.base import WriteOptions
from mpm_core.mask_files import read_mask_file, write_mask_file
from mpm_core.skeleton import MPM16


@pytest.fixture
def mask():
    return np.random.default_rng(3).random((50, 16)) < 0.3


@pytest.mark.parametrize("name", ["mask.npz", "mask.csv"])
def test_a_mask_comes_back(tmp_path, mask, name):
    write_mask_file(mask, tmp_path / name)
    assert np.array_equal(read_mask_file(tmp_path / name, 50), mask)
    with pytest.raises(UserError, match=r"mask\.\w+: .*5[01]"):
        read_mask_file(tmp_path / name, 51)


def test_the_mask_of_a_saved_clip_is_one_too(tmp_path, demo, mask):
    write(demo.cut(0, 49), tmp_path / "clip.npz", WriteOptions(mask=mask))
    assert np.array_equal(read_mask_file(tmp_path / "clip.npz", 50), mask)
    write(demo.cut(0, 49), tmp_path / "bare.npz")
    with pytest.raises(UserError, match="has no mask"):
        read_mask_file(tmp_path / "bare.npz", 50)


def test_some_joints_in_any_order(tmp_path):
    (tmp_path / "few.csv").write_text("frame,LWrist,Head\n0,1,0\n1,0,1\n")
    mask = read_mask_file(tmp_path / "few.csv", 2)
    wrist, head = MPM16.indices(("LWrist", "Head"))
    assert mask.sum() == 2 and mask[0, wrist] and mask[1, head]


@pytest.mark.parametrize(("text", "words"), [
    ("frame,LWrist\n0,1\n1,2\n", "LWrist in row 3 is 2, not 0 or 1"),
    ("frame,Hand\n0,1\n1,0\n", "no column that is called as a joint"),
    ("frame,LWrist\n0,1\n1,\n", "LWrist in row 3 is nan"),
    ("frame,LWrist\n1,1\n2,0\n", "does not count from 0 to 1"),
])  # fmt: skip
def test_what_is_no_mask_is_refused(tmp_path, text, words):
    (tmp_path / "wrong.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        read_mask_file(tmp_path / "wrong.csv", 2)


def test_another_ending_is_refused(tmp_path, mask):
    with pytest.raises(UserError, match="a mask is written as"):
        write_mask_file(mask, tmp_path / "mask.txt")
