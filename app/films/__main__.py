"""Draws a film for the window, in a process of its own: what `mpm render` takes as arguments, lines for a program as output.

A line begins with what it is: 'done total' in numbers, '=' and what was written, '?' and a warning, '!' and why there is no
film. The film is given up when standard input ends.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import threading
from contextlib import closing

from mpm_core.cli import build_parser
from mpm_core.errors import UserError, as_sentence
from mpm_core.films.command import render_steps
from mpm_core.progress import Progress


class _Lines(logging.Handler):
    """What the work warns of, as lines."""

    def emit(self, record: logging.LogRecord) -> None:
        _say("?", record.getMessage())


def main() -> int:
    """Draw what the arguments say; returns the exit status."""
    log = logging.getLogger("mpm")
    log.addHandler(_Lines(logging.WARNING))
    log.propagate = False
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a window that was started in the background passes on none
    options = build_parser().parse_args(["render", *sys.argv[1:]])
    (options.input,) = options.inputs
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    try:
        with closing(render_steps(options)) as steps:
            for step in steps:
                if isinstance(step, Progress):
                    _say(str(step.done), str(step.total))
                else:
                    _say("=", step)
    except KeyboardInterrupt:
        return 130
    except UserError as error:
        _say("!", str(error))
        return 2
    except (OSError, MemoryError) as error:
        _say("!", as_sentence(error))
        return 2
    return 0


def _wait_for_the_end() -> None:
    while os.read(sys.stdin.fileno(), 1):  # of sys.stdin itself Python would wait for the reader at its end, and then abort
        pass
    _thread.interrupt_main()


def _say(kind: str, text: str) -> None:
    sys.stdout.write(f"{kind} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
