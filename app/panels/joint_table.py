"""The table of joints: how far off each is over the range, hidden and visible apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGroupBox, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from app.document.words import joint_in_words
from app.panels.tables import FiguresTable, Rows
from mpm_core.comparison import JointFigures, joint_rows, number_text
from mpm_core.skeleton import MPM16

_DIGITS = {"error": 0, "reprojection": 1, "confidence": 2, "uncertainty": 0}
_SHORT = {"error": "error", "reprojection": "reproj.", "confidence": "conf.", "uncertainty": "unc."}
_FULL = {"error": "Error", "reprojection": "Reprojection error", "confidence": "Confidence", "uncertainty": "Uncertainty"}
_PARTS = {"all": "", "hidden": "hidden", "visible": "visible"}
_TIPS = {
    "error": "Mean distance from the ground truth, Hip at zero",
    "reprojection": "Mean distance from the keypoint to the 3D as the camera sees it",
    "confidence": "Mean confidence of the detector",
    "uncertainty": "How far hypotheses lie from their mean: the plain and the mirrored answer, or those that were drawn",
}
_WHERE = {"all": "", "hidden": ", where the joint was hidden from the lifter", "visible": ", where the lifter was shown it"}


_GIVES_WAY = [(what, part) for what in ("confidence", "reprojection", "uncertainty", "error") for part in ("visible", "hidden")]
"""Columns that a narrow panel leaves out, the first one first."""


class JointTable(QGroupBox):
    """A row for each joint; with ground truth its error, else reprojection, confidence and uncertainty. No column is cut: those
    that have no room are left out, and said to be."""

    def __init__(self) -> None:
        super().__init__("Each joint")
        self._figures: tuple[JointFigures, ...] = ()
        self._columns: list[tuple[str, str]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        self.table = FiguresTable(self.rows)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._copy = QPushButton("Copy table")
        self._copy.setToolTip("With all digits, for a spreadsheet (Ctrl+C in the table)")
        self._copy.clicked.connect(lambda _=False: self.table.copy())
        self._rest = QLabel()
        self._rest.setProperty("role", "muted")
        self._rest.setWordWrap(True)
        column.addWidget(self.table)
        column.addWidget(self._rest)
        column.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignLeft)

    def rows(self) -> Rows:
        """The table as it is copied."""
        return joint_rows(self._figures)

    def show_figures(self, figures: Sequence[JointFigures]) -> None:
        """Take over new figures; columns in which nothing is known are left out."""
        self._figures = tuple(figures)
        columns = [
            (one, part)
            for one in figures
            for part in _PARTS
            if part == "all" or (one.frames_hidden.any() and all(np.isfinite(has).any() for has in (one.hidden, one.visible)))
        ]
        labels, tips = ["Joint"], [""]
        for one, part in columns:
            unit = f" ({one.unit})" if one.unit else ""
            # In two lines each, so that columns are as narrow as their figures.
            labels.append(f"{_SHORT[one.what]}\n{_PARTS[part] or one.unit or 'all'}")
            tips.append(f"{_FULL[one.what]}{unit}: {_TIPS[one.what][0].lower()}{_TIPS[one.what][1:]}{_WHERE[part]}")
        self.table.set_heading(labels, tips)
        self.table.setRowCount(len(MPM16))
        for joint in range(len(MPM16)):
            self.table.put(joint, 0, joint_in_words(joint))
            for place, (one, part) in enumerate(columns, 1):
                self.table.put(joint, place, number_text(getattr(one, part)[joint], _DIGITS[one.what]))
        height = self.table.horizontalHeader().sizeHint().height() + len(MPM16) * self.table.rowHeight(0)
        self.table.setFixedHeight(height + self.table.horizontalScrollBar().sizeHint().height() + 2)
        self._columns = [(one.what, part) for one, part in columns]
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Leave out as many columns as have no room, and say which."""
        header = self.table.horizontalHeader()
        for place in range(len(self._columns) + 1):
            self.table.setColumnHidden(place, False)
        self.table.resizeColumnsToContents()
        room = self.contentsRect().width() - 2 * self.table.frameWidth()
        left_out: dict[str, list[str]] = {}
        for what, part in _GIVES_WAY:
            if (what, part) in self._columns and header.length() > room:
                self.table.setColumnHidden(self._columns.index((what, part)) + 1, True)
                left_out.setdefault(what, []).insert(0, part)
        words = [f"{_FULL[what].lower()} of {' and '.join(parts)} joints" for what, parts in left_out.items()]
        self._rest.setText(f"{'; '.join(words).capitalize()}: in a wider panel, and in the copied table." if words else "")
        self._rest.setVisible(bool(words))
