"""Owns what the actions of the menu File do with files: opening, exporting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.document.document import Document
from app.document.session import Session
from app.look.theme import Theme
from app.panels.passing import passing
from app.panels.questions import ask_where
from app.workers.backdrop import Backdrop
from app.workers.detection import DetectJob
from app.workers.newest_wins import NewestWins
from app.workers.opening import Opener
from mpm_core.clip import Clip
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats import FORMATS, write
from mpm_core.formats.base import Contents, Format, WriteOptions
from mpm_core.prediction import Prediction

_VIDEOS = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEO_SUFFIXES)
_NOT_WHOLE = "The prediction is not complete yet: export it when the lifter is done."


class FileHandlers(QObject):
    """Binds the table of actions to the opener, the writer and the dialogs."""

    _written = Signal(str)

    def __init__(
        self, window: QWidget, session: Session, document: Document, opener: Opener, backdrop: Backdrop,
        detect_job: DetectJob, may_leave: Callable[[], bool],
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._document = window, session, document
        self._may_leave = may_leave
        self._opener, self._backdrop, self._detect_job = opener, backdrop, detect_job
        self._is_writing = False
        self._writer = NewestWins(self._write)
        self._written.connect(self._on_written)
        self._writer.failed.connect(self._on_write_failed)
        self._writer.start()

    def open_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a project, keypoints or a video", "", _openable())
        if name:
            self.open_path(Path(name))

    def open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder with a file per frame")
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Open keypoints, or choose a video to detect them in."""
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            self._opener.open(path)
        elif self._detect_job.state.is_running:
            self._session.warning.emit("A video is being looked at: cancel that first.")
        elif self._is_at_work_on(path) or self._may_leave():
            self._detect_job.choose(path)

    def _is_at_work_on(self, video: Path) -> bool:
        """Whether the clip is of this video, so that it stays until another one is detected in it."""
        clip = self._session.clip
        return clip is not None and clip.source == str(video)

    def open_video(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a video", "", f"Videos ({_VIDEOS});;All files (*)")
        if name:
            self.open_path(Path(name))

    def open_backdrop(self) -> None:
        title = "Video behind the skeleton"
        name, _ = QFileDialog.getOpenFileName(self._window, title, "", f"Videos ({_VIDEOS});;All files (*)")
        if name:
            self._backdrop.open(Path(name))

    def open_demo(self) -> None:
        self._opener.open_demo()

    def ask_and_read(self, path: Path, contents: Contents, truth_for: Clip | None, theme: Theme) -> None:
        """Ask for what a file lacks, then read it."""
        from app.panels.open_dialog import OpenDialog  # not needed to open a window

        with passing(OpenDialog(path, contents, theme, self._window)) as dialog:
            if dialog.exec():
                self._opener.read(path, dialog.options(), truth_for)

    def export_clip(self) -> None:
        """Write clip, corrections and mask as an NPZ, for other programs and for the command line."""
        clip = self._session.clip
        if clip is None:
            return
        path = ask_where(self._window, "Export clip and mask", f"{clip.file_stem}.npz", "mpm-viewer NPZ", ".npz")
        if path is not None:
            options = WriteOptions(mask=self._session.mask, threshold=self._session.threshold)
            self._begin_writing(replace(clip, history=self._document.edits), path, options)

    def export(self) -> None:
        """Ask what to write and where, then write it in the background."""
        session = self._session
        if session.prediction is None:
            session.warning.emit("There is no prediction to export yet.")
        elif session.state.is_busy:
            session.warning.emit(_NOT_WHOLE)
        elif self._is_writing:
            session.warning.emit("An export is still being written: try again when it is done.")
        else:
            from app.panels.export_dialog import ExportDialog  # not needed to open a window

            with passing(ExportDialog(session, self._window)) as dialog:
                if dialog.exec():
                    self._export_as(dialog.format(), dialog.options(), session.prediction)

    def _export_as(self, chosen: Format, options: WriteOptions, prediction: Prediction) -> None:
        if not np.isfinite(prediction.positions[options.frames(len(prediction.positions))]).all():
            self._session.warning.emit(_NOT_WHOLE)
            return
        clip = self._session.clip
        stem = clip.file_stem if clip is not None else "prediction"
        suffix = chosen.suffixes[0]
        path = ask_where(self._window, "Export", stem + suffix, chosen.label, suffix)
        if path is not None:
            told = None if clip is None else replace(clip, history=self._document.edits)
            self._begin_writing(prediction, path, replace(options, clip=told))

    def _begin_writing(self, content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
        self._is_writing = True
        self._session.message.emit(f"Writing {path} …")
        self._writer.ask(content, path, options)

    def _write(self, content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
        """In the writer's thread."""
        notes = write(content, path, options)
        self._written.emit(". ".join((f"Wrote {path}", *(note[0].upper() + note[1:] for note in notes))))

    def _on_written(self, text: str) -> None:
        """In the window's thread."""
        self._is_writing = False
        self._session.message.emit(text)

    def _on_write_failed(self, text: str) -> None:
        """In the window's thread: say why it is not written."""
        self._is_writing = False
        self._session.failure.emit(text)

    def stop(self) -> None:
        """Finish what is being written; call before the application quits."""
        self._writer.stop()


def readable() -> str:
    """What a dialog that asks for keypoints or 3D filters by."""
    return f"Keypoints ({_suffixes()});;All files (*)"


def _openable() -> str:
    return f"Projects, keypoints and videos ({_suffixes()} {_VIDEOS});;All files (*)"


def _suffixes() -> str:
    return " ".join(sorted({f"*{suffix}" for entry in FORMATS.values() if entry.read for suffix in entry.suffixes}))
