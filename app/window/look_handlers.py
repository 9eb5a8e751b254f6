"""Owns what the actions about how things are shown do: the picture and the ruler of the timeline."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.views.image_view import ImageView
from app.views.timeline import Timeline


class LookHandlers(QObject):
    """Binds the table of actions to the views."""

    def __init__(self, timeline: Timeline, image: ImageView) -> None:
        super().__init__()
        self._timeline, self._image = timeline, image

    def set_fills(self, fills: bool) -> None:
        """Whether the person fills the picture, which follows, or all of it is on show."""
        self._image.show_person(fills)

    def set_shows_answer(self, shows: bool) -> None:
        self._image.set_shows_answer(shows)

    def set_seconds(self, shows_seconds: bool) -> None:
        self._timeline.set_seconds(shows_seconds)
