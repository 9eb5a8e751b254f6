"""Owns what the actions about how things are shown do: text size, side panel, picture, ruler, messages."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.look.text_size import TEXT_PERCENTS, as_percent, set_text_size
from app.panels.passing import passing
from app.views.image_view import ImageView
from app.views.timeline import Timeline
from app.window.messages import MessageLog, Messages


class LookHandlers(QObject):
    """Binds the table of actions to the views."""

    panel_asked = Signal(bool)  # whether the side panel is wanted

    def __init__(self, window: QWidget, timeline: Timeline, image: ImageView, messages: Messages, settings: QSettings) -> None:
        super().__init__()
        self._window, self._timeline, self._image, self._messages = window, timeline, image, messages
        self._settings = settings
        self._text_percent = as_percent(settings.value("text_percent"))
        set_text_size(self._text_percent)

    def use(self, seconds: QAction) -> None:
        """The action of the ruler's unit begins as a person left it; what a project asks for is for that project alone."""
        seconds.setChecked(self._settings.value("seconds", False, type=bool) is True)
        seconds.triggered.connect(lambda shows: self._settings.setValue("seconds", shows))

    def show_panel(self, shows: bool) -> None:
        self.panel_asked.emit(shows)

    def change_text(self, step: int) -> None:
        """Larger or smaller text everywhere; 0: as the desktop has it."""
        place = TEXT_PERCENTS.index(self._text_percent) + step if step else TEXT_PERCENTS.index(100)
        self._text_percent = TEXT_PERCENTS[max(0, min(place, len(TEXT_PERCENTS) - 1))]
        self._settings.setValue("text_percent", self._text_percent)
        set_text_size(self._text_percent)
        self._messages.say(f"Text at {self._text_percent} %")

    def show_messages(self) -> None:
        with passing(MessageLog(self._messages, self._window)) as dialog:
            dialog.exec()

    def set_fills(self, fills: bool) -> None:
        """Whether the person fills the picture, which follows, or all of it is on show."""
        self._image.show_person(fills)

    def set_shows_answer(self, shows: bool) -> None:
        """Whether the 3D answer is drawn back over the picture."""
        self._image.shows_answer = shows
        self._image.update()

    def set_seconds(self, shows_seconds: bool) -> None:
        self._timeline.set_seconds(shows_seconds)
