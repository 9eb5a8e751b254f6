"""Which frame of a film is on when, and its files as PyAV reads them back."""

import subprocess
import sys

import av
import numpy as np
import pytest

from mpm_core import write
from mpm_core.cli import build_parser
from mpm_core.errors import UserError
from mpm_core.films import material
from mpm_core.films.files import film_file, pictures_after
from mpm_core.films.options import FilmOptions, check_film
from mpm_core.films.schedule import schedule
from mpm_core.formats.base import WriteOptions
from mpm_core.rates import at_rate
from tests.videos import write_video

SIZE = (192, 108)


def pictures(count, size=SIZE):
    """Grey, with an orange square that moves."""
    for number in range(count):
        picture = np.full((size[1], size[0], 4), 255, np.uint8)
        picture[..., :3] = 60
        picture[40:60, 4 * number : 4 * number + 20, :3] = (250, 150, 30)
        yield picture


def write_film(target, rate, count=12, size=SIZE):
    with film_file(target, size, rate, count, lambda: list(pictures(4, size))) as put:
        for picture in pictures(count, size):
            put(picture)
    return target


def read_film(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [float(frame.pts * stream.time_base) for frame in frames]
        return stream, times, [frame.to_ndarray(format="rgb24") for frame in frames]


@pytest.mark.parametrize(("suffix", "rate"), [(".mp4", 25.0), (".mp4", 29.97), (".gif", 25.0), (".gif", 30.0)])
def test_films_hold_every_picture_at_its_time(tmp_path, suffix, rate):
    stream, times, frames = read_film(write_film(tmp_path / f"film{suffix}", rate))
    assert len(frames) == 12 and frames[0].shape == (SIZE[1], SIZE[0], 3)
    assert np.abs(np.array(times) - np.arange(12) / rate).max() <= (0.0051 if suffix == ".gif" else 1e-4)
    if suffix == ".mp4":
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.duration * stream.time_base) == pytest.approx(12 / rate, abs=1e-3)
    for number, frame in enumerate(frames):
        assert np.abs(frame[50, 4 * number + 10].astype(int) - (250, 150, 30)).max() < 12
        assert np.abs(frame[10, 10].astype(int) - 60).max() < 4


def test_pictures_go_to_one_file_or_to_numbered_ones(tmp_path):
    write_film(tmp_path / "one.png", 1, 1)
    write_film(tmp_path / "new" / "walk-%03d.png", 1, 3)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["walk-000.png", "walk-001.png", "walk-002.png"]
    _, _, (frame,) = read_film(tmp_path / "new" / "walk-002.png")
    assert frame.shape == (SIZE[1], SIZE[0], 3) and tuple(frame[50, 18]) == (250, 150, 30)
    assert {path.name for path in tmp_path.iterdir()} == {"one.png", "new"}
    write_film(tmp_path / "new" / "walk-%03d.png", 1, 1)  # two of the longer film are left
    assert [pictures_after(tmp_path / "new" / "walk-%03d.png", count) for count in (1, 3)] == [2, 0]


@pytest.mark.parametrize("name", ["old.mp4", "old.gif", "old.png", "new/%02d.png"])
def test_what_is_given_up_leaves_what_was_there(tmp_path, name):
    target = tmp_path / name
    if "%" not in name:
        target.write_text("as it was")
    with pytest.raises(KeyboardInterrupt), film_file(target, SIZE, 25, 12, lambda: list(pictures(2))) as put:
        for number, picture in enumerate(pictures(12)):
            put(picture)
            if number == 5 or name == "old.png":
                raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ([name] if "%" not in name else [])
    assert "%" in name or target.read_text() == "as it was"


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on the size of files is POSIX's")
@pytest.mark.parametrize("name", ["film.mp4", "film.gif", "%02d.png"])
def test_a_full_disk_is_told_in_one_sentence(tmp_path, name):
    code = (
        "import resource, signal, sys; from pathlib import Path; from tests.core.test_film_files import write_film\n"
        "from mpm_core.errors import UserError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "try: write_film(Path(sys.argv[1]), 25, 30, (640, 360))\n"
        "except UserError as error: print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, text=True, timeout=240, check=True
    )
    assert result.stdout.startswith(f"{tmp_path / name}: cannot be written (") and result.stdout.count("\n") == 1
    assert result.stderr == "" and not list(tmp_path.iterdir())


def test_uneven_times_are_kept_at_a_steady_rate():
    times = np.array([0.0, 0.1, 0.5, 0.54, 0.58, 1.0])
    plan = schedule(times, 5, FilmOptions(rate=10))
    assert plan.frames.tolist() == [0, 1, 1, 1, 1, 2, 4, 4, 4, 4, 5, 5] and plan.duration_s == pytest.approx(1.2)


