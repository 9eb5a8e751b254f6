"""Owns the worker that puts recordings in 3D beside the clip: in its frames, and where its camera sees them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip


class TruthJob(QObject):
    """Finds when a recording began in a clip and how its camera sees it; a newer request replaces one that waits."""

    found = Signal(object, object, object, bool)  # the clip, the recording, AttachedTruth, whether it is only another shift
    doubted = Signal(object, object, str)  # the clip, the recording, and why: a shift that is given settles it
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda why, _: self.failed.emit(why))
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def attach(self, clip: Clip, motion: Clip, shift_s: float | None = None, is_shift: bool = False) -> None:
        """Find the ground truth of a clip in a recording, at a shift that is given or has to be found."""
        self._thread.ask(clip, motion, shift_s, is_shift)

    def _work(self, clip: Clip, motion: Clip, shift_s: float | None, is_shift: bool) -> None:
        from mpm_core.truth.attaching import DoubtfulTruthError, attach_truth  # not needed to open a window

        try:
            self.found.emit(clip, motion, attach_truth(clip, motion, shift_s), is_shift)
        except DoubtfulTruthError as error:
            self.doubted.emit(clip, motion, str(error))
