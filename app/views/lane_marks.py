"""Draws on the lanes of the timeline what follows neither mask nor measurement: how far alternatives lie apart, where one was
taken (draw_taken, which timeline_layers keeps), and keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QColor, QGradient, QImage, QLinearGradient, QPainter

from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.keys_lane import draw_keys
from app.views.lanes import Lane
from app.views.time_scale import TimeScale
from app.views.timeline_cells import widened
from mpm_core.runs import runs_of

_SPREAD_SHARE = 0.32
"""Of a lane's height, along its lower edge."""

_NO_SPREAD = -1.0
_TAKEN_PX = 2.5
_GAP_PX = 2.0


def draw_marks(painter: QPainter, session: Session, lanes: Sequence[Lane], scale: TimeScale, theme: Theme) -> None:
    """In all lanes, for the frames in view."""
    painter.save()
    painter.setClipRect(QRectF(scale.left, 0, scale.width, painter.viewport().height()))
    _draw_spread(painter, session, lanes, scale, theme)
    painter.restore()
    draw_keys(painter, session, lanes, scale, theme)


def marks_legend(session: Session, theme: Theme) -> tuple[tuple[str, QBrush], ...]:
    """Entries for what of this there is."""
    entries = []
    if session.clip is not None and session.clip.chosen is not None and session.clip.chosen[..., 3].any():
        entries.append(("alternative taken", QBrush(QColor(theme.done))))
    if session.alternatives.cloud_of(session) is not None:
        gradient = QLinearGradient(0, 0, 1, 0)
        gradient.setCoordinateMode(QGradient.CoordinateMode.ObjectMode)
        stops = look.error_stops(theme)
        gradient.setStops([(place / (len(stops) - 1), colour) for place, colour in enumerate(stops)])
        entries.append((f"uncertain: 0 → over {look.LARGEST_ERROR_MM / 10:.0f} cm", QBrush(gradient)))
    return tuple(entries)


def _draw_spread(painter: QPainter, session: Session, lanes: Sequence[Lane], scale: TimeScale, theme: Theme) -> None:
    """Pixel by pixel, as cells are, so that a band ends where its cells end."""
    cloud = session.alternatives.cloud_of(session)
    if cloud is None:
        return
    ratio = painter.device().devicePixelRatioF()
    start, end = scale.columns(max(round(scale.width * ratio), 1))
    there = slice(int(np.searchsorted(end, cloud.first, "right")), int(np.searchsorted(start, cloud.last, "right")))
    # Where nobody was measured everything is open, and is said to be; a colour would only look like a figure.
    nobody = session.missing[cloud.first : cloud.last + 1].all(1)
    panel, top = np.uint32(QColor(theme.panel).rgba()), lanes[0].top
    for lane in lanes:
        frames = np.nan_to_num(cloud.spread[:, list(lane.joints)], nan=_NO_SPREAD).max(1)
        frames = np.where(nobody, _NO_SPREAD, frames)
        if (frames < 0).all() or there.start >= there.stop:
            continue
        spread = np.full(len(start), _NO_SPREAD)
        spread[there] = _largest(frames, start[there] - cloud.first, end[there] - cloud.first)
        spread = widened(spread, scale.frame_px * ratio, ratio, _NO_SPREAD)
        colours = np.round(255 * look.error_colours(1000 * np.maximum(spread, 0), theme)).astype(np.uint32)
        pixels = np.uint32(0xFF000000) | colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2]
        bottom = round((lane.top - top + lane.height - _GAP_PX) * ratio)
        band = np.tile(pixels, (round(lane.height * _SPREAD_SHARE * ratio) + 1, 1))
        band[0] = panel  # the darkest of the scale is next to what is hidden
        rows = np.where(spread < 0, 0, band).astype(np.uint32).tobytes()
        high, wide = band.shape
        picture = QImage(rows, wide, high, 4 * wide, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(scale.left, top + (bottom - high) / ratio), picture)


def _largest(values: NDArray[np.floating], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.floating]:
    """(columns,) of the values from start to end (excluded), as far as there are any; both rise, and each has one at least."""
    start, end = np.maximum(start, 0), np.minimum(end, len(values))
    padded = np.append(values, -np.inf)
    return np.maximum.reduceat(padded, np.stack((start, end), axis=1).ravel())[::2]


def draw_taken(painter: QPainter, session: Session, lanes: Sequence[Lane], scale: TimeScale, theme: Theme) -> None:
    """Where an alternative was taken, a line along the upper edge; it is pale where that rests, since the joint is shown."""
    clip, (first, last) = session.clip, scale.in_view
    if clip is None or clip.chosen is None or last <= first:
        return
    taken = clip.chosen[first:last, :, 3] > 0
    hidden, pale = session.hidden[first:last], QColor(theme.done)
    pale.setAlphaF(0.4)
    for lane in lanes:
        columns = list(lane.joints)
        counts = np.any(taken[:, columns] & hidden[:, columns], axis=1)
        rests = np.any(taken[:, columns], axis=1) & ~counts
        for rows, colour in ((counts, QColor(theme.done)), (rests, pale)):
            for run in runs_of(rows):
                corner = QPointF(scale.x_of(float(first + run.start)), lane.top + _GAP_PX)
                painter.fillRect(QRectF(corner, QPointF(scale.x_of(float(first + run.stop)), corner.y() + _TAKEN_PX)), colour)
