"""Owns the lifters that are loaded: each once for all workers and windows of the program."""

from __future__ import annotations

from threading import Lock
from weakref import WeakValueDictionary

from mpm_core import lifters
from mpm_core.lifters.base import Lifter

_lock = Lock()
_loaded: WeakValueDictionary[tuple[str, str], Lifter] = WeakValueDictionary()


def load_lifter(name: str, device: str) -> Lifter:
    """See mpm_core.load_lifter. Whoever asks for one that somebody else holds gets that, 70 MB less; it goes with the last who
    holds it. A lifter does not change, so several threads may ask it at once."""
    with _lock:
        lifter = _loaded.get((name, device))
        if lifter is None:
            lifter = _loaded[name, device] = lifters.load_lifter(name, device)
        return lifter
