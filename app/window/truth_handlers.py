"""Owns what is done with ground truth from other files: opened, put beside the clip, shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QWidget

from app.document.commands import AttachTruth
from app.document.session import Session
from app.document.truth_origin import TruthOrigin
from app.panels.questions import ask_for_file
from app.window.file_handlers import readable
from app.workers.opening import Opener
from app.workers.truth import TruthJob
from mpm_core.clip import Clip

if TYPE_CHECKING:
    from mpm_core.truth.attaching import AttachedTruth

_FARTHEST_FRAMES = 1e6


class TruthHandlers(QObject):
    """Binds the actions and the panel's shift to the job that finds ground truth."""

    def __init__(self, window: QWidget, session: Session, opener: Opener, job: TruthJob) -> None:
        super().__init__()
        self._window, self._session, self._opener, self._job = window, session, opener, job
        opener.truth_read.connect(self.align)
        job.found.connect(self.attach)
        job.doubted.connect(self.ask_shift)
        job.failed.connect(session.failure)
        session.rate_changed.connect(self._on_rate_changed)

    def open_truth(self) -> None:
        """Ask for a file with 3D of the clip that is open."""
        if self._session.clip is None:
            return
        if self._session.clip.keypoints is None:
            self._session.warning.emit("This clip holds 3D itself: ground truth is for clips of 2D.")
            return
        path = ask_for_file(self._window, "3D of the same person and time", readable())
        if path is not None:
            self._opener.open_truth(path)

    def align(self, clip: Clip, motion: Clip) -> None:
        """Find when a recording that was read began in the clip, and where its camera sees it."""
        self._session.message.emit(f"Looking for {motion.name} in the clip …")
        self._job.attach(clip, motion)

    def attach(self, clip: Clip, motion: Clip, found: AttachedTruth, is_shift: bool) -> None:
        """Ground truth that was found for a clip, if that clip is still open."""
        here = self._session.clip
        if here is None or not self._is_open(clip) or found.clip.ground_truth is None:
            return
        origin = TruthOrigin(motion, found.timing, found.is_sure)
        self._session.undo_stack.push(
            AttachTruth(self._session, found.clip.ground_truth, found.notes_beside(here.notes), origin, is_shift)
        )
        self._session.message.emit("; ".join((f"Ground truth from {motion.name}", *found.notes)))

    def ask_shift(self, clip: Clip, motion: Clip, why: str) -> None:
        """Nothing tells when the recording began: a person may."""
        if not self._is_open(clip):
            return
        frames, is_given = QInputDialog.getDouble(
            self._window, "When does the ground truth begin?", f"{why}.\n\nIt begins so many frames after the clip:", 0.0,
            -_FARTHEST_FRAMES, _FARTHEST_FRAMES, 1,
        )  # fmt: skip
        if is_given:
            self._job.attach(clip, motion, frames / clip.fps)
        else:
            self._session.warning.emit(f"No ground truth added: {why}")

    def _is_open(self, clip: Clip) -> bool:
        """Edits made meanwhile replace the clip, but never its source and its frames."""
        here = self._session.clip
        return here is not None and (here.source, len(here)) == (clip.source, len(clip))

    def _on_rate_changed(self) -> None:
        if self._session.truth_origin is not None:
            self._session.warning.emit(
                "The ground truth was aligned at another frame rate: another shift in Metrics aligns it at this one."
            )

    def set_shift(self, frames: float) -> None:
        """Put the ground truth that is there at another time."""
        clip, origin = self._session.clip, self._session.truth_origin
        if clip is not None and origin is not None:
            self._job.attach(clip, origin.motion, frames / clip.fps, is_shift=True)
