"""Draws films: for each shot the scene, the picture, or one beside the other, and hands them to the file."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from app.document.answer_parts import AnswerParts
from app.document.session import Session
from app.films.overlay import Overlay, check_overlay
from app.films.scene import FilmScene
from app.look.pictures import to_screen_image
from app.look.theme import THEMES
from app.views.viewpoints import look_from_there
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.films.files import Canvas, film_file, pictures_after
from mpm_core.films.material import Material, window_note
from mpm_core.films.options import FilmOptions, is_series
from mpm_core.films.schedule import Schedule, schedule
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.video import VideoReader

_log = logging.getLogger("mpm")

_SAMPLES = 16
"""Of a film, for the palette of a GIF."""

_NARROWEST, _WIDEST = 0.3, 0.5
"""Share of the film that the picture has beside the scene."""

_HALF_ANGLE_DEG = 19.0
"""Of the window's scene, across the shorter side of the film."""


def draw_film(material: Material, options: FilmOptions, target: Path) -> Generator[Progress | str, None, None]:
    """Draw all shots into a file, which is there when this ends; yields how far it is, at last what was written. start_qt
    comes first. UserError for what cannot be drawn, or written."""
    wanted = options.for_file(target, material.clip.fps)
    plan = schedule(material.clip.times, material.clip.fps, wanted)
    assert wanted.size is not None
    with _errors_of_slots() as errors, closing(Film(material, wanted)) as film:
        shots = list(plan.shots())
        with film_file(target, wanted.size, plan.rate, len(plan), lambda: film.samples(plan)) as put:
            for number, (frame, seconds) in enumerate(shots):
                put(film.shot(frame, seconds))
                if errors:
                    raise errors[0]
                yield Progress(number + 1, len(shots))
        film.say_what_lacks()
    if is_series(target) and (old := pictures_after(target, len(plan))):
        _log.warning("%s: after the last picture there are still %d of an earlier film, which are not of this one", target, old)
    yield _what_was_written(target, plan, wanted)


def _what_was_written(target: Path, plan: Schedule, options: FilmOptions) -> str:
    assert options.size is not None
    size = f"{options.size[0]}x{options.size[1]}"
    if len(plan) == 1:
        return f"wrote {target}: frame {int(plan.frames[0])} counted from 0, {size}"
    return f"wrote {target}: {len(plan)} pictures of {size}, {plan.rate:.4g} a second, {plan.duration_s:.2f} s"


@contextmanager
def _errors_of_slots() -> Iterator[list[BaseException]]:
    """What goes wrong where Qt calls us, which it only has printed: nobody would see that a film shows something old."""
    errors: list[BaseException] = []
    before, sys.excepthook = sys.excepthook, lambda kind, error, trace: errors.append(error)
    try:
        yield errors
    finally:
        sys.excepthook = before


