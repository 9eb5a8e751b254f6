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
    scale = state.scale
    for parent, child in MPM16.bones:
        colour = palette.side(MPM16.side(child))
        if state.hidden[parent] or state.hidden[child]:
            _draw_line(painter, state.points, parent, child, colour, look.THIN_LINE * scale, Qt.PenStyle.DotLine)
        else:
            solid, around = look.BONE_WIDTH * scale, QColor(theme.scene)
            around.setAlphaF(_CASING_ALPHA)  # on a picture of the bone's own colour it would not be seen
            _draw_line(painter, state.points, parent, child, around, solid + _CASING_PX, Qt.PenStyle.SolidLine)
            _draw_line(painter, state.points, parent, child, colour, solid, Qt.PenStyle.SolidLine)
    filled = np.where(state.hidden[:, None], state.completed, state.points)
    for parent, child in MPM16.bones:
        if state.hidden[parent] or state.hidden[child]:
            colour = QColor(theme.muted) if state.is_old else palette.side(MPM16.side(child))
            _draw_line(painter, filled, parent, child, colour, look.BONE_WIDTH * 0.7 * scale, Qt.PenStyle.DashLine)
    for joint in range(len(MPM16)):
        _draw_joint(painter, state, joint, theme, palette.side(MPM16.side(joint)))


def _draw_line(
    painter: QPainter, points: NDArray[np.floating], a: int, b: int, colour: QColor, width: float, style: Qt.PenStyle
) -> None:
    if np.isfinite(points[[a, b]]).all():
        painter.setPen(QPen(colour, width, style, Qt.PenCapStyle.RoundCap))
        painter.drawLine(_point(points[a]), _point(points[b]))


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
