"""Owns the head start: a process that loads the usual lifter while this one builds its window, and lifts what is opened first.

Importing torch takes as long as building the window, and Python does one thing at a time: two processes do both at once. The
window's own lifter is loaded when that first answer is on show, and gives all others.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpm_core.clip import Clip
    from mpm_core.lifters.aids import Aids
    from mpm_core.masking import Mask
    from mpm_core.prediction import Prediction

LIFTER, DEVICE = "mpm", "auto"
"""Those of it; questions to others are for the window's own."""

_PATIENCE_S = 20.0
"""When it is ready and nothing is asked for so long, as while a video is looked at, it ends."""

_MOST_FRAMES = 3_000
"""A longer clip is to be seen bit by bit, the frame under the cursor first."""


@dataclass(frozen=True)
class Question:
    """See Lifter.start and LiftingTask.update."""

    clip: Clip
    task: str
    mode: str
    aids: Aids
    mask: Mask
    cursor: int


@dataclass(frozen=True)
class Answer:
    """device: where it was lifted, in so many ms."""

    prediction: Prediction
    device: str
    elapsed_ms: float


class HeadStart:
    """The process, which answers once. May be asked and ended by different threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether there is one that can be asked."""
        return self._process is not None

    def begin(self) -> None:
        """Start it, where there is a core for it; without one everything comes as surely, but later."""
        if _cores() < 2 or self.is_on:
            return
        folder = Path(__file__).resolve().parents[1]  # where Python looks first, not where the program was started
        with suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.head_start"], cwd=folder,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip

    def lift(self, question: Question) -> Answer | None:
        """What it answers, and its end; None where it was not begun or has ended, where the clip is long, or where it cannot
        answer: the window's own lifter says why."""
        process = self._process
        try:
            if process is None or len(question.clip) > _MOST_FRAMES:
                return None
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(pickle.dumps(question, pickle.HIGHEST_PROTOCOL))
            process.stdin.flush()
            answer = pickle.load(process.stdout)  # noqa: S301, of a process of our own
            return answer if isinstance(answer, Answer) else None
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            return None
        finally:
            self.end()

    def end(self) -> None:
        """End it, whatever it is doing; who waits for its answer has None."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError):  # what it was never told
                    pipe.close()


HEAD_START = HeadStart()


def _cores() -> int:
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> None:
    """In that process: get ready, and answer what is asked. Whatever goes wrong ends it, as does the end of who asks."""
    gc.disable()
    answers = os.dup(1)
    os.dup2(2, 1)  # what libraries say is for nobody
    from mpm_core.lifters import load_lifter

    lifter = load_lifter(LIFTER, DEVICE)
    patience = threading.Timer(_PATIENCE_S, os._exit, (0,))
    patience.daemon = True
    patience.start()
    question: Question = pickle.load(sys.stdin.buffer)  # noqa: S301, of the process that began us
    patience.cancel()
    begun = time.perf_counter()
    task = lifter.start(question.clip, question.task, question.mode, question.aids, hypotheses=False)
    for _ in task.update(question.mask, question.cursor):
        pass
    answer = Answer(task.prediction(), lifter.device, (time.perf_counter() - begun) * 1000)
    with os.fdopen(answers, "wb") as pipe:
        pickle.dump(answer, pipe, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    from app.head_start import main as answer_once  # what it sends is of this module, not of __main__

    answer_once()
