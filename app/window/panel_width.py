"""Owns how wide the side panel is: as a person made it, and again so when a window that was too narrow for that grows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSettings, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow

from app.document.timers import single_shot
from app.look import theme as look

_KEY = "panel_width"


class PanelWidth(QObject):
    """Of the dock of a window's side panel. A width that comes about while the window's own stays was chosen by a person; one
    that comes with another width of the window was not."""

    def __init__(self, window: QMainWindow, dock: QDockWidget, settings: QSettings) -> None:
        super().__init__(window)
        self._window, self._dock, self._settings = window, dock, settings
        stored = str(settings.value(_KEY))
        self._wanted = int(stored) if stored.isdecimal() else 0
        self._beside = -1  # how wide the window was when the dock had its room
        self._settles = single_shot(self, self._settle)
        dock.installEventFilter(self)

    def give_room(self) -> None:
        """Once the window was laid out anew: what was wanted, or else a share of the window. Less if there is no more room."""
        share = min(max(round(self._window.width() * look.PANEL_SHARE), look.USUAL_PANEL), look.WIDEST_PANEL)
        self._window.resizeDocks([self._dock], [self._wanted or share], Qt.Orientation.Horizontal)
        self._settles.start()  # what was asked for comes about before that

    def keep(self) -> None:
        """For the next time."""
        if self._wanted:
            self._settings.setValue(_KEY, self._wanted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_wider = isinstance(event, QResizeEvent) and event.size().width() != event.oldSize().width()
        if is_wider and self._window.width() == self._beside and not self._settles.isActive():
            self._wanted = self._dock.width()
        return False

    def _settle(self) -> None:
        self._beside = self._window.width()
