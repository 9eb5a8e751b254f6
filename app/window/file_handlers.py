"""Owns what the actions of the menu File do with files: opening, exporting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.document.document import Document
from app.document.predictions import KeptAnswer
from app.document.session import Session
from app.document.timers import single_shot
from app.look.theme import Theme
from app.panels.folders import use_folder
from app.panels.passing import passing
from app.panels.questions import ask_for_file, ask_for_folder, ask_to_give_up_export, ask_where
from app.workers.backdrop import Backdrop
from app.workers.detection import DetectJob
from app.workers.newest_wins import NewestWins
from app.workers.opening import Opener, ReadBeside
from mpm_core.clip import Clip, split_source
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats import FORMATS, write
from mpm_core.formats.base import Contents, Format, WriteOptions
from mpm_core.prediction import Prediction

_VIDEOS = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEO_SUFFIXES)
_NOT_WHOLE = "The prediction is not complete yet: export it when the lifter is done."


@dataclass(frozen=True, eq=False)
class _Waiting:
    """An export that waits for the lifter. opened: the clip that it is of."""

    opened: Clip | None
    path: Path
    options: WriteOptions


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
        self._waiting: _Waiting | None = None
        # A moment later: state, what is outdated and the answer change one after the other.
        self._soon = single_shot(self, self._write_when_done)
        for signal in (session.state_changed, session.prediction_changed, session.clip_changed, session.renewal.changed):
            signal.connect(self._soon.start)
        self._writer = NewestWins(self._write)
        self._written.connect(self._on_written)
        self._writer.failed.connect(self._on_write_failed)
        self._writer.start()

    def open_file(self) -> None:
        path = ask_for_file(self._window, "Open a project, keypoints or a video", _openable())
        if path is not None:
            self.open_path(path)

    def open_folder(self) -> None:
        path = ask_for_folder(self._window, "Open a folder with a file per frame")
        if path is not None:
            self.open_path(path)

    def open_path(self, path: Path) -> None:
        """Open keypoints, or choose a video to detect them in."""
        use_folder(self._window, path.parent)
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

    def ask_again(self) -> None:
        """Open the file of the clip once more, with other answers to what it leaves open."""
        clip = self._session.opened
        path = split_source(clip.source)[0] if clip is not None and clip.source else None
        if path is None or not path.exists() or path.suffix.lower() in VIDEO_SUFFIXES:
            self._session.warning.emit("No file of keypoints or 3D is open that could be read in another way.")
        else:
            self._opener.open(path, asks=True)

    def open_video(self) -> None:
        path = ask_for_file(self._window, "Open a video", f"Videos ({_VIDEOS});;All files (*)")
        if path is not None:
            self.open_path(path)

    def open_backdrop(self) -> None:
        path = ask_for_file(self._window, "Video behind the skeleton", f"Videos ({_VIDEOS});;All files (*)")
        if path is not None:
            self._backdrop.open(path)

    def open_demo(self) -> None:
        self._opener.open_demo()

    def ask_and_read(self, path: Path, contents: Contents, beside: ReadBeside | None, theme: Theme) -> None:
        """Ask for what a file lacks, then read it."""
        from app.panels.open_dialog import OpenDialog  # not needed to open a window

        was_answered = self._opener.was_answered(path)
        above = QApplication.activeModalWidget() or self._window
        with passing(OpenDialog(path, contents, theme, above, was_answered)) as dialog:
            if dialog.exec():
                self._opener.read(path, dialog.options(), beside)

    def export_clip(self) -> None:
        """Write clip, corrections and mask as an NPZ, for other programs and for the command line."""
        clip = self._session.clip
        if clip is None:
            return
        path = ask_where(self._window, "Export clip and mask", f"{self._document.file_stem}.npz", "mpm-viewer NPZ", ".npz")
        if path is not None:
            options = WriteOptions(mask=self._session.mask, threshold=self._session.threshold)
            self._begin_writing(replace(clip, history=self._document.edits), path, options)

    def export(self) -> None:
        """Ask what to write and where, then write it in the background; while the lifter is at work, when that is done."""
        session = self._session
        if session.prediction is None and not session.state.is_busy:
            session.warning.emit("There is no prediction to export yet.")
        elif self._is_writing or self._waiting is not None:
            session.warning.emit("An export is still being written: try again when it is done.")
        else:
            from app.panels.export_dialog import ExportDialog  # not needed to open a window

            with passing(ExportDialog(session, self._window)) as dialog:
                if dialog.exec():
                    self._export_as(dialog.format(), dialog.options(), dialog.kept())

    def _export_as(self, chosen: Format, options: WriteOptions, kept: KeptAnswer | None) -> None:
        """Write the answer on show, or one that was kept, which is whole."""
        if kept is None and not self._is_at_work() and not self._is_known(options):
            self._session.warning.emit(_NOT_WHOLE)
            return
        clip, suffix = self._session.clip, chosen.suffixes[0]
        path = ask_where(self._window, "Export", self._document.file_stem + suffix, chosen.label, suffix)
        if path is None or clip is None or self._session.clip is None:
            return
        if kept is not None:
            told = replace(self._session.clip, history=self._document.edits)
            self._begin_writing(kept.prediction, path, replace(options, clip=told))
            return
        self._waiting = _Waiting(self._session.opened, path, options)
        if self._is_at_work():
            self._session.message.emit(f"{path.name} will be written when the lifter is done")
        self._write_when_done()

    def _write_when_done(self) -> None:
        """What waits for the lifter, once that has answered what is asked of it now."""
        waiting, session = self._waiting, self._session
        if waiting is None:
            return
        if session.opened is not waiting.opened:
            self._give_up(f"{waiting.path.name} was not written: its clip is no longer open")
        elif session.state.error:
            self._give_up(f"{waiting.path.name} was not written: {session.state.error}")
        elif not self._is_at_work() and session.prediction is not None:
            if not self._is_known(waiting.options):
                self._give_up(_NOT_WHOLE)
                return
            self._waiting = None
            assert session.clip is not None
            told = replace(session.clip, history=self._document.edits)
            self._begin_writing(session.prediction, waiting.path, replace(waiting.options, clip=told))

    def _is_at_work(self) -> bool:
        """Whether the answer on show is not, or not wholly, the one to what is asked."""
        return self._session.state.is_busy or self._session.renewal.marks is not None

    def _is_known(self, options: WriteOptions) -> bool:
        """Whether there is an answer in all frames that are to be written."""
        prediction = self._session.prediction
        if prediction is None:
            return False
        return bool(np.isfinite(prediction.positions[options.frames(len(prediction.positions))]).all())

    def _give_up(self, why: str) -> None:
        self._waiting = None
        self._session.warning.emit(why)

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

    def may_close(self) -> bool:
        """Whether nothing waits to be written, or a person gives it up."""
        return self._waiting is None or ask_to_give_up_export(self._window, self._waiting.path.name)

    def stop(self) -> None:
        """Finish what is being written or was handed over; call before the application quits."""
        self._soon.stop()
        self._waiting = None
        self._writer.stop(finishes=True)


def readable() -> str:
    """What a dialog that asks for keypoints or 3D filters by."""
    return f"Keypoints ({_suffixes()});;All files (*)"


def _openable() -> str:
    return f"Projects, keypoints and videos ({_suffixes()} {_VIDEOS});;All files (*)"


def _suffixes() -> str:
    return " ".join(sorted({f"*{suffix}" for entry in FORMATS.values() if entry.read for suffix in entry.suffixes}))
