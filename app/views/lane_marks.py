"""Draws on the lanes of the timeline what follows neither mask nor measurement: how far alternatives lie apart, where one was
taken (draw_taken, which timeline_layers keeps), and keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QColor, QGradient, QImage, QLinearGradient, QPainter

from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.keys_lane import draw_keys
from app.views.lanes import Lane
from app.views.time_scale import TimeScale
from mpm_core.runs import runs_of

_SPREAD_SHARE = 0.32
"""Of a lane's height, along its lower edge."""

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
    cloud = session.alternatives.cloud_of(session)
    if cloud is None:
        return
    left, right = scale.x_of(float(cloud.first)), scale.x_of(float(cloud.last + 1))
    # Where nobody was measured everything is open, and is said to be; a colour would only look like a figure.
    nobody = session.missing[cloud.first : cloud.last + 1].all(1)
    for lane in lanes:
        spread = np.nan_to_num(cloud.spread[:, list(lane.joints)], nan=-1.0).max(1)
        spread = np.where(nobody, np.float32(-1), spread)
        if (spread < 0).all():
            continue
        colours = np.round(255 * look.error_colours(1000 * np.maximum(spread, 0), theme)).astype(np.uint32)
        pixels = np.uint32(0xFF000000) | colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2]
        pixels = np.where(spread < 0, np.uint32(0), pixels).astype(np.uint32)
        row = QImage(pixels.tobytes(), len(pixels), 1, 4 * len(pixels), QImage.Format.Format_ARGB32_Premultiplied)
        height = lane.height * _SPREAD_SHARE
        band = QRectF(left, lane.top + lane.height - _GAP_PX - height, right - left, height)
        painter.drawImage(band, row)
        for run in runs_of(spread >= 0):  # the darkest of the scale is next to what is hidden
            start, wide = scale.x_of(float(cloud.first + run.start)), (run.stop - run.start) * scale.frame_px
            painter.fillRect(QRectF(start, band.top() - 1, wide, 1), QColor(theme.panel))


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
