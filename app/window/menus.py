"""Owns the menus and the toolbar, drawn from the table of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar

from app.document.editor import PRESETS, RANDOM_JOINT_PRESETS
from app.document.recent import RecentFile
from app.look import theme as look
from app.window.actions import ACTIONS, MENUS
from mpm_core.skeleton import LIMBS


class Menus:
    """The window's menus. hide_limb, hide_preset: called with a name; open_path: with a file opened lately."""

    def __init__(
        self, window: QMainWindow, actions: Mapping[str, QAction], hide_limb: Callable[[str], None],
        hide_preset: Callable[[str], None], open_path: Callable[[Path], None],
    ) -> None:  # fmt: skip
        self._window, self._open_path = window, open_path
        for title in MENUS:
            menu = window.menuBar().addMenu(title)
            for spec in ACTIONS:
                if spec.menu != title:
                    continue
                if spec.starts_group:
                    menu.addSeparator()
                menu.addAction(actions[spec.name])
                if spec.name == "open_folder":
                    self.recent = menu.addMenu("Open recent")
            if title == "Edit":
                menu.addSeparator()
                menu.addMenu(self._hide_menu("Hide limb", LIMBS, hide_limb))
                menu.addMenu(self._hide_menu("Hide preset", (*RANDOM_JOINT_PRESETS, *PRESETS), hide_preset))

    def _hide_menu(self, title: str, names: tuple[str, ...], call: Callable[[str], None]) -> QMenu:
        menu = QMenu(title, self._window)
        for name in names:
            menu.addAction(name.capitalize(), partial(call, name))
        return menu

    def show_recent(self, recent: Sequence[RecentFile]) -> None:
        """What was opened or saved lately, the last one first."""
        self.recent.clear()
        self.recent.setEnabled(bool(recent))
        self.recent.setToolTipsVisible(True)
        now, names = datetime.now().astimezone(), [file.path.name for file in recent]
        for file in recent:
            told = ", ".join(part for part in (file.kind, file.when_said(now)) if part)
            name = file.path.name if names.count(file.path.name) == 1 else f"{file.path.name} in {file.path.parent.name}"
            action = self.recent.addAction(f"{name}  –  {told}".replace("&", "&&"))
            action.setToolTip(str(file.path))
            action.triggered.connect(partial(self._open_path, file.path))


class Toolbar(QToolBar):
    """Icons with words; icons alone, whose tips say the words, where the window has no room for both."""

    def __init__(self) -> None:
        super().__init__("Tools")
        self._needed = 0
        self._measure()

    def _measure(self) -> None:
        """How wide it is with words."""
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._needed = self.sizeHint().width()

    def _fit(self) -> None:
        has_room = self.width() >= self._needed
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_room else Qt.ToolButtonStyle.ToolButtonIconOnly
        if self.toolButtonStyle() != style:
            self.setToolButtonStyle(style)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Words, style or size of the text are others."""
        was_handled = super().event(event)
        if event.type() in (QEvent.Type.Show, QEvent.Type.FontChange, QEvent.Type.ActionAdded):
            self._measure()
            self._fit()
        return was_handled


def build_toolbar(window: QMainWindow, actions: Mapping[str, QAction]) -> QToolBar:
    """The toolbar: actions with a short text, in groups by their menu."""
    toolbar = Toolbar()
    toolbar.setObjectName("tools")
    toolbar.setMovable(False)
    toolbar.setIconSize(QSize(look.ICON_SIZE, look.ICON_SIZE))
    window.addToolBar(toolbar)
    group = ""
    for spec in ACTIONS:
        if not spec.short:
            continue
        if group and spec.menu != group:
            toolbar.addSeparator()
        group = spec.menu
        toolbar.addAction(actions[spec.name])
    return toolbar
