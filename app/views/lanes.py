"""The rows of the timeline: a lane per limb, which unfolds to its joints."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.look import theme as look
from mpm_core.skeleton import LIMBS, MPM16


@dataclass(frozen=True)
class Lane:
    """A row of cells: a limb with all its joints, or one joint of an unfolded limb. top, height in pixels."""

    label: str
    joints: tuple[int, ...]
    limb: str
    is_joint: bool
    top: float
    height: float


def build_lanes(unfolded: Collection[str]) -> list[Lane]:
    """The rows from top to bottom; `unfolded` names the limbs that show their joints."""
    top = float(look.RULER_HEIGHT + look.CURVE_HEIGHT)
    rows = []
    for limb in LIMBS:
        joints = MPM16.limb(limb)
        rows.append(Lane(limb.capitalize(), joints, limb, False, top, look.LANE_HEIGHT))
        top += look.LANE_HEIGHT
        if limb in unfolded:
            for joint in joints:
                rows.append(Lane(MPM16.joints[joint], (joint,), limb, True, top, look.JOINT_LANE_HEIGHT))
                top += look.JOINT_LANE_HEIGHT
    return rows
