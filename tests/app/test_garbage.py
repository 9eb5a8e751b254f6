"""When and where Python looks for garbage."""

import gc
import threading
import time
import weakref
from contextlib import ExitStack

import pytest
from PySide6.QtCore import QObject

from app.workers.garbage import nothing_collected
from app.workers.newest_wins import NewestWins
from tests.app.conftest import WAIT_MS


@pytest.fixture
def collecting():
    gc.enable()
    yield
    gc.enable()


def test_garbage_is_collected_again_once_the_last_window_has_loaded_its_lifter(collecting):
    first, second, third = ExitStack(), ExitStack(), ExitStack()
    first.enter_context(nothing_collected())
    second.enter_context(nothing_collected())
    first.close()
    assert not gc.isenabled()
    third.enter_context(nothing_collected())
    second.close()
    assert not gc.isenabled()
    third.close()
    assert gc.isenabled()


def test_whoever_has_switched_collecting_off_finds_it_off(collecting):
    gc.disable()
    with nothing_collected(), nothing_collected():
        pass
    assert not gc.isenabled()


def test_what_belongs_to_the_window_is_destroyed_in_its_thread_however_much_garbage_a_worker_makes(qtbot, collecting):
    """Elsewhere it may be the end of the process: of an object that is gone, Qt goes on to look after the timer."""

    enough = threading.Event()

    def work():
        while not enough.is_set():
            for _ in range(100):
                ring = []
                ring.append(ring)
            time.sleep(0.001)

    worker, threads = NewestWins(work), []
    worker.start()
    worker.ask()
    try:
        for _ in range(200):
            job = QObject()
            job.itself = job
            weakref.finalize(job, lambda: threads.append(threading.get_ident()))
            del job
            qtbot.wait(5)
        qtbot.waitUntil(lambda: len(threads) > 100, timeout=WAIT_MS)
    finally:
        enough.set()
        worker.stop()
    assert set(threads) == {threading.get_ident()}
    assert gc.isenabled()
