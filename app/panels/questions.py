"""Short questions to a person: what to do with unsaved work, and where to write a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_to_save(parent: QWidget, name: str, is_project: bool) -> QMessageBox.StandardButton:
    """Save, Discard or Cancel, before unsaved work on a project is lost, or on a clip that is in none: its own file is not
    what would be written then."""
    buttons = QMessageBox.StandardButton
    text = f"Save the changes to {name} first?" if is_project else f"Save your work on {name} as a project first?"
    box = QMessageBox(QMessageBox.Icon.Question, "Unsaved changes", text, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("Discarded changes cannot be brought back.")
    box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
    box.setDefaultButton(buttons.Save)
    return buttons(box.exec())


def ask_to_replace(parent: QWidget, name: str) -> bool:
    """Whether to write over a project that is not as it was when it was opened here."""
    text = f"{name} was changed meanwhile, by another window or program. Replace it?"
    return QMessageBox.question(parent, "Replace project", text) == QMessageBox.StandardButton.Yes


def ask_to_recover(name: str, when: str, project: str) -> bool | None:
    """Whether to recover work that a crash has left, or give it up; None to be asked again another time. project: what it
    belongs to, or nothing."""
    box = QMessageBox(QMessageBox.Icon.Question, "Recover", f"Recover {name} of {when}?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    belongs = f"It belongs to {project}, which stays as it is until you save." if project else "It was in no project yet."
    box.setInformativeText(f"mpm-viewer ended before this work was saved. {belongs}")
    recover = box.addButton("Recover", QMessageBox.ButtonRole.AcceptRole)
    give_up = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
    later = box.addButton("Ask me later", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(recover)
    box.setEscapeButton(later)
    box.exec()
    return None if box.clickedButton() not in (recover, give_up) else box.clickedButton() is recover


def ask_where_now(parent: QWidget, path: Path, kinds: str) -> Path | None:
    """Where a video that has moved is now; None to go on without it. kinds: what the file dialog offers."""
    box = QMessageBox(QMessageBox.Icon.Question, "A video has moved", f"Where is {path.name} now?", parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(f"It is no longer in {path.parent}. Without it everything opens but its pictures.")
    find = box.addButton("Find it…", QMessageBox.ButtonRole.AcceptRole)
    skip = box.addButton("Open without it", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(find)
    box.setEscapeButton(skip)
    box.exec()
    if box.clickedButton() is not find:
        return None
    name, _ = QFileDialog.getOpenFileName(parent, f"Where is {path.name} now?", str(path.parent), kinds)
    return Path(name) if name else None


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
    if path.exists() and not may_replace(parent, path):
        return None
    return path


def may_replace(parent: QWidget, path: Path) -> bool:
    """Whether to write over a file that the file dialog did not ask about."""
    buttons = QMessageBox.StandardButton
    return QMessageBox.question(parent, "Replace file", f"{path.name} is there already. Replace it?") == buttons.Yes
