"""Owns what the actions about the scene do: from where it is seen, what it shows, pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QInputDialog, QWidget

from app.document.session import Session
from app.panels.questions import ask_where
from app.views.scene_area import SceneArea
from app.workers.bystanders import Bystander, BystandersJob

if TYPE_CHECKING:
    from app.views.scene_view import SceneView

_TURN_DEG_PER_S = 30.0
_TURN_EVERY_MS = 33
_MOST_GHOST_FRAMES = 250


class SceneHandlers(QObject):
    """Binds the table of actions to the scene; where there is none, each does nothing."""

    def __init__(self, window: QWidget, session: Session, area: SceneArea, bystanders: BystandersJob) -> None:
        super().__init__()
        self._window, self._session, self._area, self._bystanders = window, session, area, bystanders
        self._turning = QTimer(self)
        self._turning.setInterval(_TURN_EVERY_MS)
        self._turning.timeout.connect(self._turn)
        bystanders.changed.connect(self._show_bystanders)

    def look_from(self, name: str) -> None:
        self._area.then(lambda scene: scene.look_from(name))

    def set_follows(self, follows: bool) -> None:
        def follow(scene: SceneView) -> None:
            scene.follows_root = follows
            scene.refresh()

        self._area.then(follow)

    def set_errors(self, shows: bool) -> None:
        self._area.then(lambda scene: scene.set_shows(errors=shows))

    def set_truth(self, shows: bool) -> None:
        self._area.then(lambda scene: scene.set_shows(truth=shows))

    def set_side_by_side(self, is_beside: bool) -> None:
        self._area.then(lambda scene: scene.set_shows(side_by_side=is_beside))

    def set_trails(self, shows: bool) -> None:
        def show(scene: SceneView) -> None:
            scene.trails.is_on = shows
            scene.refresh()

        self._area.then(show)

    def ask_ghosts(self) -> None:
        """How many frames before and after the person is shown again, see-through."""
        scene = self._area.view
        if scene is None:
            return
        text = "Frames before and after in which the person is shown again, see-through (0: not at all)"
        reach, is_chosen = QInputDialog.getInt(self._window, "Ghosts", text, scene.ghosts.reach, 0, _MOST_GHOST_FRAMES)
        if is_chosen:
            scene.ghosts.reach = reach
            scene.refresh()

    def set_bystanders(self, shows: bool) -> None:
        self._bystanders.switch(shows)

    def _show_bystanders(self, found: tuple[Bystander, ...]) -> None:
        def show(scene: SceneView) -> None:
            scene.bystanders.show([person.places for person in found])
            scene.refresh()

        self._area.then(show)

    def set_turns(self, turns: bool) -> None:
        """Go round the person, as on a turntable."""
        if turns and self._area.view is not None:
            self._turning.start()
        else:
            self._turning.stop()

    def _turn(self) -> None:
        def turn(scene: SceneView) -> None:
            scene.is_in_camera = False
            scene.orbit(_TURN_DEG_PER_S * _TURN_EVERY_MS / 1000, 0)

        self._area.then(turn)

    def copy_picture(self) -> None:
        scene = self._area.view
        if scene is not None:
            QApplication.clipboard().setImage(scene.picture())
            self._session.message.emit("A picture of the scene is on the clipboard.")

    def save_picture(self) -> None:
        clip, scene = self._session.clip, self._area.view
        if scene is None or clip is None:
            return
        picture = scene.picture()
        name = f"{clip.file_stem}-{self._session.frame}.png"
        path = ask_where(self._window, "Save a picture of the scene", name, "PNG picture", ".png")
        if path is not None:
            is_written = picture.save(str(path))
            if is_written:
                self._session.message.emit(f"Wrote {path}")
            else:
                self._session.failure.emit(f"{path}: the picture could not be written")
