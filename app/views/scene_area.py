"""Owns the scene's place in the window: its background until the scene is built, then that, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.document.later import Later
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.graphics import why_no_scene

if TYPE_CHECKING:
    from app.views.scene_view import SceneView


class SceneArea(QWidget):
    """Builds the scene when somebody needs it: what it draws with takes as long to import as the rest of the window."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme, self._palette_name = session, theme, "field"
        self._picture: QImage | None = None
        self._later = Later(self._make)
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.reason.hide()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.reason)
        self.setMinimumSize(*look.SMALLEST_SCENE)

    @property
    def is_built(self) -> bool:
        """Whether it is known if there is a scene."""
        return self._later.is_made

    def build(self) -> None:
        """Build the scene, unless it is there."""
        self._later.now()

    @property
    def view(self) -> SceneView | None:
        """The scene, built now unless it is there; None where it cannot be drawn."""
        return self._later.now()

    def then(self, do: Callable[[SceneView], object]) -> None:
        """Do something with the scene, now or when it is built; nothing where it cannot be drawn."""
        self._later.then(lambda view: None if view is None else do(view))

    def take_colours(self, theme: Theme, palette_name: str) -> None:
        """Draw in these from now on."""
        self._theme, self._palette_name = theme, palette_name
        self.update()
        if self.is_built:
            self.then(lambda view: view.take_colours(theme, palette_name))

    def set_picture(self, picture: QImage | None) -> None:
        """What the camera sees in this frame."""
        self._picture = picture
        if self.is_built:
            self.then(lambda view: view.set_picture(picture))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._theme.scene if self.reason.isHidden() else self._theme.window))
        painter.end()

    def _make(self) -> SceneView | None:
        reason = why_no_scene()
        if not reason:
            try:
                from app.views.scene_view import SceneView
            except Exception as error:  # PyOpenGL raises what it likes where a library is lacking
                reason = f"The 3D scene cannot be drawn, as what it draws with cannot be used here: {error}"
        if reason:
            self.reason.setText(reason)
            self.reason.show()
            return None
        view = SceneView(self._session, self._theme)
        view.take_colours(self._theme, self._palette_name)
        view.set_picture(self._picture)
        self._layout.addWidget(view)
        return view
