"""Owns what the action about films does: it asks what and where, has it drawn, and shows how far that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QProgressDialog, QWidget

from app.document.document import Document
from app.document.session import Session
from app.panels.passing import passing
from app.panels.questions import ask_where, may_replace
from app.views.scene_area import SceneArea
from app.workers.backdrop import Backdrop
from app.workers.filming import FilmJob
from mpm_core.skeleton import MPM16

if TYPE_CHECKING:
    from app.panels.film_dialog import FilmKind


class FilmHandlers(QObject):
    """Binds the table of actions to the job that draws films. look: gives the names of theme and palette."""

    def __init__(
        self, window: QWidget, session: Session, document: Document, area: SceneArea, backdrop: Backdrop,
        look: Callable[[], tuple[str, str]],
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._document, self._area, self._backdrop = window, session, document, area, backdrop
        self._look = look
        self._progress: QProgressDialog | None = None
        self.job = FilmJob()
        self.job.stepped.connect(self._on_stepped)
        self.job.warned.connect(session.warning)
        self.job.ended.connect(lambda text: self._on_ended(text[0].upper() + text[1:], session.message.emit))
        self.job.failed.connect(lambda text: self._on_ended(text, session.failure.emit))
        self.job.cancelled.connect(lambda: self._on_ended("Cancelled: nothing was written.", session.message.emit))

    def export_film(self) -> None:
        """Ask what to show and where it goes, then draw it in the background."""
        session = self._session
        if session.prediction is None:
            session.warning.emit("There is no prediction to film yet.")
        elif session.state.is_busy or session.renewal.marks is not None:
            session.warning.emit("The prediction is not complete yet: film it when the status line no longer says 'lifting'.")
        elif self.job.is_busy:
            session.warning.emit("A film is still being drawn: try again when it is done.")
        else:
            from app.panels.film_dialog import FilmDialog  # not needed to open a window

            with passing(FilmDialog(session, self._area.view is not None, self._look()[0], self._window)) as dialog:
                if dialog.exec():
                    self._film(dialog.kind(), dialog.arguments())

    def _film(self, kind: FilmKind, arguments: list[str]) -> None:
        session, project = self._session, self._document.project()
        assert session.clip is not None
        name = f"{self._document.file_stem}{f'-{session.frame}' if kind.is_still else ''}{kind.suffix}"
        target = ask_where(self._window, "Export a film or pictures", name, kind.label.partition(" (")[0], kind.suffix)
        if target is None or project is None or session.prediction is None:
            return
        if kind.is_series:
            target = target.with_name(f"{target.stem.replace('%', '_')}-%05d{kind.suffix}")
            first = target.with_name(target.name % 0)
            if first.exists() and not may_replace(self._window, first):
                return
        times = self._backdrop.times
        shown = [answer.name for answer in session.kept.shown]
        aspect = 1.0 if self._area.view is None else self._area.height() / max(self._area.width(), 1)
        from mpm_core.films.material import with_window_part  # with it come the commands; not needed to open a window

        project = with_window_part(project, session.prediction, times, {"aspect": aspect, "shown": shown})
        self._show_progress(target)
        shown_now = [] if "overlay" in arguments else self._on_show()
        self.job.start(project, ["-o", str(target), *arguments, "--colours", self._look()[1], *shown_now])

    def _on_show(self) -> list[str]:
        """How the scene is drawn now."""
        scene = self._area.view
        if scene is None:
            return []
        truth = "none" if not scene.shows_truth else "beside" if scene.is_side_by_side else "over"
        said = ["--truth-place", truth, "--ghosts", str(scene.ghosts.reach)]
        said += [] if scene.follows_root else ["--no-follow"]
        said += ["--errors"] if scene.shows_errors else []
        if scene.trails.is_on:
            for joint in sorted(self._session.selection) or [MPM16.root]:
                said += ["--trails", MPM16.joints[joint]]
        return said

    def _show_progress(self, target: Path) -> None:
        dialog = QProgressDialog(f"Drawing {target.name}", "Cancel", 0, 0, self._window)
        dialog.setObjectName("film")
        dialog.setWindowTitle("Film")
        dialog.setMinimumDuration(0)
        dialog.setAutoClose(False)
        dialog.setAutoReset(False)
        dialog.canceled.connect(self.job.cancel)
        dialog.show()
        self._progress = dialog

    def _on_stepped(self, done: int, total: int) -> None:
        if self._progress is not None and not self._progress.wasCanceled():
            self._progress.setMaximum(total)
            self._progress.setValue(done)

    def _on_ended(self, text: str, say: Callable[[str], None]) -> None:
        if self._progress is not None:
            self._progress.canceled.disconnect(self.job.cancel)
            self._progress.close()
            self._progress.deleteLater()
            self._progress = None
        say(text)

    def stop(self) -> None:
        """Give up what is being drawn; call before the application quits."""
        self.job.stop()
