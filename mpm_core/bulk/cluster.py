"""Owns spreading inputs over a Dask cluster: who works on what, and who takes over when a worker is lost, is Dask's."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mpm_core.about import version_text
from mpm_core.bulk.outcomes import FAILED, Outcome, RunOne, attempt
from mpm_core.errors import UserError

_log = logging.getLogger("mpm")

_PATIENCE_S = 10.0
_AHEAD = 4
"""Tasks that are known to the cluster, for each of its threads: a million at once would fill the scheduler."""


class Cluster:
    """A cluster that is there and whose workers have this very version. All machines must see the same folders by the same
    names, as on a network drive."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise UserError("--dask needs the package distributed (pip install 'mpm-viewer[cluster]')") from error
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is told in sentences here
        self._lib: Any = distributed
        try:
            self._client: Any = distributed.Client(address, timeout=_PATIENCE_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"--dask {address}: no scheduler answers there ({' '.join(str(error).split())})") from error
        try:
            self._check_workers(address)
        except BaseException:
            self._client.close()
            raise

    def _check_workers(self, address: str) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE_S)
        except self._lib.TimeoutError:  # of asyncio, which Python 3.10 does not take for its own
            _log.info("--dask %s: there are no workers yet: waiting for one", address)
            self._client.wait_for_workers(1)
        told = self._client.run(_version_of_worker, on_error="return")
        for worker, version in told.items():
            if version != version_text():
                found = f"has mpm-viewer {version}" if isinstance(version, str) else f"has no mpm-viewer ({version})"
                raise UserError(f"--dask {address}: the worker {worker} {found}, and here is {version_text()}")

    def run(self, tasks: Iterable[argparse.Namespace], run_one: RunOne) -> Iterator[Outcome]:
        """What became of each task, in the order in which they end. A lost worker's tasks go to others; one whose workers are
        lost again and again (distributed.scheduler.allowed-failures, 3) has failed. Closing this takes back what has not begun.
        """
        left = iter(tasks)
        given: dict[Any, argparse.Namespace] = {}
        try:
            flow = self._lib.as_completed(loop=self._client.loop)
            for task in itertools.islice(left, self._room()):
                flow.add(self._submit(run_one, task, given))
            for future in flow:
                outcome = _outcome(future, given.pop(future))
                for task in itertools.islice(left, max(self._room() - len(given), 0)):
                    flow.add(self._submit(run_one, task, given))
                yield outcome
        finally:
            self._client.cancel(list(given), force=True)
            self._client.close()

    def _room(self) -> int:
        return max(sum(self._client.nthreads().values()), 1) * _AHEAD

    def _submit(self, run_one: RunOne, task: argparse.Namespace, given: dict[Any, argparse.Namespace]) -> Any:
        future = self._client.submit(_attempt_there, run_one, task, str(Path.cwd()), pure=False)
        given[future] = task
        return future


def _version_of_worker() -> str:
    return version_text()


_one_folder_at_a_time = threading.Lock()


def _attempt_there(run_one: RunOne, task: argparse.Namespace, folder: str) -> Outcome:
    """On a worker: in the folder that the command was given in, so that paths mean, and files say, the same."""
    with _one_folder_at_a_time:
        try:
            os.chdir(folder)
        except OSError as error:
            reason = f"{task.input}: the worker on {socket.gethostname()} cannot work in {folder} ({error.strerror})"
            return Outcome(task.input, FAILED, reason=reason)
        return attempt(run_one, task)


def _outcome(future: Any, task: argparse.Namespace) -> Outcome:
    error = future.exception() if future.status == "error" else None
    if error is None and future.status == "finished":
        outcome = future.result()
        assert isinstance(outcome, Outcome)
        return outcome
    why = type(error).__name__ if error is not None else future.status
    if why == "KilledWorker":
        why = "every worker that took it was lost (was there too little memory?)"
    return Outcome(task.input, FAILED, reason=f"{task.input}: {why}")
