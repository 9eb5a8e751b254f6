"""Owns the worker that lifts the other people of a recording, so that the scene can show everybody at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.scene_positions import MOST_BYSTANDERS
from app.document.session import Session
from app.workers.newest_wins import NewestWins
from mpm_core.camera import Intrinsics
from mpm_core.detectors.recording import Recording
from mpm_core.grounding.up import Direction
from mpm_core.lifters import load_lifter
from mpm_core.lifters.base import Lifter


@dataclass(frozen=True, eq=False)
class Bystander:
    """Somebody else in the video. number: of the recording's people. places: (frames, 16, 3) metres in camera axes, NaN in
    frames in which they are not seen."""

    number: int
    places: NDArray[np.float32]


@dataclass(frozen=True)
class _Asked:
    recording: Recording
    person: int
    camera: Intrinsics
    up: Direction | None
    lifter: str
    device: str


class BystandersJob(QObject):
    """Lifts the others of the session's recording while it is switched on; they are not masked, nor corrected."""

    changed = Signal(object)  # tuple of Bystander
    _answered = Signal(object, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._is_on = False
        self._newest: _Asked | None = None
        self._lifter: Lifter | None = None
        self._lifter_key = ("", "")
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(lambda text, _: session.failure.emit(text))
        self._answered.connect(self._on_answered)
        for signal in (session.clip_changed, session.camera_changed, session.options_changed):
            signal.connect(self._ask)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()

    def switch(self, is_on: bool) -> None:
        """Show the others, or nobody else."""
        self._is_on = is_on
        session = self._session
        if is_on and session.clip is not None and session.recording is None:
            session.warning.emit("Only videos show other people: this clip holds one person.")
        self._ask()

    def _ask(self) -> None:
        session = self._session
        asked = None
        if self._is_on and session.clip is not None and session.recording is not None:
            options = session.options
            asked = _Asked(
                session.recording, session.person, session.clip.camera, session.clip.up, options.lifter, options.device
            )
        if asked == self._newest:
            return
        self._newest = asked
        self.changed.emit(())
        if asked is not None:
            if len(asked.recording.people) == 1:
                session.message.emit("Nobody else is seen in this video.")
                return
            self._thread.ask(asked)

    def _work(self, asked: _Asked) -> None:
        """In the worker: one person after the other, each shown when whole."""
        if self._lifter is None or self._lifter_key != (asked.lifter, asked.device):
            self._lifter, self._lifter_key = load_lifter(asked.lifter, asked.device), (asked.lifter, asked.device)
        found: list[Bystander] = []
        for track in asked.recording.people[: MOST_BYSTANDERS + 1]:
            number = track.person.number
            if number == asked.person or len(found) == MOST_BYSTANDERS:
                continue
            clip = replace(asked.recording.clip(number), camera=asked.camera, up=asked.up)
            task = self._lifter.start(clip)
            for _ in task.update(None):
                if self._thread.is_outdated():
                    return
            places = task.prediction().absolute().astype(np.float32)
            found.append(Bystander(number, np.where(np.any(clip.visible, axis=1)[:, None, None], places, np.float32(np.nan))))
            self._answered.emit(tuple(found), asked)

    def _on_answered(self, found: Sequence[Bystander], asked: _Asked) -> None:
        """In the window's thread. An answer to an older question comes too late."""
        if asked is self._newest:
            self.changed.emit(found)
