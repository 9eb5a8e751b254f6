"""Owns the first moments of both commands: Ctrl+C while Python still imports ends them with a word, not with a traceback.

It stands in this package because importing it imports nothing else; the command mpm needs nothing more of the app.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STATUS_INTERRUPTED = 130


def mpm() -> int:
    """The command mpm; see mpm_core/cli.py."""
    with leaving_at_once("mpm"):
        from mpm_core.cli import main
    return main()


def mpm_viewer() -> int:
    """The command mpm-viewer; see main.py."""
    with leaving_at_once("mpm-viewer"):
        from app.main import main

        return main()


@contextmanager
def leaving_at_once(command: str) -> Iterator[None]:
    """While this is open, Ctrl+C ends the process. An exception would have to pass through modules that are half imported, some
    of which hold on to it or print it."""

    def leave(number: int, frame: FrameType | None) -> None:
        os.write(2, f"{command}: interrupted\n".encode())
        os._exit(_STATUS_INTERRUPTED)

    if signal.getsignal(signal.SIGINT) != signal.default_int_handler:  # as where a shell has started it in the background
        yield
        return
    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) == leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)
