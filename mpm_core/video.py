"""Owns reading videos: what a file is, its frames with their exact times, and the frame that is on at a time."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from mpm_core.camera import Intrinsics
from mpm_core.decoding import Capture, Picture, ScreenPicture
from mpm_core.errors import UserError

SMALLEST_REGION_PX = 16

# Decoded frames that wait for the detector, in bytes: enough to keep it busy, little enough for any machine.
_WAITING_BYTES = 64_000_000
_MOST_WAITING = 8

# Times that differ by less are the same frame's: containers round to milliseconds or finer.
_SAME_TIME_S = 0.0006

# Reading on to a frame so far ahead is faster than seeking to it.
_READ_ON_S = 1.3

# The diagonal of 35 mm film, to which focal lengths in metadata refer (CIPA DCG-001).
_FILM_DIAGONAL_MM = 43.27
_FOCAL_LENGTH_KEYS = ("com.apple.quicktime.camera.focal_length.35mm_equivalent", "focal_length_35mm_equivalent")


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, before it is read. image_size: (width, height) pixels as shown, turned and made square. fps: the mean
    rate that the file states. frames: how many it states, 0 where it does not. camera: from its metadata, or assumed.
    has_times: whether it tells when frames are shown, or they are counted."""

    path: Path
    image_size: tuple[int, int]
    fps: float
    frames: int
    camera: Intrinsics
    has_times: bool = True

    @property
    def duration_s(self) -> float:
        return self.frames / self.fps


@dataclass(frozen=True)
class VideoPart:
    """Which part of a video. first_s, last_s: seconds from its start. every: only each so-manieth picture is wanted.
    region: (left, top, width, height) pixels that the pictures are cut to, or None."""

    first_s: float = 0.0
    last_s: float | None = None
    every: int = 1
    region: tuple[int, int, int, int] | None = None

    def check(self, info: VideoInfo) -> None:
        """UserError when it does not lie within the video."""
        if self.every < 1:
            raise UserError(f"every n-th frame: n must be at least 1, not {self.every}")
        ends = (self.first_s, self.last_s if self.last_s is not None else max(info.duration_s, self.first_s + 1))
        if not 0 <= ends[0] < ends[1]:
            raise UserError(f"{info.path}: the part from {ends[0]:g} to {ends[1]:g} s is empty")
        if info.frames and self.first_s >= info.duration_s:
            raise UserError(f"{info.path}: lasts {info.duration_s:.2f} s, so nothing begins at {self.first_s:g} s")
        if self.region is not None:
            left, top, width, height = self.region
            fits = left >= 0 and top >= 0 and left + width <= info.image_size[0] and top + height <= info.image_size[1]
            if not fits or min(width, height) < SMALLEST_REGION_PX:
                size = f"{info.image_size[0]} x {info.image_size[1]}"
                raise UserError(f"{info.path}: the region {self.region} does not lie within the picture of {size} pixels")


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame: when it is shown, in seconds from the video's start, and its picture if it was wanted."""

    time_s: float
    picture: Picture | None


def inspect_video(path: Path) -> VideoInfo:
    """What a video is; UserError for a file that cannot be read as one, holds no frame, or is too large."""
    with closing(Capture(path)) as capture:
        if not capture.grab():
            raise UserError(f"{path}: holds no frame that can be decoded")
        picture = capture.retrieve()
        if picture is None:
            raise UserError(f"{path}: its first frame cannot be decoded")
        size = (picture.shape[1], picture.shape[0])
        return VideoInfo(path, size, capture.fps, capture.frames, _camera_of(capture.metadata, size), capture.has_times)


def read_frames(
    info: VideoInfo, part: VideoPart, done: int = 0, after_s: float | None = None
) -> Generator[VideoFrame, None, None]:
    """The frames of a part in order, decoded ahead in a thread of its own; memory does not grow with the length.

    done, after_s: go on after so many frames, of which the last was shown at that time. Closing the iterator ends the thread.
    """
    part.check(info)
    picture_bytes = 3 * info.image_size[0] * info.image_size[1]
    waiting: queue.Queue[VideoFrame | BaseException | None] = queue.Queue(
        max(1, min(_MOST_WAITING, _WAITING_BYTES // picture_bytes))
    )
    is_stopping = threading.Event()

    def put(item: VideoFrame | BaseException | None) -> None:
        while not is_stopping.is_set():
            try:
                return waiting.put(item, timeout=0.1)
            except queue.Full:
                continue

    def decode() -> None:
        try:
            for frame in _decode(info, part, done, after_s):
                put(frame)
                if is_stopping.is_set():
                    return
            put(None)
        except Exception as error:
            put(error)

    thread = threading.Thread(target=decode, name="decoder", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_stopping.set()
        thread.join()


def _decode(info: VideoInfo, part: VideoPart, done: int, after_s: float | None) -> Iterator[VideoFrame]:
    with closing(Capture(info.path)) as capture:
        start = part.first_s if after_s is None else after_s
        capture.seek_before(start - _SAME_TIME_S)
        count = done
        while capture.grab():
            time_s = capture.time_s
            if time_s < part.first_s - _SAME_TIME_S or (after_s is not None and time_s <= after_s + _SAME_TIME_S):
                continue
            if part.last_s is not None and time_s > part.last_s + _SAME_TIME_S:
                return
            picture = capture.retrieve(part.region) if count % part.every == 0 else None
            count += 1
            yield VideoFrame(time_s, picture)


class VideoReader:
    """One open video, for the picture at any time; read on frame by frame where that is faster than seeking."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = Capture(path)
        self._before_s = np.inf  # when the frame before the one at hand was shown; unknown after a seek

    def picture_at(self, seconds: float, is_exact: bool) -> ScreenPicture | None:
        """The picture that is on at a time; None past the end. is_exact: the time is a frame's own, not one in between."""
        capture = self._capture
        wanted = seconds - (_SAME_TIME_S if is_exact else 0.5 / capture.fps)
        if self._before_s < wanted <= capture.time_s:
            return capture.retrieve_for_screen()  # still on
        if not capture.time_s < wanted <= capture.time_s + _READ_ON_S:
            self._before_s = np.inf
            capture.seek_before(wanted)
        while capture.time_s < wanted:
            self._before_s = capture.time_s
            if not capture.grab():
                return None
        return capture.retrieve_for_screen()

    def close(self) -> None:
        self._capture.close()


def _camera_of(metadata: Mapping[str, str], size: tuple[int, int]) -> Intrinsics:
    """The camera that a phone has written into its file; else an ordinary one is assumed."""
    for key in _FOCAL_LENGTH_KEYS:
        try:
            focal_mm = float(metadata.get(key, "nan"))
        except ValueError:
            continue
        if 5 < focal_mm < 1000:
            focal = focal_mm / _FILM_DIAGONAL_MM * float(np.hypot(*size))
            return Intrinsics((focal, focal), (size[0] / 2, size[1] / 2))
    return Intrinsics.assumed(size)


def import_cv2() -> ModuleType:
    """OpenCV, without its chatter and without what it does to Qt: it points Qt at plugins of its own, which windows that are
    made later must not find. UserError that says how to install it where it is not there."""
    plugins = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        import cv2
    except ImportError:
        raise UserError("Looking at a video needs OpenCV: install it with pip install 'mpm-viewer[video]'.") from None
    os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)
    if plugins is not None:
        os.environ["QT_QPA_PLATFORM_PLUGIN_PATH"] = plugins
    return cv2
