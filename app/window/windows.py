"""Owns the windows of one program: each has a document of its own, and all of them look alike."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QSettings, QTimer
from PySide6.QtGui import QGuiApplication

from app.document.recent import said
from app.look.theme import THEMES, Theme
from app.panels.questions import ask_to_recover
from app.window.main_window import MainWindow
from app.window.video_connections import NOTHING_IS_OPEN
from app.workers.autosave import find_leftovers
from app.workers.garbage import freeze_after_first_answer, freeze_anew

_STEP = QPoint(32, 32)

_GONE_MS = 1000


class Windows(QObject):
    """Opens windows, and quits when all may be left."""

    def __init__(self, settings: QSettings, theme: Theme | None = None) -> None:
        super().__init__()
        self._settings, self._theme = settings, theme
        self.open_windows: list[MainWindow] = []

    def start(self, path: Path | None) -> None:
        """What the first window begins with: what a crash has left, if a person wants it, and a file, or else the demo."""
        window = self.open_windows[0]
        is_free = path is None
        for leftover in find_leftovers():
            project = "" if leftover.of is None else leftover.of.name
            when = said(leftover.when, datetime.now().astimezone()).removeprefix("today ")
            answer = ask_to_recover(leftover.name, when, project)
            if answer:
                (window if is_free else self.open()).project_handlers.recover(leftover)
                is_free = False
            elif answer is None:
                leftover.slot.release()
            else:
                leftover.slot.clear()
                leftover.slot.release()
        if path is not None:
            window.file_handlers.open_path(path)
        elif is_free:
            window.opener.open_demo()

    def open(self) -> MainWindow:
        """One more window, empty, a little beside the one before."""
        before = self.open_windows[-1] if self.open_windows else None
        window = MainWindow(self._settings, before.theme if before is not None else self._theme)
        if before is not None:
            window.resize(before.size())
            place = before.pos() + _STEP
            screen = QGuiApplication.primaryScreen().availableGeometry()
            window.timeline.say_next_step(NOTHING_IS_OPEN)
            window.move(place if screen.contains(place + QPoint(*before.size().toTuple())) else screen.topLeft())
        window.project_handlers.new_window_asked.connect(self.open)
        window.project_handlers.quit_asked.connect(self.quit)
        window.restyled.connect(self._restyle)
        window.closed.connect(lambda: self._forget(window))
        self.open_windows.append(window)
        freeze_after_first_answer(window.session)
        window.show()
        return window

    def quit(self) -> None:
        """Close all windows, if every one of them may be left: before the first is gone, each is asked."""
        windows = list(self.open_windows)
        if all(window.may_leave() for window in windows):
            for window in windows:
                window.may_close_unasked = True
                window.close()

    def _restyle(self, theme: str, palette: str) -> None:
        for window in self.open_windows:
            if (window.theme.name, window.palette_name) != (theme, palette):
                window.take_colours(THEMES[theme], palette)

    def _forget(self, window: MainWindow) -> None:
        self.open_windows.remove(window)
        window.deleteLater()
        if self.open_windows:
            QTimer.singleShot(_GONE_MS, freeze_anew)
