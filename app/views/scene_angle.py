"""The angle of view of the scene, which counts across the widget: one that is wide and low shows a person whole too."""

from __future__ import annotations

import math

_WIDEST = 1.25
"""Width to height up to which the angle is as it is meant; beyond, what is seen from top to bottom stays as much."""


def refitted(angle_deg: float, before: float, now: float) -> float:
    """The angle, in degrees, for a view of `now` in width to height that shows what `angle_deg` did in one of `before`."""
    across = math.tan(math.radians(angle_deg / 2)) * max(now, _WIDEST) / max(before, _WIDEST)
    return math.degrees(2 * math.atan(across))
