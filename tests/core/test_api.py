"""The package's public calls: few, typed, and each with an example that does what it says."""

import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mpm_core
from mpm_core import write
from mpm_core.detectors import DETECTORS
from mpm_core.skeleton import MPM16
from tests.conftest import body25_from_mpm16
from tests.videos import write_video

PAGES = [Path(__file__).parents[2] / page for page in ("README.md", "docs/api.md")]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", mpm_core.__all__)
def test_examples_do_what_they_say(name, here):
    call = getattr(mpm_core, name)
    found = doctest.DocTestFinder(recurse=False).find(call, name, globs={})
    assert found and found[0].examples, f"{name} has no example"
    told = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found[0], out=told.append)
    assert not told, "".join(told)


def test_public_calls_are_few_and_typed():
    assert len(mpm_core.__all__) <= 12
    for name in mpm_core.__all__:
        call = getattr(mpm_core, name)
        if inspect.isfunction(call):
            assert all(p.annotation is not p.empty for p in inspect.signature(call).parameters.values())
            assert inspect.signature(call).return_annotation is not inspect.Signature.empty


def test_public_names_are_told_before_they_are_imported():
    code = (
        "import sys, mpm_core; assert 'numpy' not in sys.modules; assert set(mpm_core.__all__) <= set(dir(mpm_core))\n"
        "assert mpm_core.formats.base.WriteOptions and mpm_core.truth\n"  # as if all had been imported
        "from mpm_core import *; from mpm_core.clip import Clip as same; assert Clip is same and callable(load_lifter)\n"
        "assert not hasattr(mpm_core, 'nothing_of_this_name')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_python_that_is_shown_runs(here, demo, squares, cache, monkeypatch):
    people = body25_from_mpm16(demo.keypoints[:250])
    frames = {f"{n:06d}": {"people": [{"pose_keypoints_2d": p.ravel().round(3).tolist()}]} for n, p in enumerate(people)}
    (here / "walk.json").write_text(json.dumps(frames))
    write(demo.cut(0, 249), here / "walk.c3d")
    write_video(here / "walk.mp4", np.arange(20) / 25, (320, 240))
    monkeypatch.setitem(DETECTORS, "mediapipe", squares)
    blocks = [block for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)]
    names = {"positions": demo.ground_truth[:250].copy()}
    assert len(blocks) >= 2
    for block in blocks:
        exec(block.replace("fps=30", f"fps={demo.fps}").replace("(1920, 1080)", str(demo.image_size)), names)
    assert names["found"].is_sure and names["prediction"].hidden[100:200, MPM16.index("LWrist")].all()
    assert (here / "walk.bvh").exists() and len(names["filled"]) == 250
