"""Owns what the video panel does: choosing a video, taking over what was found, picking people, cleaning up, the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QWidget

from app.backdrop import Backdrop
from app.commands import EditKeypoints, Patch, RepairSwaps, SetCamera
from app.detection import DetectJob, Finding
from app.panels.live_dialog import LiveDialog
from app.session import Session
from app.theme import Theme
from app.views.image_view import ImageView
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.refiners import REFINERS, refine
from mpm_core.refiners.swaps import repair_swaps

FIRST_THRESHOLD = 0.3
"""Joints of a new detection that are less sure are hidden, until a person says otherwise."""

_FIELDS = ("keypoints", "visible", "derived", "edited", "confidence")


class VideoHandlers(QObject):
    """Binds the detection job and the video panel to the session."""

    def __init__(
        self, window: QWidget, session: Session, job: DetectJob, view: ImageView, backdrop: Backdrop,
        may_leave: Callable[[], bool], theme: Callable[[], Theme],
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._job, self._view, self._backdrop = window, session, job, view, backdrop
        self._may_leave, self._theme = may_leave, theme
        self.live: LiveDialog | None = None
        job.previewed.connect(view.show_preview)
        job.found.connect(self.take)
        job.failed.connect(session.message)
        job.failed.connect(self._leave_preview)
        session.frame_changed.connect(self._leave_preview)
        view.person_clicked.connect(self.ask_about_person)

    def _leave_preview(self, *_: object) -> None:
        """Show the clip again, once a person goes back to it."""
        if not self._job.state.is_running and self._session.clip is not None:
            self._view.show_preview(None)

    def take(self, finding: Finding) -> None:
        """Open what a detection found, unless unsaved work is to be kept."""
        self._view.show_preview(None)
        if not self._may_leave():
            self._session.message.emit("The keypoints are kept: Detect opens them when you are ready.")
            return
        self._open(finding.clip, finding.recording, finding.swapped)

    def _open(self, clip: Clip, recording: Recording, swapped: np.ndarray) -> None:
        self._session.open_clip(clip, recording=recording, threshold=FIRST_THRESHOLD, flags=swapped)
        self._backdrop.open(recording.info.path, is_source=True)
        seen = np.flatnonzero(clip.visible.any(1))
        self._session.set_frame(int(seen[0]) if len(seen) else 0)
        words = [f"Person seen in {len(seen)} of {len(clip)} frames"]
        if not recording.is_whole:
            words.append("cancelled: Detect goes on from here")
        if swapped.any():
            words.append(f"left and right exchanged back in {int(swapped.sum())} frames, flagged on the timeline")
        self._session.message.emit("; ".join(words))

    def ask_about_person(self, number: int) -> None:
        """Another person was clicked: where shall they take the place of the one at work?"""
        menu = self.person_menu(number)
        menu.exec(QCursor.pos())

    def person_menu(self, number: int) -> QMenu:
        """What can be done with another person of the recording."""
        menu = QMenu(self._window)
        last = len(self._session) - 1
        spans = {"in the whole clip": (0, last), "from this frame on": (self._session.frame, last)}
        if self._session.range is not None:
            spans = {"in the range": self._session.range} | spans
        for words, span in spans.items():
            menu.addAction(f"Take person {number} {words}", partial(self.take_person, number, *span))
        menu.addSeparator()
        menu.addAction(f"Open person {number} as a clip", partial(self.open_person, number))
        return menu

    def take_person(self, number: int, first: int, last: int) -> None:
        """Put another person's keypoints into some frames, both ends included."""
        recording = self._session.recording
        if recording is None:
            return
        other = recording.clip(number)
        patch = {name: getattr(other, name)[first : last + 1] for name in _FIELDS}
        self._push(first, patch, f"Take person {number}, frames {first}–{last}")

    def open_person(self, number: int) -> None:
        """Another person of the recording as a clip."""
        recording = self._session.recording
        if recording is not None and self._may_leave():
            clip, swapped = repair_swaps(recording.clip(number))
            self._open(clip, recording, swapped)

    def refine(self, name: str) -> None:
        """Clean up the 2D of the range, or of the whole clip."""
        clip = self._session.clip
        if clip is None:
            return
        first, last = self._session.range or (0, len(clip) - 1)
        try:
            better = refine(clip, (name,))
        except UserError as error:
            self._session.message.emit(str(error))
            return
        part = slice(first, last + 1)
        changed = [field for field in _FIELDS if not np.array_equal(getattr(better, field)[part], getattr(clip, field)[part])]
        if not changed:
            self._session.message.emit(f"{REFINERS[name].label}: nothing to change.")
            return
        patch = {field: getattr(better, field)[part] for field in _FIELDS}
        self._push(first, patch, REFINERS[name].label)

    def repair(self) -> None:
        """Exchange left and right back where they were confused."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return
        better, swapped = repair_swaps(clip)
        if not swapped.any():
            self._session.message.emit("Left and right are nowhere exchanged.")
            return
        patch = {field: getattr(better, field) for field in _FIELDS}
        self._session.undo_stack.push(RepairSwaps(self._session, patch, swapped))
        self._session.message.emit(f"Left and right exchanged back in {int(swapped.sum())} frames: Alt+Right goes there")

    def set_field_of_view(self, degrees: float) -> None:
        """What the camera's angle is, along the longer side of the image."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return
        camera = replace(Intrinsics.assumed(clip.image_size, degrees), is_assumed=False)
        if camera != clip.camera:
            self._session.undo_stack.push(SetCamera(self._session, camera, f"Field of view {degrees:.1f}°"))

    def open_live(self) -> None:
        """Watch a camera in a window of its own."""
        if self.live is None:
            self.live = LiveDialog(self._theme(), self._window)
            self.live.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.live.clip_wanted.connect(self._open_live_clip)
            self.live.destroyed.connect(self._forget_live)
        self.live.show()
        self.live.raise_()

    def stop(self) -> None:
        """End what is live; call before the application quits."""
        if self.live is not None:
            self.live.close()

    def _forget_live(self) -> None:
        self.live = None

    def _open_live_clip(self, clip: Clip) -> None:
        if self._may_leave():
            self._session.open_clip(clip, threshold=FIRST_THRESHOLD)

    def set_region(self, draws: bool) -> None:
        """Draw the part of the picture to look at, or take it away."""
        if draws:
            self._view.draw_region(True)
        else:
            self._view.clear_region()

    def _push(self, first: int, patch: Patch, text: str) -> None:
        self._session.undo_stack.push(EditKeypoints(self._session, first, patch, text))
