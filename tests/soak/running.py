"""Owns a run of the random user: what is opened, what counts as a fault, and how memory is measured."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from itertools import product
from pathlib import Path
from types import TracebackType

from app.window.main_window import MainWindow
from mpm_core import read_clip, write
from mpm_core.assets import find_asset
from mpm_core.formats.base import WriteOptions
from mpm_core.lifters import LIFTERS
from mpm_core.lifters.base import TASKS
from mpm_core.lifters.windows import MODES
from tests.soak.user import RandomUser, live

_DEMO = "demo.npz"
_PAGE_BYTES = 4096
_LIFT_TIMEOUT_S = 120.0
_OPEN_TIMEOUT_S = 5.0
_MOST_TRIES = 40
_GIVEN_UP_MS = 3000
_LAST_STEPS = 12
_SOME_STEPS = 24
_SOME_SAMPLES = 5
_OF_FEW_ACTIONS = ("scipy.interpolate", "scipy.optimize", "scipy.signal")
"""What keys, calibrating and refining import when they are first used, 20 MB, which a random user may get to late."""


class Faults(logging.Handler):
    """Collects exceptions of slots and of background jobs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self.texts.append(text)

    def hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Takes the place of sys.excepthook."""
        self.texts.append("".join(traceback.format_exception(kind, error, trace)))


@contextmanager
def watched() -> Iterator[Faults]:
    """Collect faults meanwhile."""
    faults, before = Faults(), sys.excepthook
    logging.getLogger().addHandler(faults)
    sys.excepthook = faults.hook
    try:
        yield faults
    finally:
        sys.excepthook = before
        logging.getLogger().removeHandler(faults)


def write_files(folder: Path) -> list[Path]:
    """What the random user opens: clips of several kinds, one of them broken, one that is no keypoint file at all."""
    demo = read_clip(find_asset("demo/demo.npz"))
    files = [folder / name for name in ("walk.npz", "short.csv", "broken.json", "notes.txt")]
    write(demo, files[0])
    write(demo.cut(0, 90), files[1], WriteOptions(clip=demo.cut(0, 90)))
    files[2].write_text('{"people": [{"pose_keypoints_2d": [1, 2')
    files[3].write_text("nothing of that kind")
    return files


def soak(window: MainWindow, seed: int, seconds: float, folder: Path, warm_s: float = 60.0) -> tuple[Faults, list[str], float]:
    """Let a random user work for so long. Returns the faults, what was done last, and by which share the memory grew from the
    time after `warm_s` on; both measured on the demo, freshly opened, after every network was used once."""
    with watched() as faults:
        user = RandomUser(window, seed, write_files(folder), folder)
        begin, early = time.monotonic(), 0.0
        while time.monotonic() - begin < seconds and not faults.texts:
            if not early and time.monotonic() - begin > warm_s:
                _load_what_stays(window, folder)
                early = _settled_memory(window)
            user.step()
        done, user_steps = user.done[-_LAST_STEPS:], len(user.done)
        late = _settled_memory(window) if not faults.texts else 0.0
        user.stop()
    done.append(f"{user_steps} steps, seed {seed}")
    return faults, done, late / early - 1 if early and late else 0.0


def _load_what_stays(window: MainWindow, folder: Path) -> None:
    """Lift with every network in each task and mode, refine, draw alternatives, export, and ask for a video, which there is
    none of, so that what is loaded when it is first used is no growth later."""
    for module in _OF_FEW_ACTIONS:
        import_module(module)
    session, before = window.session, window.session.options
    _open_lifted(window)
    assert session.prediction is not None
    write(session.prediction, folder / "exported.bvh", WriteOptions(clip=session.clip))
    window.backdrop.open(folder / "notes.txt")

    def has_begun() -> bool:
        return not session.state.is_waiting and (session.state.done > _SOME_STEPS or _is_lifted(window))

    for lifter, task in product(LIFTERS, TASKS):
        for mode in MODES:
            session.set_options(replace(before.with_lifter(lifter).with_task(task), mode=mode))
            _until(has_begun)
    session.set_options(replace(before, aids=replace(before.aids, refine=True)))
    _until(has_begun)
    session.set_options(before)
    shown = session.alternatives
    wanted = shown.samples
    window.editor.apply_preset("left arm")
    shown.set_wanted(samples=_SOME_SAMPLES)
    _until(lambda: shown.cloud_of(session) is not None)
    shown.set_wanted(samples=wanted)


def _settled_memory(window: MainWindow) -> float:
    """Bytes that the process holds with the demo open and lifted, nothing to undo, and nothing else at work: a comparison that
    was given up still holds its network for a moment, and alternatives are drawn again for the demo where they are wanted."""
    shown = window.session.alternatives
    wanted = shown.samples
    shown.set_wanted(samples=0)
    _open_lifted(window)
    live(_GIVEN_UP_MS)
    gc.collect()
    with suppress(OSError, AttributeError):  # elsewhere than on glibc what was freed is counted too
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    held = int(Path("/proc/self/statm").read_text().split()[1]) * float(_PAGE_BYTES)
    shown.set_wanted(samples=wanted)
    return held


def _open_lifted(window: MainWindow) -> None:
    """Ask for the demo until it is there: asked whether to leave unsaved work, the random user may stay with it."""
    session, before, tries = window.session, window.session.opened, 0

    def is_there() -> bool:
        return session.opened is not before and session.clip is not None and session.clip.name == _DEMO

    while not is_there():
        assert tries < _MOST_TRIES, "the demo did not open"
        window.file_handlers.open_demo()
        _until(is_there, _OPEN_TIMEOUT_S)
        tries += 1
    _until(lambda: _is_lifted(window))


def _is_lifted(window: MainWindow) -> bool:
    return window.session.prediction is not None and not window.session.state.is_busy


def _until(is_done: Callable[[], bool], timeout_s: float = _LIFT_TIMEOUT_S) -> None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and not is_done():
        live(50)
