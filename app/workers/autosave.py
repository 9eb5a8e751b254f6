"""Owns autosave: work that is on no disk is kept aside every half a minute, and found again after a crash."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QLockFile, QObject, Signal

from app.document.document import Document
from app.document.timers import single_shot
from app.workers.newest_wins import NewestWins
from app.workers.saving import with_fingerprint
from mpm_core.errors import UserError
from mpm_core.formats.project import SUFFIX, Part, Project, read_project, write_project

STATE_VARIABLE, SECONDS_VARIABLE = "MPM_STATE_DIR", "MPM_AUTOSAVE_SECONDS"
"""Environment variables: the folder for what is kept aside, instead of the user's own, and after how many seconds."""

# From the first change on; with the time that writing takes, no more than the last half minute is ever lost.
_AFTER_S = 25.0

_PART = "autosave"


def state_folder() -> Path:
    """Where work is kept aside."""
    from platformdirs import user_state_path

    return Path(os.environ.get(STATE_VARIABLE) or user_state_path("mpm-viewer")) / "unsaved"


class Slot:
    """A file for one document, locked for as long as its window lives: a lock whose program is gone counts no more."""

    def __init__(self, path: Path, lock: QLockFile) -> None:
        self.path, self._lock = path, lock

    @classmethod
    def new(cls) -> Slot:
        """One that nobody has; OSError where the folder cannot be made."""
        folder = state_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid4().hex}{SUFFIX}"
        lock = _lock_of(path)
        lock.tryLock(0)
        return cls(path, lock)

    @classmethod
    def take(cls, path: Path) -> Slot | None:
        """One that was left behind; None while another program, or another window, has it."""
        lock = _lock_of(path)
        return cls(path, lock) if lock.tryLock(0) and path.exists() else None

    def clear(self) -> None:
        """Keep nothing in it any more."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give it up as it is."""
        self._lock.unlock()


@dataclass(frozen=True, eq=False)
class Leftover:
    """Work that was kept aside by a window that did not end well. of: the project that it belongs to, None for work that was in
    none; name: of the clip; when: it was kept."""

    slot: Slot
    project: Project
    name: str
    of: Path | None
    when: datetime


class Autosave(QObject):
    """Keeps a document aside while it differs from what is on disk; never where the document itself lies."""

    kept = Signal()
    failed = Signal(str)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._slot: Slot | None = None
        self._has_failed = False
        wait_ms = round(1000 * float(os.environ.get(SECONDS_VARIABLE) or _AFTER_S))
        self._timer = single_shot(self, self.keep_now, wait_ms)
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        document.changed.connect(self._on_changed)
        self._thread.start()

    def adopt(self, slot: Slot) -> None:
        """Go on with work that was left behind: until it is saved, it stays where it is."""
        self._drop()
        self._slot = slot

    def keep_now(self) -> None:
        """Keep the document aside as it stands."""
        project = self._document.project()
        if project is None or not self._document.is_unsaved():
            return
        try:
            self._slot = self._slot or Slot.new()
        except OSError as error:
            self._on_failed(f"{error.filename}: {error.strerror}")
            return
        of = self._document.path
        note = Part({"name": project.clip.name, "of": None if of is None else str(of.absolute())})
        self._thread.ask(replace(project, parts={**project.parts, _PART: note}), self._slot)

    def stop(self) -> None:
        """The window ends well, or its document was saved or given up: nothing is kept aside any more."""
        self._timer.stop()
        self._thread.stop()
        self._drop()

    def _on_changed(self) -> None:
        if not self._document.is_unsaved():
            self._timer.stop()
            self._thread.ask(None, self._slot)
        elif not self._timer.isActive():
            self._timer.start()

    def _work(self, project: Project | None, slot: Slot | None) -> None:
        """In the worker. None: there is nothing to keep."""
        if slot is None:
            return
        if project is None:
            slot.clear()
            return
        write_project(with_fingerprint(project), slot.path, moves=False)
        self.kept.emit()

    def _on_failed(self, text: str) -> None:
        """In the window's thread. Said once: the next try may succeed, and the work itself is still there."""
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(f"Unsaved work cannot be kept aside: {text}")

    def _drop(self) -> None:
        if self._slot is not None:
            self._slot.clear()
            self._slot.release()
            self._slot = None


def find_leftovers() -> list[Leftover]:
    """What windows that did not end well have left, each of them taken, the newest first. What cannot be read is put aside
    under another name, so that nobody is asked about it again."""
    found = []
    folder = state_folder()
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []:
        slot = Slot.take(path)
        if slot is None:
            continue
        try:
            found.append(_as_leftover(slot))
        except UserError:
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
            slot.release()
    _sweep(folder)
    return sorted(found, key=lambda leftover: leftover.when, reverse=True)


def _as_leftover(slot: Slot) -> Leftover:
    project = read_project(slot.path)
    note = project.parts[_PART].note if _PART in project.parts else {}
    name, of = note.get("name"), note.get("of")
    parts = {name: part for name, part in project.parts.items() if name != _PART}
    try:
        when = datetime.fromisoformat(project.saved)
    except ValueError:
        when = datetime.fromtimestamp(slot.path.stat().st_mtime).astimezone()
    path = Path(of) if isinstance(of, str) else None
    return Leftover(slot, replace(project, parts=parts), str(name or project.clip.name), path, when)


def _sweep(folder: Path) -> None:
    """Remove what killed programs have left half written, and their locks."""
    for path in folder.glob(f".*{SUFFIX}.partial") if folder.is_dir() else []:
        slot = Slot.take(folder / path.name.removeprefix(".").removesuffix(".partial"))
        if slot is None:
            lock = _lock_of(folder / path.name.removeprefix(".").removesuffix(".partial"))
            if not lock.tryLock(0):
                continue
            lock.unlock()
            with contextlib.suppress(OSError):
                path.unlink()
        else:
            slot.release()


def _lock_of(path: Path) -> QLockFile:
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)  # only a lock whose program is gone is old
    return lock
