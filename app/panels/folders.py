"""Owns where file dialogs begin: where a file was last chosen, opened or written in their window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QWidget

_KEY = "folder"  # of a window's properties and of the settings


def folder_of(widget: QWidget) -> Path:
    """The folder that was used last in a widget's window; the person's own where that is none any more."""
    last = widget.window().property(_KEY)
    return Path(last) if isinstance(last, str) and last and Path(last).is_dir() else Path.home()


def use_folder(widget: QWidget, folder: Path) -> None:
    """Let dialogs of a widget's window begin there from now on."""
    widget.window().setProperty(_KEY, str(folder.absolute()))


def restore_folder(window: QWidget, settings: QSettings) -> None:
    """Begin where the last session ended."""
    window.setProperty(_KEY, str(settings.value(_KEY, "")))


def keep_folder(window: QWidget, settings: QSettings) -> None:
    """Let the next session begin here."""
    settings.setValue(_KEY, window.property(_KEY))