class Film:
    """Draws any shot of a film. The clip is in a session of its own, without a window."""

    def __init__(self, material: Material, options: FilmOptions) -> None:
        assert options.size is not None
        self._options, self._material = options, material
        self._theme = THEMES[options.theme]
        self._session = _session_of(material, options)
        width, height = options.size
        self._canvas = QImage(width, height, QImage.Format.Format_RGBA8888)
        self._canvas.fill(self._theme.window)
        self._left = _picture_width(material.clip, options)
        self._overlay: Overlay | None = None
        self._reader: VideoReader | None = None
        self._scene: FilmScene | None = None
        self._azimuth = 0.0
        self._without_picture: set[int] = set()
        try:
            if self._left:
                self._open_picture(QRectF(0, 0, self._left, height))
            if self._left < width:
                self._scene = FilmScene(self._session, self._theme, (width - self._left, height))
                self._set_up(self._scene)
        except BaseException:
            self.close()
            raise

    def shot(self, frame: int, seconds: float) -> Canvas:
        """(height, width, 4) what is to be seen at a time of the film, of a frame of the clip."""
        self._session.set_frame(frame)
        # Rows of four bytes a pixel have no bytes at their ends.
        pixels: Canvas = np.frombuffer(self._canvas.bits(), np.uint8).reshape(self._canvas.height(), self._canvas.width(), 4)
        picture = self._picture(frame)
        if self._overlay is not None:
            self._overlay.draw(self._canvas, picture)
        if self._scene is not None:
            self._scene.set_picture(picture)
            if self._options.turns:
                self._scene.opts["azimuth"] = self._azimuth + self._options.turns * seconds
                if self._scene.is_side_by_side:
                    self._scene.refresh()
            pixels[:, self._left :] = self._scene.draw()
            self._scene.write_on(self._canvas, self._left)
        pixels[..., 3] = 255
        return pixels.copy()

    def samples(self, plan: Schedule) -> Sequence[Canvas]:
        """Shots from all over the film."""
        shots = list(plan.shots())
        chosen = sorted({int(place) for place in np.linspace(0, len(shots) - 1, min(_SAMPLES, len(shots)))})
        return [self.shot(*shots[place]) for place in chosen]

    def close(self) -> None:
        """Let the video and OpenGL go."""
        if self._reader is not None:
            self._reader.close()
        if self._scene is not None:
            self._scene.close_gl()
            self._scene.deleteLater()

    def _open_picture(self, place: QRectF) -> None:
        material = self._material
        where = material.clip.name
        video = material.video
        if video is not None and not video.path.is_file():
            raise UserError(f"{video.path}: there is no such video (--video names where it is now)")
        check_overlay(material.clip, material.prediction, video is not None, where)
        if video is None:
            _log.warning("%s: no video is known, so the answer is drawn on a blank picture (--video names one)", where)
        else:
            self._reader = VideoReader(video.path)
        self._overlay = Overlay(self._session, self._theme, self._theme.palettes[self._options.palette], place)

    def _picture(self, frame: int) -> QImage | None:
        video = self._material.video
        if self._reader is None or video is None:
            return None
        found = self._reader.picture_at(float(video.times[frame]), video.is_exact)
        if found is None:
            self._without_picture.add(frame)
            return None
        return to_screen_image(found)

    def say_what_lacks(self) -> None:
        """That the video does not last as long as the clip, where it does not."""
        if self._without_picture and self._material.video is not None:
            name, lacking = self._material.video.path.name, len(self._without_picture)
            _log.warning("%s: has no picture at the time of %d of the frames, which are drawn on a blank one", name, lacking)

    def _set_up(self, scene: FilmScene) -> None:
        options, material = self._options, self._material
        scene.palette_name = options.palette
        scene.ghosts.reach = options.ghosts
        scene.trails.is_on = bool(options.trails)
        has_truth = material.clip.ground_truth is not None and not material.is_answer_alone and options.truth != "none"
        if options.errors and not has_truth:
            _log.warning("%s: no ground truth is on show, so there are no errors to colour by", material.clip.name)
        scene.set_shows(options.errors and has_truth, has_truth, options.truth == "beside")
        first, last = options.span(len(material.clip)) if options.still is None else (options.still, options.still)
        self._session.set_frame(first)
        self._look(scene)
        is_camera = options.viewpoint == "camera"
        scene.follows_root = options.follows and not is_camera
        if not options.follows and not is_camera and options.viewpoint != "saved":
            scene.stand_still(first, last, options.distance is not None)
        scene.refresh()
        self._azimuth = float(scene.opts["azimuth"])

    def _look(self, scene: FilmScene) -> None:
        options, project = self._options, self._material.project
        if options.viewpoint == "saved":
            kept = {} if project is None or "view" not in project.parts else project.parts["view"].note.get("scene")
            if not isinstance(kept, dict) or not kept:
                raise UserError("--from saved: only a project that was saved in the window keeps from where it was looked at")
            look_from_there(scene, kept)
            aspect = window_note(self._material).get("aspect", 1.0)  # height to width
            narrow = math.tan(math.radians(scene.opts["fov"] / 2)) * min(1.0, float(aspect))
            scene.fit_view(options.distance, math.degrees(math.atan(narrow)))
            return
        if isinstance(options.viewpoint, str):
            scene.look_from(options.viewpoint)
        else:
            scene.look_from("start")
            scene.setCameraPosition(azimuth=options.viewpoint[0], elevation=options.viewpoint[1])
        if options.viewpoint != "camera":
            scene.fit_view(options.distance, _HALF_ANGLE_DEG)


def _session_of(material: Material, options: FilmOptions) -> Session:
    session = Session()
    session.open_clip(material.clip, material.mask, threshold=material.threshold)
    session.set_options(session.options.with_task(material.prediction.task))
    session.set_prediction(material.prediction)
    session.set_selection(frozenset(MPM16.index(joint) for joint in options.trails))
    shown = _shown_answers(material)
    if material.project is not None and shown:
        AnswerParts(session).restore(material.project.parts)
        for answer in session.kept.answers:
            session.kept.set_shown(answer.number, answer.name in shown)
    return session


def _shown_answers(material: Material) -> Sequence[str]:
    """Names of the kept answers that are drawn beside: those on show in the window, or when its project was saved."""
    note = window_note(material)
    if "shown" in note or material.project is None or "view" not in material.project.parts:
        return note.get("shown", ())
    names = material.project.parts["view"].note.get("answers")
    return names if isinstance(names, list) else ()


def _picture_width(clip: Clip, options: FilmOptions) -> int:
    """Pixels of the film's width that the picture takes, from the left; an even number."""
    assert options.size is not None
    width, height = options.size
    if options.view != "both":
        return width if options.view == "overlay" else 0
    share = clip.image_size[0] / clip.image_size[1] * height / width
    return 2 * round(min(max(share, _NARROWEST), _WIDEST) * width / 2)
