"""Owns the worker that lifts the other people of a video or a file of keypoints: the scene can show everybody at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.file_people import FilePeople, at_times, file_people_from
from app.document.scene_positions import MOST_BYSTANDERS
from app.document.session import Session
from app.workers.lifters import load_lifter
from app.workers.newest_wins import NewestWins
from app.workers.opening import Opener
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.detectors.recording import Recording
from mpm_core.formats.project import Part
from mpm_core.grounding.up import Direction
from mpm_core.lifters.base import Lifter

_PART = "people"


@dataclass(frozen=True, eq=False)
class Bystander:
    """Somebody else in the video or the file. number: of its people. places: (frames, 16, 3) metres in camera axes, NaN in
    frames in which they are not seen."""

    number: int
    places: NDArray[np.float32]


@dataclass(frozen=True)
class _Asked:
    """opened: the clip as it was opened, by whose frames the others are shown."""

    source: Recording | FilePeople
    opened: Clip
    person: int
    camera: Intrinsics
    up: Direction | None
    lifter: str
    device: str


class BystandersJob(QObject):
    """Lifts the others of the session's recording or file while it is switched on; they are not masked, nor corrected.

    A project keeps how such a file was read; see Kept.
    """

    changed = Signal(object)  # tuple of Bystander
    _answered = Signal(object, object)

    def __init__(self, session: Session, opener: Opener) -> None:
        super().__init__()
        self._session = session
        self._people: FilePeople | None = None
        opener.people_read.connect(self._take_people)
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
        if is_on and session.clip is not None and self._source() is None:
            session.warning.emit("Nobody else is known: this clip was read from what shows one person.")
        self._ask()

    def _take_people(self, people: FilePeople) -> None:
        self._people = people

    def _source(self) -> Recording | FilePeople | None:
        """What shows the others of the clip at hand, if anything does."""
        session = self._session
        if session.recording is not None:
            return session.recording
        return self._people if self._people is not None and self._people.belongs_to(session.opened) else None

    def owns(self, name: str) -> bool:
        """See Kept."""
        return name == _PART

    def parts(self) -> Mapping[str, Part]:
        """See Kept."""
        source = self._source()
        return {_PART: Part(source.note())} if isinstance(source, FilePeople) else {}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """See Kept."""
        opened = self._session.opened
        if _PART in parts and opened is not None:
            self._people = file_people_from(parts[_PART].note, opened.source)
        self._ask()

    def _ask(self) -> None:
        session = self._session
        asked, source = None, self._source()
        if self._is_on and session.clip is not None and session.opened is not None and source is not None:
            options, clip = session.options, session.clip
            person = session.person if isinstance(source, Recording) else source.person
            asked = _Asked(source, session.opened, person, clip.camera, clip.up, options.lifter, options.device)
        if asked == self._newest:
            return
        self._newest = asked
        self.changed.emit(())
        if asked is not None:
            if isinstance(source, Recording) and len(source.people) == 1:
                session.message.emit("Nobody else is seen in this video.")
                return
            self._thread.ask(asked)

    def _work(self, asked: _Asked) -> None:
        """In the worker: one person after the other, each shown when whole."""
        if self._lifter is None or self._lifter_key != (asked.lifter, asked.device):
            self._lifter, self._lifter_key = load_lifter(asked.lifter, asked.device), (asked.lifter, asked.device)
        found: list[Bystander] = []
        for number, theirs in _others(asked):
            clip = replace(theirs, camera=asked.camera, up=asked.up)
            task = self._lifter.start(clip, hypotheses=False)
            for _ in task.update(None):
                if self._thread.is_outdated():
                    return
            places = task.prediction().absolute().astype(np.float32)
            places = np.where(np.any(clip.visible, axis=1)[:, None, None], places, np.float32(np.nan))
            found.append(Bystander(number, at_times(places, clip.times, asked.opened.times)))
            self._answered.emit(tuple(found), asked)

    def _on_answered(self, found: Sequence[Bystander], asked: _Asked) -> None:
        """In the window's thread. An answer to an older question comes too late."""
        if asked is self._newest:
            self.changed.emit(found)


def _others(asked: _Asked) -> Iterator[tuple[int, Clip]]:
    """Number and clip of each of the others, as many as are shown; UserError where their file is gone, or another."""
    source = asked.source
    if isinstance(source, Recording):
        numbers: Sequence[int] = [track.person.number for track in source.people if track.person.number != asked.person]
    else:
        source.check(asked.opened)
        numbers = source.numbers()
    for number in numbers[:MOST_BYSTANDERS]:
        yield number, source.clip(number)
