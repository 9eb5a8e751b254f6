"""Owns the video behind the 2D skeleton: the frame of a video file that belongs to the session's time."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.document.session import Session
from app.document.video_link import VideoLink
from app.look.pictures import to_image
from app.workers.newest_wins import NewestWins
from mpm_core.rates import is_rate_assumed
from mpm_core.video import VideoReader


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
        self._is_source = False
        self._reader: VideoReader | None = None
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._decoded.connect(self._on_decoded)
        session.frame_changed.connect(self._ask)
        session.rate_changed.connect(self._ask)
        session.clip_changed.connect(self.close)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def open(self, path: Path, is_source: bool = False) -> None:
        """Show a video behind the skeleton. is_source: the clip was detected in it, so that its times are the video's; of
        another video the first frame belongs to the clip's first."""
        self.show(VideoLink(path, is_source))

    def show(self, video: VideoLink) -> None:
        """Show a video that is known already."""
        self._session.set_video(video)
        self._path, self._is_source = video.path, video.is_source
        self.opened.emit(video.path.name)
        self._ask()

    def close(self) -> None:
        """A blank image again."""
        self._path = None
        self.picture_changed.emit(None)

    def _ask(self, *_: object) -> None:
        clip, opened = self._session.clip, self._session.opened
        if self._path is not None and clip is not None and opened is not None:
            # A video goes by the file's own times, whatever else was said of them, unless those were assumed.
            times = clip.times if is_rate_assumed(opened) and not self._is_source else opened.times
            start = 0.0 if self._is_source else float(times[0])
            self._thread.ask(self._path, float(times[self._session.frame]) - start, self._is_source)

    def _work(self, path: Path, seconds: float, is_exact: bool) -> None:
        if self._reader is None or self._reader.path != path:
            self._reader = VideoReader(path)
        picture = self._reader.picture_at(seconds, is_exact)
        self._decoded.emit((path, None if picture is None else to_image(picture)))

    def _on_decoded(self, answer: tuple[Path, QImage | None]) -> None:
        path, picture = answer
        if path == self._path and picture is not None:
            self.picture_changed.emit(picture)

    def _on_failed(self, text: str) -> None:
        self._path = None
        self.failed.emit(text)
