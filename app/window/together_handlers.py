"""Owns what is done with clips of other cameras: they are brought in, checked, and lifted with the one that is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.document.session import Session
from app.panels.passing import passing
from app.window.answer_handlers import AT_WORK
from app.window.file_handlers import readable
from app.workers.comparing import CompareJob
from app.workers.opening import Opener
from app.workers.together import TogetherJob

_OTHER_CLIP = (
    "Nothing was lifted: another clip was opened, or its 2D has changed, while the cameras were chosen. Choose them again."
)


class TogetherHandlers(QObject):
    """Binds the action to the dialog and the job."""

    begun = Signal()  # cameras are being lifted: the list of answers tells how far that is

    def __init__(
        self, window: QWidget, session: Session, opener: Opener, job: TogetherJob, compare_job: CompareJob
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._opener, self._job, self._compare_job = window, session, opener, job, compare_job

    def lift_together(self) -> None:
        """Ask for other cameras' clips, and lift them with the one that is open."""
        clip = self._session.clip
        if clip is None:
            return
        if clip.keypoints is None:
            self._session.warning.emit("This clip has no 2D keypoints: other cameras have nothing to be beside.")
            return
        if self._job.is_running or self._compare_job.is_running:
            self._session.warning.emit(AT_WORK)
            return
        from app.panels.together_dialog import TogetherDialog  # not needed to open a window

        with passing(TogetherDialog(self._session, self._opener, readable(), self._window)) as dialog:
            if not dialog.exec() or dialog.matched is None:
                return
            now = self._session.clip  # as workers have left it: what they add beside the 2D changes nothing here
            if now is None or now.keypoints is not clip.keypoints or now.times is not clip.times:
                self._session.warning.emit(_OTHER_CLIP)
                return
            self._job.start(dialog.matched, dialog.calibration, dialog.sampling(), dialog.aids)
            self.begun.emit()
