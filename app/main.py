"""Owns the command mpm-viewer: arguments, and the start of the application."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from app.allocation import save_memory
from app.display import why_no_display
from app.head_start import HEAD_START
from mpm_core.errors import why_no_working_folder

_log = logging.getLogger("mpm-viewer")

_SWITCH_S = 0.0005


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window on a file, or on the bundled demo; returns the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    options = _parse(arguments)
    problem = why_no_working_folder() or why_no_display()
    if problem:
        _log.error("mpm-viewer: %s", problem)
        return 2
    save_memory()
    HEAD_START.begin()
    gc.disable()  # what is made until the window is there stays; then its Collector looks for garbage
    from PySide6.QtCore import QSettings, Qt
    from PySide6.QtWidgets import QApplication

    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([sys.argv[0]])
    app.setApplicationName("mpm-viewer")
    app.setOrganizationName("mpm-viewer")
    # Each time that Qt gives the interpreter back, the window waits so long for it while a worker runs; Python's own 5 ms would
    # come to a tenth of a second for a click.
    sys.setswitchinterval(_SWITCH_S)
    if options.bench_ui:
        from app.bench.ui import run_bench

        gc.freeze()
        run_bench(app, sys.stdout.write)
        return 0
    from app.look.theme import THEMES
    from app.window.interrupts import Interrupts
    from app.window.windows import Windows

    gc.freeze()  # modules are never looked through for garbage again, which would hold up the window for several frames
    windows = Windows(QSettings(), THEMES.get(options.theme))
    windows.open().first_sight.seen.connect(lambda: windows.start(options.file))
    interrupts = Interrupts(windows.quit)  # noqa: F841, it listens for as long as it is there
    return app.exec()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mpm-viewer", description="See 2D poses become 3D while you hide joints.")
    parser.add_argument(
        "file", nargs="?", type=Path, help="project, video, keypoint file or OpenPose folder; by default the demo"
    )
    parser.add_argument("--theme", choices=("dark", "light"), help="instead of the last one, or the desktop's")
    parser.add_argument("--bench-ui", action="store_true", help="measure how smooth the window is on this machine, and leave")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
