"""Videos as cameras, phones and programs write them: each shows the same moving square, which is found where it was drawn."""

import gc
import struct
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from mpm_core.decoding import Capture
from mpm_core.errors import UserError
from mpm_core.video import VideoPart, VideoReader, inspect_video, read_frames
from tests.videos import SIDE, square_at, write_video

SIZE = (160, 120)


def drawn(number, size=SIZE):
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    left, top = square_at(number, size)
    picture[top : top + SIDE, left : left + SIDE] = 255
    return picture


def box_of(picture):
    """Left, top, right and bottom of the white square."""
    rows, columns = np.nonzero(picture[..., 1] > 180)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def true_box(number, size=SIZE):
    left, top = square_at(number, size)
    return np.array([left, top, left + SIDE, top + SIDE])


def encode(path, pictures, codec="libx264", pixels="yuv420p", options=None, shape=None, container_format=None, rate=30):
    """shape: width over height of a pixel."""
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], pixels
        if shape is not None:
            stream.codec_context.sample_aspect_ratio = shape
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def frames_of(path):
    return list(read_frames(inspect_video(path), VideoPart()))


def assert_seen(frames, numbers, size=SIZE, near=1.0):
    assert len(frames) == len(numbers)
    for frame, number in zip(frames, numbers, strict=True):
        assert np.abs(box_of(frame.picture) - true_box(number, size)).max() <= near, number


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("card.MTS", "libx264", "yuv420p"),
        ("old.mpg", "mpeg2video", "yuv420p"),
        ("windows.wmv", "wmv2", "yuv420p"),
        ("phone.3gp", "mpeg4", "yuv420p"),
        ("tv.ts", "libx264", "yuv422p"),
        ("deep.mkv", "libx265", "yuv420p10le"),
        ("web.webm", "libvpx-vp9", "yuv420p"),
        ("new.mp4", "libsvtav1", "yuv420p"),
        ("edit.mov", "prores_ks", "yuv422p10le"),
    ],
)
def test_every_container_and_codec_gives_its_frames_at_their_times(tmp_path, name, codec, pixels):
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV cannot write {codec}")
    options = {"x265-params": "log-level=none"} if codec == "libx265" else None
    path = encode(tmp_path / name, [drawn(n) for n in range(20)], codec, pixels, options)
    frames = frames_of(path)
    if not name.endswith(".mpg"):  # which does not state how long it lasts
        assert abs(inspect_video(path).frames - 20) <= 2
    assert_seen(frames, range(20), near=2.0)
    assert np.allclose([frame.time_s for frame in frames], np.arange(20) / 30, atol=2e-3)


@pytest.mark.parametrize(("shape", "across"), [(Fraction(4, 3), 214), (Fraction(10, 11), 146), (Fraction(2, 1), 320)])
def test_pixels_that_are_not_square_are_made_square(tmp_path, shape, across):
    size = (round(SIZE[0] * shape / 2) * 2, SIZE[1])
    squeezed = [drawn(n, (across, SIZE[1])) for n in range(5)]
    squeezed = [np.ascontiguousarray(p[:, (np.arange(SIZE[0]) * across / SIZE[0]).astype(int)]) for p in squeezed]
    path = encode(tmp_path / "narrow.mp4", squeezed, shape=shape)
    info = inspect_video(path)
    assert abs(info.image_size[0] - size[0]) <= 1 and info.image_size[1] == SIZE[1]
    assert_seen(frames_of(path), range(5), (across, SIZE[1]), near=3.0)


def test_a_ratio_that_no_pixel_has_is_not_believed(tmp_path):
    path = encode(tmp_path / "odd.mp4", [drawn(0)] * 3, shape=Fraction(100, 1))
    assert inspect_video(path).image_size == SIZE


def count_teeth(picture):
    """Pixels of a comb, which differ from both lines beside them."""
    rows = picture[..., 1].astype(float)
    apart = rows[1:-1, None] - np.stack((rows[:-2], rows[2:]), axis=1)
    return int(((np.abs(apart) > 60).all(1) & (apart[:, 0] * apart[:, 1] > 0)).sum())