@pytest.mark.parametrize(("options", "expected"), [
    ({}, list(range(10))), ({"speed": 0.5}, [k // 2 for k in range(20)]), ({"speed": 2.0}, [0, 2, 4, 6, 8]),
    ({"first": 3, "last": 5}, [3, 4, 5]), ({"still": 4}, [4]), ({"still": 4, "turns": 360.0}, [4] * 30),
])  # fmt: skip
def test_what_is_asked_for_is_on(options, expected):
    jittered = np.arange(10) / 30 + np.tile([0, 0.0006], 5)  # as containers round
    assert schedule(jittered, 30, FilmOptions(rate=30, **options)).frames.tolist() == expected


def test_a_pause_of_hours_lasts_a_second():
    times = np.concatenate((np.arange(50) / 50, 7200 + np.arange(50) / 50))
    assert schedule(times, 50, FilmOptions(rate=50)).duration_s == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize(("fps", "suffix", "rate", "size"), [
    (50, ".mp4", 50, (1280, 720)), (120, ".mp4", 60, (1280, 720)), (50, ".gif", 50 / 3, (640, 360)),
    (240, ".gif", 20, (640, 360)),
])  # fmt: skip
def test_rate_and_size_suit_the_file(tmp_path, fps, suffix, rate, size):
    chosen = FilmOptions().for_file(tmp_path / f"x{suffix}", fps)
    assert (chosen.rate, chosen.size) == (rate, size)


def test_h264_gets_even_sides_and_says_so(tmp_path):
    options = FilmOptions(size=(321, 241))
    (note,) = check_film(options, tmp_path / "x.mp4")
    assert "320x240 instead of 321x241" in note and options.for_file(tmp_path / "x.mp4", 50).size == (320, 240)
    assert check_film(options, tmp_path / "x.gif") == ()


def test_what_an_overlay_cannot_show_is_said(tmp_path):
    (note,) = check_film(FilmOptions(view="overlay", turns=30.0, ghosts=2), tmp_path / "x.mp4")
    assert note == "--view overlay shows no scene, so --turntable and --ghosts change nothing"


@pytest.mark.parametrize(("name", "options", "words"), [
    ("x.avi", {}, "no film can be written to '.avi'"), ("no/folder/x.mp4", {}, "there is no folder"),
    ("x.mp4", {"size": (20, 720)}, "a side must have"), ("x.mp4", {"rate": 0.0}, "must be a positive number"),
    ("x.gif", {"rate": 60.0}, "50 frames/s at most"), ("x.mp4", {"speed": 0.0}, "--speed must lie"),
    ("x.mp4", {"viewpoint": (0.0, 100.0)}, "elevation must lie"),
    ("x.mp4", {"viewpoint": (np.nan, 0.0)}, "must be a number of degrees"),
    ("x.mp4", {"turns": np.nan}, "--turntable must lie"), ("x.mp4", {"turns": np.inf}, "--turntable must lie"),
    ("x.mp4", {"turns": -1e-9}, "--turntable must lie"),
])  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path, name, options, words):
    with pytest.raises(UserError, match=words):
        check_film(FilmOptions(**options), tmp_path / name)


@pytest.mark.parametrize("options", [{"speed": 0.01}, {"still": 3, "turns": 0.1}])
def test_a_film_of_more_pictures_than_can_be_is_refused_not_cut(options):
    with pytest.raises(UserError, match="more than can be made"):
        schedule(np.arange(1000) / 30, 30, FilmOptions(rate=1000, **options))


@pytest.mark.parametrize("kind", ["clip.npz", "answer.npz", "answer.csv", "video"])
def test_the_video_goes_by_its_own_times_whatever_rate_was_told(tmp_path, demo, lifter, kind, monkeypatch):
    """Of a recording at 50 frames/s of what was taken at 200."""
    video, clip = write_video(tmp_path / "v.mp4", np.arange(8) / 50), at_rate(demo.cut(0, 7), 200, "--fps says")
    name = tmp_path / kind
    if kind == "video":
        monkeypatch.setattr(material, "read_for_lifting", lambda options: (clip, np.zeros((8, 16), bool)))
        name = video
    else:
        write(clip if kind == "clip.npz" else lifter.lift(clip), name, WriteOptions(clip=clip))
    options = build_parser().parse_args(
        ["render", str(name), "-o", "x.mp4", *(() if name == video else ("--video", str(video)))]
    )
    options.input = name
    film = material.read_material(options)
    assert film.clip.fps == 200 and film.video is not None
    assert np.allclose(film.video.times, np.arange(8) / 50, atol=1e-4)
