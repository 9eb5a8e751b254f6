"""Owns the processes that work on inputs beside each other: they share the cores evenly, say nothing by themselves, and end
with the one that started them, however that ends."""

from __future__ import annotations

import argparse
import ctypes
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import Any

from mpm_core.bulk.ending import TerminatedError, ending_at_once
from mpm_core.bulk.outcomes import FAILED, Outcome, RunOne, attempt
from mpm_core.files import drop_partial

MOST_JOBS = 61
"""More than Windows can wait for."""

# A worker that is told to end has so long, then what is half-written is deleted; one that still lives is killed.
_GRACE_S, _KILLED_AFTER_S = 0.15, 0.35

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_THREAD_COUNTS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip


def run_beside(tasks: Iterable[argparse.Namespace], run_one: RunOne, jobs: int, noise: Path | None) -> Iterator[Outcome]:
    """What became of each task, in the order in which they end.

    A worker that dies costs the task that it was at, and another takes its place. Closing this ends all workers within a
    second. noise: a file to which goes what libraries say in workers; None for nowhere.
    """
    crew = _Crew(run_one, max((os.cpu_count() or 1) // min(jobs, MOST_JOBS), 1), noise)
    left = iter(tasks)
    try:
        for task in itertools.islice(left, min(jobs, MOST_JOBS)):
            crew.give(crew.start(), task)
        while crew.busy:
            for worker, outcome in crew.wait():
                for following in itertools.islice(left, 1):
                    crew.give(worker if worker.process.is_alive() else crew.start(), following)
                yield outcome
    finally:
        crew.end()


class _Worker:
    def __init__(self, process: Any, pipe: Connection[Any, Any]) -> None:
        self.process, self.pipe = process, pipe
        self.task: argparse.Namespace | None = None
        self.began = 0.0


class _Crew:
    """The workers and what each of them is at."""

    def __init__(self, run_one: RunOne, threads: int, noise: Path | None) -> None:
        self._run_one, self._threads, self._noise = run_one, threads, noise
        self._workers: list[_Worker] = []

    @property
    def busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def start(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._run_one, self._noise), daemon=True)
        with _sharing_cores(self._threads), _without_signals():
            process.start()
        theirs.close()  # so that the end of the worker is the end of the pipe
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def give(self, worker: _Worker, task: argparse.Namespace) -> None:
        worker.task, worker.began = task, time.monotonic()
        with suppress(OSError):  # it has just died, and is found to be dead when it is waited for
            worker.pipe.send(task)

    def wait(self) -> list[tuple[_Worker, Outcome]]:
        """Workers that have ended what they were at, with what became of it."""
        ready = wait([worker.pipe for worker in self.busy])
        return [(worker, self._outcome(worker)) for worker in self.busy if worker.pipe in ready]

    def _outcome(self, worker: _Worker) -> Outcome:
        task, worker.task = worker.task, None
        assert task is not None
        try:
            outcome = worker.pipe.recv()
            assert isinstance(outcome, Outcome)
            return outcome
        except (EOFError, OSError):
            worker.process.join()
            self._workers.remove(worker)
            for target in task.outputs:
                drop_partial(target)
            reason = f"{task.input}: the process that worked on it died ({_how(worker.process.exitcode)})"
            return Outcome(task.input, FAILED, seconds=time.monotonic() - worker.began, reason=reason)

    def end(self) -> None:
        """Idle workers end when their pipe does; the others are told to, and killed when they do not."""
        for worker in self._workers:
            worker.pipe.close()
            if worker.task is not None:
                worker.process.terminate()
        deadline = time.monotonic() + _KILLED_AFTER_S
        for worker in self._workers:
            worker.process.join(max(deadline - time.monotonic(), 0))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            for target in worker.task.outputs if worker.task is not None else ():
                drop_partial(target)


def _how(status: int | None) -> str:
    if status == -getattr(signal, "SIGKILL", 9):
        return "it was killed: was there too little memory?"
    if status is not None and status < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-status).name}"
    return f"with status {status}"


@contextmanager
def _sharing_cores(threads: int) -> Iterator[None]:
    """Networks that each take all cores would only get in each other's way. Libraries read this when they are loaded, so that
    a worker has to find it when it starts; who asks for fewer threads gets them."""
    old = {name: os.environ.get(name) for name in (*_THREAD_COUNTS, "OMP_WAIT_POLICY")}
    for name in _THREAD_COUNTS:
        told = old[name] or ""
        os.environ[name] = str(min(threads, int(told)) if told.isdecimal() and int(told) > 0 else threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _without_signals() -> Iterator[None]:
    """A process that is started here hears no Ctrl+C, which goes to all processes of a terminal, before it is ready for it."""
    if sys.platform == "win32":
        yield
        return
    old = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _work(pipe: Connection[Any, Any], run_one: RunOne, noise: Path | None) -> None:
    """In a worker: do what comes, until nothing more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    _send_noise_to(noise)
    with suppress(TerminatedError), ending_at_once(_GRACE_S):
        _end_with_parent()
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        with suppress(EOFError, OSError):
            while True:
                pipe.send(attempt(run_one, pipe.recv()))


def _end_with_parent() -> None:
    """Also when the one that started us was killed and could say nothing.

    Linux itself kills us then, however long a library keeps Python from doing anything; elsewhere a thread waits for it.
    """
    parent = parent_process()
    assert parent is not None
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent.pid:
            return
    Thread(target=_wait_for_end, args=(parent,), name="parent", daemon=True).start()


def _wait_for_end(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _send_noise_to(noise: Path | None) -> None:
    """Let what libraries write past Python, on standard output and standard error, go there."""
    handle = os.open(noise or os.devnull, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if noise else 0), 0o666)
    for number in (1, 2):
        os.dup2(handle, number)
    os.close(handle)
