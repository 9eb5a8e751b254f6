"""Owns one open video: its stream with the moving picture, decoded frame by frame with FFmpeg's own time stamps (by PyAV).

Pictures come as they are to be seen: whole frames of interlaced video, square pixels, turned as the file asks. What an edit
list hides, as after a cut without encoding anew, is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.limits import RATES

Picture = NDArray[np.uint8]
"""(height, width, 3) red, green, blue."""

ScreenPicture = NDArray[np.uint8]
"""(height, width, 4) blue, green, red, and 255: as screens take it, so that nobody need turn it into that once more."""

LARGEST_SIDE_PX = 8192

_USUAL_FPS = 30.0

# Seeking lands on a key frame at or before the place; where it overshoots, it is tried again so much earlier.
_SEEK_BACK_S = (0.0, 2.0, 10.0)

_PACKETS_LOOKED_AT = 200
"""Of a file with several pictures, to tell which one moves."""

_NARROWEST_PIXEL, _WIDEST_PIXEL = 0.2, 5.0
"""A ratio of a pixel's sides beyond these is an error in the file."""


class Capture:
    """One open video. fps: the mean rate that the file states. frames: how many it states, 0 where it does not. has_times:
    whether it tells when frames are shown. metadata: of the file and of its picture. time_s: of the frame grabbed last, in
    seconds from the video's start, -1 before the first. UserError for a file that cannot be read as a video, or is too large.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._av = import_av()
        _check_file(path)
        self._open()
        self.has_times = self._stream.duration is not None or self._container.duration is not None
        rates = (self._stream.average_rate, self._stream.guessed_rate)
        rate = next(filter(None, rates if self.has_times else rates[::-1]), None)
        self.fps = float(rate) if rate is not None and RATES[0] <= rate <= RATES[1] else _USUAL_FPS
        self.frames = self._frames_stated()
        self.metadata: Mapping[str, str] = dict(self._container.metadata) | dict(self._stream.metadata)
        self._check_size(self._stream.codec_context.width, self._stream.codec_context.height)

    def _open(self) -> None:
        container = self._opened()
        streams = _moving_streams(container, self.path)
        if len(streams) > 1:
            index = _liveliest(container, streams)
            container.close()
            container = self._opened()
        else:
            index = streams[0].index
        self._container, self._stream = container, container.streams[index]
        self._stream.thread_type = "AUTO"
        self._is_at_start = True
        self._restart()

    def _opened(self) -> Any:
        try:
            return self._av.open(str(self.path), metadata_errors="replace")
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise UserError(f"{self.path}: cannot be read as a video (broken, cut short, or no video at all)") from error

    def _restart(self) -> None:
        self._frame: Any = None
        self._has_grabbed = False
        self.time_s = -1.0
        self._coming = self._decoded()

    def _frames_stated(self) -> int:
        """What the file hides by an edit list is not counted. Some containers state how long they last, but no number."""
        stated = max(int(self._stream.frames), 0)
        if self._stream.duration is not None:
            lasting_s = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None:
            lasting_s = self._container.duration / self._av.time_base
        else:
            return stated
        lasting = round(lasting_s * self.fps)
        return lasting if not stated or lasting < stated - 1 else stated

    def _check_size(self, width: int, height: int) -> None:
        if max(width, height) > LARGEST_SIDE_PX:
            raise UserError(
                f"{self.path}: is {width} x {height} pixels, more than {LARGEST_SIDE_PX} on a side: scale it down first"
            )

    def close(self) -> None:
        self._container.close()

    def grab(self) -> bool:
        """Go on to the next frame; False at the end, or where the file breaks off."""
        frame = next(self._coming, None)
        if frame is None:
            return False
        start = self._stream.start_time or 0
        time_s = float((frame.pts * frame.time_base) - start * self._stream.time_base) if frame.pts is not None else -1.0
        # Some containers carry no times, or the same for several frames: these are counted.
        self.time_s = time_s if time_s > self.time_s else self.time_s + 1 / self.fps if self._has_grabbed else 0.0
        self._frame, self._has_grabbed, self._is_at_start = frame, True, False
        return True

    def retrieve(self, region: tuple[int, int, int, int] | None = None) -> Picture | None:
        """The frame grabbed last, cut to a region if one is given; None where it is damaged."""
        picture = self._pixels("rgb24")
        if picture is not None and region is not None:
            left, top, across, down = region
            picture = picture[top : top + down, left : left + across]
        return None if picture is None else picture.copy()

    def retrieve_for_screen(self) -> ScreenPicture | None:
        """The frame grabbed last; None where it is damaged. Its pixels are FFmpeg's own where they lie as they should: while
        they are made, Python goes on, which copying would hold up for longer than decoding takes."""
        picture = self._pixels("bgra")
        if picture is None:
            return None
        if any(part.is_alpha for part in self._frame.format.components):
            picture = picture.copy()
            picture[..., 3] = 255
        return np.ascontiguousarray(picture)

    def _pixels(self, form: str) -> NDArray[np.uint8] | None:
        """(height, width, channels) the frame grabbed last as it is to be seen, in one of FFmpeg's packed forms."""
        frame = self._frame
        try:
            width = max(round(frame.width * self._pixel_ratio()), 1)
            self._check_size(width, frame.height)
            made = self._made(frame, format=form, width=width, height=frame.height)
        except (self._av.FFmpegError, ValueError):
            return None
        plane = made.planes[0]
        channels = len(made.format.components)
        rows = np.frombuffer(plane, np.uint8)[: made.height * plane.line_size].reshape(made.height, plane.line_size)
        pixels = rows[:, : made.width * channels].reshape(made.height, made.width, channels)
        # Its attribute side_data would hold it, and it that, until somebody looks for garbage: 3 MB for each frame.
        return _upright(pixels, self._av.sidedata.sidedata.SideDataContainer(frame).get("DISPLAYMATRIX"))

    def _made(self, frame: Any, **wanted: Any) -> Any:
        """In one thread: handing parts to several costs more than they save, most of all on a machine that is busy."""
        try:
            return frame.reformat(**wanted, threads=1)
        except TypeError:  # older versions of PyAV have but one
            return frame.reformat(**wanted)

    def _pixel_ratio(self) -> Fraction | float:
        """Width of a pixel over its height."""
        ratio = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        return ratio if ratio and _NARROWEST_PIXEL < ratio < _WIDEST_PIXEL else 1.0

    def seek_before(self, seconds: float) -> None:
        """Go to a frame at or before a time, as near as the file allows; to the start in a file that cannot seek."""
        for back in _SEEK_BACK_S:
            place = seconds - back
            if place <= 0 or not self.has_times:  # then nobody knows where a frame after a seek is
                break
            if self._seek(place) and self.grab() and self.time_s <= seconds:
                return
        if not self._is_at_start:
            self._container.close()
            self._open()

    def _seek(self, seconds: float) -> bool:
        stream = self._stream
        self._is_at_start = False
        try:
            self._container.seek(round(seconds / stream.time_base) + (stream.start_time or 0), stream=stream)
        except (self._av.FFmpegError, OSError):
            return False
        self._restart()
        return True

    def _decoded(self) -> Iterator[Any]:
        """Frames from here on, whole ones of interlaced video; damaged packets are passed over."""
        frames = self._packets_decoded()
        first = next(frames, None)
        if first is None:
            return
        if first.interlaced_frame:
            yield from self._deinterlaced(first, frames)
            return
        yield first
        yield from frames

    def _packets_decoded(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except (self._av.error.InvalidDataError, self._av.error.PatchWelcomeError):
                    continue
        except (self._av.FFmpegError, OSError):
            return  # the file breaks off

    def _deinterlaced(self, first: Any, rest: Iterator[Any]) -> Iterator[Any]:
        """One whole frame for each two fields (FFmpeg's filter bwdif)."""
        graph = self._av.filter.Graph()
        source = graph.add_buffer(template=self._stream)
        filtering = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(filtering)
        filtering.link_to(sink)
        graph.configure()

        def pulled() -> Iterator[Any]:
            while True:
                try:
                    yield sink.pull()
                except (self._av.error.BlockingIOError, self._av.error.EOFError):
                    return

        for frame in chain((first,), rest, (None,)):  # None is the end
            source.push(frame)
            yield from pulled()


def _moving_streams(container: Any, path: Path) -> list[Any]:
    """Streams that may be the moving picture: no covers. UserError where there is none."""
    moving = [s for s in container.streams.video if not s.disposition & type(s.disposition).attached_pic]
    known = [stream for stream in moving if stream.codec_context is not None]
    if known:
        return known
    reason = "no decoder knows its picture" if moving else "it holds no picture"
    if not moving and container.streams.audio:
        reason = "it holds sound but no picture"
    container.close()
    raise UserError(f"{path}: cannot be read as a video ({reason})")


def _liveliest(container: Any, streams: list[Any]) -> int:
    """The index of the stream that has most pictures at the beginning, and of those the largest; others are previews."""
    counts = {stream.index: 0 for stream in streams}
    for packet in islice(container.demux(streams), _PACKETS_LOOKED_AT):
        counts[packet.stream.index] += packet.size > 0
    most = max(counts.values())
    lively = [stream for stream in streams if counts[stream.index] > most / 2]
    return int(max(lively, key=lambda s: s.codec_context.width * s.codec_context.height).index)


def _upright(picture: Picture, matrix: Any) -> Picture:
    """A picture turned, and mirrored, as a display matrix asks (nine whole numbers of 32 bits, None for as it is): what lies
    at (x, y) is to be seen at (ax + cy, bx + dy). Only quarters of a turn are asked for by cameras."""
    if matrix is None:
        return picture
    a, b, _, c, d, *_ = np.frombuffer(bytes(matrix), np.int32).tolist()
    if abs(b) > abs(a):
        picture = picture.swapaxes(0, 1)
        a, d = c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _check_file(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path}: there is no such file")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not a video")
    if not path.is_file():
        raise UserError(f"{path}: cannot be read (it is no ordinary file)")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: is empty")


def import_av() -> ModuleType:
    """PyAV, silent; UserError that says how to install it where it is not there."""
    try:
        import av
        import av.filter
        import av.logging
        import av.sidedata.sidedata
    except ImportError:
        raise UserError("Videos need PyAV: install it with pip install 'mpm-viewer[video]'.") from None
    # Any level, even the highest, makes a thread of the decoder wait for Python, which may be waiting for that thread to end.
    av.logging.set_level(None)
    return av
