"""The arrow on the floor of the scene that shows which way things fall, and how well that is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.opengl import GLGraphicsItem, GLLinePlotItem, GLTextItem
from PySide6.QtGui import QColor, QFont

from app.look.theme import Theme
from mpm_core.grounding.up import Up

_BESIDE_M = np.array([-1.0, -0.5, 0.0])  # to the left in the views that scenes begin with
_LENGTH_M, _HEAD_M = 0.45, 0.1
_LABEL_PX = 11


class GravityArrow:
    """Two items for a scene with z up: the arrow, which ends on the floor, and what it says."""

    def __init__(self) -> None:
        self._arrow = GLLinePlotItem(mode="lines", antialias=True, width=2.0)
        font = QFont()
        font.setPixelSize(_LABEL_PX)
        self._label = GLTextItem(font=font)
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = (self._arrow, self._label)

    def show(self, floor: NDArray[np.float64], up: Up | None, theme: Theme) -> None:
        """Beside a place (3,) on the floor, in metres; nothing of no clip, with None."""
        for item in self.items:
            item.setVisible(up is not None)
        if up is None:
            return
        end = floor + _BESIDE_M
        start, neck = (end + np.array((0, 0, height)) for height in (_LENGTH_M, _HEAD_M))
        half = _HEAD_M / 2
        barbs = [neck + np.array(side) for side in ((half, 0, 0), (-half, 0, 0), (0, half, 0), (0, -half, 0))]
        points = [start, end] + [point for barb in barbs for point in (barb, end)]
        colour = QColor(theme.muted if up.source == "level" else theme.accent)
        self._arrow.setData(pos=np.array(points, np.float32), color=colour)
        self._label.setData(pos=start + np.array((0.05, 0, 0)), color=colour, text=describe_gravity(up))


def describe_gravity(up: Up) -> str:
    """A few words on the arrow."""
    if up.source == "level":
        return "gravity, if the camera is level"
    return "gravity" if up.error_deg is None else f"gravity ± {up.error_deg:.0f}°"
