"""Owns what was answered to what files leave open, so that a file which was opened before does not ask the same again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from mpm_core.formats.base import Contents, ReadOptions

_KEY = "told_answers"
_MOST = 200
_KEPT = tuple(field.name for field in fields(ReadOptions) if field.name != "on_progress")


@dataclass(frozen=True)
class Told:
    """options: what was answered; is_same: whether the file is still the one that it was answered of."""

    options: ReadOptions
    is_same: bool

    def to(self, contents: Contents) -> ReadOptions | None:
        """The answers to all that a file leaves open; None where something is left to ask. Whose motion, and which of several
        clips, is asked each time."""
        said = self.options
        asked = {*contents.lacks}
        asked |= {"skeleton"} if contents.skeletons else set()
        asked |= {"format"} if contents.formats else set()
        asked |= {"joint_map"} if contents.unknown_joints is not None else set()
        answers = {name: getattr(said, name) for name in asked}
        is_choice = max(len(contents.people), len(contents.selections)) > 1
        return None if is_choice or not self.is_same or None in answers.values() else ReadOptions(**answers)

    def before(self, contents: Contents) -> Contents:
        """With these answers in place of what would be assumed."""
        said = self.options
        return replace(
            contents,
            assumed_fps=said.fps or contents.assumed_fps,
            assumed_size=said.image_size or contents.assumed_size,
            skeletons=_first(said.skeleton, contents.skeletons),
            formats=_first(said.format, contents.formats),
        )


class ToldAnswers:
    """Kept in the user's settings, which all windows share: for each path, of the files that were answered last."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings

    def remember(self, path: Path, options: ReadOptions) -> None:
        """What was answered of a file."""
        self._settings.sync()  # another instance may have added to it
        said = {name: value for name in _KEPT if (value := getattr(options, name)) is not None}
        if options.joint_map is not None:
            said["joint_map"] = dict(options.joint_map)
        others = {name: row for name, row in self._stored().items() if name != str(path.absolute())}
        rows = {str(path.absolute()): {"stamp": _stamp(path), "options": said}, **dict(list(others.items())[: _MOST - 1])}
        self._settings.setValue(_KEY, json.dumps(rows))

    def of(self, path: Path) -> Told | None:
        """What was answered of the file of a path, None where nothing was."""
        row = self._stored().get(str(path.absolute()))
        said = row.get("options") if isinstance(row, dict) else None
        if row is None or not isinstance(said, dict):
            return None
        options = {name: value for name, value in said.items() if name in _KEPT}
        if "image_size" in options:
            options["image_size"] = tuple(options["image_size"])
        return Told(ReadOptions(**options), row.get("stamp") == _stamp(path))

    def _stored(self) -> Mapping[str, Any]:
        try:
            rows = json.loads(str(self._settings.value(_KEY) or "{}"))
        except ValueError:
            return {}
        return rows if isinstance(rows, dict) else {}


def _stamp(path: Path) -> list[int]:
    """Tells a file from what it was before."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_mtime_ns, 0 if path.is_dir() else status.st_size]


def _first(name: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    return (name, *(other for other in names if other != name)) if name in names and name is not None else names
