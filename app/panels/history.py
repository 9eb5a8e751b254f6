"""The dialog that tells what was done to a clip and for the answer on show."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.choices import box_of
from mpm_core.provenance import History

_SIZE = (640, 380)


class HistoryDialog(QDialog):
    """A row per step, the first thing first; can be copied as text. kept: what was done for answers that are kept, by their
    names, which can be looked at instead."""

    def __init__(
        self, name: str, history: History, parent: QWidget | None = None, kept: Mapping[str, History] | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("What was done")
        title = QLabel(f"{name}: what was done, and what was assumed")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setWordWrap(True)
        self.answers = box_of(dict(enumerate(("Clip and current answer", *(kept or {})))))
        self.answers.setVisible(bool(kept))
        self._histories = (history, *(kept or {}).values())
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["When", "What"])
        self.table.verticalHeader().hide()
        self.table.setWordWrap(True)
        self.table.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, QFontMetrics(self.font()).horizontalAdvance("2026-11-26 17:40") + 24)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(title)
        layout.addWidget(self.answers)
        layout.addWidget(self.table)
        layout.addWidget(buttons)
        self.resize(*_SIZE)
        self.answers.currentIndexChanged.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        history = self._histories[self.answers.currentData()]
        self.table.setRowCount(len(history))
        for row, step in enumerate(history):
            self.table.setItem(row, 0, QTableWidgetItem(step.time))
            what = QTableWidgetItem(step.text[:1].upper() + step.text[1:])
            what.setToolTip(step.text)
            self.table.setItem(row, 1, what)

    def copy(self) -> None:
        """Put the steps on the clipboard, a line each."""
        history = self._histories[self.answers.currentData()]
        QApplication.clipboard().setText("\n".join(f"{step.time}  {step.text}" for step in history))
