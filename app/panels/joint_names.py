"""The table that asks which joint each unknown name of a file is, beside a pose with the joints numbered."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QHeaderView, QLabel, QTableWidget, QVBoxLayout, QWidget

from app.document.words import name_in_words
from mpm_core.formats.base import UnknownJoints
from mpm_core.skeleton import NAMED

_PICTURE = QSize(240, 320)
_NOTHING = "(none)"


class JointNames(QWidget):
    """A row per joint of the file with a choice of ours; `joint_map()` holds the answers."""

    def __init__(self, unknown: UnknownJoints, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unknown = unknown
        self._table = QTableWidget(len(unknown.names), 2)
        self._table.setHorizontalHeaderLabels(["In the file", "Joint"])
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._table.setVerticalHeaderLabels([str(number + 1) for number in range(len(unknown.names))])
        self._table.setMinimumSize(320, 320)
        self._choices = [self._add_row(row, name) for row, name in enumerate(unknown.names)]
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Which joint is each? Names that we do not know were guessed by their place: please check."))
        beside = QHBoxLayout()
        beside.addWidget(self._table, 1)
        beside.addWidget(_NumberedPose(unknown))
        layout.addLayout(beside)

    def joint_map(self) -> dict[str, str]:
        """Our joint for each name of the file, empty for those that are left out."""
        joints = [str(choice.currentData()) for choice in self._choices]
        return dict(zip(self._unknown.names, joints, strict=True))

    def _add_row(self, row: int, name: str) -> QComboBox:
        self._table.setCellWidget(row, 0, QLabel(f" {name}"))
        choice = QComboBox()
        choice.addItem(_NOTHING, "")
        for words, joint in sorted((name_in_words(joint), joint) for joint in NAMED.joints):
            choice.addItem(words, joint)
        choice.setCurrentIndex(max(choice.findData(self._unknown.guesses.get(name) or ""), 0))
        self._table.setCellWidget(row, 1, choice)
        return choice


class _NumberedPose(QWidget):
    """The joints of one pose, each with its row's number."""

    def __init__(self, unknown: UnknownJoints) -> None:
        super().__init__()
        self._pose = unknown.pose
        self.setFixedSize(_PICTURE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = np.isfinite(self._pose).all(-1)
        if not seen.any():
            return
        box = QRectF(self.rect()).adjusted(16, 16, -28, -16)
        low, high = self._pose[seen].min(0), self._pose[seen].max(0)
        scale = min(box.width() / max(high[0] - low[0], 1e-9), box.height() / max(high[1] - low[1], 1e-9))
        painter.setPen(self.palette().text().color())
        painter.setBrush(self.palette().highlight())
        for number in np.flatnonzero(seen):
            x, y = (self._pose[number] - low) * scale
            place = QPointF(box.left() + float(x), box.top() + float(y))
            painter.drawEllipse(place, 3, 3)
            painter.drawText(place + QPointF(5, 4), str(int(number) + 1))
        painter.end()
