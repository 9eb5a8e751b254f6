"""Owns the video behind the 2D skeleton: the frame of a video file that belongs to the session's time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.allocation import keep_at_hand, return_pictures
from app.document.session import Session
from app.document.timers import single_shot
from app.document.video_link import VideoLink
from app.look.pictures import to_screen_image
from app.workers.frame_cache import FrameCache
from app.workers.newest_wins import NewestWins
from mpm_core.rates import is_rate_assumed, is_rate_told, own_times
from mpm_core.video import VideoReader

_CACHE_BYTES = 400_000_000
_LATE_MS = 120
"""A picture may be so late before that is shown: while a video plays nothing is to flicker."""


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A frame of a video. times: (frames,) seconds of all of them in it; direction: where the cursor is going."""

    path: Path
    number: int
    frame: int
    direction: int
    times: NDArray[np.float64]
    is_exact: bool


class Backdrop(QObject):
    """Decodes in a worker, the frame at hand first, then those where the cursor is going, which are kept.

    shown_frame: whose picture was shown last; -1 for none.
    """

    picture_changed = Signal(object)  # QImage or None
    lagged = Signal(bool)  # whether the picture on show is not that of the frame at hand, for a while already
    failed = Signal(str)
    opened = Signal(str)
    _decoded = Signal(int, int, object)  # number of the video, frame, QImage

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._path: Path | None = None
        self._is_source = False
        self._times = np.zeros(0)
        self._last_frame = 0
        self.shown_frame = -1
        self.cache = FrameCache(_CACHE_BYTES)
        self._is_lagging = False
        self._late = single_shot(self, lambda: self._say_lagging(True), _LATE_MS)
        self._reader: VideoReader | None = None
        self._at_hand = 0
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._decoded.connect(self._on_decoded)
        session.frame_changed.connect(self._ask)
        session.rate_changed.connect(self._take_times)
        session.clip_changed.connect(self.close)
        self._thread.start()

    @property
    def times(self) -> NDArray[np.float64]:
        """(frames,) seconds at which the clip's frames are in the video; none where there is no video."""
        return np.zeros(0) if self._path is None else self._times

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._late.stop()
        self._thread.stop()

    def open(self, path: Path, is_source: bool = False) -> None:
        """Show a video behind the skeleton. is_source: the clip was detected in it, so that its times are the video's; of
        another video the first frame belongs to the clip's first."""
        self.show(VideoLink(path, is_source))

    def show(self, video: VideoLink) -> None:
        """Show a video that is known already."""
        if self._session.clip is None:
            return
        self._session.set_video(video)
        self._forget()
        self._path, self._is_source = video.path, video.is_source
        self.opened.emit(video.path.name)
        self._take_times()

    def _take_times(self) -> None:
        """Know when in the video each frame is on, and show the one at hand."""
        clip, opened = self._session.clip, self._session.opened
        if self._path is None or clip is None or opened is None:
            return
        # A video goes by the file's own times, whatever else was said of them, unless it has none.
        has_none = is_rate_assumed(opened) or is_rate_told(opened)
        times = clip.times if has_none and not self._is_source else own_times(opened)
        self._times = times - (0.0 if self._is_source else times[0])
        self.shown_frame = -1
        self.cache.clear()
        self._ask()

    def close(self) -> None:
        """A blank image again."""
        self._forget()
        self.picture_changed.emit(None)

    def _forget(self) -> None:
        was_shown = self._path is not None or self.cache.size_bytes() > 0
        self._path, self.shown_frame = None, -1
        self.cache.clear()
        if was_shown:
            self._thread.ask(None)
        self._catch_up()

    def _ask(self, *_: object) -> None:
        """Show the frame at hand at once if it is there, and have others decoded."""
        frame = self._session.frame
        if self._path is None or frame >= len(self._times):
            return
        direction, self._last_frame = (1 if frame >= self._last_frame else -1), frame
        picture = self.cache.get(frame)
        if picture is not None:
            self._show(frame, picture)
        elif frame == self.shown_frame:  # which has left the cache since
            self._catch_up()
        elif not self._late.isActive():
            self._late.start()
        self._thread.ask(_Wanted(self._path, self.cache.number, frame, direction, self._times, self._is_source))

    def _work(self, wanted: _Wanted | None) -> None:
        """In the worker. None: no frame is wanted any more."""
        if wanted is None:
            self._close_reader()
            self._at_hand = 0
            return_pictures()  # 0.4 GB
            return
        if self._reader is None or self._reader.path != wanted.path:
            self._close_reader()
            self._reader = VideoReader(wanted.path)
        # It may have been decoded ahead since it was asked for.
        picture = self.cache.get(wanted.frame)
        if picture is None:
            picture = self._decode(wanted, wanted.frame)
        self._decoded.emit(wanted.number, wanted.frame, picture)
        for frame in self.cache.wanted(wanted.frame, wanted.direction, len(wanted.times)):
            if self._thread.is_outdated():
                return
            self._decode(wanted, frame)

    def _close_reader(self) -> None:
        """Nor is the file held open, which some systems then let nobody move or delete."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _decode(self, wanted: _Wanted, frame: int) -> QImage:
        assert self._reader is not None
        picture = self._reader.picture_at(float(wanted.times[frame]), wanted.is_exact)
        if picture is not None and picture.nbytes != self._at_hand:
            self._at_hand = picture.nbytes
            keep_at_hand(picture.nbytes)
        image = QImage() if picture is None else to_screen_image(picture)
        self.cache.put(frame, image, wanted.frame, wanted.direction, wanted.number)
        return image

    def _on_decoded(self, number: int, frame: int, picture: QImage) -> None:
        """In the window's thread. Another frame than the one at hand is better than an older one still."""
        if number == self.cache.number and self.shown_frame != self._session.frame:
            self._show(frame, picture)

    def _show(self, frame: int, picture: QImage) -> None:
        self.shown_frame = frame
        self.picture_changed.emit(None if picture.isNull() else picture)  # past the video's end there is none
        if frame == self._session.frame:
            self._catch_up()

    def _catch_up(self) -> None:
        """The picture on show is the right one, or there is none to wait for."""
        self._late.stop()
        self._say_lagging(False)

    def _say_lagging(self, is_lagging: bool) -> None:
        if is_lagging != self._is_lagging:
            self._is_lagging = is_lagging
            self.lagged.emit(is_lagging)

    def _on_failed(self, text: str, request: tuple[_Wanted | None]) -> None:
        """In the window's thread. That a video failed which is no longer behind the skeleton concerns nobody any more."""
        if request[0] is None or request[0].number != self.cache.number:
            return
        self._path = None
        self._catch_up()
        self.failed.emit(text)
