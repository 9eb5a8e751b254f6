"""Small videos that tests make: a white square on grey that moves, with frame times, rotation and metadata as asked."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

SIDE = 24
"""Of the white square, in pixels."""

_CLOCK = 90_000  # ticks of a second


def square_at(frame, size):
    """Left and top of the square in a frame."""
    return 10 + frame % (size[0] - SIDE - 20), 8 + frame // 2 % (size[1] - SIDE - 16)


def write_video(path, times, size=(160, 120), metadata=None, rotation=0, hides=(), fast_start=False):
    """A video with a frame at each of `times` (seconds); in the frames `hides` there is no square."""
    flags = [flag for flag, on in (("use_metadata_tags", metadata), ("faststart", fast_start)) if on]
    with av.open(str(path), "w", options={"movflags": "+".join(flags)} if flags else {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK)
        stream.codec_context.gop_size = 10
        if rotation:
            stream.set_display_rotation(rotation)
        for number, seconds in enumerate(times):
            picture = np.full((size[1], size[0], 3), 90, np.uint8)
            if number not in hides:
                left, top = square_at(number, size)
                picture[top : top + SIDE, left : left + SIDE] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(seconds * _CLOCK), Fraction(1, _CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path, seconds=1.0):
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, int(44100 * seconds)), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    return path


def write_long_video(path, seconds, rate=30, size=(160, 120)):
    """A video that goes on and on: ten seconds of it, written again and again without encoding them anew."""
    start = write_video(path.with_name(f"start-{path.name}"), np.arange(10 * rate) / rate, size)
    with av.open(str(start)) as source, av.open(str(path), "w") as container:
        given = source.streams.video[0]
        stream = container.add_stream_from_template(given)
        packets = [packet for packet in source.demux(given) if packet.dts is not None]
        length = round(10 / given.time_base)
        for _ in range(seconds // 10):
            for packet in packets:
                packet.stream = stream
                container.mux(packet)
                packet.pts += length
                packet.dts += length
    return path


def write_scene(path, frames, view=lambda n: (0.0, 0.0, 1.0), mover=None, size=(320, 240), rate=25):
    """A video of a textured wall with the white square before it, seen by a camera that may move.

    view: for a frame, how far the picture has gone to the left and up in pixels, and how much it is enlarged. mover: for a
    frame, left and right end of a striped thing that goes by, or None.
    """
    import cv2

    rng = np.random.default_rng(5)
    wall = cv2.resize(rng.integers(30, 170, (60, 80), np.uint8), (size[0] * 2, size[1] * 2), interpolation=cv2.INTER_CUBIC)
    wall = np.minimum(cv2.GaussianBlur(wall, (5, 5), 0), 180)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            x, y, scale = view(number)
            matrix = np.array([[scale, 0, -size[0] * scale / 2 - x], [0, scale, -size[1] * scale / 2 - y]])
            matrix[:, 2] += (1 - scale) * np.array(size) / 2
            grey = cv2.warpAffine(wall, matrix, size, borderMode=cv2.BORDER_REFLECT)
            if mover is not None and mover(number) is not None:
                left, right = (int(np.clip(end, 0, size[0])) for end in mover(number))
                grey[40:, left:right] = 60 + 80 * ((np.arange(right - left) // 6 + np.arange(size[1] - 40)[:, None] // 9) % 2)
            grey = grey + rng.normal(0, 2, grey.shape)  # a sensor's noise
            picture = np.repeat(np.clip(grey, 0, 190).astype(np.uint8)[..., None], 3, axis=-1)
            left, top = square_at(number, size)
            picture[top : top + SIDE, left : left + SIDE] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
