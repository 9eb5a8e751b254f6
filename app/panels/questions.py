"""Short questions to a person: what to do with unsaved work, and where to write a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.panels.folders import folder_of, use_folder
from app.panels.passing import passing


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
    with passing(box):
        return buttons(box.exec())


def ask_to_replace(parent: QWidget, name: str) -> bool:
    """Whether to write over a project that is not as it was when it was opened here."""
    text = f"{name} was changed meanwhile, by another window or program. Replace it?"
    return QMessageBox.question(parent, "Replace project", text) == QMessageBox.StandardButton.Yes


def ask_to_give_up_export(parent: QWidget, name: str) -> bool:
    """Whether to close although a file is still to be written, which waits for the lifter."""
    text = f"{name} is not written yet: it waits for the lifter. Close without it?"
    return QMessageBox.question(parent, "Export", text) == QMessageBox.StandardButton.Yes


def ask_to_begin_anew(
    parent: QWidget, question: str, verb: str, lost: str, project: str, is_unsaved: bool
) -> QMessageBox.StandardButton:
    """Ok to put other keypoints in the place of a clip on which somebody has worked, Save to save that first, or Cancel. verb:
    what Ok does; lost: what that work is; project: where it is kept, or nothing."""
    buttons = QMessageBox.StandardButton
    box = QMessageBox(QMessageBox.Icon.Question, verb, question, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    where = "It is saved nowhere, and Undo does not bring it back."
    if project:
        kept = "what was saved last, and not what was changed since" if is_unsaved else "all of it"
        where = f"The file {project} stays as it is, with {kept}: open it to come back."
    box.setInformativeText(f"This replaces the keypoints, and takes with them {lost}. {where}")
    box.setStandardButtons((buttons.Save if is_unsaved else buttons.NoButton) | buttons.Ok | buttons.Cancel)
    box.button(buttons.Ok).setText(f"{verb} without saving" if is_unsaved else verb)
    box.setDefaultButton(buttons.Save if is_unsaved else buttons.Cancel)
    with passing(box):
        return buttons(box.exec())


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
    with passing(box):
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
    with passing(box):
        box.exec()
        if box.clickedButton() is not find:
            return None
    return ask_for_file(parent, f"Where is {path.name} now?", kinds, path.parent)


def ask_for_file(parent: QWidget, title: str, kinds: str, folder: Path | None = None) -> Path | None:
    """A file to read; None when the person thinks better of it. folder: where to look for it first, if that is there; else
    where files were used last."""
    start = folder if folder is not None and folder.is_dir() else folder_of(parent)
    name, _ = QFileDialog.getOpenFileName(parent, title, str(start), kinds)
    if name:
        use_folder(parent, Path(name).parent)
    return Path(name) if name else None


def ask_for_folder(parent: QWidget, title: str) -> Path | None:
    """A folder to read; None when the person thinks better of it."""
    name = QFileDialog.getExistingDirectory(parent, title, str(folder_of(parent)))
    if name:
        use_folder(parent, Path(name).parent)
    return Path(name) if name else None


def ask_where(parent: QWidget, title: str, start: str, label: str, suffix: str) -> Path | None:
    """A file to write, with that suffix whatever was typed; None when the person thinks better of it. start: the name that is
    proposed, in the folder where files were used last, or a whole path."""
    with passing(QFileDialog(parent, title, str(folder_of(parent) / start), f"{label} (*{suffix})")) as dialog:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix.lstrip("."))
        if not dialog.exec():
            return None
        path = Path(dialog.selectedFiles()[0])
    use_folder(parent, path.parent)
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
