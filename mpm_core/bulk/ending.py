"""Owns ending within a second when a person, the system or a scheduler says so, with nothing half-written left behind."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from mpm_core.files import drop_begun

GRACE_S, GRACE_ALONE_S = 0.85, 0.5
"""A process has so long to end by itself: one that has workers to end, and one that works itself. See also workers.py."""

_SIGNAL_STATUS = 128
STATUS_INTERRUPTED, STATUS_TERMINATED = _SIGNAL_STATUS + signal.SIGINT, _SIGNAL_STATUS + signal.SIGTERM


class TerminatedError(BaseException):
    """SIGTERM came. Like KeyboardInterrupt, it is no error that anything is to go on after."""


@contextmanager
def ending_at_once(grace_s: float = GRACE_S) -> Iterator[None]:
    """While this is open, SIGTERM raises TerminatedError, and a process that is still in the block `grace_s` after SIGTERM or
    Ctrl+C ends all the same, its half-written files deleted.

    Python itself acts on a signal only between two of its own steps, and one inside a network or a decoder may take seconds. So
    a thread listens to the socket that Python writes signals to at once (signal.set_wakeup_fd).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    old_fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    old_handler = signal.signal(signal.SIGTERM, _on_terminate)
    watch = threading.Thread(target=_watch, args=(ours, grace_s), name="ending", daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if old_handler is None else old_handler)
        signal.set_wakeup_fd(old_fd)
        theirs.close()
        watch.join()
        ours.close()


@contextmanager
def signals_waiting() -> Iterator[Callable[[], None]]:
    """While this is open, SIGTERM and Ctrl+C are only noted; what it gives raises TerminatedError or KeyboardInterrupt if one
    came. ending_at_once still ends who does not call it in time."""
    heard: list[int] = []

    def end_if_told() -> None:
        if heard:
            raise TerminatedError if heard[0] == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield end_if_told
        return
    # A worker leaves Ctrl+C to the one that started it.
    asked = [number for number in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in asked}
    try:
        yield end_if_told
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _on_terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise TerminatedError


def _watch(ours: socket.socket, grace_s: float) -> None:
    heard = ours.recv(1)
    while heard and heard[0] not in (signal.SIGINT, signal.SIGTERM):
        heard = ours.recv(1)
    if not heard:
        return
    ours.settimeout(grace_s)
    try:
        while ours.recv(1):
            pass
    except TimeoutError:
        drop_begun()
        os._exit(_SIGNAL_STATUS + heard[0])
