"""Owns what the actions of the menu File do: opening, saving, exporting, leaving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget

from app.document.session import Session
from app.look.theme import Theme
from app.panels.export_dialog import ExportDialog
from app.panels.open_dialog import OpenDialog
from app.panels.questions import ask_to_save, ask_where
from app.workers.backdrop import Backdrop
from app.workers.detection import DetectJob
from app.workers.newest_wins import NewestWins
from app.workers.opening import Opener
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats import FORMATS, write
from mpm_core.formats.base import Contents, Format, WriteOptions
from mpm_core.prediction import Prediction

_SUFFIXES = " ".join(sorted({f"*{suffix}" for entry in FORMATS.values() if entry.read for suffix in entry.suffixes}))
READABLE = f"Keypoints ({_SUFFIXES});;All files (*)"
_VIDEOS = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEO_SUFFIXES)
_OPENABLE = f"Keypoints and videos ({_SUFFIXES} {_VIDEOS});;All files (*)"
_NOT_WHOLE = "The prediction is not complete yet: export it when the lifter is done."


class FileHandlers(QObject):
    """Binds the table of actions to the opener, the writer and the dialogs."""

    _written = Signal(str)

    def __init__(
        self, window: QWidget, session: Session, opener: Opener, backdrop: Backdrop, detect_job: DetectJob,
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session = window, session
        self._opener, self._backdrop, self._detect_job = opener, backdrop, detect_job
        self._is_writing = False
        self._writer = NewestWins(self._write)
        for outcome in (self._written, self._writer.failed):
            outcome.connect(self._on_write_ended)
        self._writer.start()

    def open_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open keypoints or a video", "", _OPENABLE)
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
            self._session.message.emit("A video is being looked at: cancel that first.")
        else:
            self._detect_job.choose(path)

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
        dialog = OpenDialog(path, contents, theme, self._window)
        if dialog.exec():
            self._opener.read(path, dialog.options(), truth_for)

    def may_leave(self) -> bool:
        """Whether the clip may be left: there is nothing to lose, or it was saved, or a person gives it up."""
        if self._session.undo_stack.isClean():
            return True
        choice = ask_to_save(self._window)
        return choice == QMessageBox.StandardButton.Discard or (choice == QMessageBox.StandardButton.Save and self.save())

    def save(self) -> bool:
        """Ask for a place and save; whether it was done."""
        clip = self._session.clip
        if clip is None:
            return False
        path = ask_where(self._window, "Save clip and mask", f"{clip.file_stem}.npz", "mpm-viewer NPZ", ".npz")
        if path is None:
            return False
        try:
            write(clip, path, WriteOptions(mask=self._session.mask, threshold=self._session.threshold))
        except UserError as error:
            QMessageBox.warning(self._window, "Not written", str(error))
            return False
        self._session.undo_stack.setClean()
        self._session.message.emit(f"Wrote {path}")
        return True

    def export(self) -> None:
        """Ask what to write and where, then write it in the background."""
        session = self._session
        if session.prediction is None:
            session.message.emit("There is no prediction to export yet.")
        elif session.state.is_busy:
            session.message.emit(_NOT_WHOLE)
        elif self._is_writing:
            session.message.emit("An export is still being written: try again when it is done.")
        else:
            dialog = ExportDialog(session, self._window)
            if dialog.exec():
                self._export_as(dialog.format(), dialog.options(), session.prediction)

    def _export_as(self, chosen: Format, options: WriteOptions, prediction: Prediction) -> None:
        if not np.isfinite(prediction.positions[options.frames(len(prediction.positions))]).all():
            self._session.message.emit(_NOT_WHOLE)
            return
        clip = self._session.clip
        stem = clip.file_stem if clip is not None else "prediction"
        suffix = chosen.suffixes[0]
        path = ask_where(self._window, "Export", stem + suffix, chosen.label, suffix)
        if path is not None:
            self._is_writing = True
            self._session.message.emit(f"Writing {path} …")
            self._writer.ask(prediction, path, options)

    def _write(self, prediction: Prediction, path: Path, options: WriteOptions) -> None:
        """In the writer's thread."""
        notes = write(prediction, path, options)
        self._written.emit(". ".join((f"Wrote {path}", *(note[0].upper() + note[1:] for note in notes))))

    def _on_write_ended(self, text: str) -> None:
        """In the window's thread: say that it is written, or why not."""
        self._is_writing = False
        self._session.message.emit(text)

    def stop(self) -> None:
        """Finish what is being written; call before the application quits."""
        self._writer.stop()

    def quit(self) -> None:
        QApplication.closeAllWindows()
