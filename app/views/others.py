"""Draws people beside the one at work: thin skeletons with a number, in the video's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from mpm_core.skeleton import MPM16

_LABEL_SIZE = 18.0


@dataclass(frozen=True, eq=False)
class PeopleOnShow:
    """Other people of the recording: their numbers, and (people, 16, 2) image pixels, NaN where a joint is not seen."""

    numbers: tuple[int, ...]
    poses: NDArray[np.float64]


NOBODY = PeopleOnShow((), np.zeros((0, len(MPM16), 2)))


def others_on(session: Session) -> PeopleOnShow:
    """The other people on the frame at hand."""
    recording, clip, frame = session.recording, session.clip, session.frame
    if recording is None or len(recording.people) < 2 or clip is None or clip.keypoints is None:
        return NOBODY
    shown = np.where(clip.visible[frame][:, None], clip.keypoints[frame], np.nan)
    return PeopleOnShow(*recording.others_at(frame, shown))


def draw_others(painter: QPainter, poses: NDArray[np.float64], numbers: tuple[int, ...], theme: Theme) -> None:
    """(people, 16, 2) widget pixels, NaN where there is nothing to draw, each with its number above the head."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pose, number in zip(poses, numbers, strict=True):
        for width, colour in ((look.BONE_WIDTH + 2, theme.scene), (look.BONE_WIDTH, theme.text)):
            painter.setPen(QPen(QColor(colour), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            for parent, child in MPM16.bones:
                if np.isfinite(pose[[parent, child]]).all():
                    painter.drawLine(QPointF(*pose[parent]), QPointF(*pose[child]))
        _draw_number(painter, pose, number, theme)


def _draw_number(painter: QPainter, pose: NDArray[np.float64], number: int, theme: Theme) -> None:
    known = pose[np.isfinite(pose).all(-1)]
    if not len(known):
        return
    top = known[known[:, 1].argmin()]
    box = QRectF(float(top[0]) - _LABEL_SIZE / 2, float(top[1]) - _LABEL_SIZE - 6, _LABEL_SIZE, _LABEL_SIZE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.text))
    painter.drawEllipse(box)
    painter.setPen(QColor(theme.scene))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))


def nearest_person(poses: NDArray[np.float64], x: float, y: float) -> int | None:
    """Which of the people (people, 16, 2) a place belongs to: the one with a bone or joint nearest by, within reach."""
    best, reach = None, look.PICK_RADIUS
    for n, pose in enumerate(poses):
        for parent, child in MPM16.bones:
            distance = _distance(np.array([x, y]), pose[parent], pose[child])
            if distance <= reach:
                best, reach = n, distance
    return best


def _distance(place: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]) -> float:
    """From a place to a line between two points; infinite where one of them is unknown."""
    if not np.isfinite(start).all() or not np.isfinite(end).all():
        return float("inf")
    along = end - start
    share = np.clip((place - start) @ along / max(float(along @ along), 1e-9), 0, 1)
    return float(np.linalg.norm(place - start - share * along))
