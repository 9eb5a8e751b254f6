"""Starting the program as people do."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.display import why_no_display

ROOT = Path(__file__).parents[2]
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.mark.parametrize(
    ("displays", "words"),
    [
        ({}, "there is no display here"),
        ({"DISPLAY": ":7919"}, "the display :7919 cannot be reached"),
        ({"WAYLAND_DISPLAY": "wayland-9"}, "the display wayland-9 cannot be reached"),
        ({"DISPLAY": "localhost:98.0", "WAYLAND_DISPLAY": "wayland-9"}, "the display wayland-9 or localhost:98.0 cannot"),
        ({"DISPLAY": "nonsense"}, "the display nonsense cannot be reached"),
        ({"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":7919"}, "the display :7919 cannot be reached"),
        ({"WAYLAND_DISPLAY": "/" + "long" * 100}, "cannot be reached"),
    ],
)
def test_without_a_display_it_says_what_to_do(displays, words):
    environment = {k: v for k, v in os.environ.items() if k not in DISPLAYS} | displays
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and words in result.stderr and "xvfb-run" in result.stderr


@pytest.mark.parametrize("displays", [{}, {"WAYLAND_DISPLAY": "wayland-9"}, {"QT_QPA_PLATFORM": "xcb"}])
def test_a_display_that_answers_is_taken(monkeypatch, displays):
    for name in DISPLAYS[1:]:
        monkeypatch.delenv(name, raising=False)
    for name, value in displays.items():
        monkeypatch.setenv(name, value)
    assert why_no_display() == ""
    assert os.environ.get("QT_QPA_PLATFORM", "") == ("xcb" if displays else "")


@pytest.mark.parametrize("command", ["app.main", "mpm_core.cli"])
def test_without_its_working_folder_it_says_what_to_do(tmp_path, command):
    folder = tmp_path / "gone"
    folder.mkdir()
    code = f"import os, sys, {command}; os.rmdir({str(folder)!r}); sys.exit({command}.main(['info'][:{command != 'app.main'}]))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "is no longer there: change to another one" in result.stderr


def run_window(code, folder):
    """In a process of its own, whose settings and leftovers are in a folder, to its end."""
    environment = dict(os.environ, XDG_CONFIG_HOME=str(folder), XDG_STATE_HOME=str(folder))
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result


def test_nothing_that_can_wait_is_loaded_when_the_window_is_first_seen(tmp_path):
    """The scene is built afterwards all the same, without anybody asking for it."""
    code = (
        "import sys; from PySide6.QtCore import QTimer; import app.window.main_window as w; show = w.MainWindow.showEvent\n"
        "LATE = ('torch', 'scipy', 'OpenGL', 'pyqtgraph', 'cv2', 'mediapipe', 'av', 'orjson', 'mpm_core.formats.table')\n"
        "def show_event(self, event):\n"
        "    show(self, event)\n"
        "    self.first_sight.seen.connect(lambda: print([name for name in LATE if name in sys.modules], flush=True))\n"
        "    def look():\n"
        "        if not self.scene_area.is_built: return QTimer.singleShot(50, look)\n"
        "        print('built', 'OpenGL' in sys.modules); self.close()\n"
        "    QTimer.singleShot(50, look)\n"
        "w.MainWindow.showEvent = show_event\n"
        "from app.main import main; sys.exit(main([]))"
    )
    result = run_window(code, tmp_path)
    assert result.stdout.splitlines() == ["[]", "built True"] and "Traceback" not in result.stderr


def test_it_opens_on_the_demo_and_closes_cleanly(tmp_path):
    code = (
        "import sys; from PySide6.QtCore import QTimer; import app.window.main_window as w; original = w.MainWindow.__init__\n"
        "def init(self, *a, **k):\n"
        "    original(self, *a, **k)\n"
        "    def look():\n"
        "        p = self.session.prediction\n"
        "        if p is None: return QTimer.singleShot(50, look)\n"
        "        print('lifted', len(p)); self.close()\n"
        "    QTimer.singleShot(50, look)\n"
        "w.MainWindow.__init__ = init\n"
        "from app.main import main; sys.exit(main([]))"
    )
    started = time.monotonic()
    result = run_window(code, tmp_path)
    assert result.stdout.startswith("lifted") and "Traceback" not in result.stderr
    assert time.monotonic() - started < 100


def test_the_demo_is_lifted_before_this_process_has_imported_torch(tmp_path):
    """The head start has. What is shown is whole."""
    code = (
        "import os, sys; os.sched_getaffinity = lambda _: {0, 1}; import app.window.main_window as w\n"
        "original, NAMES = w.MainWindow.__init__, ('torch', 'safetensors', 'mpm_core.lifters.network')\n"
        "def init(self, *a, **k):\n"
        "    original(self, *a, **k)\n"
        "    def told():\n"
        "        session = self.session\n"
        "        if session.prediction is None: return\n"
        "        print([n for n in NAMES if n in sys.modules], session.state.is_busy, session.prediction.is_pending)\n"
        "        self.close()\n"
        "    self.session.prediction_changed.connect(told)\n"
        "w.MainWindow.__init__ = init\n"
        "from app.main import main; sys.exit(main([]))"
    )
    result = run_window(code, tmp_path)
    assert result.stdout == "[] False None\n" and "Traceback" not in result.stderr


@pytest.mark.parametrize(("command", "word"), [("mpm", "mpm"), ("mpm_viewer", "mpm-viewer")])
@pytest.mark.parametrize("module", ["mpm_core.clip", "mpm_core.formats"])
def test_ctrl_c_while_python_imports_ends_it_with_a_word(command, word, module):
    code = (
        "import os, signal, sys; from app.starting import " + command + "\n"
        "class Pressing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.meta_path.insert(0, Pressing()); sys.argv = ['{word}']; sys.exit({command}())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (130, "", f"{word}: interrupted\n")
