"""Starting the program as people do."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_a_display_it_says_what_to_do():
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "display" in result.stderr and "xvfb-run" in result.stderr


def test_it_opens_on_the_demo_and_closes_cleanly(tmp_path):
    code = (
        "import sys; from PySide6.QtCore import QTimer; import app.main_window as w; original = w.MainWindow.__init__\n"
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
    environment = dict(os.environ, XDG_CONFIG_HOME=str(tmp_path))
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("lifted") and "Traceback" not in result.stderr
    assert time.monotonic() - started < 100
