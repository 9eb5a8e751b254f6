"""A random user of the real window who is killed at some moment: python -m tests.soak.killed FOLDER SEED.

Before each step, and when something is kept aside, state.log in the folder gets a line: the time, what the work is, and whether
anything of it is on no disk.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from app.look.theme import DARK
from app.window.main_window import MainWindow
from mpm_core import write
from mpm_core.assets import find_asset
from mpm_core.formats import read_clip
from mpm_core.formats.project import Project
from tests.soak.user import RandomUser, live

PROJECT = "work.mpmproj"


def digest_of(project: Project | None) -> str:
    """What a person would call their work, in a word."""
    if project is None:
        return "nothing"
    clip, digest = project.clip, hashlib.sha1()
    for array in (project.mask, project.flags, clip.keypoints, clip.visible, clip.edited, clip.times):
        digest.update(b"" if array is None else array.tobytes())
    said = (clip.name, project.threshold, clip.height_m, clip.up, clip.camera.focal)
    digest.update(json.dumps(said).encode())
    return digest.hexdigest()[:16]


def main(folder: Path, seed: int) -> None:
    """Work until somebody ends it."""
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    app = QApplication(["mpm-viewer"])
    window = MainWindow(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat), DARK)
    window.show()
    demo = read_clip(find_asset("demo/demo.npz"))
    files = [folder / name for name in ("walk.npz", "short.npz", PROJECT)]
    write(demo.cut(0, 400), files[0])
    write(demo.cut(0, 90), files[1])
    window.file_handlers.open_path(files[0])
    while window.session.clip is None:
        live(20)
    window.project_handlers._save_to = _saving_there(window, folder / PROJECT)  # type: ignore[method-assign]
    window.actions_by_name["save"].trigger()
    while window.document.is_unsaved() or window.document.path is None:
        live(20)
    user = RandomUser(window, seed, files, folder)
    log = (folder / "state.log").open("a", buffering=1)

    def note() -> None:
        document = window.document
        log.write(f"{time.time():.3f} {digest_of(document.project())} {int(document.is_unsaved())}\n")

    # What is kept aside may be what the work was in the middle of a step.
    window.project_handlers.autosave._timer.timeout.connect(note)
    print("ready", flush=True)
    while True:
        note()
        user.step()
        app.processEvents()


def _saving_there(window: MainWindow, path: Path):
    """Saving asks for no place, so that there is one project to look at afterwards."""
    save = window.project_handlers._save_to
    return lambda _: save(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
