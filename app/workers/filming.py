"""Owns the making of films: a process of its own draws, so that the window stays live, and leaves no file when it is ended."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

import app
from app.workers.newest_wins import NewestWins
from mpm_core.formats.project import Project, write_project

_PATIENCE_MS = 3000


class FilmJob(QObject):
    """One film at a time. What it is of is handed over as a project."""

    stepped = Signal(int, int)  # pictures drawn, of how many
    warned = Signal(str)
    ended = Signal(str)  # what was written
    failed = Signal(str)
    cancelled = Signal()
    _handed_over = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.is_busy = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._arguments: Sequence[str] = ()
        self._is_cancelled = False
        self._outcome = ("", "")
        self._process: QProcess | None = None
        self._writer = NewestWins(self._write)
        self._writer.failed.connect(lambda text, _: self._end("!", text))
        self._handed_over.connect(self._begin)
        self._writer.start()

    def start(self, project: Project, arguments: Sequence[str]) -> None:
        """Draw it as `mpm render PROJECT ARGUMENTS` does."""
        self.is_busy, self._is_cancelled, self._outcome = True, False, ("", "")
        self._folder, self._arguments = tempfile.TemporaryDirectory(prefix="mpm-film-"), arguments
        self._writer.ask(project, Path(self._folder.name) / "film.mpmproj")

    def cancel(self) -> None:
        """Give the film up; cancelled tells when it is gone."""
        self._is_cancelled = True
        if self._process is not None:
            self._process.closeWriteChannel()

    def stop(self) -> None:
        """Give up what is being drawn; call before the application quits."""
        self.blockSignals(True)
        self.cancel()
        self._writer.stop()
        if self._process is not None and not self._process.waitForFinished(_PATIENCE_MS):
            self._process.kill()
            self._process.waitForFinished(_PATIENCE_MS)
        self._tidy()

    def _write(self, project: Project, path: Path) -> None:
        """In the writer's thread."""
        write_project(project, path, moves=False)
        self._handed_over.emit(path)

    def _begin(self, path: Path) -> None:
        if self._is_cancelled:
            self._end("", "")
            return
        process = self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.remove("QT_QPA_PLATFORM")  # of the window; a film needs no display
        environment.insert("PYTHONUTF8", "1")
        paths = [str(Path(app.__file__).parents[1]), environment.value("PYTHONPATH")]
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        process.start(sys.executable, ["-m", "app.films", str(path), *self._arguments])

    def _read(self) -> None:
        assert self._process is not None
        while self._process.canReadLine():
            kind, _, text = bytes(self._process.readLine().data()).decode(errors="replace").rstrip("\r\n").partition(" ")
            if kind.isdecimal() and text.isdecimal():
                self.stepped.emit(int(kind), int(text))
            elif kind == "?":
                self.warned.emit(text)
            elif kind in ("=", "!"):
                self._outcome = (kind, text)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._end("!", f"{sys.executable} could not be started to draw the film")

    def _on_finished(self) -> None:
        self._read()
        said = bytes(self._process.readAllStandardError().data()).decode(errors="replace") if self._process else ""
        unknown = " ".join(said.split()[-40:]) or "the process that drew it died (was there too little memory?)"
        self._end(*(self._outcome if self._outcome[0] else ("!", f"The film could not be drawn: {unknown}")))

    def _end(self, kind: str, text: str) -> None:
        self._tidy()
        if kind == "=":
            self.ended.emit(text)
        elif self._is_cancelled:
            self.cancelled.emit()
        else:
            self.failed.emit(text)

    def _tidy(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self.is_busy = False
