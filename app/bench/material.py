"""Owns what is measured with: long clips of procedural motion, and a video of a person in it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.decoding import import_av
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import Stage, demo_clip

FPS = 50.0
_HD = Stage((1920, 1080), 1500.0)
_KEY_FRAMES = 50


def long_clip(frames: int, with_truth: bool, seed: int = 0) -> Clip:
    """Procedural motion over and over, each time with other detector errors; with its 3D as ground truth, or without."""
    rng = np.random.default_rng(seed)
    once = demo_clip(FPS)
    assert once.keypoints is not None and once.ground_truth is not None
    repeats = -(-frames // len(once))
    points = np.concatenate([once.keypoints + rng.normal(0, 1.5, once.keypoints.shape) for _ in range(repeats)])[:frames]
    truth = np.tile(once.ground_truth, (repeats, 1, 1))[:frames] if with_truth else None
    camera = Intrinsics(once.camera.focal, once.camera.centre)
    return Clip.from_arrays(
        points, once.image_size, FPS, ground_truth=truth, camera=camera, source=f"{frames} frames of procedural motion"
    )


def hd_clip() -> Clip:
    """Procedural motion as a camera of 1920 x 1080 pixels sees it."""
    return demo_clip(FPS, _HD)


def write_hd_video(path: Path, clip: Clip) -> None:
    """A video (H.264) of the clip: its person as lines, in front of a pattern that moves along."""
    av = import_av()
    width, height = clip.image_size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    wall = (np.sin(x / 37) + np.sin(y / 23) + np.sin((x + y) / 91)) * 25 + 110
    wall = np.repeat(wall.astype(np.uint8)[..., None], 4, axis=2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = _KEY_FRAMES
        for number in range(len(clip)):
            picture = np.ascontiguousarray(np.roll(wall, 2 * number, axis=1))
            _draw_person(picture, clip, number)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgra")))
        container.mux(stream.encode())


def _draw_person(picture: np.ndarray, clip: Clip, number: int) -> None:
    height, width = picture.shape[:2]
    image = QImage(picture.data, width, height, width * 4, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setPen(QPen(QColor("#30261f"), 26, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    assert clip.keypoints is not None
    for parent, child in MPM16.bones:
        (x0, y0), (x1, y1) = clip.keypoints[number, parent], clip.keypoints[number, child]
        painter.drawLine(QPointF(float(x0), float(y0)), QPointF(float(x1), float(y1)))
    painter.end()
