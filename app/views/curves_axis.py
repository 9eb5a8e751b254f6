"""The axis below the curves: it counts what the timeline's ruler counts, at the same places."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg

from app.document.session import Session
from app.views.time_scale import TimeScale
from app.views.timeline_parts import ruler_marks


class FrameAxis(pg.AxisItem):
    """Frames from 1, or seconds."""

    def __init__(self, session: Session) -> None:
        super().__init__("bottom")
        self._session = session
        self._shows_seconds = False
        self._texts: dict[float, str] = {}

    def set_seconds(self, shows_seconds: bool) -> None:
        """Whether it counts seconds, not frames."""
        self._shows_seconds = shows_seconds
        self.refresh()

    def refresh(self) -> None:
        """The clip's times are others."""
        self.picture = None
        self.update()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """See AxisItem: one level of marks."""
        clip = self._session.clip
        if clip is None or maxVal <= minVal:
            return []
        scale = TimeScale(minVal, maxVal - minVal, 0.0, max(size, 1.0), len(clip))
        self._texts = dict(ruler_marks(scale, clip.times if self._shows_seconds else None))
        return [(1.0, [*self._texts])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """See AxisItem."""
        return [self._texts.get(value, "") for value in values]
