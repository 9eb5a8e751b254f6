import time

from tests.app.conftest import demo_window, settings, window

__all__ = ["demo_window", "settings", "window"]


def busyness():
    """How many times as long as on a machine with nothing else to do work takes now."""
    begun, own = time.monotonic(), time.thread_time()
    while time.thread_time() - own < 0.1:
        pass
    return max((time.monotonic() - begun) / 0.1, 1.0)
