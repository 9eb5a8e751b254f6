"""The rows of the timeline from top to bottom: where each is, and what it is about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.document.words import joint_in_words
from app.look import theme as look
from mpm_core.skeleton import LIMBS, MPM16

_LEAST_CURVE = 30.0
_NARROWEST_LANES = 0.7
"""Lanes may become so much lower than they usually are where the curve needs the room."""


@dataclass(frozen=True)
class Lane:
    """A row of cells: a limb with all its joints, or one joint of an unfolded limb. top, height in pixels."""

    label: str
    joints: tuple[int, ...]
    limb: str
    is_joint: bool
    top: float
    height: float


@dataclass(frozen=True)
class Rows:
    """Top and bottom of everything, in pixels: ruler, flags, curve, lanes, feet, overview, legend."""

    ruler: tuple[float, float]
    flags: tuple[float, float]
    curve: tuple[float, float]
    lanes: tuple[Lane, ...]
    feet: tuple[float, float]
    overview: tuple[float, float]
    legend: tuple[float, float]

    def lane_at(self, y: float) -> Lane | None:
        return next((lane for lane in self.lanes if lane.top <= y < lane.top + lane.height), None)


def natural_height(unfolded: Collection[str], text: float) -> float:
    """What all rows take, with curve and lanes as they usually are; text: how large its lines are, see line_scale."""
    return (_around() + look.CURVE_HEIGHT + _lanes_height(unfolded)) * text


def lowest_height(unfolded: Collection[str], text: float) -> float:
    """What all rows take where the curve is as low as it can be."""
    return natural_height(unfolded, text) - (look.CURVE_HEIGHT - _LEAST_CURVE) * text


def arrange(height: float, unfolded: Collection[str], curve: float, text: float) -> Rows:
    """Put the rows into a height; `curve` is what a person wants for the curve, which also takes what is left over."""
    lanes = _lanes_height(unfolded) * text
    room = max(height - _around() * text, _LEAST_CURVE + lanes * _NARROWEST_LANES)
    spare = room - lanes - look.CURVE_HEIGHT * text
    curve = min(max(curve + max(spare, 0.0), _LEAST_CURVE), room - lanes * _NARROWEST_LANES)
    scale = min((room - curve) / lanes, 1.0) * text
    ruler = (0.0, look.RULER_HEIGHT * text)
    flags = (ruler[1], ruler[1] + look.FLAGS_HEIGHT * text)
    curve_rows = (flags[1], flags[1] + curve)
    rows = _build_lanes(unfolded, curve_rows[1], scale)
    feet = (rows[-1].top + rows[-1].height, rows[-1].top + rows[-1].height + look.FEET_HEIGHT * text)
    overview = (feet[1], feet[1] + look.OVERVIEW_HEIGHT * text)
    legend = (overview[1], overview[1] + look.LEGEND_HEIGHT * text)
    return Rows(ruler, flags, curve_rows, rows, feet, overview, legend)


def _around() -> float:
    """Everything but curve and lanes."""
    return look.OVERVIEW_HEIGHT + look.RULER_HEIGHT + look.FLAGS_HEIGHT + look.FEET_HEIGHT + look.LEGEND_HEIGHT


def _lanes_height(unfolded: Collection[str]) -> float:
    joints = sum(len(MPM16.limb(limb)) for limb in LIMBS if limb in unfolded)
    return len(LIMBS) * look.LANE_HEIGHT + joints * look.JOINT_LANE_HEIGHT


def _build_lanes(unfolded: Collection[str], top: float, scale: float) -> tuple[Lane, ...]:
    rows = []
    for limb in LIMBS:
        joints = MPM16.limb(limb)
        rows.append(Lane(limb.capitalize(), joints, limb, False, top, look.LANE_HEIGHT * scale))
        top += rows[-1].height
        if limb in unfolded:
            for joint in joints:
                rows.append(Lane(joint_in_words(joint), (joint,), limb, True, top, look.JOINT_LANE_HEIGHT * scale))
                top += rows[-1].height
    return tuple(rows)
