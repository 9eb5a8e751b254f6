"""The angle of view of the scene, which counts across the widget: one that is wide and low shows a person whole too; and from
how far off several people are seen beside one another."""

from __future__ import annotations

import math

_WIDEST = 1.25
"""Width to height up to which the angle is as it is meant; beyond, what is seen from top to bottom stays as much."""


def refitted(angle_deg: float, before: float, now: float) -> float:
    """The angle, in degrees, for a view of `now` in width to height that shows what `angle_deg` did in one of `before`."""
    across = math.tan(math.radians(angle_deg / 2)) * max(now, _WIDEST) / max(before, _WIDEST)
    return math.degrees(2 * math.atan(across))


class StepBack:
    """Farther off while several people stand side by side, and back again after that."""

    def __init__(self) -> None:
        self._before: float | None = None
        self._given = 0.0

    def distance(self, now: float, needed: float | None) -> float:
        """From how far off to look, metres. now: from where somebody looks; needed: from where all are seen, None once they
        stand in one place again. Who has come nearer or gone farther off meanwhile stays there."""
        if needed is None:
            back = now if self._before is None or now != self._given else self._before
            self._before = None
            return back
        self._before, self._given = now, max(now, needed)
        return self._given
