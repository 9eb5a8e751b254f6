"""Owns what was opened or saved lately: projects, videos and clips, each with when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats.project import SUFFIX

_MOST = 12
_KEY = "recent"
_OLD_KEY = "recent_files"  # of version 0.1.0, which did not note when


@dataclass(frozen=True)
class RecentFile:
    """when: None where nobody noted it."""

    path: Path
    when: datetime | None = None

    @property
    def kind(self) -> str:
        """'project', 'video' or 'clip'."""
        suffix = self.path.suffix.lower()
        return "project" if suffix == SUFFIX else "video" if suffix in VIDEO_SUFFIXES else "clip"

    def when_said(self, now: datetime) -> str:
        """When that was, as people say it: 'today 14:32'."""
        return "" if self.when is None else said(self.when, now)


class Recent(QObject):
    """Kept in the user's settings, which all windows share."""

    changed = Signal()

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings

    def files(self) -> list[RecentFile]:
        """Those that are still there, the last one first."""
        found = [file for file in self._stored() if file.path.exists()]
        return found[:_MOST]

    def remember(self, path: Path) -> None:
        """Put a file first."""
        self._settings.sync()  # another instance may have added to it
        path = path.absolute()
        others = [file for file in self._stored() if file.path != path]
        now = RecentFile(path, datetime.now().astimezone())
        rows = [f"{file.when.isoformat() if file.when else ''}\t{file.path}" for file in (now, *others)]
        self._settings.setValue(_KEY, rows[: 2 * _MOST])  # some may be away for a while, with their drive
        self._settings.sync()
        self.changed.emit()

    def _stored(self) -> list[RecentFile]:
        rows = _texts(self._settings.value(_KEY))
        if not rows:
            return [RecentFile(Path(name)) for name in _texts(self._settings.value(_OLD_KEY))]
        return [_of_row(row) for row in rows]


def said(when: datetime, now: datetime) -> str:
    """A time as people say it: with the day where it is not today."""
    when, now = when.astimezone(), now.astimezone()
    days = (now.date() - when.date()).days
    clock = f"{when:%H:%M}"
    if days in (0, 1):
        return f"{'yesterday' if days else 'today'} {clock}"
    if 1 < days < 7:
        return f"{when:%A} {clock}"
    return f"{when.day} {when:%B}" if when.year == now.year else f"{when.day} {when:%B %Y}"


def _texts(stored: Any) -> list[str]:
    """A list of one text comes back from the settings as the text."""
    values = [stored] if isinstance(stored, str) else list(stored or [])
    return [value for value in values if isinstance(value, str)]


def _of_row(row: str) -> RecentFile:
    when, _, name = row.partition("\t")
    try:
        return RecentFile(Path(name), datetime.fromisoformat(when) if when else None)
    except ValueError:
        return RecentFile(Path(name))
