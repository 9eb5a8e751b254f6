"""Owns whether there is a display that a window could appear on, asked before Qt is, which only aborts."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

_PLATFORM = "QT_QPA_PLATFORM"
_WHAT_TO_DO = "run it on a desktop, over 'ssh -X', or under a virtual display with 'xvfb-run -a mpm-viewer'."
_TIMEOUT_S = 5.0


def why_no_display() -> str:
    """A sentence that says what to do when there is no display; nothing when there is one.

    Where one of two displays is dead, Qt is told to take the other.
    """
    if not sys.platform.startswith("linux"):
        return ""
    wanted = {name.partition(":")[0].partition("-")[0] for name in os.environ.get(_PLATFORM, "").split(";") if name}
    if wanted - {"xcb", "wayland"}:
        return ""  # offscreen and others, which need none
    named = {"wayland": os.environ.get("WAYLAND_DISPLAY", ""), "xcb": os.environ.get("DISPLAY", "")}
    named = {platform: name for platform, name in named.items() if name and platform in (wanted or named)}
    if not named:
        return f"there is no display here: {_WHAT_TO_DO}"
    alive = [platform for platform, name in named.items() if _ANSWERS[platform](name)]
    if not alive:
        return f"the display {' or '.join(named.values())} cannot be reached: {_WHAT_TO_DO}"
    if len(alive) < len(named):
        os.environ[_PLATFORM] = alive[0]
    return ""


def _wayland_answers(name: str) -> bool:
    return _accepts(str(Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name))


def _x_answers(name: str) -> bool:
    """Whether an X server lets us in; libxcb knows the ways there and the keys, and Qt needs it anyway."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # which Qt will say better
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(os.fsencode(name), None)
    if xcb.xcb_connection_has_error(connection):
        xcb.xcb_disconnect(connection)
        return False
    # The connection stays open: a server resets itself when its last client leaves, and Qt would meet it at that.
    return True


def _accepts(place: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(_TIMEOUT_S)
        try:
            end.connect(place)
        except OSError:
            return False
    return True


_ANSWERS = {"wayland": _wayland_answers, "xcb": _x_answers}
