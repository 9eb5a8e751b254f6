"""Owns the worker that looks at videos: progress with a preview, cancelling, and what was found."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, Signal

from app.document.preview import Preview
from app.look.pictures import to_small_image
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.detectors import find_detector
from mpm_core.detectors.base import DetectOptions, FoundPose
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.progress import Progress
from mpm_core.sides import RepairedSides, repair_sides
from mpm_core.skeleton import Skeleton
from mpm_core.video import VideoInfo, VideoPart, inspect_video, read_frames

_log = logging.getLogger("mpm")

# The preview is renewed so often, and its picture has so many pixels at most along its longer side.
_SHOW_EVERY_S = 0.08
_PREVIEW_PX = 960


@dataclass(frozen=True)
class DetectState:
    """How detection is doing. note: what it does now. per_second, left_s: 0 while they are not known."""

    is_running: bool = False
    done: int = 0
    total: int = 0
    note: str = ""
    per_second: float = 0.0
    left_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Finding:
    """What a detection ended with: the recording, the clip of one of its people, and the same with its sides repaired.
    warnings: what there was to be said of model files and of the cache."""

    recording: Recording
    person: int
    clip: Clip
    repaired: RepairedSides
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, recording: Recording, person: int, warnings: tuple[str, ...] = ()) -> Finding:
        """Look for exchanged sides; takes a second for twenty thousand frames, and fifteen where there may be any."""
        clip = recording.clip(person)
        return cls(recording, person, clip, repair_sides(clip), warnings)


@dataclass(frozen=True)
class _Wanted:
    path: Path
    options: DetectOptions
    is_fresh: bool


@dataclass(frozen=True, eq=False)
class _OneFrame:
    info: VideoInfo
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class _Somebody:
    recording: Recording
    number: int


class DetectJob(QObject):
    """Looks at one video at a time. A detection that is cancelled ends with what was seen so far."""

    chosen = Signal(object)  # VideoInfo, of a video that could be looked at
    adopted = Signal(object)  # VideoInfo of a project's video, or None for no video any more
    previewed = Signal(object)  # Preview
    state_changed = Signal()
    found = Signal(object)  # Finding
    failed = Signal(str)
    _looked = Signal(object)
    _stepped = Signal(object)
    _ended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.state = DetectState()
        self.video: VideoInfo | None = None
        self._is_cancelled = self._is_stopping = False
        self._paused: tuple[_Wanted, Generator[Progress | Recording, None, None]] | None = None
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._stepped.connect(self._on_stepped)
        self._ended.connect(self._on_ended)
        self._looked.connect(self._on_looked)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; call before the application quits. What was seen is kept."""
        self._is_cancelled = self._is_stopping = True
        self._thread.stop()
        if self._paused is not None:
            self._paused[1].close()

    def choose(self, path: Path) -> None:
        """Look what a video is, and show its first frame."""
        if not self.state.is_running:
            self._thread.ask(path)

    def adopt(self, video: VideoInfo | None) -> None:
        """Take the video that a project belongs to, or none: something else was opened."""
        if not self.state.is_running and video != self.video:
            self.video = video
            self.adopted.emit(video)

    def show_frame(self, seconds: float) -> None:
        """The frame of the video that was chosen at a time, to draw on."""
        if self.video is not None and not self.state.is_running:
            self._thread.ask(_OneFrame(self.video, seconds))

    def open_person(self, recording: Recording, number: int) -> None:
        """Another person of a recording, as if a detection had ended with them."""
        if not self.state.is_running:
            self._thread.ask(_Somebody(recording, number))

    def start(self, options: DetectOptions, is_fresh: bool = False) -> None:
        """Detect in the video that was chosen, from where an earlier detection was cancelled, or afresh."""
        if self.video is None or self.state.is_running:
            return
        self._is_cancelled = False
        self._set_state(DetectState(is_running=True, note="starting"))
        self._thread.ask(_Wanted(self.video.path, options, is_fresh))

    def cancel(self) -> None:
        """Stop soon; what was seen is kept and shown."""
        self._is_cancelled = True

    def _work(self, request: Path | _OneFrame | _Somebody | _Wanted) -> None:
        """In the worker."""
        if isinstance(request, Path):
            info = inspect_video(request)
            self._looked.emit(info)
            self._preview_frame(_OneFrame(info))
        elif isinstance(request, _OneFrame):
            self._preview_frame(request)
        elif isinstance(request, _Somebody):
            self.found.emit(Finding.of(request.recording, request.number))
        else:
            with _warnings_of_this_thread() as warnings:
                recording = self._record(request)
            if not self._is_stopping:
                self._ended.emit(Finding.of(recording, 0, tuple(warnings)))

    def _preview_frame(self, wanted: _OneFrame) -> None:
        info = wanted.info
        with closing(read_frames(info, VideoPart(first_s=wanted.seconds))) as frames:
            picture = next(frames).picture
        if picture is not None:
            image = to_small_image(picture, _PREVIEW_PX)
            self.previewed.emit(Preview(image, QRectF(0, 0, *info.image_size), np.zeros((0, 0, 2)), info.image_size))

    def _record(self, wanted: _Wanted) -> Recording:
        """What was seen until the end, or until the detection was cancelled; one that was goes on with the same detector."""
        if self._paused is not None and self._paused[0] != wanted:
            self._paused[1].close()
            self._paused = None
        from mpm_core.detectors.detection import Sighting  # with it come models and caches; not needed to open a window

        steps = self._paused[1] if self._paused else self._begin(wanted)
        self._paused = None
        shown = 0.0
        try:
            for step in steps:
                if isinstance(step, Recording):
                    self._paused = None if step.is_whole or self._is_stopping else (wanted, steps)
                    return step
                if self._is_cancelled and not isinstance(step, Sighting):
                    break  # a model file that is being fetched
                now = time.monotonic()
                if now - shown > _SHOW_EVERY_S:
                    shown = now
                    self._show(step, find_detector(wanted.options.detector).skeleton, wanted.options)
        finally:
            if self._paused is None:
                steps.close()
        raise UserError("Cancelled before anything was seen.")

    def _begin(self, wanted: _Wanted) -> Generator[Progress | Recording, None, None]:
        from mpm_core.detectors.detection import record

        return record(wanted.path, wanted.options, wanted.is_fresh, should_stop=lambda: self._is_cancelled)

    def _show(self, step: Progress, skeleton: Skeleton, options: DetectOptions) -> None:
        from mpm_core.detectors.detection import Sighting

        if not isinstance(step, Sighting):
            self._stepped.emit(DetectState(True, step.done, step.total, step.note))
            return
        self._stepped.emit(DetectState(True, step.done, step.total, step.note, step.per_second, step.left_s))
        if step.picture is not None and self.video is not None:
            size = self.video.image_size
            place = QRectF(*(options.part.region or (0, 0, *size)))
            image = to_small_image(step.picture, _PREVIEW_PX)
            self.previewed.emit(Preview(image, place, poses_in_mpm16(step.poses, skeleton), size))

    def _on_looked(self, info: VideoInfo) -> None:
        """In the window's thread, so that nobody sees the one without the other."""
        self.video = info
        self.chosen.emit(info)

    def _on_stepped(self, state: DetectState) -> None:
        """In the window's thread."""
        if self.state.is_running:
            self._set_state(state)

    def _on_ended(self, finding: Finding) -> None:
        self._set_state(DetectState())
        self.found.emit(finding)

    def _on_failed(self, text: str) -> None:
        self._set_state(DetectState())
        self.failed.emit(text)

    def _set_state(self, state: DetectState) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit()


@contextmanager
def _warnings_of_this_thread() -> Iterator[list[str]]:
    """What mpm_core warns of meanwhile, which is logged and would reach nobody who looks at the window."""
    found: list[str] = []
    thread = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                found.append(record.getMessage())

    collector = Collector(logging.WARNING)
    _log.addHandler(collector)
    try:
        yield found
    finally:
        _log.removeHandler(collector)


def poses_in_mpm16(poses: tuple[FoundPose, ...], skeleton: Skeleton) -> NDArray[np.float64]:
    """(people, 16, 2) pixels in MPM-16 joints, NaN where a joint cannot be told."""
    if not poses:
        return np.zeros((0, 0, 2))
    points = np.stack([p for p, _ in poses])
    seen = np.stack([s for _, s in poses]) > 0
    mapped = map_to_mpm16(skeleton).apply(points, seen)
    return np.where(mapped.visible[..., None], mapped.points, np.nan).astype(np.float64)
