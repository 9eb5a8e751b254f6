"""The cells of the timeline: what is hidden or missing in each lane, as one picture, whatever the clip's length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.lanes import Lane
from app.views.time_scale import TimeScale
from mpm_core.skeleton import LIMBS, MPM16
from mpm_core.suspicions import LOW_CONFIDENCE

_GAP_PX = 2.0
"""Between lanes, on each side."""

_NARROWEST_PX = 3
"""A single hidden frame is at least so wide."""

_HATCH_PX = 6.0
_HATCH_SHARE, _THIN_SHARE = 0.5, 0.3

_GROUPS = (*(MPM16.limb(limb) for limb in LIMBS), *((joint,) for joint in range(len(MPM16))))
"""What lanes can be about: limbs and joints."""


@dataclass(frozen=True, eq=False)
class _Shares:
    """What CellCounts.under has told: (columns,) first and last (excluded) frames, and of what in them which shares."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    of: tuple[NDArray[np.float64], ...]


class CellCounts:
    """How many joints of each lane are hidden, and how many are missing, in every frame; kept up to date row by row, and column
    by column as long as the same columns are asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._members = np.zeros((len(MPM16), len(_GROUPS)), np.float32)
        for group, joints in enumerate(_GROUPS):
            self._members[list(joints), group] = 1
        self.forget()
        session.mask_changed.connect(self._renew)
        session.keypoints_changed.connect(self._renew)
        for signal in (
            session.clip_changed, session.options_changed, session.truth_changed, session.threshold_changed,
        ):  # fmt: skip
            signal.connect(self.forget)

    def forget(self) -> None:
        """Count anew when it is needed."""
        self._hidden = self._missing = self._unsure = np.zeros((len(_GROUPS), 0), np.uint8)
        self._told: dict[int, _Shares] = {}

    def _renew(self, first: int, last: int) -> None:
        if self._hidden.shape[1] == len(self._session):
            for counts, rows in zip(self._all(), self._count(slice(first, last + 1)), strict=True):
                counts[:, first : last + 1] = rows
            for group, told in self._told.items():
                low, high = np.searchsorted(told.end, first, "right"), np.searchsorted(told.start, last, "right")
                if low < high:
                    for kept, new in zip(told.of, self._shares(group, told.start[low:high], told.end[low:high]), strict=True):
                        kept[low:high] = new

    def _all(self) -> tuple[NDArray[np.uint8], ...]:
        return self._hidden, self._missing, self._unsure

    def _count(self, frames: slice) -> tuple[NDArray[np.uint8], ...]:
        session, clip = self._session, self._session.clip
        mask = session.mask[frames]
        lost = session.missing[frames] & ~mask
        doubtful = np.zeros_like(mask)
        if clip is not None and clip.keypoints is not None:
            doubtful = clip.visible[frames] & (clip.confidence[frames] < LOW_CONFIDENCE)
        return tuple(self._per_lane(cells) for cells in (mask, lost, doubtful))

    def _per_lane(self, cells: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """(lanes, frames) of (frames, joints); there are seldom any, and in long clips the window would wait for the sums."""
        if not cells.any():
            return np.zeros((len(_GROUPS), len(cells)), np.uint8)
        return np.ascontiguousarray((cells @ self._members).T.astype(np.uint8))

    def under(
        self, joints: tuple[int, ...], start: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], ...]:
        """(columns,) shares, 0 to 1, of cells hidden by a person, missing, and unsure, in frames start to end (excluded).
        Not to be written to."""
        if self._hidden.shape[1] != len(self._session):
            self.forget()
            self._hidden, self._missing, self._unsure = self._count(slice(None))
        group = _GROUPS.index(joints)
        told = self._told.get(group)
        if told is None or not (np.array_equal(told.start, start) and np.array_equal(told.end, end)):
            told = self._told[group] = _Shares(start, end, self._shares(group, start, end))
        return told.of

    def _shares(self, group: int, start: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
        cells = (end - start) * len(_GROUPS[group])
        return tuple(_sums(counts[group], start, end) / cells for counts in self._all())


def _sums(counts: NDArray[np.uint8], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of frames start to end (excluded); both rise."""
    low = int(start[0])
    so_far = np.concatenate(([0], np.cumsum(counts[low : int(end[-1])], dtype=np.int64)))
    return (so_far[end - low] - so_far[start - low]).astype(np.float64)


def draw_cells(
    counts: CellCounts, lanes: Sequence[Lane], scale: TimeScale, theme: Theme, palette_name: str, ratio: float
) -> QImage:
    """All lanes side by side, `ratio` pixels of the picture to one of the widget: plain where everything is shown, dark where
    a person hid it, brown where it was not measured, striped where that holds for a part of what is under a pixel."""
    width = max(round(scale.width * ratio), 1)
    height = max(round((lanes[-1].top + lanes[-1].height - lanes[0].top) * ratio), 1)
    start, end = scale.columns(width)
    pixels = np.zeros((height, width), np.uint32)
    dark, brown, amber = (QColor(c).rgba() for c in (theme.hidden_cell, theme.missing_cell, theme.warning))
    column, frame_px, period = np.arange(width), scale.frame_px * ratio, _HATCH_PX * ratio
    for lane in lanes:
        top = round((lane.top - lanes[0].top + _GAP_PX) * ratio)
        row = np.arange(top, max(round((lane.top - lanes[0].top + lane.height - _GAP_PX) * ratio), top + 1))
        hidden, missing, unsure = (widened(s, frame_px, ratio) for s in counts.under(lane.joints, start, end))
        part = np.full((len(row), width), _cell_colour(lane, theme, palette_name).rgba(), np.uint32)
        if lane.is_joint and unsure.any():
            falling = (column[None] - row[:, None]) % period < period * _THIN_SHARE
            part[falling & (unsure > 0)] = amber
        for share, colour in ((missing, brown), (hidden, dark)):
            if share.any():
                rising = (column[None] + row[:, None]) % period < period * _HATCH_SHARE
                part[(share >= 1) | rising & (share > 0)] = colour
        pixels[row[0] : row[-1] + 1] = part
    picture = QImage(pixels.tobytes(), width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()
    picture.setDevicePixelRatio(ratio)
    return picture


def widened(values: NDArray[np.floating], frame_px: float, ratio: float, nothing: float = 0.0) -> NDArray[np.floating]:
    """Values (columns,) with everything that is more than nothing wide enough to be seen. frame_px: how many columns of the
    picture a frame has, ratio: how many a pixel of the widget."""
    lack = _NARROWEST_PX * ratio - max(frame_px, 1.0)
    if lack <= 0 or not (values > nothing).any():
        return values
    reach = int(np.ceil(lack / 2))
    padded = np.pad(values, reach, constant_values=nothing)
    around = np.max([padded[k : k + len(values)] for k in range(2 * reach + 1)], axis=0)
    return np.where(values > nothing, values, around)


def _cell_colour(lane: Lane, theme: Theme, palette_name: str) -> QColor:
    """The side's colour, muted by the theme's cell colour."""
    side = theme.palettes[palette_name].side(MPM16.side(lane.joints[-1]))
    mix = 0.55 * look.rgb(side) + 0.45 * look.rgb(QColor(theme.cell))
    return QColor.fromRgbF(*(float(c) for c in mix))
