"""Tables of figures that can be copied: rows of texts, whose heading stays in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from mpm_core.comparison import table_text

Rows = list[list[str]]

_ROW_HEIGHT = 22


class FiguresTable(QTableWidget):
    """Read-only by default. `whole`: the table as it is copied, heading first, with all digits."""

    def __init__(self, whole: Callable[[], Rows]) -> None:
        super().__init__()
        self._whole = whole
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setMinimumSectionSize(20)

    def set_heading(self, labels: Sequence[str], tips: Sequence[str]) -> None:
        """What stands over the columns; the first is to the left, numbers are to the right."""
        self.setColumnCount(len(labels))
        for column, (label, tip) in enumerate(zip(labels, tips, strict=True)):
            item = QTableWidgetItem(label)
            item.setToolTip(tip)
            item.setTextAlignment(_ALIGNED[column > 0])
            self.setHorizontalHeaderItem(column, item)

    def put(self, row: int, column: int, text: str) -> QTableWidgetItem:
        """A text in a cell; returns the cell."""
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(_ALIGNED[column > 0])
            self.setItem(row, column, item)
        item.setText(text)
        return item

    def copy(self) -> None:
        """The whole table to the clipboard, as spreadsheets take it."""
        QGuiApplication.clipboard().setText(table_text(self._whole(), "\t"))

    def event(self, event: QEvent) -> bool:
        """Take Ctrl+C before the window's own meaning of it does."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Copy):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)


_ALIGNED = {
    False: Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
    True: Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
}
