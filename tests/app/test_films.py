"""Films and pictures as the command and the window make them, read back frame by frame."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QProgressDialog

from app.document.predictions import keep
from app.films.overlay import seen_by_camera
from app.panels.film_dialog import FilmDialog
from mpm_core import Clip, write
from mpm_core.camera import Intrinsics
from mpm_core.cli import build_parser, main
from mpm_core.films.material import read_material
from mpm_core.formats.base import WriteOptions
from mpm_core.lifters.aids import Aids
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS
from tests.core.test_film_files import read_film
from tests.videos import square_at, write_video

pytestmark = pytest.mark.usefixtures("qapp")

ROOT = Path(__file__).parents[2]
FRAMES = 24
SMALL = ["--size", "320x180"]
BLUE, RED = (91, 157, 255), (255, 106, 92)
"""Of left and right in the dark theme."""


@pytest.fixture(scope="module")
def answer(demo, lifter):
    """A little of the demo, and its answer with the right arm hidden."""
    clip = demo.cut(0, FRAMES - 1).to_mpm16()
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, MPM16.limb("right arm")] = True
    return clip, lifter.lift(clip, mask=mask)


@pytest.fixture
def prediction_file(tmp_path, answer):
    clip, prediction = answer
    write(prediction, tmp_path / "walk.npz", WriteOptions(clip=replace(clip, ground_truth=None)))
    return tmp_path / "walk.npz"


def render(*arguments):
    return main(["render", *map(str, arguments)])


def near(frame, colour, tolerance=60):
    """(height, width) where a picture has a colour."""
    return (np.abs(frame.astype(int) - colour) < tolerance).all(-1)


def test_a_film_of_an_answer_is_of_its_length_and_size(tmp_path, prediction_file, caplog):
    assert render(prediction_file, "-o", tmp_path / "film.mp4", *SMALL) == 0
    stream, times, frames = read_film(tmp_path / "film.mp4")
    assert len(frames) == FRAMES and frames[0].shape == (180, 320, 3) and float(stream.average_rate) == 50
    assert times[-1] == pytest.approx((FRAMES - 1) / 50) and "24 pictures of 320x180, 50 a second, 0.48 s" in caplog.text
    for frame in frames:  # somebody is there, on the theme's ground
        assert near(frame, BLUE).sum() > 60 and near(frame, (26, 29, 34), 12).mean() > 0.7
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 100


def test_hidden_joints_are_hollow(tmp_path, prediction_file, answer, caplog):
    clip, prediction = answer
    write(replace(prediction, hidden=np.zeros_like(prediction.hidden)), tmp_path / "sure.npz", WriteOptions(clip=clip))
    for name in ("walk", "sure"):
        assert render(tmp_path / f"{name}.npz", "-o", tmp_path / f"{name}.png", "--frame", 3, "--size", "640x360") == 0
    (guessed,), (sure,) = (read_film(tmp_path / f"{name}.png")[2] for name in ("walk", "sure"))
    changed = np.argwhere(np.abs(guessed.astype(int) - sure).max(-1) > 60)
    assert len(changed) > 40 and near(sure[tuple(changed.T)], (200, 80, 70), 70).mean() > 0.5  # the red arm alone
    assert near(guessed, RED, 90).sum() < near(sure, RED, 90).sum()
    assert "sure.png: frame 3 counted from 0, 640x360" in caplog.text  # the window counts from 1


def test_the_overlay_lies_where_the_camera_sees_the_answer(tmp_path, answer, caplog):
    clip, _ = answer
    video = write_video(tmp_path / "v.mp4", np.arange(12) / 50, (320, 320))
    write(clip, tmp_path / "clip.npz")
    arguments = ["--view", "overlay", "--video", video, "--size", "480x480"]
    assert render(tmp_path / "clip.npz", "-o", tmp_path / "over.png", "--frame", 7, *arguments) == 0
    (frame,) = read_film(tmp_path / "over.png")[2]
    assert near(frame, (90, 90, 90), 14).mean() > 0.5 and near(frame, (255, 255, 255), 14).sum() > 300  # the video's square
    # Whatever is in the sides' colours lies on the lifted limbs.
    lifted = answer_of(tmp_path / "clip.npz")
    scale = 480 / max(clip.image_size)
    offset = (480 - np.array(clip.image_size) * scale) / 2
    places = seen_by_camera(lifted, clip, 7) * scale + offset
    for x, y in np.round(places).astype(int):
        assert not near(frame[y - 1 : y + 2, x - 1 : x + 2], (90, 90, 90), 14).all()  # a thin limb may lie between pixels
    assert render(tmp_path / "clip.npz", "-o", tmp_path / "%03d.png", "--frames", "10-13", *arguments) == 0
    assert "v.mp4: has no picture at the time of 2 of the frames" in caplog.text
    rows, columns = np.nonzero(near(frame, BLUE, 50) | near(frame, RED, 50))
    low, high = places.min(0) - 10, places.max(0) + 10
    assert len(rows) > 60
    assert (columns >= low[0]).all() and (columns <= high[0]).all() and (rows >= low[1]).all() and (rows <= high[1]).all()


@pytest.mark.parametrize("degrees", [70, None])
def test_the_overlay_of_a_written_answer_is_by_the_camera_that_it_was_lifted_by(tmp_path, answer, degrees, caplog):
    clip, prediction = answer
    video = write_video(tmp_path / "v.mp4", np.arange(12) / 50, (320, 320))
    size = (320, 320) if degrees else (300, 300)  # of another picture: its camera says nothing of this one
    camera = Intrinsics.assumed(size, degrees or 70)
    write(prediction, tmp_path / "walk.npz", WriteOptions(clip=replace(clip, image_size=size, camera=camera)))
    arguments = ["render", str(tmp_path / "walk.npz"), "-o", "x.png", "--view", "overlay", "--video", str(video)]
    options = build_parser().parse_args(arguments)
    options.input = options.inputs[0]
    material = read_material(options)
    assert material.clip.camera.field_of_view_deg((320, 320)) == pytest.approx(degrees or 55)
    assert ("55° along the longer side assumed" in caplog.text) == (degrees is None)


def answer_of(path):
    """What the command lifts on the way."""
    target = path.with_name("lifted.npz")
    assert main(["lift", str(path), "-o", str(target)]) == 0
    with np.load(target) as file:
        frames = len(file["positions"])
        return Prediction(
            file["positions"], file["root"], file["hidden"], np.zeros(frames, bool), file["times"], 50.0, "mpm", "lift", "fast"
        )


def test_a_turntable_goes_round(tmp_path, prediction_file):
    options = ["--frame", 5, "--turntable", 360, "--rate", 10, *SMALL]
    assert render(prediction_file, "-o", tmp_path / "turn.mp4", *options) == 0
    frames = read_film(tmp_path / "turn.mp4")[2]
    assert len(frames) == 10  # one turn of the frozen frame
    middles = [np.argwhere(near(frame, BLUE))[:, 1].mean() - np.argwhere(near(frame, RED))[:, 1].mean() for frame in frames]
    assert min(middles) < -3 and max(middles) > 3  # left is to the left, and to the right from behind


def test_two_runs_give_the_same(tmp_path, prediction_file):
    for name in ("a", "b"):
        assert render(prediction_file, "-o", tmp_path / f"{name}.gif", "--frames", "2-9", "--theme", "light", *SMALL) == 0
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    _, times, frames = read_film(tmp_path / "a.gif")
    assert len(frames) == 3 and times == pytest.approx([0, 0.06, 0.12])
    assert np.abs(frames[0][5, 300].astype(int) - (238, 240, 243)).max() < 10


def test_both_views_stand_beside_each_other(tmp_path, answer, caplog):
    clip, _ = answer
    write(clip, tmp_path / "clip.npz")
    assert render(tmp_path / "clip.npz", "-o", tmp_path / "%03d.png", "--frames", "0-1", "--view", "both", *SMALL) == 0
    (frame,) = read_film(tmp_path / "001.png")[2]
    assert "of an earlier film" not in caplog.text
    assert near(frame[:, :160], BLUE, 90).sum() > 15 and near(frame[:, 160:], BLUE, 90).sum() > 15
    assert "drawn on a blank picture" in caplog.text and "lifted on the way" in caplog.text
    assert render(tmp_path / "clip.npz", "-o", tmp_path / "%03d.png", "--frames", "0-0", *SMALL) == 0
    assert "%03d.png: after the last picture there are still 1 of an earlier film" in caplog.text


def test_3d_that_lacks_joints_is_completed_and_motion_shown_as_it_is(tmp_path, demo, caplog, monkeypatch):
    positions = demo.ground_truth[:40].copy()
    positions[:, MPM16.index("RElbow")] = np.nan
    np.savez(tmp_path / "holes.npz", positions=positions, fps=50)
    assert render(tmp_path / "holes.npz", "-o", tmp_path / "holes.png", "--errors", *SMALL) == 0
    assert "6.2 % of all joints are not there: completed on the way" in caplog.text
    assert "no errors to colour by" in caplog.text
    monkeypatch.setattr("mpm_core.lifters.load_lifter", lambda *_: pytest.fail("the network was loaded"))
    write(Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth[:40]), tmp_path / "walk.bvh")
    assert render(tmp_path / "walk.bvh", "-o", tmp_path / "walk.png", *SMALL) == 0
    for name in ("holes", "walk"):
        assert near(read_film(tmp_path / f"{name}.png")[2][0], BLUE, 90).sum() > 40


@pytest.mark.parametrize(("arguments", "words"), [
    (["-o", "x.avi"], "no film can be written to '.avi'"),
    (["-o", "x.mp4", "--frames", "5-99"], "99 is not one of the clip's frames 0 to 23"),
    (["-o", "x.mp4", "--view", "overlay"], "holds 3D alone, of no picture"),
    (["-o", "x.mp4", "--view", "overlay", "--video", "no.mp4"], "no.mp4: there is no such video"),
    (["-o", "x.mp4", "--from", "saved"], "only a project"),
    (["-o", "x.mp4", "--trails", "Tail"], "no such joint or limb"),
    (["-o", "v.mp4", "--view", "both", "--video", "v.mp4"], "is an input, so it is not written over"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_said_in_one_sentence(tmp_path, prediction_file, monkeypatch, caplog, arguments, words):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "v.mp4", np.arange(5) / 25)
    before = sorted(tmp_path.iterdir())
    assert render(prediction_file, *arguments) == 2
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1 and words in errors[0]
    assert sorted(tmp_path.iterdir()) == before


def without_display(**more):
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return {name: value for name, value in os.environ.items() if name not in names} | more


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_no_display_is_needed(tmp_path, prediction_file):
    arguments = ["render", str(prediction_file), "-o", str(tmp_path / "film.mp4"), "--frames", "0-4", *SMALL]
    result = subprocess.run(
        [sys.executable, "-m", "mpm_core.cli", *arguments], cwd=ROOT, env=without_display(), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines() == [f"wrote {tmp_path / 'film.mp4'}: 5 pictures of 320x180, 50 a second, 0.10 s"]
    frames = read_film(tmp_path / "film.mp4")[2]
    assert len(frames) == 5 and near(frames[0], BLUE).sum() > 60


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "ended"), [
    (signal.SIGTERM, (143, "mpm: ended by SIGTERM\n")), (signal.SIGINT, (130, "mpm: interrupted\n")),
])  # fmt: skip
def test_what_is_ended_leaves_nothing(tmp_path, prediction_file, number, ended):
    target = tmp_path / "film.mp4"
    process = subprocess.Popen(
        [sys.executable, "-m", "mpm_core.cli", "render", str(prediction_file), "-o", str(target), "--speed", "0.01"],
        cwd=ROOT, env=without_display(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    partial = tmp_path / ".film.mp4.partial"
    deadline = time.monotonic() + 60
    while not partial.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    assert partial.exists()
    time.sleep(0.2)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == ended[0] and said in (ended[1], "")  # nothing where it had to be ended at once
    assert not partial.exists() and not target.exists()


def test_the_process_that_draws_for_the_window_ends_well_though_nobody_has_closed_its_input(tmp_path, prediction_file):
    target = tmp_path / "film.mp4"
    with subprocess.Popen(
        [sys.executable, "-m", "app.films", str(prediction_file), "-o", str(target), "--size", "160x120", "--speed", "8"],
        cwd=ROOT, env=without_display(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        said, problems = process.stdout.read(), process.stderr.read()
        assert process.wait(timeout=120) == 0, problems
    assert f"= wrote {target}" in said and target.exists()


@pytest.fixture
def filmed(demo_window, monkeypatch, tmp_path):
    """Exports a film from the window, with what the dialog proposes but a small size."""

    def start(name, size="160x120", **choices):
        def answer_dialog(dialog):
            dialog._size.setCurrentText(size)
            for box, text in choices.items():
                getattr(dialog, f"_{box}").setCurrentText(text)
            return 1

        monkeypatch.setattr(FilmDialog, "exec", answer_dialog)
        monkeypatch.setattr("app.window.film_handlers.ask_where", lambda *_: tmp_path / name)
        demo_window.actions_by_name["export_film"].trigger()
        return tmp_path / name

    return start


def test_the_window_films_what_is_on_show_and_stays_live(qtbot, demo_window, filmed):
    session = demo_window.session
    session.set_range(100, 109)
    target = filmed("walk.mp4")
    assert demo_window.film_handlers.job.is_busy and demo_window.findChild(QProgressDialog, "film").isVisible()
    session.set_frame(105)  # the window takes it at once
    assert session.frame == 105
    qtbot.waitUntil(lambda: f"Wrote {target}: 10 pictures" in demo_window.status_line.message(), timeout=WAIT_MS)
    frames = read_film(target)[2]
    assert len(frames) == 10 and frames[0].shape == (120, 160, 3) and near(frames[0], BLUE, 90).sum() > 10
    assert not demo_window.film_handlers.job.is_busy
    qtbot.waitUntil(lambda: demo_window.findChild(QProgressDialog, "film") is None, timeout=WAIT_MS)


def test_a_picture_from_the_window_looks_as_the_window(qtbot, demo_window, filmed):
    scene, session = demo_window.scene_view, demo_window.session
    demo_window.actions_by_name["truth"].setChecked(False)
    session.set_frame(40)
    scene.look_from("side")
    target = filmed("walk.png", "480x360", kind="Picture of this frame (PNG)")
    qtbot.waitUntil(lambda: f"Wrote {target}" in demo_window.status_line.message(), timeout=WAIT_MS)
    (frame,) = read_film(target)[2]
    shot = scene.drawn().convertToFormat(scene.drawn().Format.Format_RGB888)
    shown = np.frombuffer(shot.constBits(), np.uint8).reshape(shot.height(), shot.bytesPerLine())
    shown = shown[:, : 3 * shot.width()].reshape(shot.height(), shot.width(), 3)
    # The person fills as much of the shorter side in both, and each colour is as far from the middle.
    boxes = []
    for picture in (frame, shown):
        rows, columns = np.nonzero(near(picture, BLUE) | near(picture, RED))
        side = min(picture.shape[:2])
        middle = np.array(picture.shape[:2]) / 2
        boxes.append((np.array([rows.min(), rows.max(), columns.min(), columns.max()]) - middle.repeat(2)) / side)
    assert np.abs(boxes[0] - boxes[1]).max() < 0.03


def test_the_video_behind_the_skeleton_is_filmed_too(qtbot, demo_window, filmed, tmp_path):
    video = write_video(tmp_path / "v.mp4", np.arange(40) / 50, (320, 320))
    demo_window.backdrop.open(video)
    demo_window.session.set_range(20, 22)
    target = filmed("over-%.mp4", "240x240", kind="Numbered pictures (PNG)", view="Answer over the picture")
    written = target.with_name("over-_-%05d.png")
    qtbot.waitUntil(lambda: f"Wrote {written}: 3 pictures" in demo_window.status_line.message(), timeout=WAIT_MS)
    (frame,) = read_film(tmp_path / "over-_-00000.png")[2]
    left, top = (round(value * 240 / 320) for value in square_at(20, (320, 320)))
    assert near(frame[top + 3 : top + 14, left + 3 : left + 14], (255, 255, 255), 30).all()
    assert near(frame, BLUE, 50).sum() > 20


def test_numbered_pictures_that_are_there_are_not_written_over_unasked(demo_window, filmed, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("app.window.film_handlers.may_replace", lambda _, path: asked.append(path))
    (tmp_path / "walk-00000.png").write_text("as it was")
    filmed("walk.png", kind="Numbered pictures (PNG)")
    assert asked == [tmp_path / "walk-00000.png"] and not demo_window.film_handlers.job.is_busy


def test_a_project_is_filmed_from_where_it_was_looked_at(qtbot, demo_window, monkeypatch, tmp_path):
    demo_window.scene_view.look_from("top")
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: tmp_path / "walk.mpmproj")
    demo_window.actions_by_name["save"].trigger()
    qtbot.waitUntil(lambda: demo_window.document.path is not None, timeout=WAIT_MS)
    tall = {}
    for place in ("saved", "front"):
        assert render(tmp_path / "walk.mpmproj", "-o", tmp_path / f"{place}.png", "--from", place, "--frame", 5, *SMALL) == 0
        (frame,) = read_film(tmp_path / f"{place}.png")[2]
        tall[place] = np.ptp(np.nonzero(near(frame, BLUE) | near(frame, RED))[0])
    assert tall["saved"] < 0.7 * tall["front"]  # from above


def test_the_answers_that_a_project_shows_are_filmed_too(qtbot, demo_window, monkeypatch, tmp_path):
    session = demo_window.session
    turned = replace(session.prediction, positions=session.prediction.positions * np.float32([1, -1, 1]))
    session.kept.set_answers([keep("upside down", turned, Aids(), session.clip)])
    seen = {}
    for name, is_shown in (("with", True), ("without", False)):
        session.kept.set_shown(session.kept.answers[0].number, is_shown)
        project = tmp_path / f"{name}.mpmproj"
        monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_, path=project: path)
        demo_window.actions_by_name["save_as"].trigger()
        qtbot.waitUntil(lambda path=project: demo_window.document.path == path, timeout=WAIT_MS)
        picture = tmp_path / f"{name}.png"
        assert render(project, "-o", picture, "--from", "front", "--frame", 5, *SMALL) == 0
        (frame,) = read_film(picture)[2]
        seen[is_shown] = near(frame, (240, 228, 66), 50).sum()  # the outline of the first kept answer
    assert seen[True] > 40 and not seen[False]


def test_a_film_that_is_cancelled_is_not_there(qtbot, demo_window, filmed, tmp_path):
    before = sorted(tmp_path.iterdir())
    filmed("walk.mp4")
    job = demo_window.film_handlers.job
    qtbot.waitSignal(job.stepped, timeout=WAIT_MS).wait()
    demo_window.findChild(QProgressDialog, "film").canceled.emit()
    qtbot.waitUntil(lambda: "Cancelled: nothing was written" in demo_window.status_line.message(), timeout=WAIT_MS)
    assert sorted(tmp_path.iterdir()) == before and not job.is_busy


def test_closing_the_window_gives_the_film_up(qtbot, demo_window, filmed, tmp_path):
    before = sorted(tmp_path.iterdir())
    filmed("walk.mp4")
    qtbot.waitSignal(demo_window.film_handlers.job.stepped, timeout=WAIT_MS).wait()
    demo_window.may_close_unasked = True
    assert demo_window.close()
    assert [path for path in sorted(tmp_path.iterdir()) if path not in before and path.suffix != ".ini"] == []


def test_a_film_that_cannot_be_written_says_so(qtbot, demo_window, filmed):
    filmed("nowhere/walk.mp4")
    qtbot.waitUntil(lambda: "there is no folder" in demo_window.status_line.message(), timeout=WAIT_MS)
