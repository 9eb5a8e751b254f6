"""Draws the pictures of docs/motion.md: lifted people on the floor, as a scene and as stick figures over time.

make motion-pictures (or: QT_QPA_PLATFORM=offscreen python docs/pictures.py FOLDER_OF_SHARED_FILES)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPen

from app.look.theme import LIGHT
from mpm_core import load_lifter, read_clip
from mpm_core.assets import find_asset
from mpm_core.camera import upright
from mpm_core.clip import Clip
from mpm_core.grounding.floor import FEET, find_floor
from mpm_core.grounding.up import find_up
from mpm_core.skeleton import MPM16
from mpm_core.training.views import Viewpoint, see

_WIDTH, _HEIGHT, _SCENE_WIDTH, _MARGIN = 1500, 320, 420, 20
_AZIMUTH_DEG, _ELEVATION_DEG = 25.0, 22.0
_GRID_M = 0.5
_IN_SCENE, _OVER_TIME = 9, 16

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Taken:
    """What is drawn: a file's name and frames first to last of a clip."""

    name: str
    clip: Clip
    first: int
    last: int


def takes(shared: Path) -> Iterator[Taken]:
    """The demo, motion of the benchmark seen by cameras that look down by 30 degrees, and a video."""
    demo = read_clip(find_asset("demo/demo.npz"))
    yield Taken("demo", replace(demo, up=None), 0, 250)
    benchmark = shared / "bench/open_val/data_2d_open_gt.npz"
    for name, select, azimuth, first, last in (
        ("jump", "CMU127/RunDodge 22/0", 200.0, 0, 146),
        ("turn", "CMU94/IndianDance 06/0", 30.0, 0, 400),
        ("rising", "CMU139/Street 17/0", 120.0, 0, 296),
    ):
        clip = read_clip(benchmark, select=select).to_mpm16()
        assert clip.ground_truth is not None and clip.up is not None
        world = upright(clip.ground_truth.astype(np.float64), clip.up)[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
        yield Taken(name, replace(see(world, clip.fps, Viewpoint(azimuth, 30.0)), up=None), first, last)
    from mpm_core.detectors.detection import detect

    *_, clip = detect(shared / "video/person_outdoor.mp4")
    yield Taken("outdoor", clip, 30, 165)


def draw(taken: Taken, path: Path) -> None:
    """Lift a clip and draw a part of it."""
    prediction = load_lifter("mpm").lift(replace(taken.clip, ground_truth=None))
    up = find_up(taken.clip, prediction).direction
    places = upright(prediction.absolute().astype(np.float64), up)  # x right, y up, z towards the viewer
    contact = prediction.contact
    assert contact is not None
    floor = find_floor(places, np.array([0.0, 1.0, 0.0]), contact)
    part = slice(taken.first, taken.last + 1)
    places, stands = places[part] - [0.0, floor or 0.0, 0.0], contact[part] > 0.5
    image = QImage(_WIDTH, _HEIGHT, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _draw_scene(painter, places, stands)
    _draw_over_time(painter, places, stands, prediction.fps)
    painter.end()
    flat = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    image.convertToFormat(QImage.Format.Format_Indexed8, flat).save(str(path))


def _draw_scene(painter: QPainter, places: Floats, stands: NDArray[np.bool_]) -> None:
    """From above and aside, with the places where feet stood."""
    turn, tilt = np.radians(_AZIMUTH_DEG), np.radians(_ELEVATION_DEG)
    middle = (places[:, 0].min(0) + places[:, 0].max(0)) / 2 * [1, 0, 1]
    places = places - middle

    def seen(points: Floats) -> Floats:
        x = points[..., 0] * np.cos(turn) + points[..., 2] * np.sin(turn)
        away = points[..., 2] * np.cos(turn) - points[..., 0] * np.sin(turn)
        return np.stack((x, points[..., 1] * np.cos(tilt) - away * np.sin(tilt)), axis=-1)

    flat = seen(places).reshape(-1, 2)
    low, high = flat.min(0), flat.max(0)
    scale = min((_SCENE_WIDTH - 2 * _MARGIN) / (high - low)[0], (_HEIGHT - 2 * _MARGIN) / (high - low)[1], 190.0)
    centre = (low + high) / 2

    def to_pixels(points: Floats) -> Floats:
        return (seen(points) - centre) * [scale, -scale] + [_SCENE_WIDTH / 2, _HEIGHT / 2]

    painter.save()
    painter.setClipRect(QRectF(0, 0, _SCENE_WIDTH, _HEIGHT))
    painter.setPen(QPen(QColor(LIGHT.grid), 1))
    for number in np.arange(-10, 10.1) * _GRID_M:
        for line in ([[number, 0, -5], [number, 0, 5]], [[-5, 0, number], [5, 0, number]]):
            painter.drawLine(*(QPointF(*point) for point in to_pixels(np.array(line))))
    painter.setPen(Qt.PenStyle.NoPen)
    for foot, ankle in enumerate(FEET):
        painter.setBrush(_colour(ankle, 60))
        for point in to_pixels(places[stands[:, foot], ankle] * [1, 0, 1]):
            painter.drawEllipse(QPointF(*point), 3, 2)
    for number, frame in enumerate(np.linspace(0, len(places) - 1, _IN_SCENE).astype(int)):
        _draw_figure(painter, to_pixels(places[frame]), 60 + 195 * number // (_IN_SCENE - 1))
    painter.restore()


def _draw_over_time(painter: QPainter, places: Floats, stands: NDArray[np.bool_], fps: float) -> None:
    """One beside the other as the camera's side sees them, on one floor; a dot under each foot that stands."""
    room = _WIDTH - _SCENE_WIDTH - _MARGIN
    step = room / _OVER_TIME
    scale = min((_HEIGHT - 4 * _MARGIN) / max(float(places[..., 1].max()), 1.0), step / 0.8)
    ground = _HEIGHT - 2 * _MARGIN - 8
    painter.setPen(QPen(QColor(LIGHT.muted), 1))
    painter.drawLine(QPointF(_SCENE_WIDTH, ground), QPointF(_WIDTH - _MARGIN, ground))
    for number, frame in enumerate(np.linspace(0, len(places) - 1, _OVER_TIME).astype(int)):
        middle = _SCENE_WIDTH + (number + 0.5) * step
        points = (places[frame] - places[frame, 0] * [1, 0, 1])[:, :2] * [scale, -scale] + [middle, ground]
        _draw_figure(painter, points, 255)
        painter.setPen(Qt.PenStyle.NoPen)
        for foot, ankle in enumerate(FEET):
            if stands[frame, foot]:
                painter.setBrush(_colour(ankle, 255))
                painter.drawEllipse(QPointF(points[ankle, 0], ground + 7), 3, 3)
        painter.setPen(QColor(LIGHT.muted))
        painter.drawText(QRectF(middle - step / 2, ground + 14, step, 20), Qt.AlignmentFlag.AlignCenter, f"{frame / fps:.1f} s")


def _draw_figure(painter: QPainter, points: Floats, strength: int) -> None:
    for joint, parent in enumerate(MPM16.parents):
        if parent >= 0:
            pen = QPen(_colour(joint, strength), 3)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(QPointF(*points[parent]), QPointF(*points[joint]))


def _colour(joint: int, strength: int) -> QColor:
    colour = QColor(LIGHT.palettes["field"].side(MPM16.side(joint)))
    colour.setAlpha(strength)
    return colour


def main(shared: Path) -> None:
    """Draw all pictures beside this file."""
    QGuiApplication([])
    for taken in takes(shared):
        draw(taken, Path(__file__).with_name(f"motion-{taken.name}.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
