"""Owns what the actions about the scene do: from where it is seen, what it shows, pictures of it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QInputDialog, QWidget

from app.document.session import Session
from app.panels.questions import ask_where
from app.views.scene_view import SceneView
from app.workers.bystanders import Bystander, BystandersJob

_TURN_DEG_PER_S = 30.0
_TURN_EVERY_MS = 33
_MOST_GHOST_FRAMES = 250


class SceneHandlers(QObject):
    """Binds the table of actions to the scene; where there is none, each does nothing."""

    def __init__(self, window: QWidget, session: Session, scene: SceneView | None, bystanders: BystandersJob) -> None:
        super().__init__()
        self._window, self._session, self._scene, self._bystanders = window, session, scene, bystanders
        self._turning = QTimer(self)
        self._turning.setInterval(_TURN_EVERY_MS)
        self._turning.timeout.connect(self._turn)
        bystanders.changed.connect(self._show_bystanders)

    def look_from(self, name: str) -> None:
        if self._scene is not None:
            self._scene.look_from(name)

    def set_follows(self, follows: bool) -> None:
        if self._scene is not None:
            self._scene.follows_root = follows
            self._scene.refresh()

    def set_errors(self, shows: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(errors=shows)

    def set_truth(self, shows: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(truth=shows)

    def set_side_by_side(self, is_beside: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(side_by_side=is_beside)

    def set_trails(self, shows: bool) -> None:
        if self._scene is not None:
            self._scene.trails.is_on = shows
            self._scene.refresh()

    def ask_ghosts(self) -> None:
        """How many frames before and after the person is shown again, see-through."""
        if self._scene is None:
            return
        text = "Frames before and after in which the person is shown again, see-through (0: not at all)"
        reach, is_chosen = QInputDialog.getInt(
            self._window, "Ghosts", text, self._scene.ghosts.reach, 0, _MOST_GHOST_FRAMES
        )  # fmt: skip
        if is_chosen:
            self._scene.ghosts.reach = reach
            self._scene.refresh()

    def set_bystanders(self, shows: bool) -> None:
        self._bystanders.switch(shows)

    def _show_bystanders(self, found: tuple[Bystander, ...]) -> None:
        if self._scene is not None:
            self._scene.bystanders.show([person.places for person in found])
            self._scene.refresh()

    def set_turns(self, turns: bool) -> None:
        """Go round the person, as on a turntable."""
        if turns and self._scene is not None:
            self._turning.start()
        else:
            self._turning.stop()

    def _turn(self) -> None:
        if self._scene is not None:
            self._scene.orbit(_TURN_DEG_PER_S * _TURN_EVERY_MS / 1000, 0)

    def copy_picture(self) -> None:
        if self._scene is not None:
            QApplication.clipboard().setImage(self._scene.picture())
            self._session.message.emit("A picture of the scene is on the clipboard.")

    def save_picture(self) -> None:
        clip = self._session.clip
        if self._scene is None or clip is None:
            return
        picture = self._scene.picture()
        name = f"{clip.file_stem}-{self._session.frame}.png"
        path = ask_where(self._window, "Save a picture of the scene", name, "PNG picture", ".png")
        if path is not None:
            is_written = picture.save(str(path))
            self._session.message.emit(f"Wrote {path}" if is_written else f"{path}: the picture could not be written")
