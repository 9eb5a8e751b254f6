"""Owns what commands show on a terminal: results, and a bar while something takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from mpm_core.progress import Progress

T = TypeVar("T")


def say(text: str) -> None:
    """A result, on standard output; everything else goes to standard error."""
    if not can_say(text):  # as names of files that are no text, or of another alphabet than the terminal's
        encoding = sys.stdout.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def can_say(text: str) -> bool:
    """Whether standard output has all signs of a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def follow(steps: Iterator[Progress | T], what: str) -> Iterator[T]:
    """Draw a generator's Progress as a bar on standard error and pass on whatever else it yields."""
    if not sys.stderr.isatty():
        yield from (step for step in steps if not isinstance(step, Progress))
        return
    from tqdm import tqdm

    with tqdm(desc=what, leave=False) as bar:
        for step in steps:
            if isinstance(step, Progress):
                bar.total = step.total
                bar.set_postfix_str(step.note, refresh=False)
                bar.update(step.done - bar.n)
            else:
                bar.clear()
                yield step


def progress_bar(what: str) -> Callable[[int, int], None] | None:
    """What draws a bar on standard error when it is told how much is done, of how much; None where there is no terminal."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    bar = tqdm(desc=what, leave=False, delay=1)

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return show
