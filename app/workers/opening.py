"""Owns opening: files are looked at and read in a worker, what they lack is asked for, what was opened is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha1
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QSettings, Signal

from app.document.file_people import FilePeople
from app.document.opened import opened_in_words
from app.document.project import Unpacked
from app.document.recent import Recent
from app.document.session import Session
from app.document.timers import single_shot
from app.document.told_answers import ToldAnswers
from app.workers.newest_wins import NewestWins
from app.workers.turns import TURNS
from mpm_core.assets import find_asset
from mpm_core.clip import Clip, split_source
from mpm_core.corrections import with_keys
from mpm_core.errors import CancelledError, UserError
from mpm_core.formats import inspect_file, read_clip, told_in_words
from mpm_core.formats.base import Contents, ReadOptions
from mpm_core.formats.project import is_project, read_project
from mpm_core.masking import Mask, unsure_joints

_LONGEST_NOTE = 260
"""Letters: a longer note would cover the picture for long."""


@dataclass(frozen=True, eq=False)
class ReadBeside:
    """What a file is read for that belongs to the clip that is open: its ground truth, or what another camera saw."""

    clip: Clip
    is_truth: bool = True


class Opener(QObject):
    """Reads files for the session, and projects for whoever takes them. A file that cannot be used leaves the session as
    it was.

    may_leave is asked before a clip that was read takes the place of the one that is open.
    """

    asked = Signal(object, object, object)  # path, Contents, what it is read for or None for a clip: answer with read()
    failed = Signal(str)
    progress = Signal(str, int, int)  # name, how many of a folder's files were read, of how many; 1, 1 at the end
    project_read = Signal(object, bool)  # Unpacked, and whether its video is another one than it was
    people_read = Signal(object)  # FilePeople, before the clip that they are beside is opened
    truth_read = Signal(object, object)  # the clip it is for, and the Clip that holds it
    view_read = Signal(object, object, object)  # what open_view gave, the other camera's Clip, and what is hidden of that
    _found = Signal(object, object, object)
    _noted = Signal(str)
    _was_read = Signal(object)
    _opened = Signal(object, object, object, float, object)

    def __init__(self, session: Session, settings: QSettings, recent: Recent) -> None:
        super().__init__()
        self._session = session
        self._settings, self._recent, self._told = settings, recent, ToldAnswers(settings)
        self._asks_of: Path | None = None
        self._remembered = ReadOptions()
        self._answered: tuple[Path, ReadOptions] | None = None
        self._is_cancelled = False
        self.may_leave: Callable[[], bool] = lambda: True
        self._thread = NewestWins(self._work)
        self._to_remember: Path | None = None
        self._soon = single_shot(self, self._remember_opened)
        self._thread.failed.connect(self.failed)
        self._found.connect(self._on_found)
        self._noted.connect(session.message)
        session.rate_changed.connect(self._remember_rate)
        self._was_read.connect(self._remember)
        self._opened.connect(self._on_opened)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._thread.stop()
        self._remember_opened()

    def open(self, path: Path, asks: bool = False) -> None:
        """Look at a file; then read it, or ask for what it lacks. asks: also for what was answered before."""
        self._asks_of = path if asks else None
        self._thread.ask(path, None, None)

    def open_demo(self) -> None:
        """The bundled demo."""
        self._thread.ask(find_asset("demo/demo.npz"), ReadOptions(), None)

    def was_answered(self, path: Path) -> bool:
        """Whether somebody has said before what the file of a path leaves open."""
        return self._told.of(path) is not None

    def read(self, path: Path, options: ReadOptions, beside: ReadBeside | None = None) -> None:
        """Read a file with the answers to what it lacked: a clip to open, or what belongs to the one that is open."""
        if options.joint_map:
            self._settings.setValue(_joint_map_key(options.joint_map), dict(options.joint_map))
        self._answered, self._remembered = (path, options), ReadOptions()
        self._thread.ask(path, options, beside)

    def _with_remembered_names(self, contents: Contents) -> Contents:
        """With what a person said of the same joint names before, instead of a guess."""
        unknown = contents.unknown_joints
        stored: Any = unknown and self._settings.value(_joint_map_key(unknown.names))
        if unknown is None or not isinstance(stored, dict):
            return contents
        return replace(contents, unknown_joints=replace(unknown, guesses=stored))

    def open_truth(self, path: Path) -> None:
        """Look at a file with 3D that belongs to the clip that is open; then read it, or ask which of its clips."""
        if self._session.clip is not None:
            self._thread.ask(path, None, ReadBeside(self._session.clip))

    def open_view(self, path: Path, clip: Clip) -> ReadBeside:
        """Look at a file with what another camera saw of this clip; then read it, or ask for what it lacks. Returns what tells
        this file from one that was asked for before."""
        beside = ReadBeside(clip, is_truth=False)
        self._thread.ask(path, None, beside)
        return beside

    def cancel(self) -> None:
        """Stop reading; the session stays as it is."""
        self._is_cancelled = True

    def _work(self, path: Path, options: ReadOptions | None, beside: ReadBeside | None) -> None:
        self._is_cancelled = False
        try:
            self._look_or_read(path, options, beside)
        except CancelledError:
            pass
        finally:
            self.progress.emit(path.name, 1, 1)

    def _on_progress(self, path: Path, done: int, total: int) -> None:
        if self._is_cancelled or self._thread.is_outdated():
            raise CancelledError
        self.progress.emit(path.name, done, total)

    def _look_or_read(self, path: Path, options: ReadOptions | None, beside: ReadBeside | None) -> None:
        tell = partial(self._on_progress, path)
        if options is None and beside is None and path.is_file() and is_project(path):
            opened = Unpacked(read_project(path), path)
            self.project_read.emit(opened, _is_other_video(opened))
            return
        if options is None:
            contents = inspect_file(path, ReadOptions(on_progress=tell))
            # Ground truth is seen by the camera of the clip that it is for.
            is_truth = beside is not None and beside.is_truth
            lacks = tuple(name for name in contents.lacks if not is_truth or name != "image_size")
            contents = replace(contents, lacks=lacks)
            if contents.is_open:
                self._found.emit(path, self._with_remembered_names(contents), beside)
                return
            if path == self._asks_of and beside is None:
                self._noted.emit(f"{path.name} says all that is needed itself: there is nothing to ask")
                return
            options = ReadOptions()
        if self._thread.is_outdated():
            return
        from mpm_core.formats.saved import read_saved  # not needed to open a window

        clip = read_clip(path, options=replace(options, on_progress=tell))
        self._was_read.emit(path)
        if beside is None:
            clip = with_keys(clip.to_mpm16())  # which the session would do, in the window's thread
            self._opened.emit(path, clip, *read_saved(path, len(clip)), FilePeople.of(path, options))
            return
        if not beside.is_truth:
            self._tell_view(path, clip.to_mpm16(), beside)
            return
        if clip.ground_truth is None:
            raise UserError(f"{path}: holds no 3D positions")
        self.truth_read.emit(beside.clip, clip.to_mpm16())

    def _tell_view(self, path: Path, clip: Clip, beside: ReadBeside) -> None:
        """What was saved with another camera's clip is hidden in it."""
        from mpm_core.formats.saved import read_saved  # not needed to open a window

        if clip.keypoints is None:
            raise UserError(f"{path}: has no 2D keypoints to lift")
        mask, threshold = read_saved(path, len(clip))
        hidden = np.zeros(clip.visible.shape, bool) if mask is None else mask
        self.view_read.emit(beside, clip, hidden | unsure_joints(clip, threshold) if threshold > 0 else hidden)

    def _remember(self, path: Path) -> None:
        """In the window's thread: with the answers the file can be read, so they hold for the next time."""
        if self._answered is not None and self._answered[0] == path:
            self._told.remember(*self._answered)
        self._answered = None

    def _remember_rate(self) -> None:
        """A rate that was answered when the file was opened, and is another now, is the answer for the next time."""
        clip, opened = self._session.clip, self._session.opened
        if clip is None or opened is None:
            return
        path = Path(split_source(opened.source)[0])
        told = self._told.of(path)
        if told is not None and told.is_same and told.options.fps is not None and told.options.fps != clip.fps:
            self._told.remember(path, replace(told.options, fps=clip.fps))

    def _on_found(self, path: Path, contents: Contents, beside: ReadBeside | None) -> None:
        """In the window's thread: ask, or open the file as it was read before, which is said."""
        told = self._told.of(path)
        answers = told.to(contents) if told is not None and beside is None and path != self._asks_of else None
        if answers is None:
            self.asked.emit(path, contents if told is None else told.before(contents), beside)
        else:
            self._remembered = answers
            self._thread.ask(path, answers, beside)

    def _on_opened(self, path: Path, clip: Clip, mask: Mask | None, threshold: float, people: FilePeople | None) -> None:
        if not self.may_leave():
            return
        TURNS.window_first()
        is_demo = path == find_asset("demo/demo.npz")
        if not is_demo:
            self._to_remember = path
            self._soon.start()
        if people is not None:
            self.people_read.emit(people)
        before = self._session.options
        self._session.open_clip(clip, mask, threshold=threshold)
        told, self._remembered = told_in_words(self._remembered), ReadOptions()
        as_told = [f"as you said the last time: {told} (File → Ask again how to read it)"] if told else []
        last = self._recent.files()[:1]
        back = [f"{file.path.name} is under File → Open recent" for file in last if is_demo]
        said = shorten(
            "; ".join((opened_in_words(clip.name, self._session, before), *back, *as_told, *clip.notes)), _LONGEST_NOTE,
            placeholder=" … (all of it is under Metrics)",
        )  # fmt: skip
        self._session.message.emit("; ".join(filter(None, (said, clip.camera_note))))

    def _remember_opened(self) -> None:
        """The settings are a file, for which the clip that was opened need not wait."""
        self._soon.stop()
        path, self._to_remember = self._to_remember, None
        if path is not None:
            self._recent.remember(path)


def _is_other_video(opened: Unpacked) -> bool:
    """Whether what lies where the video was is another file."""
    from mpm_core.detectors.keeper import fingerprint_of  # not needed to open a window

    video = opened.video
    try:
        return video is not None and bool(video.fingerprint) and fingerprint_of(video.path) != video.fingerprint
    except OSError:
        return False  # it is not there, which is asked about


def _joint_map_key(names: Iterable[str]) -> str:
    return f"joint_maps/{sha1(repr(sorted(names)).encode()).hexdigest()}"
