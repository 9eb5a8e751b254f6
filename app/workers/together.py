"""Owns the workers that bring together what several calibrated cameras saw: one looks whether it fits, one lifts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.document.answer_commands import keep_with_camera
from app.document.predictions import KeptAnswer, keep
from app.workers.keeping import KeepingJob
from app.workers.newest_wins import NewestWins
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.diffusion.options import Sampling
from mpm_core.lifters.aids import Aids

if TYPE_CHECKING:
    from mpm_core.matching import Matched, View


class MatchJob(QObject):
    """Looks whether views fit each other; a newer question takes the place of the one before."""

    found = Signal(object)  # Matched
    refused = Signal(str)  # why they do not
    _told = Signal(object, int)

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._told.connect(self._on_told)
        self._thread.start()

    def ask(self, views: Sequence[View]) -> None:
        """Look at these."""
        self._number += 1
        self._thread.ask(views, self._number)

    def forget(self) -> None:
        """What was asked concerns nobody any more."""
        self._number += 1

    def stop(self) -> None:
        """End the worker; call before it goes."""
        self._number += 1
        self._thread.stop()

    def _work(self, views: Sequence[View], number: int) -> None:
        from mpm_core.matching import match_views  # scipy is slow to import, and not needed to open a window

        self._told.emit(match_views(views), number)

    def _on_told(self, matched: Matched, number: int) -> None:
        """In the window's thread. What was asked before comes too late."""
        if number == self._number:
            self.found.emit(matched)

    def _on_failed(self, why: str, request: tuple[Sequence[View], int]) -> None:
        if request[1] == self._number:
            self.refused.emit(why)


_FOUND = "found on the way"


@dataclass(frozen=True, eq=False)
class _Asked:
    """clip: as it was open then; calibration: the name of its file."""

    clip: Clip
    matched: Matched
    calibration: str
    sampling: Sampling
    aids: Aids
    device: str
    number: int

    @property
    def camera(self) -> Intrinsics:
        return self.matched.cameras[0].camera

    @property
    def name(self) -> str:
        """Of the answer."""
        return f"{len(self.matched.cameras)} cameras: {', '.join(camera.name for camera in self.matched.cameras)}"


class TogetherJob(KeepingJob):
    """Keeps the answer by what several cameras saw, as it was when that was asked for."""

    def start(self, matched: Matched, calibration: str, sampling: Sampling, aids: Aids) -> None:
        """Lift views that fit each other, of which the first is the clip that is open."""
        session = self._session
        if session.clip is None or self._is_running:
            return
        aids = replace(aids, calibrate=False, refine=False)  # of which the others are all that concerns several cameras
        self._begin(_Asked(session.clip, matched, calibration, sampling, aids, session.options.device, self._next_number()))

    def _work(self, asked: _Asked) -> None:
        """In the worker. torch loads with these, so not before they are needed."""
        from mpm_core.lifters.several_cameras import Means, Together

        together = Together.of(asked.matched, None, asked.sampling, Means(asked.device), asked.aids)
        for step in together.run():
            if self._is_given_up(asked):
                return
            self._tell(step.done / max(step.total, 1), f"{len(asked.matched.cameras)} cameras", asked)
        answer, off = together.prediction(), together.off_px()
        names = [camera.name for camera in asked.matched.cameras]
        kept = keep(asked.name, answer, asked.aids, replace(asked.clip, chosen=None))  # taken: of one camera's
        note = {
            **kept.note,
            "weights": ", ".join(weights.replace(", sha256", "") for weights in together.weights),
            "cameras": "; ".join(f"{n}: {clip.name}" for n, clip in zip(names, asked.matched.clips, strict=True)),
            "calibration": asked.calibration,
            "off the keypoints": ", ".join(f"{n} {px:.1f} px" for n, px in zip(names, off, strict=True)),
        }
        if together.notes:
            note[_FOUND] = "; ".join(together.notes)
        self._answered.emit([replace(kept, note=note)], asked)

    def _keep(self, answers: Sequence[KeptAnswer], asked: _Asked) -> None:
        session, kept = self._session, answers[0]
        assert session.clip is not None
        as_it_was = [
            *(
                ["by the 2D as it was before your last corrections"]
                if session.clip.keypoints is not asked.clip.keypoints
                else []
            ),
            *([f"at {asked.clip.fps:g} frames/s, as it was then"] if session.clip.fps != asked.clip.fps else []),
        ]
        angle, told = asked.camera.field_of_view_deg(session.clip.image_size), f"as {asked.calibration} has it"
        text = f"Lift with {kept.note['cameras']}; field of view {angle:.1f}°, {told}"
        is_new_camera = session.clip.camera != asked.camera
        if not keep_with_camera(session, kept, asked.camera, text):
            return
        name = session.kept.answers[-1].name
        said = [
            ", ".join((f"Kept as '{name}'", *as_it_was)),
            f"off the keypoints: {kept.note['off the keypoints']}",
        ]
        if is_new_camera:
            said.append(f"the clip's field of view is {angle:.1f}° now, {told}")
        if _FOUND in kept.note:
            said.append(kept.note[_FOUND])
        session.message.emit("; ".join(said) + ". The tab Answers lists it, and Export and What was done offer it.")
