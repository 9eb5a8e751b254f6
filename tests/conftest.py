"""Fixtures that several tests share: the demo, the lifter, small files of every format, and the benchmark if it is there."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # a process to each core: two that share all cores are many times slower
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch looks when it loads

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication

from app.workers.newest_wins import NewestWins
from mpm_core import load_lifter, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.detectors import DETECTORS, base
from mpm_core.detectors.model_store import fetch_model
from mpm_core.errors import UserError
from mpm_core.skeleton import BODY25, COCO17, MPM16
from tests.squares import SquareFinder

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as where a shell has started the tests in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs that tests start and interrupt would ignore that, too

# pyqtgraph keeps its shader programs for the whole process, so the windows of all tests must share them.
QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)

_LEAVING_S = 60.0
"""What is on its way out has so long."""

COMMAND_LINE = (sys.executable, "-m", "mpm_core.cli")
"""The command mpm, in a process of its own."""

SHARED = Path(os.environ.get("MPM_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    """Work that is kept aside goes to a folder of the test's own, not to the user's."""
    monkeypatch.setenv("MPM_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "unsaved"


@pytest.fixture(autouse=True, scope="session")
def nothing_is_frozen():
    """A viewer freezes what is there once its window is; a process of many windows after each other would keep them all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        yield


@pytest.fixture(autouse=True)
def no_leftovers():
    """Fails a test that leaves windows or threads behind; widgets that qtbot knows are closed before this looks."""
    before = _windows_and_threads()
    yield
    deadline = time.monotonic() + _LEAVING_S
    while (left := _windows_and_threads() - before) and time.monotonic() < deadline:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        time.sleep(0.02)
    if left:
        pytest.fail("left behind: " + ", ".join(sorted(text for _, text in left)))


def _windows_and_threads():
    """Top-level widgets, and threads that are not daemons or are one of the viewer's workers, each with what it is."""
    found = {(thread.ident, f"thread {thread.name}") for thread in threading.enumerate() if not thread.daemon}
    if isinstance(app := QCoreApplication.instance(), QApplication):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        found |= {(shiboken6.getCppPointer(w)[0], f"{type(w).__name__} '{w.windowTitle()}'") for w in app.topLevelWidgets()}
    return found | {(id(thread), f"worker {thread._work.__qualname__}") for thread in _RUNNING}


_RUNNING: set[NewestWins] = set()
_run = NewestWins.run


def _noted_run(thread):
    _RUNNING.add(thread)
    try:
        _run(thread)
    finally:
        _RUNNING.discard(thread)


NewestWins.run = _noted_run


@pytest.fixture(scope="session")
def shared():
    """The folder with benchmark and motion data; tests that need it are skipped elsewhere."""
    if not (SHARED / "bench" / "open_val").is_dir():
        pytest.skip(f"needs the benchmark and motion data, which are not in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def demo():
    return read_clip(find_asset("demo/demo.npz"))


@pytest.fixture(scope="session")
def lifter():
    return load_lifter("mpm", "cpu")


def body25_from_mpm16(points):
    """(frames, 16, 2) -> (frames, 25, 3) with a score of 0.9 where BODY_25 has the joint, zeros elsewhere."""
    out = np.zeros((len(points), len(BODY25), 3))
    names = {"Hip": "MidHip", "Thorax": "Neck"}
    for j, name in enumerate(MPM16.joints):
        target = names.get(name, name)
        if target in BODY25.joints:
            k = BODY25.index(target)
            out[:, k, :2], out[:, k, 2] = points[:, j], 0.9
    # A face, without which the head could not be derived.
    nose = points[:, MPM16.index("Head")] * 0.55 + points[:, MPM16.index("Thorax")] * 0.45
    out[:, BODY25.index("Nose"), :2], out[:, BODY25.index("Nose"), 2] = nose, 0.8
    return out


def write_openpose(folder, points, first=0, others=()):
    """An OpenPose folder with one file per frame; `others`: further people as (frames, 25, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(len(points)):
        people = [{"pose_keypoints_2d": p[frame].ravel().round(3).tolist()} for p in (points, *others)]
        name = f"clip_{frame + first:012d}_keypoints.json"
        (folder / name).write_text(json.dumps({"version": 1.3, "people": people}))
    return folder


@pytest.fixture
def openpose_folder(tmp_path, demo):
    """120 frames of the demo as OpenPose would write them, 25 frames/s apart, with one lost wrist."""
    points = body25_from_mpm16(demo.keypoints[250:370])
    points[30:40, BODY25.index("LWrist")] = 0
    return write_openpose(tmp_path / "openpose", points)


@pytest.fixture
def clips_in(tmp_path, demo, monkeypatch):
    """The folder that one is in has a folder "in" with three clips, one of them below."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name, first in (("a", 0), ("b", 30), ("sub/c", 60)):
        write(demo.cut(first, first + 9), folder / f"{name}.npz")
    return folder


@pytest.fixture
def squares(monkeypatch):
    """A detector that needs no network."""
    SquareFinder.looks = 0
    entry = base.Detector("squares", "Squares", COCO17, (), "numpy", "video", SquareFinder)
    monkeypatch.setitem(DETECTORS, "squares", entry)
    return entry


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setattr("mpm_core.detectors.detection.cache_folder", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def pose_model():
    """MediaPipe with its model file; tests that need them are skipped where they cannot be had."""
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    try:
        *_, path = fetch_model("mediapipe-pose-full")
    except UserError as error:
        pytest.skip(str(error))
    return path
