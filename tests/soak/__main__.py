"""The command of make soak: a random user for ten minutes, by a seed that is printed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from app.allocation import save_memory
from app.look.theme import DARK
from app.window.main_window import MainWindow
from tests.soak.running import soak

_MOST_GROWTH = 0.05


def main() -> int:
    """1 when there was an exception, or memory grew by more than a twentieth after the first minute."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="A seeded random user of the real window.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    save_memory()  # as the viewer does
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    app = QApplication(["mpm-viewer"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        window = MainWindow(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat), DARK)
        window.show()
        faults, done, growth = soak(window, options.seed, options.seconds, folder)
        window.may_close_unasked = True
        window.close()
        app.processEvents()
    print(f"{done[-1]}: {len(faults.texts)} faults, memory {100 * growth:+.1f} % after the first minute")
    for text in faults.texts:
        print(text)
    if faults.texts:
        print("before that:", *done, sep="\n  ")
    return int(bool(faults.texts) or growth > _MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
