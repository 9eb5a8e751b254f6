"""Who goes first when a worker imports: the window that has much to do, and a large library that is being loaded."""

import shutil
import subprocess
import sys
import threading

import pytest

from app.workers import turns
from app.workers.newest_wins import NewestWins
from app.workers.turns import TURNS
from mpm_core import write
from mpm_core.synthesis import demo_clip
from tests.app.conftest import WAIT_MS


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"imported_by_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def importing(module):
    """Have a worker import it: what tells whether it has begun, and whether it has done so."""
    begun, done = threading.Event(), threading.Event()

    def work():
        begun.set()
        __import__(module)
        done.set()

    worker = NewestWins(work)
    worker.start()
    yield worker, begun, done
    worker.stop()


def test_a_worker_imports_when_the_window_has_done_what_it_had_to_do(qtbot, importing, module, monkeypatch):
    monkeypatch.setattr(turns, "_WINDOW_S", WAIT_MS / 1000)
    worker, begun, done = importing
    TURNS.window_first()
    worker.ask()
    assert begun.wait(WAIT_MS / 1000)
    assert not done.wait(0.05)
    qtbot.waitUntil(done.is_set, timeout=WAIT_MS)
    assert module in sys.modules


def test_the_window_itself_imports_at_once(qapp, module, monkeypatch):
    monkeypatch.setattr(turns, "_WINDOW_S", WAIT_MS / 1000)
    TURNS.window_first()
    __import__(module)
    assert not TURNS.is_window_idle
    qapp.processEvents()
    assert TURNS.is_window_idle


def test_the_window_imports_while_a_worker_waits_to(qapp, importing, tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "_LIBRARY_S", WAIT_MS / 1000)
    worker, _, done = importing
    other = f"other_in_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{other}.py").write_text("", encoding="utf-8")
    has_asked = threading.Event()
    wait = TURNS._is_library_there.wait
    monkeypatch.setattr(TURNS._is_library_there, "wait", lambda time_s: has_asked.set() or wait(time_s))
    late = threading.Timer(WAIT_MS / 4000, TURNS._is_library_there.set)
    with TURNS.library_first():
        worker.ask()
        assert has_asked.wait(WAIT_MS / 1000)
        late.start()  # so that a window that does wait comes to an end
        __import__(other)
        assert not TURNS._is_library_there.is_set() and not done.is_set()
        late.cancel()
    assert done.wait(WAIT_MS / 1000)
    sys.modules.pop(other, None)


def test_a_window_that_waits_for_what_a_worker_imports_gets_it(qapp, importing):
    worker, _, done = importing
    TURNS.window_first()
    worker.ask()
    assert done.wait(WAIT_MS / 1000)


def test_a_worker_imports_when_a_large_library_is_there(qapp, importing):
    worker, begun, done = importing
    with TURNS.library_first():
        worker.ask()
        assert begun.wait(WAIT_MS / 1000)
        assert not done.wait(0.05)
    assert done.wait(WAIT_MS / 1000)


SLOW_LIBRARY = """
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void wait_for_a_word(void) {
    char word;
    write(atoi(getenv("BEGUN")), "x", 1);
    read(atoi(getenv("GO_ON")), &word, 1);
}
"""

COMPUTING = """
import ctypes, os, sys, threading
import numpy as np
from app.workers.libraries import let_numpy_ask

(is_begun, begun), (go_on, tell) = os.pipe(), os.pipe()
os.environ.update(BEGUN=str(begun), GO_ON=str(go_on))
load = ctypes.CDLL(None).dlopen
load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
has_asked, is_loading = threading.Event(), threading.Event()

def work():
    let_numpy_ask()
    has_asked.set()
    is_loading.wait()
    ones, mask = np.ones((180_000, 16)), np.ones((180_000, 16), bool)
    assert ((ones + ones) - (ones * ones) / 2 + abs(-(ones + ones))).shape == ones.shape
    assert not (~(mask & mask) & mask | ~(mask ^ mask) & ~mask).any()
    print("computed", flush=True)
    os._exit(0)

threading.Thread(target=work).start()
has_asked.wait()
threading.Thread(target=load, args=(sys.argv[1].encode(), os.RTLD_NOW)).start()
os.read(is_begun, 1)
is_loading.set()
"""


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler")
def test_numpy_does_not_wait_for_a_library_that_is_being_loaded_once_it_has_asked(tmp_path):
    source, library = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text(SLOW_LIBRARY, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", str(library), str(source)], check=True)
    command = [sys.executable, "-c", COMPUTING, str(library)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout  # else it never ends
    assert said.strip() == "computed"


def test_a_file_that_was_opened_just_before_the_window_closes_is_remembered(qtbot, window, tmp_path):
    path = tmp_path / "walk.npz"
    write(demo_clip().cut(0, 20), path)
    opened = []
    window.session.clip_changed.connect(lambda: opened.append(window.close()))
    window.opener.open(path)
    qtbot.waitUntil(lambda: bool(opened), timeout=WAIT_MS)
    assert [file.path for file in window.recent.files()] == [path]