def test_fields_become_whole_frames(tmp_path):
    """An upper and a lower field of each frame are drawn half a frame apart, as a television camera does."""
    pictures = []
    for n in range(18):
        whole = drawn(6 * n)
        whole[1::2] = drawn(6 * n + 3)[1::2]
        pictures.append(whole)
    path = encode(tmp_path / "fields.mp4", pictures, options={"x264-params": "interlaced=1:tff=1", "flags": "+ildct+ilme"})
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame  # else this tests nothing
    frames = frames_of(path)
    assert_seen(frames, [6 * n for n in range(18)], near=3.0)
    woven, whole = count_teeth(pictures[5]), [count_teeth(frame.picture) for frame in frames]
    assert woven > 100 and max(whole) < woven / 5


@pytest.mark.parametrize("first", [3, 7, 12])
def test_what_was_cut_away_without_encoding_anew_is_not_seen(tmp_path, first):
    whole = write_video(tmp_path / "whole.mp4", np.arange(30) / 30)
    with av.open(str(whole)) as source, av.open(str(tmp_path / "cut.mp4"), "w") as container:
        given = source.streams.video[0]
        stream = container.add_stream_from_template(given)
        begin = round(first / 30 / given.time_base)
        for packet in source.demux(given):
            if packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
            packet.stream = stream
            container.mux(packet)
    info = inspect_video(tmp_path / "cut.mp4")
    frames = frames_of(tmp_path / "cut.mp4")
    assert abs(info.frames - (30 - first)) <= 1
    assert_seen(frames, range(first, 30))
    reader = VideoReader(tmp_path / "cut.mp4")
    for number in (10, 0, 17 - first, 5):
        picture = reader.picture_at(number / 30, is_exact=True)
        assert np.abs(box_of(picture) - true_box(first + number)).max() <= 1
    reader.close()


def test_a_preview_picture_before_the_video_is_not_taken_for_it(tmp_path):
    with av.open(str(tmp_path / "preview.mkv"), "w") as container:
        preview = container.add_stream("mjpeg", rate=30)
        preview.width, preview.height, preview.pix_fmt = 320, 240, "yuvj420p"
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        container.mux(preview.encode(av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="rgb24")))
        container.mux(preview.encode())
        for n in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(n), format="rgb24")))
        container.mux(stream.encode())
    assert inspect_video(tmp_path / "preview.mkv").image_size == SIZE
    assert_seen(frames_of(tmp_path / "preview.mkv"), range(12))


