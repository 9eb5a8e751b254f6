"""Owns Document: the session's work as one project, where that lies on disk, and whether it differs from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.document.history import DoneList
from app.document.project import UNCOUNTED, Kept, Unpacked, open_unpacked, parts_of, recording_part, unknown_parts
from app.document.session import Session
from app.document.timers import single_shot
from mpm_core.detectors.recording import Recording
from mpm_core.formats.project import Part, Project, is_same
from mpm_core.provenance import History

# Changes that come together are looked at together.
_SOON_MS = 60

_CLIP_ARRAYS_LEFT_OUT = {"history"}  # it follows from the edits, which are compared, and has dates


class Document(QObject):
    """Of a clip that was never saved as a project, the file that it was read from counts as what is on disk; how it is lifted
    is not in there, and nobody is asked about that. A project keeps it, so there it counts. From where things are looked at
    counts nowhere: a project keeps it, but to turn the scene is no work."""

    changed = Signal()  # something that a project keeps, or where it lies; a moment later

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._done = DoneList(session)
        self._kept: list[Kept] = []
        self._unknown: dict[str, Part] = {}
        self._path: Path | None = None
        self._on_disk: Project | None = None
        self._recording: tuple[Recording, int, Part] | None = None
        self._soon = single_shot(self, self._tell, _SOON_MS)
        session.clip_changed.connect(self.mark_opened)
        for signal in (
            session.mask_changed, session.keypoints_changed, session.threshold_changed, session.camera_changed,
            session.up_changed, session.height_changed, session.flags_changed, session.truth_changed,
            session.options_changed, session.video_changed, session.kept.changed, session.undo_stack.indexChanged,
            session.undo_stack.cleanChanged,
        ):  # fmt: skip
            signal.connect(self.look_again)

    def _tell(self) -> None:
        self.changed.emit()

    @property
    def path(self) -> Path | None:
        """The project that is open; None for work that is in none."""
        return self._path

    @property
    def file_stem(self) -> str:
        """What files that are made of it are called, without an ending: as the project, or else as the clip."""
        if self._path is not None:
            return self._path.stem
        return "prediction" if self._session.clip is None else self._session.clip.file_stem

    @property
    def history(self) -> History:
        """What was done, with the answer on show."""
        prediction = self._session.prediction
        return (*self._done.steps(), *(prediction.history if prediction is not None else ()))

    @property
    def edits(self) -> History:
        """What was done to the clip."""
        return self._done.steps()

    def keep(self, kept: Kept) -> None:
        """Let projects keep something more from now on."""
        self._kept.append(kept)

    def stop(self) -> None:
        """Tell nobody anything any more; call before the views go."""
        self._soon.stop()
        self.blockSignals(True)
        self._soon.blockSignals(True)

    def look_again(self, *_: object) -> None:
        """Something may have changed: tell everybody a moment later."""
        self._soon.start()

    def project(self) -> Project | None:
        """The work as it stands; it shares arrays with the session, which replaces them and never writes to them."""
        session = self._session
        if session.clip is None:
            return None
        parts = {**self._unknown, **parts_of(session)}
        for kept in self._kept:
            parts.update(kept.parts())
        if session.recording is not None:
            parts["recording"] = self._recording_part(session.recording, session.person)
        links = {} if session.video is None else {"video": session.video.path}
        clip = replace(session.clip, history=self.edits)
        return Project(clip, session.mask, session.flags, session.threshold, links, parts)

    def open(self, opened: Unpacked, path: Path | None) -> None:
        """Begin anew with a project that lies there; with None its work is on no disk, as after a crash."""
        open_unpacked(self._session, opened)
        self._unknown = unknown_parts(opened.project, self._kept)
        for kept in self._kept:
            kept.restore(opened.project.parts)
        if path is None:
            self.mark_unsaved()
        else:
            self.mark_saved(path, self.project())

    def mark_opened(self) -> None:
        """The work as it stands is no more than what was read, or what is read again in no time."""
        self._unknown = {}
        self._path, self._on_disk = None, self.project()
        self._session.undo_stack.setClean()
        self.look_again()

    def mark_unsaved(self, path: Path | None = None) -> None:
        """The work is nowhere else. path: the project that it goes to when it is saved."""
        self._path, self._on_disk = path, None
        self._session.undo_stack.resetClean()
        self.look_again()

    def mark_saved(self, path: Path, project: Project | None) -> None:
        """This is on disk now; what was changed while it was written is not."""
        self._path, self._on_disk = path, project
        if not self._differs():
            self._session.undo_stack.setClean()
        else:
            self._session.undo_stack.resetClean()
        self.look_again()

    def is_unsaved(self) -> bool:
        """Whether something would be lost: whether the work differs from what is on disk, not whether it was touched."""
        if self._session.clip is None:
            return False
        if not self._session.undo_stack.isClean():
            return self._differs()
        # Edits stand as they stood, but not everything is one.
        return self._on_disk is not None and not self._same_parts(self._on_disk, self.project())

    def _differs(self) -> bool:
        before, now = self._on_disk, self.project()
        if before is None or now is None:
            return now is not None
        return not (_same_work(before, now) and self._same_parts(before, now))

    def _same_parts(self, before: Project, now: Project | None) -> bool:
        left_out = UNCOUNTED if self._path is not None else (*UNCOUNTED, "lifting", "video")
        if now is None or (self._path is not None and before.links != now.links):
            return False
        old, new = (_without(project.parts, left_out) for project in (before, now))
        return old.keys() == new.keys() and all(part.equals(old[name]) for name, part in new.items())

    def _recording_part(self, recording: Recording, person: int) -> Part:
        """Packed once for each recording, however often it is saved."""
        if self._recording is None or self._recording[0] is not recording or self._recording[1] != person:
            self._recording = (recording, person, recording_part(recording, person))
        return self._recording[2]


def _without(parts: Mapping[str, Part], names: tuple[str, ...]) -> dict[str, Part]:
    return {name: part for name, part in parts.items() if name not in names}


def _same_work(one: Project, other: Project) -> bool:
    """Whether clip, mask, flags and threshold are the same."""
    if one.threshold != other.threshold or not is_same(one.mask, other.mask) or not is_same(one.flags, other.flags):
        return False
    for name, value in vars(one.clip).items():
        found = getattr(other.clip, name)
        if name in _CLIP_ARRAYS_LEFT_OUT or value is found:
            continue
        are_arrays = hasattr(value, "shape") and hasattr(found, "shape")
        if not (is_same(value, found) if are_arrays else _is_equal(value, found)):
            return False
    return True


def _is_equal(one: object, other: object) -> bool:
    """Of values that are no arrays; an array is no equal of None."""
    return not hasattr(one, "shape") and not hasattr(other, "shape") and one == other
