"""Owns the video behind the 2D skeleton: the frame of a video file that belongs to the session's time."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.jobs import NewestWins
from app.session import Session
from mpm_core.errors import UserError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")

# Reading on to a frame so far ahead is faster than seeking to it.
_READ_ON_FRAMES = 40


class Backdrop(QObject):
    """Decodes in a worker; the newest frame that is asked for wins."""

    picture_changed = Signal(object)  # QImage or None
    failed = Signal(str)
    opened = Signal(str)
    _decoded = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._path: Path | None = None
        self._reader: _VideoReader | None = None
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._decoded.connect(self._on_decoded)
        session.frame_changed.connect(self._ask)
        session.clip_changed.connect(self.close)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def open(self, path: Path) -> None:
        """Show a video behind the skeleton; its first frame belongs to the clip's first."""
        self._path = path
        self.opened.emit(path.name)
        self._ask()

    def close(self) -> None:
        """A blank image again."""
        self._path = None
        self.picture_changed.emit(None)

    def _ask(self, *_: object) -> None:
        clip = self._session.clip
        if self._path is not None and clip is not None:
            seconds = float(clip.times[self._session.frame] - clip.times[0])
            self._thread.ask(self._path, seconds)

    def _work(self, path: Path, seconds: float) -> None:
        if self._reader is None or self._reader.path != path:
            self._reader = _VideoReader(path)
        self._decoded.emit((path, self._reader.frame_at(seconds)))

    def _on_decoded(self, answer: tuple[Path, QImage | None]) -> None:
        path, picture = answer
        if path == self._path and picture is not None:
            self.picture_changed.emit(picture)

    def _on_failed(self, text: str) -> None:
        self._path = None
        self.failed.emit(text)


class _VideoReader:
    """One open video file, read frame by frame where that is faster than seeking."""

    def __init__(self, path: Path) -> None:
        cv2 = _import_cv2()
        self.path = path
        self._cv2 = cv2
        self._capture = cv2.VideoCapture(str(path))
        self._fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if not self._capture.isOpened() or self._fps <= 0:
            raise UserError(f"{path}: cannot be read as a video")
        self._next = 0

    def frame_at(self, seconds: float) -> QImage | None:
        """The picture that is on at a time; None past the end."""
        wanted = int(seconds * self._fps + 0.5)
        if not self._next <= wanted < self._next + _READ_ON_FRAMES:
            self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, wanted)
            self._next = wanted
        while self._next <= wanted:
            if not self._capture.grab():
                return None
            self._next += 1
        is_read, picture = self._capture.retrieve()
        if not is_read:
            return None
        rgb = np.ascontiguousarray(picture[..., ::-1])
        height, width = rgb.shape[:2]
        return QImage(rgb.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()


def _import_cv2() -> ModuleType:
    """OpenCV, without what it does to Qt: it points it at plugins of its own, which later windows must not find."""
    plugins = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH")
    try:
        import cv2
    except ImportError:
        raise UserError("Showing a video needs OpenCV: install it with pip install 'mpm-viewer[video]'.") from None
    os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)
    if plugins is not None:
        os.environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = plugins
    return cv2
