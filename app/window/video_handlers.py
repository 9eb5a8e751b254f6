"""Owns what the video panel does: choosing a video, taking over what was found, picking people, cleaning up, the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget

from app.document.commands import EditKeypoints, SetCamera, SetHeight, SetRate, SetThreshold, SetUp
from app.document.document import Document
from app.document.opened import how_lifted, opened_in_words
from app.document.session import Session
from app.document.words import frames_in_words
from app.document.work import work_in_words
from app.look.theme import Theme
from app.panels.passing import passing
from app.panels.questions import ask_to_begin_anew
from app.views.image_view import ImageView
from app.workers.backdrop import Backdrop
from app.workers.cleaning import Change, CleaningJob
from app.workers.detection import DetectJob, Finding
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.corrections import FIELDS, with_keys
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.recording import Recording
from mpm_core.grounding.up import up_of_camera
from mpm_core.masking import UNSURE_BELOW
from mpm_core.refiners import REFINERS, refine
from mpm_core.sides import repair_sides
from mpm_core.video import VideoInfo

if TYPE_CHECKING:
    from app.panels.live_dialog import LiveDialog


class VideoHandlers(QObject):
    """Binds the detection job and the video panel to the session."""

    def __init__(
        self, window: QWidget, session: Session, document: Document, job: DetectJob, view: ImageView, backdrop: Backdrop,
        may_leave: Callable[[], bool], save: Callable[[], bool], theme: Callable[[], Theme],
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._job, self._view, self._backdrop = window, session, job, view, backdrop
        self._document, self._may_leave, self._save, self._theme = document, may_leave, save, theme
        self._agreed: tuple[object, ...] | None = None
        self.live: LiveDialog | None = None
        self._cleaning = CleaningJob(session)
        job.previewed.connect(view.show_preview)
        job.found.connect(self.take)
        job.failed.connect(session.failure)
        job.failed.connect(self._leave_preview)
        job.chosen.connect(self._leave_clip)
        session.clip_changed.connect(self._leave_video)
        session.frame_changed.connect(self._leave_preview)
        view.person_clicked.connect(self.ask_about_person)

    def _leave_preview(self, *_: object) -> None:
        """Show the clip again, once a person goes back to it."""
        if not self._job.state.is_running and self._session.clip is not None:
            self._view.show_preview(None)

    def _leave_clip(self, video: VideoInfo) -> None:
        """Another video was chosen: nothing of the clip before may look as if it were this one's."""
        clip, before = self._session.clip, self._session.options
        if clip is not None and clip.source != str(video.path):
            self._session.close()
        self._session.message.emit("")  # what was said before
        opened = f"Opened {video.path.name}: Detect finds the people in it"
        self._session.message.emit("; ".join((opened, *how_lifted(self._session, before))))

    def _leave_video(self) -> None:
        """Another clip was opened, which is not of the video that was chosen before."""
        clip, video = self._session.clip, self._job.video
        if clip is not None and video is not None and clip.source != str(video.path):
            self._job.adopt(None)

    def detect(self, options: DetectOptions, is_fresh: bool) -> None:
        """Detect in the video that was chosen, once it is clear what becomes of the work on the clip that is open."""
        if self._job.video is not None and self._may_replace(f"Detect in {self._job.video.path.name}?", "Detect"):
            self._job.start(options, is_fresh)

    def _may_replace(self, question: str, verb: str) -> bool:
        """Whether other keypoints may take the clip's place: there is no work on it, or a person says what becomes of it."""
        document, self._agreed = self._document, None
        is_unsaved = document.is_unsaved()
        if self._session.clip is not None and (is_unsaved or document.path is not None):
            project = "" if document.path is None else document.path.name
            lost = work_in_words(self._session)
            choice = ask_to_begin_anew(self._window, question, verb, lost, project, is_unsaved)
            if choice == QMessageBox.StandardButton.Save:
                choice = QMessageBox.StandardButton.Ok if self._save() else QMessageBox.StandardButton.Cancel
            if choice != QMessageBox.StandardButton.Ok:
                return False
            self._agreed = self._state_of_work()
        return True

    def _state_of_work(self) -> tuple[object, ...]:
        """What is replaced by another with whatever is done."""
        return self._session.clip, self._session.mask, self._session.kept.answers, self._document.path

    def _agrees(self) -> bool:
        """Whether somebody has agreed to lose just the work that there is."""
        agreed, self._agreed = self._agreed, None
        return agreed is not None and all(one is other for one, other in zip(agreed, self._state_of_work(), strict=True))

    def _is_less_than_before(self, recording: Recording) -> bool:
        """Whether it is a part of a video of which the whole is open."""
        whole = self._session.recording
        return not recording.is_whole and whole is not None and whole.is_whole and whole.info.path == recording.info.path

    def take(self, finding: Finding) -> None:
        """Open what a detection found, unless unsaved work is to be kept, or it was cancelled and there is a whole one."""
        self._view.show_preview(None)
        session, recording, repaired = self._session, finding.recording, finding.repaired
        if self._is_less_than_before(recording):
            session.message.emit(f"Cancelled after {len(recording)} frames: what was detected before stays, with your work")
            return
        if not self._agrees() and not self._may_leave():
            session.warning.emit("The keypoints are kept: Detect opens them when you are ready.")
            return
        project = self._document.path
        before, clip = session.clip, finding.clip
        if before is not None and before.source == clip.source and not before.camera.is_assumed:
            clip = clip.with_camera(before.camera)  # what a person said of this video's camera still holds
        if before is not None and before.source == clip.source:
            height = before.height_m if finding.person == session.person else None
            clip = replace(clip, up=before.up, height_m=height)
        fps = self._given_rate(clip)
        session.open_clip(clip, recording=recording, person=finding.person, threshold=UNSURE_BELOW)
        if fps is not None:
            self.set_rate(fps)
        if repaired.flags.any():
            whole = with_keys(repaired.clip)
            patch = {field: getattr(whole, field) for field in FIELDS}
            session.undo_stack.push(EditKeypoints(session, 0, patch, "Repair left and right", flags=repaired.flags))
        self._backdrop.open(recording.info.path, is_source=True)
        self._document.mark_opened()  # the recording is kept, so nothing is lost with the clip
        seen = np.flatnonzero(finding.clip.visible.any(1))
        session.set_frame(int(clip.confidence.mean(1).argmax()))
        words = [f"Person seen in {len(seen)} of {len(session)} frames"]
        if not recording.is_whole:
            words.append("cancelled: Detect goes on from here")
        if repaired.flags.any():
            words.append(f"{repaired.sentence()}: flagged on the timeline")
        words += (*clip.lasting_notes, *finding.warnings)
        if project is not None:
            words.append(f"{project.name} stays as it was saved")
        session.message.emit("; ".join(words))

    def _given_rate(self, clip: Clip) -> float | None:
        """The rate that a person gave for the video at work, which still holds for what is found in it."""
        before, opened = self._session.clip, self._session.opened
        if before is None or opened is None or before.source != clip.source or before.fps == opened.fps:
            return None
        return before.fps

    def ask_about_person(self, number: int) -> None:
        """Another person was clicked: where shall they take the place of the one at work?"""
        with passing(self.person_menu(number)) as menu:
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
        """Put another person's keypoints, sides repaired, into some frames, both ends included."""
        recording, flags = self._session.recording, self._session.flags.copy()
        if recording is None:
            return

        def compute(_: Clip) -> Change:
            other = repair_sides(recording.clip(number))
            flags[first : last + 1] = other.flags[first : last + 1]
            return Change(other.clip, first, last, f"Take person {number}, {frames_in_words(first, last)}", flags=flags)

        self._cleaning.ask(compute)

    def open_person(self, number: int) -> None:
        """Another person of the recording as a clip."""
        recording = self._session.recording
        if recording is not None and self._may_replace(f"Open person {number} instead?", "Open"):
            self._job.open_person(recording, number)

    def refine(self, name: str) -> None:
        """Clean up the 2D of the range, or of the whole clip."""
        first, last = self._session.range or (0, len(self._session) - 1)
        label = REFINERS[name].label
        self._cleaning.ask(lambda clip: Change(refine(clip, (name,)), first, last, label))

    def repair(self) -> None:
        """Exchange left and right back where they were confused."""
        flags, last = self._session.flags, len(self._session) - 1

        def compute(clip: Clip) -> Change:
            repaired = repair_sides(clip)
            note = f"{repaired.sentence().capitalize()}: Alt+Right goes there"
            return Change(repaired.clip, 0, last, "Repair left and right", note, flags | repaired.flags)

        self._cleaning.ask(compute)

    def set_threshold(self, threshold: float) -> None:
        """Hide joints of less confidence."""
        if self._session.clip is not None and threshold != self._session.threshold:
            self._session.undo_stack.push(SetThreshold(self._session, threshold))

    def set_field_of_view(self, degrees: float) -> None:
        """What the camera's angle is, along the longer side of the image."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return
        camera = replace(Intrinsics.assumed(clip.image_size, degrees), is_assumed=False)
        if camera != clip.camera:
            self._session.undo_stack.push(SetCamera(self._session, camera, f"Field of view {degrees:.1f}°"))

    def set_held(self, pitch: float, roll: float) -> None:
        """By how much the camera looks down and is rolled, in degrees, which says which way is up."""
        if self._session.clip is not None:
            text = f"Camera looks down by {pitch:.1f}°, rolled by {roll:.1f}°"
            self._session.undo_stack.push(SetUp(self._session, up_of_camera(pitch, roll), text))

    def leave_up_to_lifter(self) -> None:
        """Forget what was said of it."""
        if self._session.clip is not None and self._session.clip.up is not None:
            self._session.undo_stack.push(SetUp(self._session, None, "Up as the lifter tells it"))

    def set_height(self, metres: float) -> None:
        """How tall the person is."""
        if self._session.clip is not None:
            self._session.undo_stack.push(SetHeight(self._session, metres, f"The person is {metres:.2f} m tall"))

    def leave_height_to_lifter(self) -> None:
        """Forget what was said of it."""
        if self._session.clip is not None and self._session.clip.height_m is not None:
            self._session.undo_stack.push(SetHeight(self._session, None, "Height as lifted"))

    def set_rate(self, fps: float) -> None:
        """At how many frames/s the clip was really taken, as of slow motion."""
        if self._session.clip is not None and fps != self._session.clip.fps:
            self._session.undo_stack.push(SetRate(self._session, fps))

    def leave_rate_to_file(self) -> None:
        """Forget what was said of it."""
        if self._session.opened is not None:
            self.set_rate(self._session.opened.fps)

    def open_live(self) -> None:
        """Watch a camera in a window of its own."""
        from app.panels.live_dialog import LiveDialog  # not needed to open a window

        if self.live is None:
            self.live = LiveDialog(self._theme(), self._take_live_clip, self._window)
            self.live.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.live.destroyed.connect(self._forget_live)
        self.live.show()
        self.live.raise_()

    def stop(self) -> None:
        """End what is at work; call before the application quits."""
        self._cleaning.stop()
        if self.live is not None:
            self.live.close()

    def _forget_live(self) -> None:
        self.live = None

    def _take_live_clip(self, clip: Clip) -> bool:
        """Open what a camera saw; whether that was wanted. It is nowhere else, so it counts as unsaved."""
        if not self._may_leave():
            return False
        before = self._session.options
        self._session.open_clip(clip, threshold=UNSURE_BELOW)
        self._document.mark_unsaved()
        self._session.message.emit(opened_in_words("what the camera saw", self._session, before))
        return True

    def set_region(self, draws: bool) -> None:
        """Draw the part of the picture to look at, or take it away."""
        self._view.draw_region(draws)
        if draws:
            clip = self._session.opened
            is_its_clip = clip is not None and self._job.video is not None and clip.source == str(self._job.video.path)
            self._job.show_frame(float(clip.times[self._session.frame]) if clip is not None and is_its_clip else 0.0)