def test_frames_without_times_are_counted_and_found_again(tmp_path):
    path = encode(tmp_path / "raw.h264", [drawn(n) for n in range(25)], container_format="h264", options={"g": "5"})
    info = inspect_video(path)
    assert not info.has_times
    frames = frames_of(path)
    assert_seen(frames, range(25))
    assert np.allclose(np.diff([frame.time_s for frame in frames]), 1 / info.fps)
    reader = VideoReader(path)
    for number in (20, 3, 11):
        assert np.abs(box_of(reader.picture_at(number / info.fps, is_exact=True)) - true_box(number)).max() <= 1
    reader.close()


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_video_stands_upright(tmp_path, rotation):
    path = write_video(tmp_path / "turned.mp4", np.arange(5) / 30, rotation=rotation)
    (first, *_) = frames_of(path)
    upright = np.rot90(drawn(0), rotation // 90)
    assert np.abs(box_of(first.picture) - box_of(upright)).max() <= 1


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_mirrored_video_is_seen_as_players_show_it(tmp_path, rotation, side):
    """Front cameras and upside-down ones write display matrices that mirror, too."""
    path = write_video(tmp_path / "mirrored.mp4", np.arange(5) / 30, rotation=360 if rotation == 0 else rotation)
    content = path.read_bytes()
    place = content.index(b"tkhd") + 4 + 40  # of the nine numbers
    a, b, u, c, d, *rest = struct.unpack(">9i", content[place : place + 36])
    turned = (-a, b, u, -c, d) if side == "left" else (a, -b, u, c, -d)  # across, or upside down
    path.write_bytes(content[:place] + struct.pack(">9i", *turned, *rest) + content[place + 36 :])
    (first, *_) = frames_of(path)
    upright = np.rot90(drawn(0), rotation // 90)
    upright = upright[:, ::-1] if side == "left" else upright[::-1]
    assert np.abs(box_of(first.picture) - box_of(upright)).max() <= 1


def test_a_video_too_wide_once_its_pixels_are_square_is_refused(tmp_path):
    path = encode(tmp_path / "wide.mp4", [np.zeros((64, 5000, 3), np.uint8)] * 2, shape=Fraction(2, 1))
    with pytest.raises(UserError, match="10000 x 64 pixels"):
        inspect_video(path)


def test_a_video_that_is_left_while_its_threads_decode_does_not_block(tmp_path):
    """They would wait for Python to take what they log, and Python for them to end: in a process of its own, as that hangs."""
    path = encode(tmp_path / "large.mp4", [drawn(n, (640, 480)) for n in range(60)])
    code = f"""
from pathlib import Path
from mpm_core.decoding import Capture
for _ in range(30):
    capture = Capture(Path({str(path)!r}))
    capture.grab()
    del capture
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    assert run.stderr == ""


@pytest.mark.parametrize(("codec", "pixels"), [("libx264", "yuv420p"), ("png", "rgb24"), ("png", "gray")])
def test_a_picture_for_the_screen_is_the_same(tmp_path, codec, pixels):
    size = (150, 122)  # rows that FFmpeg fills up
    path = encode(tmp_path / "odd.mov", [drawn(n, size) for n in range(3)], codec, pixels)
    capture = Capture(path)
    while capture.grab():
        red, green, blue = np.moveaxis(capture.retrieve(), -1, 0)
        picture = capture.retrieve_for_screen()
        assert picture.flags.c_contiguous
        assert np.abs(picture.astype(int) - np.stack((blue, green, red, np.full_like(red, 255)), axis=-1)).max() <= 1
    capture.close()


def test_a_see_through_picture_is_opaque_on_the_screen(tmp_path):
    clear = np.zeros((120, 160, 4), np.uint8)
    with av.open(str(tmp_path / "clear.mov"), "w") as container:
        stream = container.add_stream("png", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "rgba"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(clear, format="rgba")))
        container.mux(stream.encode())
    capture = Capture(tmp_path / "clear.mov")
    assert capture.grab()
    assert (capture.retrieve_for_screen()[..., 3] == 255).all()
    capture.close()


def frames_held():
    return {id(one) for one in gc.get_objects() if type(one) is av.VideoFrame}


@pytest.mark.parametrize("method", ["retrieve", "retrieve_for_screen"])
def test_frames_go_at_once_although_nobody_looks_for_garbage(tmp_path, method):
    capture = Capture(encode(tmp_path / "many.mp4", [drawn(n) for n in range(25)]))
    gc.collect()
    gc.disable()
    try:
        before = frames_held()
        while capture.grab():
            assert getattr(capture, method)() is not None
        held = frames_held() - before
    finally:
        gc.enable()
    assert len(held) <= 3
    capture.close()


@pytest.mark.parametrize("pixels", ["bgra", "bgr24"])
def test_uncompressed_pictures_are_the_same_for_the_screen(tmp_path, pixels):
    """FFmpeg has rows of some from the bottom up, and hands out others as they lie in the file."""
    path = encode(tmp_path / "raw.avi", [drawn(n) for n in range(3)], "rawvideo", pixels)
    assert_seen(frames_of(path), range(3))
    capture = Capture(path)
    while capture.grab():
        red, green, blue = np.moveaxis(capture.retrieve(), -1, 0)
        assert np.array_equal(capture.retrieve_for_screen(), np.stack((blue, green, red, np.full_like(red, 255)), axis=-1))
    capture.close()
