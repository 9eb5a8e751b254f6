"""PySide's table of types, which Qt reads without Python's lock: it never grows once a worker runs."""

import subprocess
import sys

import pytest

GROWTH = """
import ctypes
from pathlib import Path

import shiboken6
from PySide6.QtCore import QCoreApplication

from app.workers.newest_wins import NewestWins


class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena pieces small maps mapped peak free_small used free kept".split()]


heap = ctypes.CDLL("libc.so.6").mallinfo2
heap.restype = Heap
(library,) = (ctypes.PyDLL(str(path)) for path in Path(shiboken6.__file__).parent.glob("*shiboken6.abi3*"))
library.PepType_SOTP.argtypes, library.PepType_SOTP.restype = (ctypes.c_void_p,), None


def most_bytes(first, count):
    # An entry takes some 140 bytes; where the table grows, it takes eight for each entry that there is, and more.
    most = 0
    for address in range(first, first + count):
        before = heap().used
        library.PepType_SOTP(address)
        most = max(most, heap().used - before)
    return most


application = QCoreApplication([])
if WORKER:
    worker = NewestWins(print)
    worker.start()
    worker.stop()
most_bytes(50_000, 10)  # what calls of ctypes take once
print(most_bytes(100_000, 1_500))
"""


def _most_bytes(worker: bool) -> int:
    script = GROWTH.replace("WORKER", str(worker))
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there is no such table")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library has no mallinfo2")
def test_the_table_of_types_has_room_before_a_worker_runs():
    assert _most_bytes(worker=False) > 5_000  # as PySide has it
    assert _most_bytes(worker=True) < 500
