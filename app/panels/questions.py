"""Short questions to a person: what to do with unsaved work, and where to write a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_to_save(parent: QWidget) -> QMessageBox.StandardButton:
    """Save, Discard or Cancel, before unsaved corrections and masks are lost."""
    buttons = QMessageBox.StandardButton
    return QMessageBox.question(
        parent,
        "Unsaved changes",
        "Save the mask and the corrections of this clip first?",
        buttons.Save | buttons.Discard | buttons.Cancel,
        buttons.Save,
    )


def ask_where(parent: QWidget, title: str, start: str, label: str, suffix: str) -> Path | None:
    """A file to write, with that suffix whatever was typed; None when the person thinks better of it."""
    dialog = QFileDialog(parent, title, start, f"{label} (*{suffix})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix.lstrip("."))
    if not dialog.exec():
        return None
    path = Path(dialog.selectedFiles()[0])
    if path.name.lower().endswith(suffix):
        return path
    path = path.with_name(path.name + suffix)
    if path.exists() and not _may_replace(parent, path):
        return None
    return path


def _may_replace(parent: QWidget, path: Path) -> bool:
    buttons = QMessageBox.StandardButton
    return QMessageBox.question(parent, "Replace file", f"{path.name} is there already. Replace it?") == buttons.Yes
