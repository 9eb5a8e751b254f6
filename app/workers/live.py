"""Owns the worker that watches a camera."""

from __future__ import annotations

from collections import deque
from contextlib import closing

from PySide6.QtCore import QObject, Signal

from app.workers.lifters import load_lifter
from app.workers.newest_wins import NewestWins
from mpm_core.detectors.live import LiveFrame, LiveOptions, Seen, watch

# So many frames are kept for a clip: at 30 frames/s an hour.
_MOST_FRAMES = 108_000


class LiveJob(QObject):
    """Watches one camera at a time until it is stopped. seen: everything since the start, for as_clip."""

    answered = Signal(object)  # LiveFrame; the next comes only after was_shown()
    failed = Signal(str)
    ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_wanted, self._is_shown = False, True
        self.seen: deque[Seen] = deque(maxlen=_MOST_FRAMES)
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._is_wanted

    def start(self, options: LiveOptions) -> None:
        """Watch a camera."""
        self._is_wanted = self._is_shown = True
        self.seen.clear()
        self._thread.ask(options)

    def pause(self) -> None:
        """Stop watching soon."""
        self._is_wanted = False

    def was_shown(self) -> None:
        """The window has drawn the last answer: it is sent no more than it can show."""
        self._is_shown = True

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._is_wanted = False
        self._thread.stop()

    def _work(self, options: LiveOptions) -> None:
        """In the worker."""
        with closing(watch(options, load_lifter("mpm", "auto"))) as frames:
            for frame in frames:
                if not self._is_wanted:
                    break
                if isinstance(frame, LiveFrame):
                    self.seen.append(frame.seen)
                    if self._is_shown:
                        self._is_shown = False
                        self.answered.emit(frame)
        self._is_wanted = False
        self.ended.emit()

    def _on_failed(self, text: str) -> None:
        self._is_wanted = False
        self.failed.emit(text)
        self.ended.emit()
