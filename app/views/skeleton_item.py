"""Draws a 2D skeleton with a painter: bones, measured, hidden and completed joints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.look import theme as look
from app.look.theme import Palette, Theme
from mpm_core.skeleton import MPM16

_CASING_PX, _CASING_ALPHA = 2.0, 0.7


@dataclass(frozen=True)
class SkeletonState:
    """One frame, ready to be drawn. points: (16, 2) in widget pixels, NaN where there is nothing to draw. hidden: (16,)
    bool; doubtful: (16,) bool, low confidence; completed: (16, 2) where the model puts hidden joints, NaN elsewhere;
    is_old: it is where it put them before something changed."""

    points: NDArray[np.floating]
    hidden: NDArray[np.bool_]
    doubtful: NDArray[np.bool_]
    completed: NDArray[np.floating]
    selection: frozenset[int] = frozenset()
    hovered: int | None = None
    is_old: bool = False

    @cached_property
    def scale(self) -> float:
        """How large joints and bones are drawn: on a small person smaller, so that they do not cover them."""
        known = self.points[np.isfinite(self.points).all(-1)]
        size = float(np.ptp(known, axis=0).max()) if len(known) > 1 else look.FULL_SIZE_PERSON
        return min(max(size / look.FULL_SIZE_PERSON, look.SMALLEST_SCALE), 1.0)


def draw_skeleton(painter: QPainter, state: SkeletonState, theme: Theme, palette: Palette) -> None:
    """Solid where the lifter is shown a joint; hollow and dashed where it is hidden; a ring where it was filled in."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    scale, hidden, points = state.scale, state.hidden.tolist(), _places(state.points)
    sides = [palette.side(MPM16.side(joint)) for joint in range(len(MPM16))]
    solid, around = look.BONE_WIDTH * scale, QColor(theme.scene)
    around.setAlphaF(_CASING_ALPHA)  # on a picture of the bone's own colour it would not be seen
    casing = _pen(around, solid + _CASING_PX)
    for parent, child in MPM16.bones:
        if hidden[parent] or hidden[child]:
            thin = _pen(sides[child], look.THIN_LINE * scale, Qt.PenStyle.DotLine)
            _draw_line(painter, points[parent], points[child], thin)
        else:
            _draw_line(painter, points[parent], points[child], casing, _pen(sides[child], solid))
    filled = _places(np.where(state.hidden[:, None], state.completed, state.points))
    for parent, child in MPM16.bones:
        if hidden[parent] or hidden[child]:
            colour = QColor(theme.muted) if state.is_old else sides[child]
            dashed = _pen(colour, look.BONE_WIDTH * 0.7 * scale, Qt.PenStyle.DashLine)
            _draw_line(painter, filled[parent], filled[child], dashed)
    for joint in range(len(MPM16)):
        _draw_joint(painter, state, joint, theme, sides[joint])


def _places(points: NDArray[np.floating]) -> list[QPointF | None]:
    """Points (16, 2) as Qt has them, None where one is unknown."""
    known = np.isfinite(points).all(-1).tolist()
    return [QPointF(*place) if is_known else None for place, is_known in zip(points.tolist(), known, strict=True)]


def _pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    return QPen(colour, width, style, Qt.PenCapStyle.RoundCap)


def _draw_line(painter: QPainter, start: QPointF | None, end: QPointF | None, *pens: QPen) -> None:
    if start is not None and end is not None:
        for pen in pens:
            painter.setPen(pen)
            painter.drawLine(start, end)


def _draw_joint(painter: QPainter, state: SkeletonState, joint: int, theme: Theme, colour: QColor) -> None:
    place, filled, scale = state.points[joint], state.completed[joint], state.scale
    if state.hidden[joint] and np.isfinite(filled).all():
        painter.setPen(QPen(QColor(theme.muted) if state.is_old else colour, look.THIN_LINE))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(_point(filled), scale * look.RING_RADIUS, scale * look.RING_RADIUS)
        painter.setBrush(colour)
        painter.drawEllipse(_point(filled), scale * (look.JOINT_RADIUS * 0.6), scale * (look.JOINT_RADIUS * 0.6))
    if not np.isfinite(place).all():
        return
    if joint in state.selection or joint == state.hovered:
        painter.setPen(QPen(QColor(theme.accent if joint in state.selection else theme.text), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(_point(place), scale * (look.RING_RADIUS + 2.5), scale * (look.RING_RADIUS + 2.5))
    if state.hidden[joint]:
        painter.setPen(QPen(colour, look.THIN_LINE + 0.4))
        painter.setBrush(QColor(theme.scene))
        painter.drawEllipse(_point(place), scale * look.HIDDEN_JOINT_RADIUS, scale * look.HIDDEN_JOINT_RADIUS)
        return
    painter.setPen(QPen(QColor(theme.scene), 1.0))
    painter.setBrush(colour)
    painter.drawEllipse(_point(place), scale * look.JOINT_RADIUS, scale * look.JOINT_RADIUS)
    if state.doubtful[joint]:
        painter.setPen(QPen(QColor(theme.warning), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(_point(place), scale * (look.JOINT_RADIUS + 2), scale * (look.JOINT_RADIUS + 2))


def _point(xy: NDArray[np.floating]) -> QPointF:
    return QPointF(float(xy[0]), float(xy[1]))


def nearest_joint(points: NDArray[np.floating], x: float, y: float, radius: float) -> int | None:
    """The joint nearest to a place among (16, 2) points, if one lies within the radius."""
    distance = np.linalg.norm(points - (x, y), axis=1)
    if not np.isfinite(distance).any():
        return None
    joint = int(np.nanargmin(distance))
    return joint if distance[joint] <= radius else None


def nearest_bone(points: NDArray[np.floating], x: float, y: float, radius: float) -> int | None:
    """The joint at the far end of the bone nearest to a place among (16, 2) points, if one lies within the radius."""
    parents, children = (np.array(ends) for ends in zip(*MPM16.bones, strict=True))
    bones = points[children] - points[parents]
    along = ((np.array((x, y)) - points[parents]) * bones).sum(1) / np.maximum(np.square(bones).sum(1), 1e-9)
    nearest = points[parents] + np.clip(along, 0, 1)[:, None] * bones
    distance = np.linalg.norm(nearest - (x, y), axis=1)
    if not np.isfinite(distance).any():
        return None
    bone = int(np.nanargmin(distance))
    return int(children[bone]) if distance[bone] <= radius else None
