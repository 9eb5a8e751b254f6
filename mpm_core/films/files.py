"""Owns the files of films: MP4 (H.264), GIF with one palette, and PNG pictures, each whole or not there at all.

Encoding goes on in a thread of its own, while the next picture is drawn.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpm_core.decoding import import_av
from mpm_core.errors import UserError
from mpm_core.files import folder_of_begun, written_whole
from mpm_core.films.options import is_series, kind_of

Canvas = NDArray[np.uint8]
"""(height, width, 4) red, green, blue, opaque."""

_WAITING = 3
_FORMAT = "rgba"

_QUALITY = {"crf": "17", "preset": "fast"}
"""Of x264: drawn lines stay sharp, a minute of a scene takes a few megabytes."""

_HD_LINES = 720
_BT709, _BT601, _LIMITED_RANGE = 1, 6, 1

_LARGEST_DENOMINATOR = 1001


class _Encoder(Protocol):
    def write(self, picture: Canvas) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


@contextmanager
def film_file(
    target: Path, size: tuple[int, int], rate: float, shots: int, samples: Callable[[], Sequence[Canvas]]
) -> Iterator[Callable[[Canvas], None]]:
    """What takes the pictures of a film, one after the other; each belongs to it then. When the block ends well the file, or
    the series of them, is there; else what was there before is as it was.

    size: (width, height) of each. rate: frames/s. shots: how many there will be. samples: some of the pictures, from which a
    GIF's palette is made. UserError, with the target, when it cannot be written.
    """
    kind = kind_of(target)
    if kind == ".png":
        with _pictures(target, shots) as paths, _pumped(_PngFiles(paths), target) as put:
            yield put
        return
    with written_whole(target) as partial:
        encoder: _Encoder = _Gif(partial, size, rate, samples()) if kind == ".gif" else _Mp4(partial, size, rate)
        with _pumped(encoder, target) as put:
            yield put


@contextmanager
def _pumped(encoder: _Encoder, target: Path) -> Iterator[Callable[[Canvas], None]]:
    """What hands pictures over to an encoder in a thread of its own, and ends well when that has written all of them."""
    waiting: queue.Queue[Canvas | None] = queue.Queue(_WAITING)
    failures: list[BaseException] = []
    is_given_up = threading.Event()

    def work() -> None:
        try:
            while (picture := waiting.get()) is not None:
                if not is_given_up.is_set():
                    encoder.write(picture)
        except BaseException as error:
            failures.append(error)
            while waiting.get() is not None:
                continue

    def put(picture: Canvas) -> None:
        if failures:
            raise failures[0]
        waiting.put(picture)

    thread = threading.Thread(target=work, name="encoder", daemon=True)
    thread.start()
    ended = False
    try:
        with closing(encoder):
            try:
                yield put
            except BaseException:
                is_given_up.set()
                raise
            finally:
                waiting.put(None)
                thread.join()
            if failures:
                raise failures[0]
            encoder.finish()
            ended = True
    except import_av().FFmpegError as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{target}: cannot be written ({error.strerror})") from error
        what = "encoded" if ended else "written"
        raise UserError(f"{target}: cannot be {what} ({error.strerror or error})") from error


class _Mp4:
    """H.264 that every player shows: yuv420p, the index at the beginning."""

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        self._av = import_av()
        self._container = self._av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._rate = _fraction(rate)
        stream = self._container.add_stream("libx264", rate=self._rate, options=_QUALITY)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        is_hd = size[1] >= _HD_LINES
        matrix = _BT709 if is_hd else _BT601
        stream.codec_context.colorspace = stream.codec_context.color_primaries = stream.codec_context.color_trc = matrix
        stream.codec_context.color_range = _LIMITED_RANGE
        self._matrix = "ITU709" if is_hd else "ITU601"
        self._stream, self._count = stream, 0

    def write(self, picture: Canvas) -> None:
        frame = self._av.VideoFrame.from_ndarray(picture, format=_FORMAT)
        frame = frame.reformat(format="yuv420p", dst_colorspace=self._matrix)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()

    def close(self) -> None:
        self._container.close()


class _Gif:
    """One palette for the whole film, made from samples of it; what needs more colours is dithered in a pattern that stays."""

    def __init__(self, path: Path, size: tuple[int, int], rate: float, samples: Sequence[Canvas]) -> None:
        self._av = import_av()
        palette = self._palette(samples, size)
        self._rate, self._count = _fraction(rate), 0
        self._container = self._av.open(str(path), "w", format="gif")
        self._stream = self._container.add_stream("gif", rate=self._rate)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "pal8"
        graph = self._graph = self._av.filter.Graph()  # its parts do not keep it
        self._source = graph.add_buffer(width=size[0], height=size[1], format=_FORMAT, time_base=1 / self._rate)
        colours = graph.add_buffer(
            width=palette.width, height=palette.height, format=palette.format.name, time_base=1 / self._rate
        )
        use, self._sink = graph.add("paletteuse", "dither=bayer:bayer_scale=5"), graph.add("buffersink")
        self._source.link_to(use, 0, 0)
        colours.link_to(use, 0, 1)
        use.link_to(self._sink)
        graph.configure()
        palette.pts = 0
        colours.push(palette)
        colours.push(None)

    def _palette(self, samples: Sequence[Canvas], size: tuple[int, int]) -> Any:
        graph = self._av.filter.Graph()
        source = graph.add_buffer(width=size[0], height=size[1], format=_FORMAT, time_base=Fraction(1))
        make, sink = graph.add("palettegen", "reserve_transparent=0"), graph.add("buffersink")
        source.link_to(make)
        make.link_to(sink)
        graph.configure()
        for number, picture in enumerate(samples):
            frame = self._av.VideoFrame.from_ndarray(picture, format=_FORMAT)
            frame.pts = number
            source.push(frame)
        source.push(None)
        return sink.pull()

    def write(self, picture: Canvas) -> None:
        frame = self._av.VideoFrame.from_ndarray(picture, format=_FORMAT)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._source.push(frame)
        self._encode()

    def finish(self) -> None:
        self._source.push(None)
        self._encode()
        self._container.mux(self._stream.encode())
        self._container.close()

    def _encode(self) -> None:
        while True:
            try:
                frame = self._sink.pull()
            except (self._av.error.BlockingIOError, self._av.error.EOFError):
                return
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.close()


class _PngFiles:
    """A picture to each path, in turn."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._av, self._paths = import_av(), iter(paths)

    def write(self, picture: Canvas) -> None:
        encoder = self._av.CodecContext.create("png", "w")
        encoder.height, encoder.width = picture.shape[:2]
        encoder.pix_fmt, encoder.time_base = "rgb24", Fraction(1)
        frame = self._av.VideoFrame.from_ndarray(picture, format=_FORMAT).reformat(format="rgb24")
        frame.pts = 0
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        next(self._paths).write_bytes(b"".join(bytes(packet) for packet in packets))

    def finish(self) -> None: ...

    def close(self) -> None: ...


@contextmanager
def _pictures(target: Path, count: int) -> Iterator[Sequence[Path]]:
    """Paths to write a picture to each, which get their names when the block ends well: one file, or numbered ones by the
    target's pattern, whose folder is made if it is not there."""
    if not is_series(target):
        with written_whole(target) as partial:
            yield [partial] * count
        return
    place = target.absolute().parent
    try:
        names = [target.name % number for number in range(count)]
    except (TypeError, ValueError):
        raise UserError(f"{target}: a pattern must have one number in it, such as %05d") from None
    try:
        with folder_of_begun(place) as beside:
            yield [beside / name for name in names]
            place.mkdir(exist_ok=True)
            for name in names:
                (beside / name).replace(place / name)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error


def pictures_after(target: Path, count: int) -> int:
    """How many numbered pictures of an earlier, longer film go on after so many: whoever reads the series would see them."""
    number = count
    while (target.parent / (target.name % number)).exists():
        number += 1
    return number - count


def _fraction(rate: float) -> Fraction:
    """Such as 30000/1001 for what is written as 29.97."""
    return Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR)
