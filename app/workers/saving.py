"""Owns the worker that writes projects, so that the window stays live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.workers.newest_wins import NewestWins
from mpm_core.formats.project import Part, Project, write_project


class SaveJob(QObject):
    """Writes one project at a time, whole or not at all."""

    saved = Signal(object, object)  # path, and the Project that is there now
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.is_busy = False
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self.saved.connect(self._on_saved)
        self._thread.start()

    def ask(self, project: Project, path: Path) -> None:
        """Write it there; what is there already stays until the new one is whole."""
        self.is_busy = True
        self._thread.ask(project, path)

    def stop(self) -> None:
        """Finish what was asked for, and end the worker; call before the application quits."""
        self._thread.stop(finishes=True)

    def _work(self, project: Project, path: Path) -> None:
        write_project(with_fingerprint(project), path)
        self.saved.emit(path, project)

    def _on_saved(self, *_: object) -> None:
        self.is_busy = False

    def _on_failed(self, text: str) -> None:
        """In the window's thread."""
        self.is_busy = False
        self.failed.emit(text)


def with_fingerprint(project: Project) -> Project:
    """The project with what tells its video from others, if that is there and nobody looked yet."""
    part, path = project.parts.get("video"), project.links.get("video")
    if part is None or path is None or part.note.get("fingerprint"):
        return project
    from mpm_core.detectors.keeper import fingerprint_of  # not needed to open a window

    try:
        note = {**part.note, "fingerprint": fingerprint_of(path)}
    except OSError:
        return project
    return replace(project, parts={**project.parts, "video": Part(note)})
