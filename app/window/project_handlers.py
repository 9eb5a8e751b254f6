"""Owns what happens to the document as a whole: it is saved, left, opened from a project or after a crash, and told about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.document.document import Document
from app.document.opened import opened_in_words
from app.document.project import Unpacked
from app.document.recent import Recent
from app.document.session import Session
from app.panels.history import HistoryDialog
from app.panels.passing import passing
from app.panels.questions import ask_to_replace, ask_to_save, ask_where, ask_where_now
from app.workers.autosave import Autosave, Leftover
from app.workers.backdrop import Backdrop
from app.workers.detection import DetectJob
from app.workers.saving import SaveJob
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats.project import SUFFIX, Project

_VIDEOS = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEO_SUFFIXES)


class ProjectHandlers(QObject):
    """Binds the table of actions to the document and its workers."""

    new_window_asked = Signal()
    quit_asked = Signal()

    def __init__(
        self, window: QWidget, session: Session, document: Document, backdrop: Backdrop, detect_job: DetectJob, recent: Recent,
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._document = window, session, document
        self._backdrop, self._detect_job, self._recent = backdrop, detect_job, recent
        self._waiting: list[Callable[[bool], None]] = []
        self._stamp: tuple[int, int] | None = None
        self._saved_clip: Clip | None = None
        self.autosave = Autosave(document)
        self._save_job = SaveJob()
        self._save_job.saved.connect(self._on_saved)
        self._save_job.failed.connect(self._on_save_failed)
        self.autosave.failed.connect(session.failure)

    def save(self) -> None:
        """Save the project in the background; the first time it is asked where."""
        self._save_to(self._document.path)

    def save_as(self) -> None:
        """Save the project somewhere else, where it stays from then on."""
        self._save_to(None)

    def save_and_wait(self) -> bool:
        """Save, and go on when it is done; whether it was. The window stays live meanwhile."""
        loop, outcome = QEventLoop(), [False]

        def end(is_saved: bool) -> None:
            outcome[0] = is_saved
            loop.quit()

        self._wait()
        if self._save_to(self._document.path):
            self._waiting.append(end)
            loop.exec()
        return outcome[0]

    def may_leave(self) -> bool:
        """Whether the document may be left: there is nothing to lose, or it was saved, or a person gives it up."""
        self._wait()
        while self._document.is_unsaved():
            choice = ask_to_save(self._window, self.name(), self._document.path is not None)
            if choice == QMessageBox.StandardButton.Discard:
                return True
            if choice != QMessageBox.StandardButton.Save or not self.save_and_wait():
                return False
        return True

    def name(self) -> str:
        """What the document is called."""
        if self._document.path is not None:
            return self._document.path.name
        if self._session.clip is not None:
            return self._session.clip.name
        return self._detect_job.video.path.name if self._detect_job.video is not None else ""

    def take(self, opened: Unpacked, is_other_video: bool) -> None:
        """Open a project that was read. is_other_video: its video lies there, but is another one."""
        if self.may_leave():
            before = self._session.options
            said = self._open(opened, opened.path, is_other_video)
            self._recent.remember(opened.path)
            self._session.message.emit(opened_in_words(opened.path.name, self._session, before))
            if said:
                self._session.warning.emit(said)

    def recover(self, leftover: Leftover) -> None:
        """Go on with work that was kept aside; it counts as unsaved, and its project stays as it is."""
        try:
            opened = Unpacked(leftover.project, leftover.slot.path)
        except UserError as error:
            leftover.slot.release()
            self._session.failure.emit(str(error))
            return
        said = self._open(opened, None, False)
        self._document.mark_unsaved(leftover.of)
        self._stamp = None if leftover.of is None else _stamp_of(leftover.of)
        self.autosave.adopt(leftover.slot)
        self._session.message.emit(f"Recovered {leftover.name}: not saved yet")
        if said:
            self._session.warning.emit(said)

    def show_history(self) -> None:
        """What was done to the clip and for the answer on show, or for one that was kept."""
        if self._session.clip is not None:
            kept = {answer.name: answer.prediction.history for answer in self._session.kept.answers}
            with passing(HistoryDialog(self.name(), self._document.history, self._window, kept)) as dialog:
                dialog.exec()

    def new_window(self) -> None:
        self.new_window_asked.emit()

    def quit(self) -> None:
        self.quit_asked.emit()

    def stop(self) -> None:
        """End the workers; call before the window goes, once it may be left."""
        self._save_job.stop()
        self.autosave.stop()

    def _save_to(self, path: Path | None) -> bool:
        """Begin to save; False where there is nothing to save, or no place was chosen."""
        if self._session.clip is None or self._save_job.is_busy:
            return False
        if path is None:
            path = ask_where(self._window, "Save project", f"{self._document.file_stem}{SUFFIX}", "mpm-viewer project", SUFFIX)
        elif _stamp_of(path) not in (None, self._stamp) and not ask_to_replace(self._window, path.name):
            return False
        project = self._document.project()
        if path is None or project is None:
            return False
        self._session.message.emit(f"Saving {path.name} …")
        self._saved_clip = self._session.opened
        self._save_job.ask(project, path)
        return True

    def _wait(self) -> None:
        """Until what is being saved is there; the window stays live."""
        if self._save_job.is_busy:
            loop = QEventLoop()
            self._waiting.append(lambda _: loop.quit())
            loop.exec()

    def _on_saved(self, path: Path, project: Project) -> None:
        if self._session.clip is not None and self._session.opened is self._saved_clip:  # still the same
            self._document.mark_saved(path, project)
            self._stamp = _stamp_of(path)
        self._recent.remember(path)
        self._session.message.emit(f"Saved {path}")
        self._end_saving(True)

    def _on_save_failed(self, text: str) -> None:
        QMessageBox.warning(self._window, "Not saved", text)
        self._end_saving(False)

    def _end_saving(self, is_saved: bool) -> None:
        """Let all go on who wait: while one does, another file may be opened, which waits too."""
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on(is_saved)

    def _open(self, opened: Unpacked, path: Path | None, is_other_video: bool) -> str:
        """Open it, with its video if that can be found; what is to be said where it cannot."""
        said = ""
        is_moved = opened.video is not None and not opened.video.path.exists()
        before = opened
        if opened.video is not None and is_moved:
            opened = opened.with_video(ask_where_now(self._window, opened.video.path, f"Videos ({_VIDEOS});;All files (*)"))
        self._document.open(opened, path)
        self._stamp = None if path is None else _stamp_of(path)
        if path is not None and opened is not before:
            self._document.mark_saved(path, before.project)  # on disk it is still linked to where it was
            self._document.look_again()
        video = opened.video
        self._detect_job.adopt(None)
        if video is not None and video.path.exists():
            self._backdrop.show(video)
            if opened.recording is not None and opened.recording.info.path == video.path:
                self._detect_job.adopt(opened.recording.info)
            if is_other_video:
                said = f"{video.path.name} is not the file that was worked on: its pictures may not fit"
        elif video is not None:
            said = f"{video.path.name} was not found: there are no pictures"
        return said


def _stamp_of(path: Path) -> tuple[int, int] | None:
    """What tells whether somebody else has written a file meanwhile; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
