"""Owns opening: files are looked at and read in a worker, what they lack is asked for, recent ones are remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSettings, Signal

from app.jobs import NewestWins
from app.session import Session
from mpm_core.assets import find_asset
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats import inspect_file, read_clip
from mpm_core.formats.base import Contents, ReadOptions
from mpm_core.formats.mpm_npz import read_mask
from mpm_core.masking import Mask

_MOST_RECENT = 10
_RECENT_KEY = "recent_files"


class Opener(QObject):
    """Reads files for the session. A file that cannot be used leaves the session as it was."""

    asked = Signal(object, object)  # path and Contents: answer with read()
    failed = Signal(str)
    recent_changed = Signal()
    truth_read = Signal(object)  # (frames, 16, 3) metres in camera axes
    _found = Signal(object, object)
    _opened = Signal(object, object, object)

    def __init__(self, session: Session, settings: QSettings) -> None:
        super().__init__()
        self._session = session
        self._settings = settings
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self.failed)
        self._found.connect(self._on_found)
        self._opened.connect(self._on_opened)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def open(self, path: Path) -> None:
        """Look at a file; then read it, or ask for what it lacks."""
        self._thread.ask(path, None)

    def open_demo(self) -> None:
        """The bundled demo."""
        self._thread.ask(find_asset("demo/demo.npz"), ReadOptions())

    def read(self, path: Path, options: ReadOptions) -> None:
        """Read a file with the answers to what it lacked."""
        self._thread.ask(path, options)

    def read_truth(self, path: Path) -> None:
        """Read 3D that belongs to the clip that is open."""
        clip = self._session.clip
        if clip is not None:
            self._thread.ask(path, len(clip))

    def recent(self) -> list[Path]:
        """Files opened lately that are still there, the last one first."""
        stored: Any = self._settings.value(_RECENT_KEY, [])
        names = [stored] if isinstance(stored, str) else list(stored or [])
        return [Path(name) for name in names if Path(name).exists()]

    def _work(self, path: Path, options: ReadOptions | int | None) -> None:
        if isinstance(options, int):
            self.truth_read.emit(_read_truth(path, options))
            return
        if options is None:
            contents = inspect_file(path)
            if contents.lacks or len(contents.people) > 1 or len(contents.selections) > 1:
                self._found.emit(path, contents)
                return
            options = ReadOptions()
        clip = read_clip(path, options.fps, options.image_size, options.person, options.select)
        self._opened.emit(path, clip, read_mask(path, len(clip)))

    def _on_found(self, path: Path, contents: Contents) -> None:
        self.asked.emit(path, contents)

    def _on_opened(self, path: Path, clip: Clip, mask: Mask | None) -> None:
        self._session.open_clip(clip, mask)
        if path != find_asset("demo/demo.npz"):
            others = [str(p) for p in self.recent() if p != path.resolve()]
            self._settings.setValue(_RECENT_KEY, [str(path.resolve()), *others][:_MOST_RECENT])
            self.recent_changed.emit()


def _read_truth(path: Path, frames: int) -> NDArray[np.float32]:
    """(frames, 16, 3) of a file that holds 3D of as many frames; UserError for any other."""
    truth = read_clip(path).to_mpm16().ground_truth
    if truth is None:
        raise UserError(f"{path}: holds no 3D positions")
    if len(truth) != frames:
        raise UserError(f"{path}: has {len(truth)} frames, but the clip has {frames}")
    return truth
