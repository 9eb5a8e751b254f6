"""Owns running cases in processes of their own, of which one may die or hang."""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from itertools import count
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from tests.fuzz.running import Cases, Fault
from tests.fuzz.targets import all_targets

KEPT = Path("build/fuzz")

_HANGS_AFTER_S = 120.0
_MEMORY_BYTES = 16 << 30

Case = tuple[str, int]


def run_cases(cases: list[Case], jobs: int) -> list[Fault]:
    """The faults of all cases, of which (target, number) each; what they are made of is put into KEPT."""
    begun = time.monotonic()
    workers = [_Worker(cases[n::jobs]) for n in range(jobs)]
    said = time.monotonic()
    while any(worker.is_busy for worker in workers):
        time.sleep(0.2)
        for worker in workers:
            worker.look_after()
        if time.monotonic() - said > 30:
            said = time.monotonic()
            print(
                f"{sum(w.done for w in workers)} of {len(cases)} files, {sum(len(w.faults) for w in workers)} faults",
                flush=True,
            )
    print(f"{len(cases)} mutated files in {time.monotonic() - begun:.0f} s")
    return [fault for worker in workers for fault in worker.faults]


class _Worker:
    """A process at some cases. Where it dies or hangs, the case is a fault, and another process goes on after it."""

    def __init__(self, cases: list[Case]) -> None:
        self._cases = cases
        self.faults: list[Fault] = []
        self.done = 0
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._place: Any = context.Value("i", self.done)
        self._found: SimpleQueue[Fault] = context.SimpleQueue()
        left = self._cases[self.done :]
        self._process = context.Process(target=_work, args=(left, self.done, self._place, self._found), daemon=True)
        self._process.start()
        self._moved_at = time.monotonic()

    @property
    def is_busy(self) -> bool:
        return self.done < len(self._cases) or not self._found.empty()

    def look_after(self) -> None:
        is_alive = self._process.is_alive()
        while not self._found.empty():
            self.faults.append(self._found.get())
        place = self._place.value
        if place > self.done:
            self.done, self._moved_at = place, time.monotonic()
        if self.done >= len(self._cases):
            return
        hangs = time.monotonic() - self._moved_at > _HANGS_AFTER_S
        if is_alive and not hangs:
            return
        self._process.kill()
        self._process.join()
        name, number = self._cases[self.done]
        text = "the reader hangs" if hangs else f"the process died with status {self._process.exitcode}"
        self.faults.append(Fault(name, number, text))
        self.done += 1
        if self.done < len(self._cases):
            self._begin()


def _work(cases: list[Case], first: int, place: Any, found: SimpleQueue[Fault]) -> None:
    logging.disable()
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    targets, known = all_targets(), {}
    for number, (name, case) in zip(count(first), cases, strict=False):
        if name not in known:
            known[name] = Cases(name, targets[name])
        fault = known[name].run(case, KEPT)
        if fault:
            found.put(fault)
        place.value = number + 1
